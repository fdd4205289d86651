"""The tables of stronger attacks than spigler2019denoising's, read off result rows."""

import math
from collections.abc import Callable, Collection

import pandas as pd

from lib.pages import dae
from lib.results.sources import Sources, chosen, mean_of, mean_words, place_words, rate_words
from lib.results.variants import parse_variant

NEAREST = {
    "table": "fooling-images",
    "metric": "median distance to the nearest training image",
}


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


def step_table(of: Sources, thresholds: Collection[float], *, seed: int) -> pd.DataFrame:
    """Mean steps and rates of the slides' attack by the length of its steps, of one seed.

    Lines by set, network and length, only of sets where another length was tried; a column per
    threshold. Empty where none was.
    """
    found: dict[tuple[str, str, str], dict[str, str]] = {}
    for where in of.places:
        settings = map(parse_variant, of.rows(where)["variant"].unique())
        arms = dict.fromkeys(s["arm"] for s in settings if s.get("arm", "").startswith("step x"))
        lengths = {arm: f"{arm.removeprefix('step x ')} times as long" for arm in arms}
        for name in (dae.CNN, dae.SYM) if arms else ():
            for arm, words in {"": "ours", **lengths}.items():
                setting = {"arm": arm} if arm else None
                found[where, name, words] = {
                    dae.word_of(level): _steps(of, where, name, level, setting, seed)
                    for level in thresholds
                }
            printed = {
                level: dae.printed_value(of.published, where, name, dae.MEAN_STEPS, level)
                for level in thresholds
            }
            if any(value is not None for value in printed.values()):
                found[where, name, "the slides'"] = {
                    dae.word_of(level): "" if value is None else f"{value:,.1f}"
                    for level, value in printed.items()
                }
    table = pd.DataFrame.from_dict(found, orient="index")
    return table.rename_axis(["set", "network", "steps"]) if len(table) else table


def _steps(
    of: Sources, where: str, name: str, level: float, setting: dict[str, str] | None, seed: int
) -> str:
    steps, rate = (
        found.loc[found["seed"] == seed, "value"].mean()
        for score in (dae.MEAN_STEPS, dae.RATE)
        for found in [
            chosen(of, where, dae.cells(score, level) | {"method": name}, setting=setting)
        ]
    )
    return f"{steps:,.1f} (rate {rate:.2f})" if rate > 0 else "none"


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
