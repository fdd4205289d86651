"""F1 at a threshold: by hand, against an exhaustive search, and both positive classes."""

import math

import numpy as np
import pytest

from lib.errors import BadInput
from lib.metrics import best_f1_threshold, f1_accept_all, f1_at

ROUNDING = 1e-12  # a handful of float64 operations


def slow_f1(labels, scores, threshold, positive):
    """Precision and recall counted image by image."""
    called = ["anomaly" if s > threshold else "normal" for s in scores]
    truth = ["anomaly" if t else "normal" for t in labels]
    hits = sum(c == t == positive for c, t in zip(called, truth, strict=True))
    if hits == 0:
        return 0.0
    precision, recall = hits / called.count(positive), hits / truth.count(positive)
    return 2 * precision * recall / (precision + recall)


def drawn(seed, n=40):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % 4 == 0).astype(int)
    return labels, rng.integers(10, size=n) + 3 * labels


def test_f1_by_hand_for_both_positive_classes():
    labels, scores = [0, 0, 0, 1, 1], [1, 2, 4, 3, 5]
    # above 2.5: normal 4, anomalies 3 and 5; precision 2/3, recall 2/2
    assert f1_at(labels, scores, 2.5) == pytest.approx(2 * (2 / 3) / (2 / 3 + 1), abs=ROUNDING)
    # at or below 2.5: normals 1 and 2; precision 2/2, recall 2/3
    expected = pytest.approx(2 * (2 / 3) / (1 + 2 / 3), abs=ROUNDING)
    assert f1_at(labels, scores, 2.5, positive="normal") == expected


def test_a_score_at_the_threshold_is_normal():
    assert f1_at([0, 1], [1, 2], 1) == 1
    assert f1_at([0, 1], [1, 2], 2) == 0


def test_floor_of_accepting_everything():
    labels = np.arange(100) < 10
    # all 100 accepted: precision 0.9, recall 1
    expected = pytest.approx(1.8 / 1.9, abs=ROUNDING)
    assert f1_accept_all(labels) == expected
    assert f1_at(labels, np.zeros(100), 0, positive="normal") == expected


@pytest.mark.parametrize("positive", ["anomaly", "normal"])
def test_best_threshold_beats_every_other(positive):
    labels, scores = drawn(0)
    best = best_f1_threshold(labels, scores, positive=positive)
    candidates = [-math.inf, *sorted(set(scores.tolist()))]
    found = [slow_f1(labels, scores, t, positive) for t in candidates]
    assert best == candidates[int(np.argmax(found))]  # the lowest of equals
    value = f1_at(labels, scores, best, positive=positive)
    assert value == pytest.approx(max(found), abs=ROUNDING)


def test_useless_scores_call_everything_the_positive_class():
    labels, scores = [0, 1, 0, 1], [5, 5, 5, 5]
    assert best_f1_threshold(labels, scores) == -math.inf
    assert best_f1_threshold(labels, scores, positive="normal") == 5


def test_nonsense_is_refused():
    with pytest.raises(BadInput, match="'anomaly' or 'normal', but 'inlier'"):
        best_f1_threshold([0, 1], [1, 2], positive="inlier")
    with pytest.raises(BadInput, match="'anomaly' or 'normal'"):
        f1_at([0, 1], [1, 2], 1, positive="inlier")
    with pytest.raises(BadInput, match="NaN"):
        f1_at([0, 1], [1, 2], math.nan)
    with pytest.raises(BadInput, match="both classes"):
        f1_accept_all([0, 0])
