"""Recognition with reject: right class for a known image, no class for an unknown one.

Outputs are one number per class in [0, 1], high for the class that fits. Predictions and labels
are places among the known classes, from 0, and -1 for "none of them".
"""

import numpy as np
import numpy.typing as npt

from lib.errors import BadInput

Places = npt.NDArray[np.int64]

REJECT = -1
ROUNDING = 1e-5  # products of ten float32 probabilities can pass 1 by 1e-6


def predict_with_reject(outputs: npt.ArrayLike, threshold: float) -> Places:
    """The class with the largest output where that reaches the threshold, else REJECT; int64 [n].

    Outputs [n, k] in [0, 1], high for the class that fits; of equal ones the first class is taken.
    An output at the threshold is accepted, so that 0 rejects nothing. Raises BadInput for outputs
    that are empty, not finite or not in [0, 1], and for a threshold that is not in [0, 1].
    """
    found = np.asarray(outputs, np.float64)
    if found.ndim != 2 or 0 in found.shape:
        raise BadInput(
            "Outputs must have the shape [n, k] of at least one image and one class, "
            f"but {list(found.shape)} came."
        )
    if not ((found >= -ROUNDING) & (found <= 1 + ROUNDING)).all():
        raise BadInput("Outputs must lie between 0 and 1, but others came: logits need a softmax.")
    if not 0 <= threshold <= 1:
        raise BadInput(f"The threshold must lie between 0 and 1, but {threshold} came.")
    return np.where(found.max(1) >= threshold, found.argmax(1), REJECT).astype(np.int64)


def thresholded_accuracy(outputs: npt.ArrayLike, labels: npt.ArrayLike, threshold: float) -> float:
    """Share of all images whose largest output is the right class's and reaches the threshold.

    Outputs [n, k] as in `predict_with_reject`, labels [n] from 0 to k - 1: every image is known, a
    rejected one is wrong. Raises BadInput as `predict_with_reject` does, and for other labels.
    Source: spigler2019denoising, tables of fooling; methods.md 5.4.
    """
    named = predict_with_reject(outputs, threshold)
    named, truth = _checked(named, labels, np.asarray(outputs).shape[1])
    if (truth == REJECT).any():
        raise BadInput("Thresholded accuracy is of known images, but labels of -1 came.")
    return float((named == truth).mean())


def macro_f_measure(predictions: npt.ArrayLike, labels: npt.ArrayLike, *, classes: int) -> float:
    """Mean F1 of the known classes and of reject as one class more; in [0, 1].

    Predictions and labels [n] from -1 to `classes` - 1. A class that is neither predicted nor
    among the labels has no F1 and is left out; so reject counts where an image is unknown or was
    rejected. Raises BadInput for other numbers, unequal lengths and no image.
    Source: spigler2019denoising, open set, form chosen in methods.md 5.7.
    """
    named, truth = _checked(predictions, labels, classes)
    places = range(REJECT, classes)
    wanted = np.array([(truth == place).sum() for place in places])
    given = np.array([(named == place).sum() for place in places])
    hits = np.array([((named == place) & (truth == place)).sum() for place in places])
    present = wanted + given > 0
    return float((2 * hits[present] / (wanted + given)[present]).mean())


def _checked(
    predictions: npt.ArrayLike, labels: npt.ArrayLike, classes: int
) -> tuple[Places, Places]:
    named, truth = np.asarray(predictions), np.asarray(labels)
    for name, places in (("Predictions", named), ("Labels", truth)):
        if places.ndim != 1 or len(places) != len(named) or not len(places):
            raise BadInput(f"{name} must be [n] alike, n > 0, but {list(places.shape)} came.")
        if places.dtype.kind not in "iu" or not REJECT <= places.min() <= places.max() < classes:
            raise BadInput(f"{name} must be whole numbers from -1 (no class) to {classes - 1}.")
    return named.astype(np.int64), truth.astype(np.int64)
