"""The tail of a Weibull distribution, and the checks that fitted detectors share."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from lib.errors import BadInput

Values = NDArray[np.float64]


@dataclass(frozen=True)
class WeibullTail:
    """A Weibull distribution of the largest of some values, moved so that their least lies at 1."""

    shape: float
    log_scale: float  # near 0 for a tail of nearly equal values, so it is not raised to a scale
    start: float  # the least value of the tail

    def cdf(self, values: ArrayLike) -> Values:
        """Chance that a value of the tail is smaller, in [0, 1]: near 1 beyond the tail."""
        moved = np.maximum(np.asarray(values, np.float64) - self.start, -1)
        with np.errstate(divide="ignore", over="ignore"):  # 0 far below the tail, 1 far beyond
            power = np.exp(self.shape * (np.log1p(moved) - self.log_scale))
        return np.asarray(-np.expm1(-power), np.float64)


def fit_weibull_tail(values: ArrayLike, *, tail: int) -> WeibullTail:
    """The Weibull distribution of maximum likelihood of the `tail` largest values [n].

    The tail is moved to start at 1 and the location held at 0, as libMR does, which the authors of
    OpenMax and of the W-SVM use; so the unit of the values matters. All values are taken where
    there are fewer. Raises BadInput for values that are not finite, for a tail below 3, and where
    fewer than 3 values, or only equal ones, come.
    """
    given = np.asarray(values, np.float64)
    if given.ndim != 1 or given.size < 3 or not np.isfinite(given).all():
        raise BadInput(f"A tail needs at least 3 finite values [n], but shape {given.shape} came.")
    if tail < 3:
        raise BadInput(f"A tail has at least 3 values, but {tail} were asked for.")
    largest = np.sort(given)[-tail:]
    logs = np.log1p(largest - largest[0])
    top = float(logs[-1])
    if top == 0:
        raise BadInput("The values of a tail must differ, but all are equal.")
    # a general search fails where values are nearly equal and the shape is some millions: in
    # units of the longest logarithm the likelihood's one root lies near 1 for every tail
    u = logs / top

    def slope(k: float) -> float:
        w = np.exp(k * (u - 1))
        return float(w @ u / w.sum() - u.mean() - 1 / k)

    high = 1.0
    while slope(high) <= 0:
        high *= 2
    k = brentq(slope, 1e-9, high, xtol=1e-12)
    log_scale = top * (1 + np.log(np.exp(k * (u - 1)).mean()) / k)
    return WeibullTail(k / top, float(log_scale), float(largest[0]))


def checked_features(values: ArrayLike, name: str) -> Values:
    """Features `[n, d]` as float64. Raises BadInput for empty, other or not finite ones."""
    found = np.asarray(values, np.float64)
    if found.ndim != 2 or 0 in found.shape:
        raise BadInput(
            f"{name} must have the shape [n, d] of at least one image and one number, "
            f"but {list(found.shape)} came."
        )
    if not np.isfinite(found).all():
        raise BadInput(f"{name} must be finite, but NaN or infinity came.")
    return found


def checked_class_labels(labels: ArrayLike, n: int, classes: int) -> NDArray[np.int64]:
    """Labels int64 `[n]` that hold each of the classes from 0. Raises BadInput for others."""
    found = np.asarray(labels)
    if classes < 1:
        raise BadInput(f"There must be at least one class, but {classes} came.")
    if found.shape != (n,):
        raise BadInput(f"{n} images need as many labels, but shape {list(found.shape)} came.")
    if not np.array_equal(np.unique(found), np.arange(classes)):
        raise BadInput(
            f"Labels must hold each class from 0 to {classes - 1} and no other, "
            f"but {np.unique(found).tolist()[:20]} came."
        )
    return found.astype(np.int64)
