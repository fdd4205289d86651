"""The numbers of the comparison's page that are read off several rows at once."""

import pandas as pd

from lib.results.variants import parse_variant

GRADCON = "GradCon"


def auroc_by_class(table: pd.DataFrame, dataset: str, *, test: str = "") -> pd.DataFrame:
    """AUROC `[methods, classes]` on one set of test images, means over the seeds all methods have.

    So all saw the same images and draws. `test` is the variant of the rows, "test=full" for all
    test images. The attribute "seeds" tells which they are; empty where no seed is shared.
    """
    kept = table[(table["table"] == "sota-auroc") & (table["dataset"] == dataset)]
    kept = kept[(kept["variant"] == test) & (kept["class"] != "average")]
    every = [set(part) for _, part in kept.groupby("method")["seed"]]
    common = set.intersection(*every) if every else set()
    kept = kept[kept["seed"].isin(common)]
    means = kept.groupby(["method", "class"], sort=False)["value"].mean()
    wide = means.unstack("class", sort=False)
    wide.attrs["seeds"] = sorted(common)
    return wide


def both_draws(table: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Means over a method's own classes on either set of test images, GradCon's on the same ones.

    One line per method, the number of its classes as text. Also the differences between the two
    sets of test images: their mean, and the largest of a class. NaN where there is no number.
    """
    full = auroc_by_class(table, dataset, test="test=full")
    few = auroc_by_class(table, dataset).reindex(full.index)
    there, gaps = full.notna(), full - few
    gradcon = full.T.get(GRADCON, pd.Series(dtype=float))
    return pd.DataFrame(
        {
            "classes": there.sum(axis=1).astype(str),
            "balanced draw": few.mean(axis=1),
            "all test images": full.mean(axis=1),
            "GradCon on these": there.mul(gradcon).where(there).mean(axis=1),
            "difference": gaps.mean(axis=1),
            "largest of a class": gaps.abs().max(axis=1),
        }
    )


def timed_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Milliseconds per image `[seeds, methods]`, with a score's form in brackets."""
    kept = table[table["table"] == "inference-time"]
    forms = [parse_variant(text).get("form", "") for text in kept["variant"]]
    names = kept["method"] + [f" ({form})" if form else "" for form in forms]
    return kept.assign(method=names).pivot_table(index="seed", columns="method", values="value")


def drawn_and_ranked(table: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Each network of GradCon's page: the share of variance it draws, and GradCon's AUROC with it.

    Columns `explained` and `auroc`, indexed by class and seed. A share below 0 is worse than the
    mean image. NaN where a network was not ranked; empty without rows.
    """
    kept = table[(table["dataset"] == dataset) & (table["variant"] == "")]
    kept = kept[kept["class"] != "average"].set_index(["class", "seed"])
    drawn = (kept["method"] == "CAE+Grad") & (kept["metric"] == "explained variance")
    ranked = (kept["method"] == GRADCON) & (kept["metric"] == "AUROC")
    explained, auroc = kept.loc[drawn, "value"], kept.loc[ranked, "value"]
    return pd.DataFrame({"explained": explained, "auroc": auroc.reindex(explained.index)})
