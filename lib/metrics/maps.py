"""How far the largest pixels of two maps agree, and what chance alone would give.

Maps are arrays `[n, h, w]`, one per image. Ties are broken by row-major position: of equal pixels
the upper one, then the left one, counts as larger.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import stats

from lib.errors import BadInput

Maps = npt.NDArray[np.float64]
Values = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


def checked_maps(*maps: npt.ArrayLike) -> tuple[Maps, ...]:
    """Maps as float64 `[n, h, w]`, all of one shape.

    Raises BadInput for other dimensions, unequal shapes, no images or pixels, and values that are
    not finite numbers.
    """
    raw = [np.asarray(m) for m in maps]
    for m in raw:
        if m.ndim != 3:
            raise BadInput(f"Maps must have the shape [n, h, w], but came with {m.shape}.")
        if m.size == 0:
            raise BadInput(f"Maps need at least one image and pixel, but came with {m.shape}.")
        if m.dtype.kind not in "fiub":
            raise BadInput(f"Maps must hold numbers, but came as {m.dtype}.")
        if not np.isfinite(m).all():
            raise BadInput("Maps must be finite, but NaN or infinity came.")
    if len({m.shape for m in raw}) > 1:
        raise BadInput(f"Maps must have one shape, but came with {[m.shape for m in raw]}.")
    return tuple(m.astype(np.float64, copy=False) for m in raw)


def top_k_agreement(a: npt.ArrayLike, b: npt.ArrayLike, *, k: int) -> Counts:
    """How many of the k largest pixels two maps share, int64 [n] from 0 to k; symmetric.

    Only the order of the pixels counts: a rising function of either map changes nothing. Compare
    with `chance_top_k`. Raises BadInput as `checked_maps` does, and unless 1 <= k <= pixels.
    Source: feeney2021localization, metric 1.
    """
    first, second = checked_maps(a, b)
    n, h, w = first.shape
    chosen = np.zeros((n, h * w), dtype=bool)
    np.put_along_axis(chosen, largest(first, k), True, axis=1)
    found: Counts = np.take_along_axis(chosen, largest(second, k), axis=1).sum(1, dtype=np.int64)
    return found


def max_distance(reference: npt.ArrayLike, other: npt.ArrayLike, *, k: int) -> Values:
    """How far the worst of the reference's k largest pixels lies from a match, float64 [n].

    In pixels, 0 where the two sets are equal: for each top-k pixel of the reference (in the paper
    the saliency map) the Euclidean distance to the nearest top-k pixel of the other (the error
    map), then the largest of them, which is the directed Hausdorff distance. Not symmetric.
    Raises BadInput as `top_k_agreement` does. Source: feeney2021localization, metric 2.
    """
    first, second = checked_maps(reference, other)
    n, _, w = first.shape
    here, there = largest(first, k), largest(second, k)
    found = np.empty(n, dtype=np.int64)
    step = max(1, 2**20 // k**2)  # images at once: all pairs of pixels of them fit a few megabytes
    for start in range(0, n, step):
        p, q = here[start : start + step, :, None], there[start : start + step, None, :]
        pairs = (p // w - q // w) ** 2 + (p % w - q % w) ** 2  # squared, [step, k, k], exact
        found[start : start + step] = pairs.min(2).max(1)
    return np.sqrt(found)


def map_mse(a: npt.ArrayLike, b: npt.ArrayLike) -> Values:
    """Mean squared difference of two maps' pixels, float64 [n], 0 for equal maps.

    Scale both to a maximum of 1 first: it compares values, not ranks, and so is at most 1.
    Raises BadInput as `checked_maps` does. Source: feeney2021localization, finding 6.
    """
    first, second = checked_maps(a, b)
    found: Values = np.square(first - second).mean((1, 2))
    return found


def correspondence(
    saliency: npt.ArrayLike, error: npt.ArrayLike, *, ks: Sequence[int]
) -> dict[str, Values]:
    """All of the paper's comparisons of two maps per image, float64 [n], by name.

    Of each k in `ks`: "agreement k" (0 to k) and "distance k" (pixels). "map error" and "squared
    map error": mean squared difference of the maps, and of squared saliency and error, each scaled
    to a maximum of 1. Maps `[n, h, w]`. Raises BadInput as the single metrics do, and for values
    below 0. Source: feeney2021localization, section 3.1.
    """
    first, second = (scaled_maps(m) for m in checked_maps(saliency, error))
    found = {"map error": map_mse(first, second), "squared map error": map_mse(first**2, second)}
    for k in ks:
        found[f"agreement {k}"] = top_k_agreement(saliency, error, k=k).astype(np.float64)
        found[f"distance {k}"] = max_distance(saliency, error, k=k)
    return found


def scaled_maps(maps: Maps) -> Maps:
    """Each map over its own maximum, in [0, 1]; maps of zeros stay zero.

    Raises BadInput for values below 0.
    """
    if maps.min() < 0:
        raise BadInput(f"Maps must be nowhere below 0 here, but {maps.min()} came.")
    most = maps.max((1, 2), keepdims=True)
    scaled: Maps = maps / np.where(most > 0, most, 1.0)
    return scaled


def chance_top_k(k: int, pixels: int) -> float:
    """Mean agreement of two random sets of k pixels: k²/pixels.

    Raises BadInput unless 1 <= k <= pixels.
    """
    return _checked_k(k, pixels) ** 2 / pixels


def chance_top_k_cdf(agreement: int, k: int, pixels: int) -> float:
    """The chance that two random sets of k pixels share `agreement` pixels or fewer.

    Hypergeometric. Raises BadInput unless 1 <= k <= pixels.
    """
    return float(stats.hypergeom.cdf(agreement, pixels, _checked_k(k, pixels), k))


def chance_max_distance(
    k: int, height: int, width: int, *, rng: np.random.Generator, draws: int = 10_000
) -> float:
    """Mean of `max_distance` between random sets of k pixels, over `draws` pairs of sets.

    No closed form is known to us; the standard error is about 2.5/sqrt(draws) pixels at 28×28 and
    k=10. Raises BadInput unless 1 <= k <= pixels and draws >= 1.
    """
    if draws < 1:
        raise BadInput(f"At least one draw is needed, but {draws} came.")
    _checked_k(k, height * width)
    a, b = rng.random((2, draws, height, width))
    return float(max_distance(a, b, k=k).mean())


def largest(maps: Maps, k: int) -> Counts:
    """Flat row-major positions of each map's k largest pixels, the largest first, int64 `[n, k]`.

    Maps are as `checked_maps` returns them. Of equal pixels the first in row-major order counts as
    larger. Raises BadInput unless 1 <= k <= pixels.
    """
    flat = maps.reshape(len(maps), -1)
    _checked_k(k, flat.shape[1])
    return np.argsort(-flat, axis=1, kind="stable")[:, :k]  # stable: equal pixels keep their order


def _checked_k(k: int, pixels: int) -> int:
    if not 1 <= k <= pixels:
        raise BadInput(f"k must lie between 1 and the {pixels} pixels of a map, but {k} came.")
    return k
