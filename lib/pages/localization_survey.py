"""Which findings of feeney2021localization hold in which networks: each a plain inequality."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from lib.pages.localization import (
    BOTH,
    SQUARED,
    Place,
    agreement_place,
    distance_place,
    map_error_place,
)
from lib.pages.localization_measured import ERROR, RANKED, SALIENCY, large_place
from lib.pages.localization_tables import VALIDATION, Source

EARLIER, OTHER = "earlier epochs", "other rate or noise"
KINDS = ("normal", "novel")


def held(source: Source, ks: Sequence[int], *, first: str) -> pd.DataFrame:
    """In how many cases each finding is true; a case is a network at one epoch.

    The index has finding and group: the classes trained on (`first` where rows name none), OTHER or
    EARLIER; columns true and of. The first epoch is left out, and so is a last epoch that is shown
    beside the finished network: its validation error stands with that. A finding is an inequality
    that must hold for each kind of images that there is.
    """
    counted: dict[tuple[str, str], list[bool]] = {}
    for (text, _), group in source.of_method().groupby(["variant", "seed"], sort=False):
        setting = source.beside_base(str(text))
        if "transform" in setting or setting.get("epochs_shown") == "1":
            continue
        places = group[[*Place._fields, "class"]].itertuples(index=False, name=None)
        values = dict(zip(places, group["value"], strict=True))
        if "epochs_shown" in setting and (*VALIDATION, "normal") not in values:
            continue
        for finding, margins in _margins(values, ks).items():
            if margins and np.isfinite(margins).all():
                where = finding, _group_of(setting, first)
                counted.setdefault(where, []).append(min(margins) > 0)
    counts = {where: (sum(each), len(each)) for where, each in counted.items()}
    found = pd.DataFrame.from_dict(counts, orient="index", columns=["true", "of"])
    found.index = pd.MultiIndex.from_tuples(list(counts), names=["finding", "group"])
    return found


def held_texts(counts: pd.DataFrame, groups: Collection[str]) -> pd.DataFrame:
    """`held` as a page shows it: `3 of 3`, one column per group, in this order; empty without."""
    texts = counts["true"].astype(str) + " of " + counts["of"].astype(str)
    wide = texts.unstack("group").rename_axis(index=None, columns=None).sort_index()
    return wide[[group for group in groups if group in wide]].fillna("")


def held_in_all(counts: pd.DataFrame, groups: Collection[str]) -> dict[str, tuple[int, int]]:
    """In how many cases of these groups each finding of `held` is true, and of how many."""
    inside = counts.index.isin(list(groups), level="group")
    sums = counts.mul(inside.astype(int), axis="index").groupby(level="finding").sum()
    return {str(name): (int(true), int(of)) for name, true, of in sums.itertuples()}


def _margins(values: Mapping[tuple[str, ...], float], ks: Sequence[int]) -> dict[str, list[float]]:
    """By how much each finding holds, a margin for each kind where it is about single kinds."""
    k = max(ks)
    few, far = agreement_place(k, most=False), distance_place(k)

    def value(place: Place | float, kind: str) -> float:
        return values.get((*place, kind), np.nan) if isinstance(place, Place) else place

    # the first must exceed the second, for each kind
    exceed: dict[str, tuple[Place, Place | float]] = {
        "1: more large values in saliency": (large_place(SALIENCY), large_place(ERROR)),
        f"3: at most {k // 2} of {k} shared in most images": (few, 0.5),
        "5: a salient pixel ≥ 3 pixels from large errors": (far, 3.0),
        "6: squared saliency is closer to the error": (
            map_error_place(BOTH),
            map_error_place(SQUARED),
        ),
    }
    # normal images must exceed the novel ones
    gaps = {"2: rank correlation lower for novel images": RANKED}
    gaps |= {agree_less(each): agreement_place(each, most=True) for each in ks}
    present = [kind for kind in KINDS if (*few, kind) in values]
    return {
        **{name: [value(a, w) - value(b, w) for w in present] for name, (a, b) in exceed.items()},
        **{name: [value(a, "normal") - value(a, "novel")] for name, a in gaps.items()},
    }


def agree_less(k: int) -> str:
    """The name of finding 4 in `held`."""
    return f"4: novel images agree less, K = {k}"


def _group_of(setting: Mapping[str, str], first: str) -> str:
    if "epochs_shown" in setting:
        return EARLIER
    return OTHER if {"lr", "noise"} & set(setting) else f"on {setting.get('arm', first)}"
