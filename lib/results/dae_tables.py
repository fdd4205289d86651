"""The tables of the page on spigler2019denoising, read off result rows."""

import math
from collections.abc import Callable, Collection, Sequence

import pandas as pd

from lib.metrics import student_interval
from lib.results import dae
from lib.results.sources import (
    Cells,
    Sources,
    as_columns,
    chosen,
    mean_of,
    mean_words,
    place_words,
    rate_words,
)
from lib.results.tables import interval_text
from lib.results.variants import parse_variant

CLUTTER = {"table": "clutter", "metric": "mean norm of the error"}
NEAREST = {
    "table": "fooling-images",
    "metric": "median distance to the nearest training image",
}


def theory_means(toy_rows: pd.DataFrame) -> pd.DataFrame:
    """Agreement with the density of the plane, means over seeds, a line per network and noise."""
    kept = toy_rows[toy_rows["table"] == "theory"]
    kept = kept.assign(noise=[parse_variant(text)["noise"] for text in kept["variant"]])
    return kept.pivot_table(
        index=["method", "noise"], columns=["score", "metric"], values="value", sort=False
    )


def ring_shares(toy_rows: pd.DataFrame) -> pd.DataFrame:
    """Shares of the plane with 0.5 or more, means over seeds, a line per function of the plane."""
    kept = toy_rows[toy_rows["table"] == "rings"]
    wide = kept.pivot_table(index="score", columns="metric", values="value", sort=False)
    return wide.rename_axis(index=None, columns=None)


def fooling_lines(
    of: Sources, score: str, thresholds: Sequence[float], methods: Sequence[str]
) -> dict[tuple[str, ...], dict[str, str]]:
    """A line per set, network and threshold of the document's tables, for `three_columns`."""
    return {
        (title, name, f"{100 * level:g} %"): {
            "dataset": title,
            "method": name,
            **as_columns(dae.cells(score, level)),
        }
        for title in dict.fromkeys([*of.reference, of.full])
        for name in methods
        for level in thresholds
    }


def clutter_lines(of: Sources) -> dict[tuple[str, ...], dict[str, str]]:
    """A line per set and kind of error of dAE sym, for `three_columns`."""
    measured = dict.fromkeys(of.build.loc[of.build["table"] == "clutter", "score"])
    return {
        (title, score): {"dataset": title, "method": dae.SYM, "score": score, **CLUTTER}
        for title in dict.fromkeys([*of.reference, of.full])
        for score in measured
    }


def variant_table(of: Sources, cells: Cells, *, decimals: int) -> pd.DataFrame:
    """A number of all methods and variants, a column per place; other alphas have a table apart."""
    wanted, found = as_columns(cells), {}
    for where in of.places:
        source = of.rows(where)
        kept = source[(source[list(wanted)] == pd.Series(wanted)).all(axis=1)]
        kept = kept[~kept["variant"].str.contains("arm=alpha|arm=printed")]
        for (method, variant), part in kept.groupby(["method", "variant"], sort=False):
            interval = student_interval(part["value"])
            found[method, variant, where] = interval_text(interval, decimals=decimals)
    table = pd.Series(found, dtype=str).unstack(fill_value="", sort=False)
    table = table.rename_axis(index=["network", "variant"])
    return table[[where for where in of.places if where in table]]


def arms_table(of: Sources, thresholds: Collection[float]) -> pd.DataFrame:
    """Alpha, accuracy and fooling rate of dAE sym by place and arm, first seed; the rule's on top.

    Three digits each; empty where an arm has no such number.
    """
    numbers = {"alpha": {"table": "alpha", "metric": "alpha"}}
    for word, score in (("accuracy", dae.ACCURACY), ("fooled", dae.RATE)):
        numbers |= {f"{word} {dae.word_of(t)}": dae.cells(score, t) for t in thresholds}
    found = {}
    for where in of.places:
        source = of.rows(where)
        kept = source[(source["table"] == "alpha") & (source["method"] == dae.SYM)]
        settings = [parse_variant(text) for text in kept["variant"]]
        arms = [setting["arm"] for setting in settings if "arm" in setting]
        for arm in [None, *dict.fromkeys(arms)]:
            setting = {"arm": arm} if arm else None
            parts = {
                word: chosen(of, where, {**cells, "method": dae.SYM}, setting=setting)
                for word, cells in numbers.items()
            }
            found[where, arm or "alpha by the rule"] = {
                word: "".join(f"{v:.3g}" for v in part["value"][:1]) for word, part in parts.items()
            }
    return pd.DataFrame.from_dict(found, orient="index").rename_axis(["set", "arm"])


def attack_rate(
    of: Sources, threshold: float, where: str, attack: str, name: str, *, n: bool = False
) -> str:
    """Rate of a stronger attack at a threshold, the attempts of all seeds together."""
    cells = {"table": dae.STRONGER, "class_": dae.at(threshold), "score": dae.RATE}
    cells |= {"metric": dae.RATE, "method": name}
    return rate_words(of, where, cells, setting={"attack": attack}, n=n)


def attack_gradient(of: Sources, threshold: float, where: str, attack: str, name: str) -> str:
    """Median norm at the start, mean over seeds, and the share of attempts where it is zero."""
    cells = {"table": dae.STRONGER, "class_": dae.at(threshold), "score": "gradient"}
    cells |= {"method": name}
    norm, zero = (
        mean_of(
            of,
            where,
            cells | {"metric": f"{what} at the start"},
            setting={"attack": attack},
        )
        for what in ("median norm", "share of zero")
    )
    return "" if math.isnan(norm) else f"{norm:.2g} ({100 * zero:.0f} %)"


def attack_table(of: Sources, text: Callable[[str, str, str], str]) -> pd.DataFrame:
    """`text(where, attack, network)` of the stronger attacks: lines by place and attack."""
    found = {}
    for where in of.places:
        source = of.rows(where)
        variants = source.loc[source["table"] == dae.STRONGER, "variant"].unique()
        for attack in dict.fromkeys(parse_variant(given)["attack"] for given in variants):
            texts = {name: text(where, attack, name) for name in dae.NETWORKS}
            if any(texts.values()):
                found[where, attack] = texts
    table = pd.DataFrame.from_dict(found, orient="index").rename_axis(["set", "attack"])
    return table.loc[:, (table != "").any()]


def attempts_words(of: Sources, where: str) -> str:
    """How many attempts a stronger attack had: `600 on MNIST`."""
    rows = of.rows(where)
    kept = rows[(rows["table"] == dae.STRONGER) & (rows["method"] == dae.CNN)]
    kept = kept[kept["metric"] == dae.RATE].drop_duplicates("seed")
    return f"{kept['n'].sum():,} {place_words(of, where)}"


# what is measured in words: the method of its row, and what attacked it
NEAR_IMAGES: dict[str, tuple[str, dict[str, str] | None]] = {
    **{word: (word, None) for word in ("black image", "test images", "noise")},
    **{
        f"what fools {name}, {attack}": (name, {"attack": attack})
        for attack in ("generator log", "image of another class")
        for name in dae.NETWORKS
    },
}


def distance(of: Sources, threshold: float, where: str, what: str, *, decimals: int = 3) -> str:
    """The median distance to the nearest training image of one of NEAR_IMAGES."""
    method, setting = NEAR_IMAGES[what]
    cells = NEAREST | {"class_": dae.at(threshold), "method": method}
    return mean_words(of, where, cells, setting=setting, decimals=decimals)


def distance_table(of: Sources, threshold: float) -> pd.DataFrame:
    """`distance` of all NEAR_IMAGES that were measured, a column per place."""
    found = pd.DataFrame(
        {
            where: {what: distance(of, threshold, where, what) for what in NEAR_IMAGES}
            for where in of.places
        }
    )
    return found[(found != "").any(axis=1)]


def open_rows(of: Sources, where: str, cells: Cells) -> pd.DataFrame:
    """Open-set rows with a column count, of known classes; their seed is the order of classes."""
    kept = chosen(of, where, {**cells, "table": dae.OPEN_SET})
    return kept.assign(count=[int(cell.partition("=")[2]) for cell in kept["class"]])


def known_counts(of: Sources, where: str) -> list[int]:
    """Numbers of known classes, of those that leave some unknown, with the most orders."""
    orders = open_rows(of, where, {"method": dae.CNN, "metric": "AUROC"}).groupby("count").size()
    return sorted(orders.index[orders == orders.max()])


def one_class_table(of: Sources) -> pd.DataFrame:
    """AUROC with one known class: lines by place and class, the mean last; methods as columns."""

    def by_class(where: str) -> pd.DataFrame:
        kept = chosen(of, where, {"table": dae.ONE_CLASS, "metric": "AUROC"})
        kept = kept[kept["class"] != "average"]
        wide = kept.pivot_table(
            index="class", columns=["method", "score"], values="value", sort=False
        )
        return pd.concat([wide, wide.mean().to_frame("mean").T])

    parts = {where: by_class(where) for where in of.places}
    return pd.concat(parts, names=["set", "known class"])
