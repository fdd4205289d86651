"""F1 at a threshold: an image is called anomalous when its score is above the threshold."""

from typing import Literal

import numpy as np
import numpy.typing as npt

from lib.errors import BadInput
from lib.metrics.ranking import checked, checked_labels

Positive = Literal["anomaly", "normal"]


def best_f1_threshold(
    labels: npt.ArrayLike, scores: npt.ArrayLike, *, positive: Positive = "anomaly"
) -> float:
    """The threshold with the highest F1 on these (validation) images, the lowest one if tied.

    Labels [n] of 0 and 1, scores [n] higher for anomalies. The result is one of the scores, or
    -inf when calling every image anomalous is best. Never use it on the images it is judged on.
    Raises BadInput as `checked` does, and for another positive class.
    """
    truth, values = checked(labels, scores)
    candidates = np.concatenate([[-np.inf], np.unique(values)])
    # how many of each class stay at or below each candidate, by binary search: O(n log n)
    normals = np.searchsorted(np.sort(values[truth == 0]), candidates, side="right")
    anomalies = np.searchsorted(np.sort(values[truth == 1]), candidates, side="right")
    n_normal, n_anomaly = int((truth == 0).sum()), int(truth.sum())
    if _checked_positive(positive) == "normal":
        hits, called, wanted = normals, normals + anomalies, n_normal
    else:
        hits = n_anomaly - anomalies
        called, wanted = hits + n_normal - normals, n_anomaly
    f1 = 2 * hits / (called + wanted)  # wanted > 0: both classes are present
    return float(candidates[np.argmax(f1)])


def f1_at(
    labels: npt.ArrayLike,
    scores: npt.ArrayLike,
    threshold: float,
    *,
    positive: Positive = "anomaly",
) -> float:
    """F1 of calling an image anomalous when its score is above the threshold; in [0, 1].

    Labels [n] of 0 and 1, scores [n] higher for anomalies. With positive="normal" the hits are
    the normal images at or below the threshold, as in GPND. Raises BadInput as `checked` does,
    for a NaN threshold, and for another positive class.
    """
    truth, values = checked(labels, scores)
    if np.isnan(threshold):
        raise BadInput("The threshold must be a number, but NaN came.")
    called = values > threshold
    is_positive = truth == 1
    if _checked_positive(positive) == "normal":
        called, is_positive = ~called, ~is_positive
    hits = int((called & is_positive).sum())
    return 2 * hits / (int(called.sum()) + int(is_positive.sum()))


def f1_accept_all(labels: npt.ArrayLike) -> float:
    """F1, with normal as the positive class, of a detector that accepts every image.

    With a share p of normal images precision is p and recall 1, so F1 = 2p / (p + 1): the floor
    of every published F1 on that mixture. Raises BadInput as `checked_labels` does.
    """
    share = 1 - float(checked_labels(labels).mean())
    return 2 * share / (share + 1)


def _checked_positive(positive: str) -> str:
    if positive not in ("anomaly", "normal"):
        raise BadInput(f"The positive class must be 'anomaly' or 'normal', but {positive!r} came.")
    return positive
