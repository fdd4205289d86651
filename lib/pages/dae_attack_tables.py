"""The tables of stronger attacks than spigler2019denoising's, read off result rows."""

import math
from collections.abc import Callable

import pandas as pd

from lib.pages import dae
from lib.results.sources import Sources, mean_of, mean_words, place_words, rate_words
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
