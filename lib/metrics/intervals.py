"""Confidence intervals of a mean over seeds, a share and a correlation."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from lib.errors import BadInput


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence limits; n is how many values, images or trials it has."""

    mean: float
    low: float
    high: float
    n: int


def checked_level(level: float) -> float:
    """The confidence level itself, if it lies between 0 and 1. Raises BadInput otherwise."""
    if not 0 < level < 1:
        raise BadInput(f"The confidence level must lie between 0 and 1, but {level} came.")
    return level


def student_interval(values: npt.ArrayLike, *, level: float = 0.95) -> Interval:
    """Student's t interval of the mean of independent values, such as one number per seed.

    Values have shape [n]. One value says nothing about the spread, so its limits are -inf and
    +inf. Raises BadInput if values are empty, not finite or not one-dimensional.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        raise BadInput(f"Values must have one dimension [n], n > 0, but shape {array.shape} came.")
    if not np.isfinite(array).all():
        raise BadInput("Values must be finite, but NaN or infinity came.")
    n, mean = array.size, float(array.mean())
    quantile = float(stats.t.ppf((1 + checked_level(level)) / 2, max(n - 1, 1)))
    half = quantile * float(array.std(ddof=1)) / math.sqrt(n) if n > 1 else math.inf
    return Interval(mean, mean - half, mean + half, n)


def wilson_interval(successes: int, trials: int, *, level: float = 0.95) -> Interval:
    """Wilson's score interval of a share: limits in [0, 1], usable at 0 and at all successes.

    Raises BadInput unless 0 <= successes <= trials and trials > 0.
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise BadInput(
            f"A share needs 0 <= successes <= trials and at least one trial, "
            f"but {successes} of {trials} came."
        )
    test = stats.binomtest(successes, trials)
    limits = test.proportion_ci(confidence_level=checked_level(level), method="wilson")
    return Interval(successes / trials, float(limits.low), float(limits.high), trials)


def pearson_interval(x: npt.ArrayLike, y: npt.ArrayLike, *, level: float = 0.95) -> Interval:
    """Pearson's correlation of pairs, in [-1, 1], with Fisher's z interval.

    `x` and `y` have shape [n]; mean is the correlation itself. Raises BadInput for unlike or wrong
    shapes, fewer than 4 pairs, values that are not finite, and where x or y does not vary.
    """
    first, second = (np.asarray(values, dtype=np.float64) for values in (x, y))
    if first.ndim != 1 or first.shape != second.shape or first.size < 4:
        raise BadInput(
            f"A correlation needs two values [n] of at least 4 pairs, but shapes {first.shape} and "
            f"{second.shape} came."
        )
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise BadInput("Values must be finite, but NaN or infinity came.")
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        raise BadInput("A correlation needs values that vary.")
    test = stats.pearsonr(first, second)
    limits = test.confidence_interval(checked_level(level))
    return Interval(float(test.statistic), float(limits.low), float(limits.high), first.size)
