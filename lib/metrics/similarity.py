"""Similarities of whole maps, one number per image: the ones feeney2021localization calls
ill-suited to comparing saliency with reconstruction error (section 2.3).

All are 1 for equal maps and, SSIM aside, at most 1 and at least -1.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage, stats

from lib.errors import BadInput
from lib.metrics.maps import Maps, Values, checked_maps


def spearman(a: ArrayLike, b: ArrayLike) -> Values:
    """Rank correlation of two maps' pixels, [n] in [-1, 1]; ties take their mean rank.

    Maps `[n, h, w]`. NaN where a map is constant, since it then has no order. Raises BadInput as
    `checked_maps` does. Source: adebayo2018sanity, "Spearman rank correlation".
    """
    pair = checked_maps(a, b)
    return _pearson(*(stats.rankdata(m.reshape(len(m), -1), axis=1) for m in pair))


def ssim(a: ArrayLike, b: ArrayLike, *, window: int = 7, data_range: float = 1.0) -> Values:
    """Structural similarity of two maps, the mean over all windows inside them, [n] in [-1, 1].

    Maps `[n, h, w]` with values from 0 to `data_range`: scale them first. `window` is the side of
    a square of equal weights, odd, at least 3 and no longer than the map's sides. Variances are of
    a sample; K1 = 0.01 and K2 = 0.03. Raises BadInput as `checked_maps` does, for another window,
    a range that is not above 0, and values outside it. Source: wang2004ssim, equation 13.
    """
    x, y = checked_maps(a, b)
    side = min(x.shape[1:])
    if window % 2 == 0 or not 3 <= window <= side:
        raise BadInput(f"The window must be odd and from 3 to {side}, but {window} came.")
    if not data_range > 0:
        raise BadInput(f"The range of the values must be above 0, but {data_range} came.")
    if min(x.min(), y.min()) < 0 or max(x.max(), y.max()) > data_range:
        raise BadInput(
            f"SSIM compares values from 0 to its data_range of {data_range}, but these reach from "
            f"{min(x.min(), y.min()):g} to {max(x.max(), y.max()):g}."
        )

    edge = window // 2

    def mean(m: Maps) -> Maps:
        found: Maps = ndimage.uniform_filter(m, size=(1, window, window))
        return found[:, edge:-edge, edge:-edge]

    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    sample = window**2 / (window**2 - 1)
    mx, my = mean(x), mean(y)
    vx, vy = (sample * (mean(m * m) - mu * mu) for m, mu in ((x, mx), (y, my)))
    vxy = sample * (mean(x * y) - mx * my)
    above = (2 * mx * my + c1) * (2 * vxy + c2)
    below = (mx * mx + my * my + c1) * (vx + vy + c2)
    found: Values = (above / below).mean((1, 2))
    return found


def gradient_histograms(maps: ArrayLike, *, cell: int = 7, bins: int = 9) -> Values:
    """Histograms of the directions of a map's gradient, one per cell, `[n, rows, columns, bins]`.

    Maps `[n, h, w]`, from 2×2 pixels. Each pixel adds the length of its gradient (central
    differences) to the bin of its direction, of which there are `bins` over half a turn from the
    horizontal on. Cells are squares of `cell` pixels, cut at the lower and right border.
    Raises BadInput as `checked_maps` does, for smaller maps, and for `cell` or `bins` below 1.
    Source: dalal2005hog, without the scaling of neighbouring cells.
    """
    (found,) = checked_maps(maps)
    n, h, w = found.shape
    if min(h, w) < 2 or cell < 1 or bins < 1:
        raise BadInput(
            f"Histograms of gradients need maps from 2×2 pixels, cells and bins from 1, but "
            f"{h}×{w} pixels, cells of {cell} and {bins} bins came."
        )
    down, right = np.gradient(found, axis=(1, 2))
    turn = np.mod(np.arctan2(down, right), np.pi) / np.pi
    place = np.minimum((turn * bins).astype(np.int64), bins - 1)  # rounding can reach a full turn
    rows, columns = -(-h // cell), -(-w // cell)
    i, r, c = np.ogrid[:n, :h, :w]
    index = ((i * rows + r // cell) * columns + c // cell) * bins + place
    lengths = np.hypot(down, right).ravel()
    sums = np.bincount(index.ravel(), lengths, minlength=n * rows * columns * bins)
    return sums.astype(np.float64, copy=False).reshape(n, rows, columns, bins)


def histogram_correlation(a: ArrayLike, b: ArrayLike, *, cell: int = 7, bins: int = 9) -> Values:
    """Pearson correlation of two maps' histograms of gradients, [n] in [-1, 1].

    Maps `[n, h, w]`; `cell` and `bins` as in `gradient_histograms`. NaN where a map is constant,
    since its histograms are empty. Raises BadInput as `checked_maps` and `gradient_histograms` do.
    Source: adebayo2018sanity, "Pearson correlation of the histogram of gradients".
    """
    pair = checked_maps(a, b)
    flat = (gradient_histograms(m, cell=cell, bins=bins).reshape(len(m), -1) for m in pair)
    return _pearson(*flat)


def _pearson(x: Values, y: Values) -> Values:
    """Correlation of each row of x with the same row of y; NaN where either is constant."""
    dx, dy = (m - m.mean(1, keepdims=True) for m in (x, y))
    above = (dx * dy).sum(1)
    below = np.sqrt((dx * dx).sum(1) * (dy * dy).sum(1))
    defined = (np.ptp(x, axis=1) > 0) & (np.ptp(y, axis=1) > 0)
    found: Values = np.divide(above, below, out=np.full(len(x), np.nan), where=defined)
    return found.clip(-1, 1)  # rounding can pass 1 by a little
