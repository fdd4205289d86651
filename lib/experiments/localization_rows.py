"""Where the localization page's numbers stand in the rows, and how they come of values per image.

`found` holds one value per image by name, as `metrics.correspondence` gives it.
Source: feeney2021localization; sections and findings as the document counts them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from lib import metrics

METHOD = "LSA autoencoder, no estimator"
UNTRAINED = "untrained LSA autoencoder"
BOTH = "saliency vs reconstruction error"
SQUARED = "squared saliency vs reconstruction error"
TO_ERROR = "saliency to reconstruction error"
TO_SALIENCY = "reconstruction error to saliency"
ERROR, SALIENCY = "reconstruction error", "saliency"

Values = NDArray[np.float64]
PerImage = Mapping[str, Values]
Kinds = Mapping[str, NDArray[np.bool_]]


class Place(NamedTuple):
    """Where a number stands in the result rows."""

    table: str
    score: str
    metric: str


class Number(NamedTuple):
    """A number at its place, the kind or class of the images it was taken over, and their count."""

    place: Place
    class_: str
    n: int
    value: float


MISSED = Place(
    "finding1-missed", BOTH, "share of the 10 most salient pixels off the outline with small error"
)
RANKED = Place("finding2-spearman", BOTH, "mean Spearman correlation")
REACH = {
    of: Place("section3-reach", ERROR, f"share of entries of dr/dx above a thousandth of {words}")
    for of, words in (("image", "the largest"), ("pixel", "their error pixel's largest"))
}
FLAGGED = Place(
    "novelty-decision", ERROR, "share of images above the 95th percentile of training errors"
)
RECONSTRUCTED = Place("reconstruction", ERROR, "mean squared error")
VALIDATION = Place("training", "", "validation error")
CHANGED = {
    "against the error": ("section2.3-metrics", BOTH),
    "against itself": ("section2.3-self", "saliency vs itself"),
}


def agreement_place(k: int, *, most: bool) -> Place:
    """The share of images in which more than half of the top k agree, or (not `most`) the rest."""
    part = f"{k // 2 + 1}-{k}" if most else f"0-{k // 2}"
    return Place(f"table1-top{k}-agreement", BOTH, f"fraction of test images with agreement {part}")


def paper_numbers(found: PerImage, *, ks: Sequence[int]) -> dict[Place, float]:
    """Table 1, the mode of figure 2, findings 5 and 6 over some images."""
    far = "mean over images of maximum distance to best match, pixels"
    apart = "mean squared error between max-scaled maps"
    numbers: dict[Place, float] = {}
    for k in ks:
        shared = found[f"agreement {k}"]
        few = float(np.mean(shared <= k // 2))
        mode = float(np.bincount(shared.astype(np.int64)).argmax())
        numbers |= {
            agreement_place(k, most=False): few,
            agreement_place(k, most=True): 1 - few,
            Place(f"figure2-top{k}-agreement", BOTH, "mean agreement"): float(shared.mean()),
            Place(f"finding3-top{k}-mode", BOTH, f"most frequent top-{k} agreement"): mode,
        }
        for score, name in ((TO_ERROR, "distance"), (TO_SALIENCY, "reverse distance")):
            place = Place(f"finding5-max-distance-top{k}", score, far)
            numbers[place] = float(found[f"{name} {k}"].mean())
    for score, name in ((BOTH, "map error"), (SQUARED, "squared map error")):
        numbers[Place("finding6-map-mse", score, apart)] = float(found[name].mean())
    return numbers


def frequencies(found: PerImage, *, k: int) -> dict[Place, float]:
    """Figure 2: how often the two maps share 0, 1, ... k of their k largest pixels."""
    shared = found[f"agreement {k}"]
    table, metric = f"figure2-top{k}-agreement", "fraction of test images with agreement"
    return {
        Place(table, BOTH, f"{metric} {value}"): float(np.mean(shared == value))
        for value in range(k + 1)
    }


def gap_numbers(normal: PerImage, novel: PerImage, *, k: int) -> dict[Place, float]:
    """Finding 4: normal minus novel share of images that mostly agree, and its z."""
    mostly = [np.asarray(found[f"agreement {k}"] > k // 2) for found in (normal, novel)]
    one, two = ((int(group.sum()), len(group)) for group in mostly)
    z = metrics.share_difference_z(*one, *two)
    text = f"difference in the share of images with agreement {k // 2 + 1}-{k}"
    gap = Place("finding4-gap", BOTH, text)
    return {gap: one[0] / one[1] - two[0] / two[1], gap._replace(metric=f"z of the {text}"): z}


def kind_numbers(
    found: PerImage, kinds: Kinds, *, ks: Sequence[int], whole: bool = False
) -> list[Number]:
    """`paper_numbers` of each kind; `whole` adds `frequencies`, and the gap of two kinds."""
    parts = {kind: _of(found, members) for kind, members in kinds.items()}
    numbers = []
    for kind, part in parts.items():
        several = [paper_numbers(part, ks=ks)]
        several += [frequencies(part, k=k) for k in ks if whole]
        numbers += [n for each in several for n in over(each, kind, int(kinds[kind].sum()))]
    if whole and len(parts) == 2:
        for k in ks:
            gaps = gap_numbers(*parts.values(), k=k)
            numbers += over(gaps, "normal - novel", len(found["map error"]))
    return numbers


def class_numbers(
    found: PerImage, labels: NDArray[np.int64], names: Sequence[str], *, ks: Sequence[int]
) -> list[Number]:
    """The share of each class's images that mostly agree; `labels` `[n]` count `names`."""
    numbers = []
    for label in np.unique(labels):
        members = labels == label
        for k in ks:
            value = float(np.mean(found[f"agreement {k}"][members] <= k // 2))
            place = agreement_place(k, most=True)._replace(table=f"digits-top{k}-agreement")
            numbers.append(Number(place, names[label], int(members.sum()), 1 - value))
    return numbers


def chance_numbers(
    saliency: NDArray[np.floating],
    error: NDArray[np.floating],
    *,
    ks: Sequence[int],
    rng: np.random.Generator,
    draws: int = 4000,
) -> dict[Place, float]:
    """What `paper_numbers` would be, the mode aside, if the two maps were unrelated.

    Random sets of pixels for agreement and distance (`draws` pairs of them), the maps' own values
    with the pixels of one shuffled for the map errors. Maps `[n, h, w]`, scaled to a maximum of 1.
    """
    height, width = saliency.shape[1:]
    pixels = np.zeros(1)
    same = dict.fromkeys((f"agreement {k}" for k in ks), pixels)
    for k in ks:
        far = metrics.chance_max_distance(k, height, width, rng=rng, draws=draws)
        same |= {f"distance {k}": pixels + far, f"reverse distance {k}": pixels + far}
    same["map error"] = metrics.chance_map_mse(saliency, error)
    same["squared map error"] = metrics.chance_map_mse(saliency**2, error)
    numbers = paper_numbers(same, ks=ks)
    for k in ks:
        few = metrics.chance_top_k_cdf(k // 2, k, height * width)
        numbers |= {agreement_place(k, most=False): few, agreement_place(k, most=True): 1 - few}
        mean = Place(f"figure2-top{k}-agreement", BOTH, "mean agreement")
        numbers[mean] = metrics.chance_top_k(k, height * width)
    return {place: v for place, v in numbers.items() if "mode" not in place.table}


def picture_findings(
    images: ArrayLike, saliency: ArrayLike, error: ArrayLike
) -> dict[Place, Values]:
    """Findings 1 and 2 per image, `[n]`: pixels missed, rank correlation, large pixels.

    Images and maps `[n, h, w]`, all from 0 up. NaN where a number is not defined: missed pixels
    need ink, ranks need maps that are not constant.
    """
    maps = {SALIENCY: saliency, "squared saliency": np.square(saliency), ERROR: error}
    large = "share of pixels at least 0.5 of the map's maximum"
    return {
        MISSED: metrics.missed_where_inked(images, saliency, error),
        RANKED: metrics.spearman(saliency, error),
        **{
            Place("finding1-large-pixels", score, large): metrics.share_of_large(each)
            for score, each in maps.items()
        },
    }


def picture_numbers(
    found: Mapping[Place, Values], members: NDArray[np.bool_], *, class_: str
) -> list[Number]:
    """Means of `picture_findings`; images without ink have no missed pixels and do not count."""
    numbers = []
    for place, values in found.items():
        counted = values[members]
        counted = counted[~np.isnan(counted)] if place == MISSED else counted
        numbers.append(Number(place, class_, len(counted), float(np.nanmean(counted))))
    return numbers


def change_numbers(signed: Values, error: Values, *, class_: str) -> dict[str, list[Number]]:
    """Similarities of a signed saliency map under changes, with the error map and with itself.

    By the change's name, "" for none. Maps `[n, h, w]`, scaled to a largest absolute value of 1.
    """
    several: dict[str, list[Number]] = {}
    both = [metrics.similarities_under_change(signed, other) for other in (error, signed)]
    for word, metric in both[0]:
        for where, found in zip(CHANGED.values(), both, strict=True):
            value = float(np.nanmean(found[word, metric]))
            number = Number(Place(*where, metric), class_, len(signed), value)
            several.setdefault(word, []).append(number)
    return several


def reach_numbers(jacobians: Values, *, class_: str) -> list[Number]:
    """The share of error pixels that input pixels reach, of `scores.error_jacobian` `[n, p, p]`."""
    shares = {
        REACH["image"]: metrics.reached_share(jacobians, relative_to="image").mean(),
        REACH["pixel"]: metrics.reached_share(jacobians, relative_to="pixel").mean(),
    }
    return over(shares, class_, len(jacobians))


def ranked_place(score: str) -> Place:
    """The AUROC of a score that ranks novel images above normal ones."""
    return FLAGGED._replace(score=score, metric="AUROC")


def flagged_numbers(errors: Mapping[str, NDArray[np.floating]]) -> list[Number]:
    """The share of each kind of images whose error lies above the 95th percentile of "train"."""
    threshold = np.quantile(errors["train"], 0.95)
    return [
        Number(FLAGGED, kind, len(values), float(np.mean(values > threshold)))
        for kind, values in errors.items()
        if kind != "train"
    ]


def region_table(
    tried: Mapping[str, Mapping[str, ArrayLike]], masks: NDArray[np.bool_]
) -> pd.DataFrame:
    """How well each map finds the known regions: columns method, score, metric, n and value.

    `tried` has maps `[n, h, w]` by method and score; chance is added as a method of its own.
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
    """Tables of `region_table` with columns kind and seed, under their row tables.

    The average over the kinds of planting is added as kind `average`.
    """
    lines = pd.concat(list(found), ignore_index=True)
    groups = lines.groupby(["seed", "method", "score", "metric"], sort=False)
    averages = groups.agg(n=("n", "sum"), value=("value", "mean")).reset_index()
    every = pd.concat([lines, averages.assign(kind="average")], ignore_index=True)
    return every.assign(table="planted-" + every.pop("kind").str.replace(" ", "-"))


def cascade_table(maps: Mapping[str, Sequence[NDArray[np.floating]]]) -> pd.DataFrame:
    """How like the trained network's map each map of a cascade is: columns score, stage, and both.

    `maps` holds by score the scaled maps `[n, h, w]` with 0, 1, ... parts randomised; Spearman and
    SSIM are means over images. Source: adebayo2018sanity.
    """
    lines = []
    for score, (before, *later) in maps.items():
        for stage, after in enumerate(later, start=1):
            # a map can be constant: then it shares nothing with the old one
            rank = np.nan_to_num(metrics.spearman(before, after)).mean()
            lines.append((score, stage, rank, metrics.ssim(before, after).mean()))
    return pd.DataFrame(lines, columns=["score", "stage", "Spearman", "SSIM"])


def sanity_place(score: str, metric: str, *, mean: bool = False) -> Place:
    """A similarity with the trained network's map after one part or, `mean`, over all stages."""
    words = f"mean {metric} over the stages" if mean else f"{metric} with the trained network's map"
    return Place("sanity-randomisation", score, words)


def over(numbers: Mapping[Place, float], class_: str, n: int) -> list[Number]:
    """Numbers that were all taken over the same images."""
    return [Number(place, class_, n, float(value)) for place, value in numbers.items()]


def _of(found: PerImage, members: NDArray[np.bool_]) -> dict[str, Values]:
    return {name: values[members] for name, values in found.items()}
