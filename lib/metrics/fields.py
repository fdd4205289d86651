"""Agreement of two vector fields, or of two numbers per point, where the points have weights."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib.errors import BadInput

Values = NDArray[np.float64]


class FieldAgreement(NamedTuple):
    """How an estimated field compares with the true one; all three are 1 for equal fields.

    `slope` any number: 2 for an estimate twice as long. `r2` at most 1, without lower bound.
    `cosine` in [-1, 1]: directions alone.
    """

    slope: float
    r2: float
    cosine: float


def field_agreement(estimated: ArrayLike, true: ArrayLike, weights: ArrayLike) -> FieldAgreement:
    """Slope, R² and mean cosine of an estimated vector field e against the true t, weighted by w.

    Fields `[n, d]`, `weights` `[n]` of at least 0, such as the density at each point.
    slope = sum w e·t / sum w |t|², the least-squares line of e on t through the origin.
    r2 = 1 - sum w |e - t|² / sum w |t|²: of e itself, not of slope·t, and about zero, not about
    the mean of t; an estimate of zeros has 0. cosine = weighted mean of e·t / (|e| |t|), without
    the points where either vector is 0; NaN where none is left.
    Raises BadInput for unequal or other shapes, values that are no finite numbers, weights below 0
    or all 0, and a true field that is 0 wherever there is weight.
    Source: alain2014regularized, whose claim of proportional fields it measures.
    """
    e, t = _finite("estimated", estimated), _finite("true", true)
    if e.ndim != 2 or e.shape != t.shape or 0 in e.shape:
        raise BadInput(
            f"Two fields must have one shape [n, d], but {list(e.shape)} and {list(t.shape)} came."
        )
    w = _weights(weights, len(e))
    dot = (e * t).sum(1)
    power = (w * (t * t).sum(1)).sum()
    if not power > 0:
        raise BadInput("The true field is 0 wherever there is weight, so nothing can be compared.")
    slope = (w * dot).sum() / power
    r2 = 1 - (w * ((e - t) ** 2).sum(1)).sum() / power
    lengths = np.linalg.norm(e, axis=1) * np.linalg.norm(t, axis=1)
    defined = (lengths > 0) & (w > 0)
    cosines = dot[defined] / lengths[defined]
    cosine = np.average(cosines, weights=w[defined]) if defined.any() else np.nan
    return FieldAgreement(float(slope), float(r2), float(cosine))


def weighted_correlation(a: ArrayLike, b: ArrayLike, weights: ArrayLike) -> float:
    """Pearson correlation of two numbers per point, in [-1, 1], each point counting by its weight.

    Numbers `[n]`, `weights` `[n]` of at least 0. NaN where either is constant over the points that
    have weight. Raises BadInput for unequal or other shapes, values that are no finite numbers,
    and weights below 0 or all 0.
    """
    x, y = _finite("first", a), _finite("second", b)
    if x.ndim != 1 or x.shape != y.shape or not x.size:
        raise BadInput(
            f"Two numbers per point must have one shape [n], but {list(x.shape)} and "
            f"{list(y.shape)} came."
        )
    w = _weights(weights, len(x))
    x, y, w = x[w > 0], y[w > 0], w[w > 0]
    if not (np.ptp(x) > 0 and np.ptp(y) > 0):
        return float("nan")
    dx, dy = (v - np.average(v, weights=w) for v in (x, y))
    correlation = (w * dx * dy).sum() / np.sqrt((w * dx * dx).sum() * (w * dy * dy).sum())
    return float(correlation.clip(-1, 1))  # rounding can pass 1 by a little


def _finite(what: str, values: ArrayLike) -> Values:
    array = np.asarray(values, dtype=np.float64)
    if not np.isfinite(array).all():
        raise BadInput(f"The {what} values must be finite numbers, but another value came.")
    return array


def _weights(weights: ArrayLike, n: int) -> Values:
    """The weights, scaled to a largest of 1."""
    w = _finite("weights'", weights)
    if w.shape != (n,):
        raise BadInput(f"Weights must have shape [{n}], one for each point; {list(w.shape)} came.")
    if (w < 0).any():
        raise BadInput("Weights must be at least 0, but one below 0 came.")
    if not w.any():
        raise BadInput("At least one weight must be above 0, but all are 0.")
    scaled: Values = w / w.max()
    return scaled
