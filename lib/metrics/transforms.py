"""The similarities of whole maps side by side, and changes that a good one should not mind."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from lib.errors import BadInput
from lib.metrics.maps import Maps, Values, max_distance, top_k_agreement
from lib.metrics.similarity import histogram_correlation, spearman, ssim


def shifted(maps: Maps, by: int) -> Maps:
    """The maps `[n, h, w]` moved right by whole pixels; zeros come in, what leaves is lost.

    Raises BadInput unless 0 <= by < w.
    """
    if not 0 <= by < maps.shape[-1]:
        raise BadInput(f"Maps of width {maps.shape[-1]} cannot move by {by} pixels.")
    moved = np.zeros_like(maps)
    moved[..., by:] = maps[..., : maps.shape[-1] - by]
    return moved


# of a signed map and another: rank correlation looks at signs, the others take absolute values
SIMILARITIES: Mapping[str, Callable[[Maps, Maps], Values]] = {
    "Spearman": spearman,
    "Spearman of absolute values": lambda a, b: spearman(a, b, absolute=True),
    "SSIM": lambda a, b: ssim(np.abs(a), np.abs(b)),
    "Pearson of gradient histograms": lambda a, b: histogram_correlation(np.abs(a), np.abs(b)),
    "top-10 agreement": lambda a, b: top_k_agreement(np.abs(a), np.abs(b), k=10).astype(float),
    "maximum distance, pixels": lambda a, b: max_distance(np.abs(a), np.abs(b), k=10),
}

SHIFTS = range(1, 6)  # pixels
TRANSFORMS: Mapping[str, Callable[[Maps], Maps]] = {
    "": lambda maps: maps,
    "squared": np.square,
    "halved": lambda maps: maps / 2,
    **{f"shift-{by}": partial(shifted, by=by) for by in SHIFTS},
}


def similarities_under_change(signed: Maps, other: Maps) -> dict[tuple[str, str], Values]:
    """Each of SIMILARITIES of each of TRANSFORMS of a map with another, by both names, `[n]` each.

    `signed` and `other` `[n, h, w]`, scaled to a largest absolute value of 1. With the map itself
    as `other` it says what the change alone does. NaN as the single similarities; raises BadInput
    as they do. Source: feeney2021localization, section 2.3.
    """
    return {
        (word, name): similarity(change(signed), other)
        for word, change in TRANSFORMS.items()
        for name, similarity in SIMILARITIES.items()
    }
