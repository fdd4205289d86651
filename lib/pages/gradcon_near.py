"""Which setting of ours comes nearest to what others print for GradCon, class by class."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from lib.metrics import Interval, pearson_interval
from lib.pages.gradcon import COMPARED, GRADCON, WORDS, change_words
from lib.pages.gradcon_classes import by_class, correlation
from lib.results.variants import parse_variant

OWN = "our own setting"


class Near(NamedTuple):
    """A setting of ours beside printed classes: r, the mean absolute difference, our mean."""

    what: str
    r: Interval
    difference: float
    mean: float


def near_settings(rows: pd.DataFrame, printed: pd.Series, dataset: str) -> list[Near]:
    """GradCon with one setting changed, and without, by how near it comes to printed classes.

    `printed` has AUROC by class; settings that were not run on all of these are left out. Nearest
    first, by the mean absolute difference.
    """
    kept = rows[(rows["method"] == "GradCon") & (rows["score"] == GRADCON)]
    found = []
    for text, part in kept.groupby("variant", sort=False):
        changed = parse_variant(str(text))
        ours = by_class(part, dataset).get((COMPARED, "GradCon", GRADCON))
        if len(changed) > 1 or not set(changed) <= set(WORDS) or ours is None:
            continue
        ours = ours[ours.index.isin(printed.index)].reindex(printed.index).dropna()
        if len(ours) == len(printed) and ours.nunique() > 1:
            what = "".join(change_words(key, value) for key, value in changed.items()) or OWN
            difference = float((ours - printed).abs().mean())
            r = pearson_interval(printed, ours)
            found.append(Near(what, r, difference, float(ours.mean())))
    return sorted(found, key=lambda near: near.difference)


def near_words(found: Mapping[str, Sequence[Near]]) -> str:
    """Of `near_settings` by whose numbers they are: the nearest setting, beside our own."""
    parts, count = [], max((len(settings) for settings in found.values()), default=0)
    for name, settings in found.items():
        shown = [near for near in settings if near is settings[0] or near.what == OWN]
        lines = ", ".join(
            f"{near.what} (difference {near.difference:.3f}, r {correlation(near.r)}, mean "
            f"{near.mean:.3f})"
            for near in shown
        )
        parts.append(f"to {name} {lines}")
    if count < 2:
        return "GradCon has no reference rows with another setting over all classes yet."
    return (
        f"Of {count} settings that were run on all classes, by the mean absolute difference "
        f"over the classes, the nearest are: {'; '.join(parts)}. They were found by looking at the "
        "answer, which makes them a hint and not a fit."
    )
