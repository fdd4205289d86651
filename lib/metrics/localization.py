"""How well a map points at the novel region of an image, where that region is known.

Maps are arrays `[n, h, w]`, higher where a pixel is called more novel; masks are `[n, h, w]`, true
at the novel pixels. Every mask needs novel pixels and normal ones.
"""

import numpy as np
import numpy.typing as npt
from scipy import integrate, ndimage, stats

from lib.errors import BadInput
from lib.metrics.maps import Maps, Values, checked_maps, largest

Masks = npt.NDArray[np.bool_]

TOUCHING = np.zeros((3, 3, 3), dtype=bool)
TOUCHING[1] = True  # all eight neighbours in the same image, none in another


def pixel_auroc(maps: npt.ArrayLike, masks: npt.ArrayLike) -> Values:
    """The chance that a novel pixel lies above a normal one of its image, [n] in [0, 1].

    Equal pixels count one half; 0.5 is no localization at all. Only the order within each map
    counts. Raises BadInput as `checked_maps` does, for masks that are not bool (or integers 0 and
    1) of the maps' shape, and for a mask without novel or without normal pixels.
    """
    found, novel = _checked(maps, masks)
    return _auroc(found.reshape(len(found), -1), novel.reshape(len(found), -1))


def pixel_average_precision(maps: npt.ArrayLike, masks: npt.ArrayLike) -> Values:
    """Precision averaged over the recall steps of each image's pixels, [n] in (0, 1].

    Equal pixels are called novel together. A constant map gives `mask_share`, a random order a
    little more (`chance_average_precision`). Raises BadInput as `pixel_auroc` does.
    """
    found, novel = _checked(maps, masks)
    n = len(found)
    flat, wanted = found.reshape(n, -1), novel.reshape(n, -1)
    order = np.argsort(-flat, axis=1)
    values = np.take_along_axis(flat, order, axis=1)
    hits = np.take_along_axis(wanted, order, axis=1)
    places = np.arange(1, flat.shape[1] + 1)
    precision = hits.cumsum(1) / places
    last = np.ones(flat.shape, dtype=bool)
    last[:, :-1] = values[:, 1:] != values[:, :-1]
    # of equal pixels only the last knows the precision of calling them all
    ends = np.where(last, places - 1, flat.shape[1])
    ends = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]
    steps = np.take_along_axis(precision, ends, axis=1) * hits
    average: Values = steps.sum(1) / hits.sum(1)
    return average


def top_k_hits(maps: npt.ArrayLike, masks: npt.ArrayLike, *, k: int) -> Values:
    """Share of each map's k largest pixels that are novel, [n] in [0, 1].

    Ties are broken by position as in `top_k_agreement`. A random order gives `mask_share` on
    average; a mask of fewer than k pixels cannot reach 1. Raises BadInput as `pixel_auroc` does,
    and unless 1 <= k <= pixels.
    """
    found, novel = _checked(maps, masks)
    chosen = np.take_along_axis(novel.reshape(len(found), -1), largest(found, k), axis=1)
    hits: Values = chosen.mean(1)
    return hits


def aupro(
    maps: npt.ArrayLike, masks: npt.ArrayLike, *, max_false_positive_rate: float = 0.3
) -> float:
    """Area below the per-region overlap, up to a false positive rate, over that rate; in [0, 1].

    The overlap is the share of a novel region above a threshold, averaged over the regions of all
    masks, large or small (pixels that touch, corners included, are one region). The false positive
    rate is the share of all normal pixels above the same threshold. 1 is perfect; chance is half
    of `max_false_positive_rate`. One threshold serves all images, so the values must be comparable
    between images: maps divided by their own maximum are not. Raises BadInput as `pixel_auroc`
    does, and for a rate outside (0, 1]. Source: bergmann2020uninformed.
    """
    limit = max_false_positive_rate
    if not 0 < limit <= 1:
        raise BadInput(f"The largest false positive rate must lie in (0, 1], but {limit} came.")
    found, novel = _checked(maps, masks)
    labels, regions = ndimage.label(novel, structure=TOUCHING)
    weights = 1 / (regions * np.bincount(labels.ravel()))
    weights[0] = 0.0  # label 0 is no region but the normal pixels

    order = np.argsort(-found, axis=None)
    values, region = found.ravel()[order], labels.ravel()[order]
    # equal pixels pass a threshold together, so the curve has a point at the last of them only
    last = np.append(values[1:] != values[:-1], True)
    false_rate = np.append(0, np.cumsum(region == 0)[last]) / (region == 0).sum()
    overlap = np.append(0, np.cumsum(weights[region])[last])

    within = false_rate <= limit
    x = np.append(false_rate[within], limit)
    y = np.append(overlap[within], np.interp(limit, false_rate, overlap))
    return min(float(integrate.trapezoid(y, x)) / limit, 1.0)  # rounding can pass 1 by a little


def mask_share(masks: npt.ArrayLike) -> Values:
    """Share of novel pixels in each image, [n] in (0, 1): what `top_k_hits` gives by chance.

    It is also what `pixel_average_precision` gives for a constant map. Raises BadInput for masks
    as `pixel_auroc` does.
    """
    share: Values = _checked_masks(masks).mean((1, 2))
    return share


def chance_average_precision(masks: npt.ArrayLike) -> Values:
    """Mean `pixel_average_precision` over all orders of the pixels, [n] in (0, 1).

    A novel pixel at place p has precision (1 + (p - 1)(P - 1)/(N - 1))/p, with P novel ones of N
    pixels; the mean over all places follows. Raises BadInput for masks as `pixel_auroc` does.
    """
    novel = _checked_masks(masks)
    pixels = novel[0].size
    harmonic = float((1 / np.arange(1, pixels + 1)).sum())
    others = (novel.sum((1, 2)) - 1) / (pixels - 1)
    found: Values = (harmonic + others * (pixels - harmonic)) / pixels
    return found


def _auroc(rows: Values, novel: Masks) -> Values:
    n_novel = novel.sum(1)
    n_normal = novel.shape[1] - n_novel
    ranks = stats.rankdata(rows, axis=1)  # mean ranks: ties count one half
    above = (ranks * novel).sum(1) - n_novel * (n_novel + 1) / 2
    found: Values = above / (n_novel * n_normal)
    return found


def _checked(maps: npt.ArrayLike, masks: npt.ArrayLike) -> tuple[Maps, Masks]:
    (found,) = checked_maps(maps)
    novel = _checked_masks(masks)
    if novel.shape != found.shape:
        raise BadInput(
            f"Masks must have the shape {found.shape} of the maps, but came with {novel.shape}."
        )
    return found, novel


def _checked_masks(masks: npt.ArrayLike) -> Masks:
    raw = np.asarray(masks)
    if raw.ndim != 3 or raw.size == 0:
        raise BadInput(
            f"Masks must have the shape [n, h, w], with at least one image and pixel, "
            f"but came with {raw.shape}."
        )
    if raw.dtype.kind not in "biu":
        raise BadInput(f"Masks must be bool, or integers 0 and 1, but came as {raw.dtype}.")
    novel = raw.astype(bool)
    strange = raw[raw != novel]
    if strange.size:
        raise BadInput(f"Masks must hold 0 (normal) and 1 (novel) only, but {strange[0]} came.")
    for missing, empty in (("novel", ~novel.any((1, 2))), ("normal", novel.all((1, 2)))):
        if empty.any():
            raise BadInput(
                f"Image {int(empty.argmax())}, counted from 0, came with a mask without {missing} "
                f"pixels, but each mask needs novel and normal ones."
            )
    return novel
