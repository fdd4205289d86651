"""All of feeney2021localization's comparisons of saliency with reconstruction error at once."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from lib.errors import BadInput
from lib.metrics.maps import Values, checked_maps, map_mse, max_distance, ties, top_k_agreement


def correspondence(
    saliency: ArrayLike, error: ArrayLike, *, ks: Sequence[int], step: int = 2000
) -> dict[str, Values]:
    """Each comparison per image, float64 [n], by name.

    Of each k in `ks`: "agreement k" (0 to k), "distance k" and "reverse distance k" (pixels; the
    reverse takes the error map as reference), "ties k" (pixels equal to the k-th largest but left
    out, in either map). "map error" and "squared map error": mean squared difference of the
    maps, and of squared saliency and error, each scaled to a maximum of 1.
    Maps `[n, h, w]`, nowhere below 0; `step` images at a time, which bounds the memory only.
    Raises BadInput as the single metrics do, for values below 0 and a step
    below 1. Source: feeney2021localization, section 3.1.
    """
    first, second = checked_maps(saliency, error)
    if step < 1:
        raise BadInput(f"At least one image at a time is needed, but a step of {step} came.")
    if min(first.min(), second.min()) < 0:
        raise BadInput("Maps must be nowhere below 0, but a value below 0 came.")
    parts = [
        _part(first[start : start + step], second[start : start + step], ks)
        for start in range(0, len(first), step)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _part(saliency: Values, error: Values, ks: Sequence[int]) -> dict[str, Values]:
    found: dict[str, Values] = {}
    for k in ks:
        found[f"agreement {k}"] = top_k_agreement(saliency, error, k=k).astype(np.float64)
        found[f"distance {k}"] = max_distance(saliency, error, k=k)
        found[f"reverse distance {k}"] = max_distance(error, saliency, k=k)
        found[f"ties {k}"] = (ties(saliency, k=k) + ties(error, k=k)).astype(np.float64)
    one, two = _scaled(saliency), _scaled(error)
    return found | {"map error": map_mse(one, two), "squared map error": map_mse(one**2, two)}


def _scaled(maps: Values) -> Values:
    largest = maps.max((1, 2), keepdims=True)
    found: Values = maps / np.where(largest > 0, largest, 1.0)
    return found
