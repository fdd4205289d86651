"""Recognition with reject: by hand, against scikit-learn, and under other orders and names."""

import math

import numpy as np
import pytest
from sklearn.metrics import f1_score

from lib.errors import BadInput
from lib.metrics.open_set import (
    REJECT,
    macro_f_measure,
    predict_with_reject,
    thresholded_accuracy,
)

ROUNDING = 1e-12  # float64 means of a few terms

OUTPUTS = [[0.9, 0.1, 0.0], [0.2, 0.5, 0.3], [0.0, 0.3, 0.4], [0.5, 0.5, 0.0]]


def drawn(seed, n=60, classes=4, unknown=True):
    rng = np.random.default_rng(seed)
    low = -1 if unknown else 0
    labels = rng.integers(low, classes, n)
    predictions = np.where(rng.random(n) < 0.6, labels, rng.integers(-1, classes, n))
    return predictions, labels


def test_predictions_by_hand():
    assert REJECT == -1
    found = predict_with_reject(OUTPUTS, 0.45)
    assert found.tolist() == [0, 1, REJECT, 0]  # of equal outputs the first
    assert found.dtype == np.int64
    # an output at the threshold is accepted
    assert predict_with_reject(OUTPUTS, 0.5).tolist() == [0, 1, REJECT, 0]
    assert predict_with_reject(OUTPUTS, 0.0).tolist() == [0, 1, 2, 0]
    assert predict_with_reject(OUTPUTS, 1.0).tolist() == [REJECT] * 4


def test_accuracies_by_hand():
    # arg max 0 1 2 0; image 2 is right and does not reach the threshold, image 3 is wrong
    assert thresholded_accuracy(OUTPUTS, [0, 1, 2, 1], 0.0) == 3 / 4
    assert thresholded_accuracy(OUTPUTS, [0, 1, 2, 1], 0.45) == 2 / 4
    assert thresholded_accuracy(OUTPUTS, [0, 1, 2, 1], 0.95) == 0


def test_f_measures_by_hand():
    #            labels  0 0 0  1 1  ? ? ?
    # called             0 0 1  1 ?  ? ? 0
    predictions, labels = [0, 0, 1, 1, -1, -1, -1, 0], [0, 0, 0, 1, 1, -1, -1, -1]
    zero = 2 * 2 / (3 + 3)  # hits 2, called 3, wanted 3
    one = 2 * 1 / (2 + 2)
    reject = 2 * 2 / (3 + 3)
    found = macro_f_measure(predictions, labels, classes=2)
    assert found == pytest.approx((zero + one + reject) / 3, abs=ROUNDING)


def test_reject_counts_without_unknown_images_only_where_something_was_rejected():
    assert macro_f_measure([0, 1], [0, 1], classes=2) == 1
    # class 0: 2 · 1 / (1 + 2); class 1: 1; reject: 0
    found = macro_f_measure([0, -1, 1], [0, 0, 1], classes=2)
    assert found == pytest.approx((2 / 3 + 1 + 0) / 3, abs=ROUNDING)


@pytest.mark.parametrize("unknown", [True, False])
def test_f_measures_equal_scikit_learns(unknown):
    predictions, labels = drawn(0, unknown=unknown)
    present = [c for c in range(-1, 4) if c in predictions or c in labels]
    wanted = f1_score(labels, predictions, labels=present, average="macro")
    found = macro_f_measure(predictions, labels, classes=4)
    assert found == pytest.approx(wanted, abs=ROUNDING)


def test_thresholded_accuracy_by_a_loop():
    threshold = 0.6
    rng = np.random.default_rng(0)
    outputs, labels = rng.dirichlet([0.5] * 5, 200), rng.integers(0, 5, 200)
    slow = sum(
        int(np.argmax(o)) == t and max(o) >= threshold for o, t in zip(outputs, labels, strict=True)
    )
    assert thresholded_accuracy(outputs, labels, threshold) == slow / 200


def test_a_threshold_out_of_range_is_refused():
    for threshold in [-0.1, 1.1, math.nan]:
        with pytest.raises(BadInput, match="threshold must lie between 0 and 1"):
            predict_with_reject(OUTPUTS, threshold)
        with pytest.raises(BadInput, match="threshold must lie between 0 and 1"):
            thresholded_accuracy(OUTPUTS, [0, 1, 2, 0], threshold)


def test_outputs_that_are_none_are_refused():
    for outputs in ([0.1, 0.9], np.zeros((0, 3)), np.zeros((3, 0))):
        with pytest.raises(BadInput, match=r"shape \[n, k\]"):
            predict_with_reject(outputs, 0.5)
    for outputs in ([[3.0, -1.0]], [[math.nan, 0.5]]):
        with pytest.raises(BadInput, match="need a softmax"):
            predict_with_reject(outputs, 0.5)


def test_places_that_are_none_are_refused():
    for named, labels, words in (
        ([0, 1], [0, 1, 1], r"Labels must be \[n\] alike"),
        ([], [], r"Predictions must be \[n\] alike, n > 0"),
        ([0], [0.5], "Labels must be whole numbers"),
        ([0], [-2], r"Labels must be whole numbers from -1 \(no class\) to 1"),
        ([2], [1], "Predictions must be whole numbers"),
    ):
        with pytest.raises(BadInput, match=words):
            macro_f_measure(named, labels, classes=2)
    with pytest.raises(BadInput, match=r"Labels must be whole numbers from -1 .* to 2"):
        thresholded_accuracy(OUTPUTS, [0, 1, 2, 3], 0.5)
    with pytest.raises(BadInput, match="of known images, but labels of -1 came"):
        thresholded_accuracy(OUTPUTS, [0, 1, 2, -1], 0.5)
