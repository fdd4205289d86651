"""The numbers of feeney2021localization by the names under which rows hold them.

What this book measures beside them is in `localization_measured`.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lib import metrics
from lib.errors import BadInput

METHOD = "LSA autoencoder, no estimator"
UNTRAINED = "untrained LSA autoencoder"
BOTH = "saliency vs reconstruction error"
SQUARED = "squared saliency vs reconstruction error"
TO_ERROR = "saliency to reconstruction error"
TO_SALIENCY = "reconstruction error to saliency"
DISTANCE = "mean over images of maximum distance to best match, pixels"
MAP_ERROR = "mean squared error between max-scaled maps"

PerImage = Mapping[str, NDArray[np.float64]]


class Place(NamedTuple):
    """Where a number stands in the result rows."""

    table: str
    score: str
    metric: str


class Measured(NamedTuple):
    """A number at its place, the kind or class of the images it was taken over, and their count."""

    place: Place
    class_: str
    n: int
    value: float


def arm(classes: Collection[int]) -> str:
    """The name of a set of training classes: 0-4, or 0+2+5. Raises BadInput for none."""
    if not classes:
        raise BadInput("A network needs at least one training class.")
    ordered = sorted(classes)
    whole = ordered == list(range(ordered[0], ordered[-1] + 1))
    return f"{ordered[0]}-{ordered[-1]}" if whole else "+".join(map(str, ordered))


def cells(place: Place, class_: str) -> dict[str, str]:
    """What picks the rows at a place: one kind or class of images."""
    return {**place._asdict(), "class": class_}


def at(rows: pd.DataFrame, place: Place) -> pd.DataFrame:
    """The rows, of any table with the columns of Place, that stand there."""
    return rows[(rows[list(place._fields)] == list(place)).all(axis=1)]


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


def mode_place(k: int) -> Place:
    """The most frequent agreement of the top k."""
    return Place(f"finding3-top{k}-mode", BOTH, f"most frequent top-{k} agreement")


def gap_places(k: int) -> tuple[Place, Place]:
    """Normal minus novel share of images in which more than half of the top k agree, and its z."""
    text = f"difference in the share of images with agreement {k // 2 + 1}-{k}"
    first = Place("finding4-gap", BOTH, text)
    return first, first._replace(metric=f"z of the {text}")


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
        numbers[mode_place(k)] = float(np.bincount(shared.astype(np.int64)).argmax())
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
    gap, z_of_gap = gap_places(k)
    return {gap: one[0] / one[1] - two[0] / two[1], z_of_gap: z}


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
