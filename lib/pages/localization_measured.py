"""What this book measures beside feeney2021localization's own numbers, by the names in the rows.

The paper's findings 1 and 2 as numbers, its sections 2.1, 2.3 and 3, and known novel regions.
`found` holds one value per image, by name.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from lib import metrics
from lib.pages.localization import (
    BOTH,
    Measured,
    PerImage,
    Place,
    agreement_place,
    frequencies,
    gap_numbers,
    paper_numbers,
)

ERROR, SALIENCY = "reconstruction error", "saliency"
LARGE = "share of pixels at least 0.5 of the map's maximum"
LARGE_SCORES = (SALIENCY, "squared saliency", ERROR)
RANKED = Place("finding2-spearman", BOTH, "mean Spearman correlation")
MISSED = Place(
    *("finding1-missed", BOTH),
    "share of the 10 most salient pixels off the outline with small error",
)
REACH = {
    of: Place("section3-reach", ERROR, f"share of entries of dr/dx above a thousandth of {words}")
    for of, words in (("image", "the largest"), ("pixel", "their error pixel's largest"))
}
DECISION = "novelty-decision"
FLAGGED = Place(DECISION, ERROR, "share of images above the 95th percentile of training errors")
CHANGED = {
    "against the error": ("section2.3-metrics", BOTH),
    "against itself": ("section2.3-self", "saliency vs itself"),
}
Kinds = Mapping[str, NDArray[np.bool_]]


def large_place(score: str) -> Place:
    """The mean share of large pixels in a map, one of LARGE_SCORES."""
    return Place("finding1-large-pixels", score, LARGE)


def measured(numbers: Mapping[Place, float], *, class_: str, n: int) -> list[Measured]:
    """Numbers that were all taken over the same images."""
    return [Measured(place, class_, n, value) for place, value in numbers.items()]


def kind_numbers(
    found: PerImage, kinds: Kinds, *, ks: Sequence[int], whole: bool = False
) -> list[Measured]:
    """`paper_numbers` of each kind of images; `whole` adds `frequencies`, and the gap of two kinds.

    `found` as `metrics.correspondence` gives it, masks `[n]`.
    """
    numbers, parts = [], {kind: _of(found, members) for kind, members in kinds.items()}
    for kind, part in parts.items():
        n = int(kinds[kind].sum())
        numbers += measured(paper_numbers(part, ks=ks), class_=kind, n=n)
        for k in ks if whole else ():
            numbers += measured(frequencies(part, k=k), class_=kind, n=n)
    if whole and len(parts) == 2:
        n = len(found["map error"])
        for k in ks:
            gaps = gap_numbers(parts["normal"], parts["novel"], k=k)
            numbers += measured(gaps, class_="normal - novel", n=n)
    return numbers


def class_numbers(
    found: PerImage, labels: NDArray[np.int64], names: Sequence[str], *, ks: Sequence[int]
) -> list[Measured]:
    """The share of each class's images that mostly agree, whatever the network was trained on.

    `found` as in `kind_numbers`; `labels` `[n]` count `names`.
    """
    numbers = []
    for label in np.unique(labels):
        members = labels == label
        for k in ks:
            place = agreement_place(k, most=True)
            value = paper_numbers(_of(found, members), ks=[k])[place]
            place = place._replace(table=f"digits-top{k}-agreement")
            numbers.append(Measured(place, names[label], int(members.sum()), value))
    return numbers


def picture_findings(
    images: ArrayLike, saliency: ArrayLike, error: ArrayLike
) -> dict[Place, NDArray[np.float64]]:
    """Findings 1 and 2 per image, float64 [n]: pixels missed, rank correlation, large pixels.

    Images and maps `[n, h, w]`, all from 0 up. NaN where a number is not defined: missed pixels
    need ink (`metrics.missed_where_inked`), ranks maps that are not constant (`metrics.spearman`).
    Raises BadInput as these do.
    """
    maps = dict(zip(LARGE_SCORES, (saliency, np.square(saliency), error), strict=True))
    return {
        MISSED: metrics.missed_where_inked(images, saliency, error),
        RANKED: metrics.spearman(saliency, error),
        **{large_place(score): metrics.share_of_large(m) for score, m in maps.items()},
    }


def picture_numbers(
    found: Mapping[Place, NDArray[np.float64]], members: NDArray[np.bool_], *, class_: str
) -> list[Measured]:
    """Means of `picture_findings` over some images, those without a value left out.

    Only images without ink are not counted either.
    """
    numbers = []
    for place, values in found.items():
        kept = values[members]
        kept = kept[~np.isnan(kept)] if place == MISSED else kept
        numbers.append(Measured(place, class_, len(kept), float(np.nanmean(kept))))
    return numbers


def reach_numbers(jacobians: NDArray[np.float64], *, class_: str) -> list[Measured]:
    """The share of error pixels that input pixels reach, of `scores.error_jacobian` `[n, p, p]`.

    By both of REACH; raises BadInput as `metrics.reached_share` does.
    """
    shares = {
        REACH["image"]: metrics.reached_share(jacobians, relative_to="image").mean(),
        REACH["pixel"]: metrics.reached_share(jacobians, relative_to="pixel").mean(),
    }
    return measured(shares, class_=class_, n=len(jacobians))


def change_numbers(
    signed: NDArray[np.float64], error: NDArray[np.float64], *, class_: str
) -> dict[str, list[Measured]]:
    """Similarities of a signed saliency map under changes, with the error map and with itself.

    By the change's name, "" for none. Maps `[n, h, w]`, scaled to a largest absolute value of 1;
    raises BadInput as `metrics.similarities_under_change` does.
    """
    told: dict[str, list[Measured]] = {}
    both = [metrics.similarities_under_change(signed, other) for other in (error, signed)]
    for word, metric in both[0]:
        for where, found in zip(CHANGED.values(), both, strict=True):
            value = float(np.nanmean(found[word, metric]))
            number = Measured(Place(*where, metric), class_, len(signed), value)
            told.setdefault(word, []).append(number)
    return told


def flagged_numbers(errors: Mapping[str, NDArray[np.floating]]) -> list[Measured]:
    """The share of each kind of images whose error lies above the 95th percentile of "train".

    `errors` holds the error of each image by kind, `[n]`. Source: section 2.1.
    """
    threshold = np.quantile(errors["train"], 0.95)
    return [
        Measured(FLAGGED, kind, len(values), float(np.mean(values > threshold)))
        for kind, values in errors.items()
        if kind != "train"
    ]


def region_table(
    tried: Mapping[str, Mapping[str, ArrayLike]], masks: NDArray[np.bool_]
) -> pd.DataFrame:
    """How well each map finds the known regions: columns method, score, metric, n and value.

    `tried` has maps `[n, h, w]` by method and score; chance is added as a method of its own.
    Raises BadInput as `metrics.region_numbers` does.
    """
    found = {
        (method, score): metrics.region_numbers(each, masks)
        for method, by_score in tried.items()
        for score, each in by_score.items()
    }
    found["chance", ""] = metrics.chance_region_numbers(masks)
    lines = [
        (*where, metric, len(masks), value)
        for where, numbers in found.items()
        for metric, value in numbers.items()
    ]
    return pd.DataFrame(lines, columns=["method", "score", "metric", "n", "value"])


def with_average_kind(found: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Tables as `region_table` gives them with the columns kind and seed, and their average.

    The average over the kinds of planting is a kind of its own; in place of kind there is a column
    table, under which the rows stand.
    """
    lines = pd.concat(list(found), ignore_index=True)
    groups = lines.groupby(["seed", "method", "score", "metric"], sort=False)
    averages = groups.agg(n=("n", "sum"), value=("value", "mean")).reset_index()
    every = pd.concat([lines, averages.assign(kind="average")], ignore_index=True)
    names = "planted-" + every.pop("kind").str.replace(" ", "-")
    return every.assign(table=names)


def cascade_table(maps: Mapping[str, Sequence[NDArray[np.floating]]]) -> pd.DataFrame:
    """How like the trained network's map each map of a cascade is: columns score, stage, and both.

    `maps` holds by score the scaled maps `[n, h, w]` with 0, 1, … parts randomised; Spearman and
    SSIM are means over images. Source: adebayo2018sanity.
    """
    lines = []
    for score, (before, *later) in maps.items():
        for stage, after in enumerate(later, start=1):
            # a map can go dead with its network: then it shares nothing with the old one
            rank = np.nan_to_num(metrics.spearman(before, after)).mean()
            lines.append((score, stage, rank, metrics.ssim(before, after).mean()))
    return pd.DataFrame(lines, columns=["score", "stage", "Spearman", "SSIM"])


def _of(found: PerImage, members: NDArray[np.bool_]) -> dict[str, NDArray[np.float64]]:
    return {name: values[members] for name, values in found.items()}
