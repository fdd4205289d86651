"""Bootstrap interval of any statistic of labels and scores."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from lib.errors import BadInput
from lib.metrics.intervals import Interval, checked_level
from lib.metrics.ranking import Labels, Scores, checked_labels

Statistic = Callable[[Labels, Scores], float]


def bootstrap_interval(
    statistic: Statistic,
    labels: npt.ArrayLike,
    scores: npt.ArrayLike,
    *,
    rng: np.random.Generator,
    draws: int = 1000,
    level: float = 0.95,
) -> Interval:
    """The statistic of the images with its percentile bootstrap interval; n counts the images.

    Labels [n] of 0 and 1. Scores [n], or [n, k] for a statistic of several scores of the same
    images, such as the difference of two error rates. Normal images and anomalies are drawn with
    replacement apart from each other, so that every draw holds as many of each. The interval is
    about the draw of test images, not about seeds. Raises BadInput as `checked_labels` does, for
    scores that are not finite or not one for each label, and for draws below 1.
    Source: Efron and Tibshirani 1993, percentile interval.
    """
    truth = checked_labels(labels)
    found = np.asarray(scores, np.float64)
    if found.ndim not in (1, 2) or len(found) != truth.size:
        raise BadInput(
            f"Scores must have the shape [{truth.size}] or [{truth.size}, k], one for each label, "
            f"but {list(found.shape)} came."
        )
    if not np.isfinite(found).all():
        raise BadInput("Scores must be finite, but NaN or infinity came.")
    if draws < 1:
        raise BadInput(f"The bootstrap needs at least one draw, but {draws} came.")
    tail = (1 - checked_level(level)) / 2
    sides = [np.flatnonzero(truth == label) for label in (0, 1)]
    values = np.empty(draws)
    for i in range(draws):
        drawn = np.concatenate([rng.choice(side, side.size) for side in sides])
        values[i] = statistic(truth[drawn], found[drawn])
    low, high = np.quantile(values, [tail, 1 - tail])
    return Interval(float(statistic(truth, found)), float(low), float(high), truth.size)
