"""The numbers of feeney2021localization that are read off several rows at once."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import pandas as pd

from lib import metrics
from lib.pages.localization import (
    METHOD,
    UNTRAINED,
    Place,
    at,
)
from lib.pages.localization_measured import (
    CHANGED,
    DECISION,
)
from lib.results.select import pick
from lib.results.tables import compared, mean_text
from lib.results.variants import parse_variant, variant

REGION = {"table": "planted-average", "metric": "mean pixel average precision"}
RANKING = {"table": DECISION, "metric": "AUROC"}
VALIDATION = Place("training", "", "validation error")
# columns beside this build's own, as `compared` takes them
BESIDE = {"untrained": {"method": UNTRAINED}, "chance": {"method": "chance"}}
SHORT = {
    "Spearman of absolute values": "of absolutes",
    "Pearson of gradient histograms": "gradient histograms",
    "maximum distance, pixels": "distance",
}


class Source(NamedTuple):
    """Result rows, the images they are read of, and the variant that is their own setting."""

    rows: pd.DataFrame
    dataset: str
    base: str = ""

    def values(self, **cells: str) -> pd.Series:
        """The values with these cells by seed, in the own setting, of METHOD unless given."""
        where = {"dataset": self.dataset, "variant": self.base, "method": METHOD}
        return pick(self.rows, **{**where, **cells})

    def mean(self, **cells: str) -> float:
        """Their mean over seeds, NaN without any."""
        return float(self.values(**cells).mean())

    def of_method(self) -> pd.DataFrame:
        """The rows of METHOD on these images, in any setting."""
        return self.rows[(self.rows["dataset"] == self.dataset) & (self.rows["method"] == METHOD)]

    def beside_base(self, text: str) -> dict[str, str]:
        """The settings of a variant that the own setting does not have."""
        base = parse_variant(self.base)
        return {name: v for name, v in parse_variant(text).items() if base.get(name) != v}


def beside_document(
    lines: Mapping[str, Mapping[str, str]],
    reference: Source,
    build: Source,
    document: pd.DataFrame,
    *,
    beside: Mapping[str, Mapping[str, str]] = BESIDE,
    decimals: int = 3,
) -> pd.DataFrame:
    """Published, reference and this build's numbers, as `compared`, each in its own setting.

    An entry of `lines` is about METHOD unless it says so. Raises BadInput as `compared` does.
    """
    entries = {
        line: {"dataset": reference.dataset, "method": METHOD, **cells}
        for line, cells in lines.items()
    }
    mine = build.rows[build.rows["variant"] == build.base].assign(variant="")
    return compared(
        entries,
        mine,
        reference.rows,
        document,
        stand_in={reference.dataset: build.dataset},
        beside=beside,
        decimals=decimals,
    )


def by_class(source: Source, k: int, *, first: str) -> pd.DataFrame:
    """The share of each class's images whose top k mostly agree, per seed and arm.

    A column arm names the training classes, `first` those of the rows without one. What else is set
    must be the source's base, which has no arm.
    """
    kept = source.of_method()
    kept = kept[(kept["table"] == f"digits-top{k}-agreement") & (kept["class"] != "average")]
    told = [parse_variant(text) for text in kept["variant"]]
    kept = kept.assign(arm=[setting.pop("arm", first) for setting in told])
    return kept.loc[[variant(**setting) == source.base for setting in told]]


def effects(
    table: pd.DataFrame, *, first: str, second: str, inside: Collection[str]
) -> pd.DataFrame:
    """Per seed of `by_class`: the effects of novelty and of the classes (`metrics.swap_effects`).

    From the arms `first`, to which the classes `inside` are normal, and `second`, with the roles
    swapped; seeds without both are left out. Empty without any.
    """
    lines = []
    for _, group in table.groupby("seed"):
        shares = {
            arm: dict(zip(part["class"], part["value"], strict=True))
            for arm, part in group.groupby("arm")
        }
        if first in shares and second in shares:
            pair = shares[first], shares[second]
            lines.append(metrics.swap_effects(*pair, normal_in_first=inside))
    return pd.DataFrame(lines)


def over_epochs(source: Source) -> pd.DataFrame:
    """The rows at single epochs, with the columns epoch and other: what else is set, in words.

    Networks trained on other classes are left out.
    """
    kept = source.of_method()
    kept = kept[kept["variant"].str.contains("epochs_shown=")]
    told = [source.beside_base(text) for text in kept["variant"]]
    kept = kept.assign(epoch=[int(setting.pop("epochs_shown")) for setting in told])
    kept = kept.assign(other=[" ".join(f"{n} {v}" for n, v in more.items()) for more in told])
    return kept.loc[["arm" not in setting for setting in told]]


def regions(source: Source, methods: Mapping[str, str]) -> pd.DataFrame:
    """How well maps find a known region, mean over the kinds of planting, as text.

    `methods` gives the method of each map's rows. One line per map that has rows, one column per
    measure.
    """
    lines: dict[str, dict[str, str]] = {}
    for score, method in methods.items():
        for metric in metrics.REGION_METRICS:
            cells = {"table": REGION["table"], "method": method, "score": score, "metric": metric}
            if text := mean_text(source.values(**cells)):
                lines.setdefault(score, {})[metric.removeprefix("mean ")] = text
    return pd.DataFrame.from_dict(lines, orient="index")


def region_board(reference: Source, build: Source, methods: Mapping[str, str]) -> pd.DataFrame:
    """`regions` of the reference, of this build, of its untrained networks and of chance.

    `methods` as in `regions`. Without the parts that have no rows, empty without any.
    """
    untrained = {score: UNTRAINED for score, method in methods.items() if method == METHOD}
    parts = {
        "reference": regions(reference, methods),
        "this build": regions(build, methods),
        "this build, untrained": regions(build, untrained),
        "chance": regions(build, {"": "chance"}),
    }
    found = {name: part for name, part in parts.items() if len(part)}
    return pd.concat(found) if found else pd.DataFrame()


def under_change(rows: pd.DataFrame, against: str) -> pd.DataFrame:
    """Similarities of saliency after each change, over seeds and both kinds of images.

    `against` is one of CHANGED; one line per change, one column per similarity.
    """
    kept = rows[rows["table"] == CHANGED[against][0]]
    told = [parse_variant(text).get("transform", "as it is") for text in kept["variant"]]
    wide = kept.assign(change=told).pivot_table(
        index="change", columns="metric", values="value", sort=False
    )
    wide = wide[list(metrics.SIMILARITIES)].rename_axis(index="saliency map", columns=None)
    return wide.rename(columns=SHORT)


def rates_tried(source: Source, *, own: float) -> dict[float, float]:
    """The validation error of seed 0 by learning rate, `own` that of rows which name none."""
    kept = at(source.of_method(), VALIDATION)
    kept = kept[kept["seed"] == 0]
    told = [parse_variant(text) for text in kept["variant"]]
    return {
        float(setting.get("lr", own)): value
        for setting, value in zip(told, kept["value"], strict=True)
        if set(setting) <= {"lr"}
    }
