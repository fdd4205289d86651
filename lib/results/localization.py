"""The numbers of feeney2021localization by the names under which rows hold them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lib import metrics

METHOD = "LSA autoencoder, no estimator"
UNTRAINED = "untrained LSA autoencoder"
BOTH = "saliency vs reconstruction error"
SQUARED = "squared saliency vs reconstruction error"
TO_ERROR = "saliency to reconstruction error"
TO_SALIENCY = "reconstruction error to saliency"
DISTANCE = "mean over images of maximum distance to best match, pixels"
MAP_ERROR = "mean squared error between max-scaled maps"
LARGE = "share of pixels at least 0.5 of the map's maximum"
MISSED = "share of the 10 most salient pixels off the outline with small error"
RANK = "mean Spearman correlation"
REACH = "share of entries of dr/dx above a thousandth of "
FLAGGED = "share of images above the 95th percentile of training errors"

PerImage = Mapping[str, NDArray[np.float64]]


class Place(NamedTuple):
    """Where a number stands in the result rows."""

    table: str
    score: str
    metric: str


def agreement_place(k: int, most: bool) -> Place:
    """The share of images in which more than half of the top k agree, or (not `most`) the rest."""
    part = f"{k // 2 + 1}-{k}" if most else f"0-{k // 2}"
    return Place(f"table1-top{k}-agreement", BOTH, f"fraction of test images with agreement {part}")


def distance_place(k: int, score: str = TO_ERROR) -> Place:
    """The mean maximum distance of the top k, from saliency to error or the other way."""
    return Place(f"finding5-max-distance-top{k}", score, DISTANCE)


def mean_agreement_place(k: int) -> Place:
    """The mean agreement of the top k."""
    return Place(f"figure2-top{k}-agreement", BOTH, "mean agreement")


def map_error_place(score: str) -> Place:
    """The mean squared difference of the scaled maps, for BOTH or SQUARED."""
    return Place("finding6-map-mse", score, MAP_ERROR)


def paper_numbers(found: PerImage, *, ks: Sequence[int]) -> dict[Place, float]:
    """Table 1, the mode of figure 2, findings 5 and 6 over some images.

    `found` holds one value per image, as `metrics.correspondence` gives them for the same `ks`.
    """
    numbers: dict[Place, float] = {}
    for k in ks:
        shared = found[f"agreement {k}"]
        few = float(np.mean(shared <= k // 2))
        numbers |= {agreement_place(k, False): few, agreement_place(k, True): 1 - few}
        numbers[mean_agreement_place(k)] = float(shared.mean())
        mode = float(np.bincount(shared.astype(np.int64)).argmax())
        where = f"finding3-top{k}-mode", BOTH, f"most frequent top-{k} agreement"
        numbers[Place(*where)] = mode
        for score, name in ((TO_ERROR, "distance"), (TO_SALIENCY, "reverse distance")):
            numbers[distance_place(k, score)] = float(found[f"{name} {k}"].mean())
    for score, name in ((BOTH, "map error"), (SQUARED, "squared map error")):
        numbers[map_error_place(score)] = float(found[name].mean())
    return numbers


def frequencies(found: PerImage, *, k: int) -> dict[Place, float]:
    """Figure 2: how often the two maps share 0, 1, … k of their k largest pixels."""
    shared = found[f"agreement {k}"]
    table, metric = f"figure2-top{k}-agreement", "fraction of test images with agreement"
    return {
        Place(table, BOTH, f"{metric} {value}"): float(np.mean(shared == value))
        for value in range(k + 1)
    }


def gap_numbers(normal: PerImage, novel: PerImage, *, k: int) -> dict[Place, float]:
    """Finding 4: normal minus novel share of images that mostly agree, and its z.

    Raises BadInput without images on either side.
    """
    mostly = [np.asarray(found[f"agreement {k}"] > k // 2) for found in (normal, novel)]
    one, two = ((int(group.sum()), len(group)) for group in mostly)
    z = metrics.share_difference_z(*one, *two)
    text = f"the share of images with agreement {k // 2 + 1}-{k}"
    return {
        Place("finding4-gap", BOTH, f"difference in {text}"): one[0] / one[1] - two[0] / two[1],
        Place("finding4-gap", BOTH, f"z of the difference in {text}"): z,
    }


def chance_numbers(
    saliency: NDArray[np.float64],
    error: NDArray[np.float64],
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
    numbers: dict[Place, float] = {}
    for k in ks:
        few = metrics.chance_top_k_cdf(k // 2, k, height * width)
        numbers |= {agreement_place(k, False): few, agreement_place(k, True): 1 - few}
        numbers[mean_agreement_place(k)] = metrics.chance_top_k(k, height * width)
        apart = metrics.chance_max_distance(k, height, width, rng=rng, draws=draws)
        numbers |= {distance_place(k, TO_ERROR): apart, distance_place(k, TO_SALIENCY): apart}
    for score, first in ((BOTH, saliency), (SQUARED, saliency**2)):
        numbers[map_error_place(score)] = float(metrics.chance_map_mse(first, error).mean())
    return numbers
