"""DeLong's interval of an AUROC and of the difference between two, in O(n log n)."""

import numpy as np
import numpy.typing as npt
from scipy import stats

from lib.errors import BadInput
from lib.metrics.intervals import Interval, checked_level
from lib.metrics.ranking import Labels, Scores, checked


def delong_interval(
    labels: npt.ArrayLike, scores: npt.ArrayLike, *, level: float = 0.95
) -> Interval:
    """AUROC with DeLong's normal interval, cut to [0, 1]; n counts the images.

    Labels [n] of 0 and 1, scores [n] higher for anomalies. Perfect separation has an estimated
    variance of zero, so there the limits equal the mean. The interval is about the draw of test
    images, not about seeds. Raises BadInput as `checked` does, and with fewer than two images of
    either class. Source: DeLong et al. 1988; midranks as in Sun and Xu 2014.
    """
    truth, values = checked(labels, scores)
    mean, variance = _mean_and_variance(*_placements(truth, values))
    return _normal(mean, variance, level=level, lowest=0.0, n=truth.size)


def delong_difference(
    labels: npt.ArrayLike, a: npt.ArrayLike, b: npt.ArrayLike, *, level: float = 0.95
) -> Interval:
    """AUROC of a minus AUROC of b on the same images, with DeLong's interval cut to [-1, 1].

    Labels [n] of 0 and 1, both scores [n] higher for anomalies; above 0 means a ranks better.
    Raises BadInput as `delong_interval` does.
    """
    truth, first = checked(labels, a)
    _, second = checked(labels, b)
    anomaly_a, normal_a = _placements(truth, first)
    anomaly_b, normal_b = _placements(truth, second)
    # the placements are paired by image, so their differences carry the covariance with them
    mean, variance = _mean_and_variance(anomaly_a - anomaly_b, normal_a - normal_b)
    return _normal(mean, variance, level=level, lowest=-1.0, n=truth.size)


def _placements(truth: Labels, scores: Scores) -> tuple[Scores, Scores]:
    """For each anomaly the share of normal images below it, and for each normal the mirror."""
    anomalies, normals = scores[truth == 1], scores[truth == 0]
    m, n = anomalies.size, normals.size
    if min(m, n) < 2:
        raise BadInput(
            f"DeLong's interval needs two images of each class, but {m} anomalies and "
            f"{n} normal images came."
        )
    ranks = stats.rankdata(scores)  # midranks: ties count one half
    below = (ranks[truth == 1] - stats.rankdata(anomalies)) / n
    above = 1 - (ranks[truth == 0] - stats.rankdata(normals)) / m
    return below, above


def _mean_and_variance(anomaly: Scores, normal: Scores) -> tuple[float, float]:
    variance = np.var(anomaly, ddof=1) / anomaly.size + np.var(normal, ddof=1) / normal.size
    return float(anomaly.mean()), float(variance)


def _normal(mean: float, variance: float, *, level: float, lowest: float, n: int) -> Interval:
    half = float(stats.norm.ppf((1 + checked_level(level)) / 2)) * variance**0.5
    return Interval(mean, max(mean - half, lowest), min(mean + half, 1.0), n)
