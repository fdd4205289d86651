"""How well anomaly scores rank anomalies above normal images."""

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score, roc_curve

from lib.errors import BadInput

Labels = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float64]


def checked_labels(labels: npt.ArrayLike) -> Labels:
    """Labels as int64 of shape [n], each 0 (normal) or 1 (anomaly), both present.

    Raises BadInput for an empty list, more than one dimension, another value or a single class.
    """
    values = np.asarray(labels)
    if values.ndim != 1:
        raise BadInput(f"Labels must have one dimension [n], but came with shape {values.shape}.")
    if values.size == 0:
        raise BadInput("Labels must not be empty, but none came.")
    if not np.isin(values, (0, 1)).all():
        strange = next(v for v in values.tolist() if v not in (0, 1))
        raise BadInput(f"Labels must be 0 (normal) or 1 (anomaly), but {strange!r} came.")
    anomalies = int(values.sum())
    if anomalies in (0, values.size):
        only = "anomalies (label 1)" if anomalies else "normal images (label 0)"
        raise BadInput(
            f"Labels must hold both classes, but all {values.size} that came are {only}."
        )
    return values.astype(np.int64)


def checked(labels: npt.ArrayLike, scores: npt.ArrayLike) -> tuple[Labels, Scores]:
    """Labels int64 [n] and anomaly scores float64 [n], fit for every metric of this package.

    Scores are higher for anomalies. Raises BadInput for labels that `checked_labels` refuses,
    for scores that are not finite numbers in one dimension, and for unequal lengths.
    """
    truth = checked_labels(labels)
    raw = np.asarray(scores)
    if raw.ndim != 1:
        raise BadInput(f"Scores must have one dimension [n], but came with shape {raw.shape}.")
    if raw.size != truth.size:
        raise BadInput(
            f"One score is wanted for each label, but {raw.size} scores and "
            f"{truth.size} labels came."
        )
    if raw.dtype.kind not in "fiub":
        raise BadInput(f"Scores must be numbers, but came as {raw.dtype}.")
    values = raw.astype(np.float64)
    bad = int((~np.isfinite(values)).sum())
    if bad:
        raise BadInput(f"Scores must be finite, but {bad} of {values.size} are NaN or infinite.")
    return truth, values


def auroc(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """The chance that an anomaly scores above a normal image, ties counting one half.

    Labels [n] of 0 and 1, scores [n] higher for anomalies; in [0, 1], 0.5 is no ranking at all.
    Raises BadInput as `checked` does.
    """
    truth, values = checked(labels, scores)
    return float(roc_auc_score(truth, values))


def roc_points(labels: npt.ArrayLike, scores: npt.ArrayLike) -> tuple[Scores, Scores]:
    """False and true positive rates of the ROC curve, both ascending from 0 to 1.

    Labels [n] of 0 and 1, scores [n] higher for anomalies; the area below is `auroc`.
    Raises BadInput as `checked` does.
    """
    truth, values = checked(labels, scores)
    false_rate, true_rate, _ = roc_curve(truth, values)
    return np.asarray(false_rate, np.float64), np.asarray(true_rate, np.float64)
