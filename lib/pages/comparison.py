"""The numbers of the comparison's page that are read off several rows at once."""

import pandas as pd

from lib.metrics import pearson_interval
from lib.pages.gradcon_classes import correlation
from lib.results.variants import parse_variant, variant

GRADCON = "GradCon"
SHARES = "fashion-mnist"  # the published table of F1 and AUC over outlier shares


def lines_of(table: pd.DataFrame, *aside: str) -> pd.DataFrame:
    """Rows as the page shows them: another form of a score is a line of its own.

    Its name stands in brackets behind the method's. Settings set `aside` are taken out of the
    variant too, for rows of one run alone.
    """
    kept = table[table["table"].isin(["sota-auroc", SHARES])].copy()
    settings_of = [parse_variant(text) for text in kept["variant"]]
    forms = [setting.pop("form", "") for setting in settings_of]
    kept["variant"] = [
        variant(**{key: value for key, value in setting.items() if key not in aside})
        for setting in settings_of
    ]
    kept["method"] += [f" ({form})" if form else "" for form in forms]
    return kept


def share_curve(table: pd.DataFrame, dataset: str, method: str, metric: str) -> pd.Series:
    """Mean over seeds of one method's metric, by outlier share in percent, ascending.

    `table` holds result rows, or published ones, which have no variant.
    """
    kept = table[(table["table"] == SHARES) & (table["dataset"] == dataset)]
    kept = kept[(kept["method"] == method) & (kept["metric"] == metric)]
    kept = kept[kept["variant"] == ""] if "variant" in kept else kept
    share = kept["class"].str.extract(r"outliers=(.+)%")[0].astype(float)
    return kept.groupby(share)["value"].mean().sort_index()


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


def beside_printed(table: pd.DataFrame, document: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """How near our rows come to the document's of the same method, class by class, nearest first.

    Ours are on all test images, over the seeds that all methods have; another form of a score is
    held against the same printed row. The index has the methods, the columns the two means over
    classes, the mean absolute difference of a class, and Pearson's r over the classes as text.
    Methods without one of the printed classes are left out.
    """
    kept = document[(document["table"] == "sota-auroc") & (document["dataset"] == dataset)]
    printed = kept[kept["class"] != "average"].pivot(
        index="method", columns="class", values="value"
    )
    lines = {}
    for name, ours in auroc_by_class(table, dataset, test="test=full").iterrows():
        theirs = printed.T.get(str(name).partition(" (")[0], pd.Series(dtype=float)).dropna()
        ours = ours.reindex(theirs.index)
        if len(ours.dropna()) < len(theirs) or ours.nunique() < 2:
            continue
        difference = (ours - theirs).abs().mean()
        r = correlation(pearson_interval(theirs, ours))
        lines[str(name)] = theirs.mean(), ours.mean(), difference, r
    columns = ["printed", "ours", "difference by class", "r"]
    found = pd.DataFrame.from_dict(lines, orient="index", columns=columns)
    return found.sort_values("difference by class")


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
