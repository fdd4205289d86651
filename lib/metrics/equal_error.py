"""Equal error rate: as many false alarms as misses, by share."""

import numpy as np
import numpy.typing as npt

from lib.metrics.ranking import roc_points


def equal_error_rate(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """The error rate where the false positive rate equals the miss rate; in [0, 1], 0 is perfect.

    Labels [n] of 0 and 1, scores [n] higher for anomalies. The rates are those of the ROC curve,
    drawn straight between its points; where it crosses the falling diagonal lies the result, so
    that constant scores give 0.5. Points stand at distinct scores only: tied images count as one
    step. Raises BadInput as `checked` does.
    """
    false_rate, true_rate = roc_points(labels, scores)
    excess = false_rate + true_rate - 1  # false positives less misses, rises from -1 to 1
    after = int(np.argmax(excess >= 0))
    before = after - 1
    way = -excess[before] / (excess[after] - excess[before])
    return float(false_rate[before] + way * (false_rate[after] - false_rate[before]))
