"""AUROC and ROC points against pair counting, and refusal of nonsense."""

import numpy as np
import pytest

from lib.errors import BadInput
from lib.metrics import (
    auroc,
    best_f1_threshold,
    delong_difference,
    delong_interval,
    equal_error_rate,
    f1_at,
    roc_points,
)

ROUNDING = 1e-12  # float64 sums of at most a few hundred terms


def pairs(labels, scores):
    """The slow definition: wins of anomalies over normal images, ties one half."""
    anomalies = [s for t, s in zip(labels, scores, strict=True) if t == 1]
    normals = [s for t, s in zip(labels, scores, strict=True) if t == 0]
    wins = sum((a > b) + 0.5 * (a == b) for a in anomalies for b in normals)
    return wins / (len(anomalies) * len(normals))


def drawn(seed, n=60, levels=8):
    """Labels and scores with many ties."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % 3 == 0).astype(int)  # unequal class sizes
    return labels, rng.integers(levels, size=n) / levels + labels / levels


def test_auroc_by_hand():
    # anomalies 3 and 1, normals 2 and 0: 3>2, 3>0 and 1>0 win, 1<2 loses
    assert auroc([1, 1, 0, 0], [3, 1, 2, 0]) == 3 / 4
    # anomaly 1 ties with normal 1 and beats 0
    assert auroc([1, 0, 0], [1, 1, 0]) == (0.5 + 1) / 2


def test_auroc_counts_pairs_with_ties():
    labels, scores = drawn(0)
    assert auroc(labels, scores) == pytest.approx(pairs(labels, scores), abs=ROUNDING)


def test_auroc_invariances():
    labels, scores = drawn(7)
    order = np.random.default_rng(0).permutation(len(labels))
    expected = pytest.approx(auroc(labels, scores), abs=ROUNDING)
    assert auroc(labels[order], scores[order]) == expected
    assert auroc(labels, np.exp(10 * scores)) == expected  # a rising map
    assert 1 - auroc(labels, -scores) == expected  # negation flips
    assert 1 - auroc(1 - labels, scores) == expected


def test_roc_points_by_hand_and_area():
    false_rate, true_rate = roc_points([1, 0, 1, 0], [4, 3, 2, 1])
    # one step up for each anomaly, one to the right for each normal image
    assert false_rate.tolist() == [0, 0, 0.5, 0.5, 1]
    assert true_rate.tolist() == [0, 0.5, 0.5, 1, 1]
    labels, scores = drawn(3)
    area = np.trapezoid(*reversed(roc_points(labels, scores)))
    assert area == pytest.approx(pairs(labels, scores), abs=ROUNDING)


METRICS = [
    auroc,
    roc_points,
    equal_error_rate,
    best_f1_threshold,
    delong_interval,
    lambda t, s: f1_at(t, s, 0.5),
    lambda t, s: delong_difference(t, s, s),
]
NONSENSE = [
    ([0, 0, 0], [1, 2, 3], "both classes, but all 3 .* normal"),
    ([1, 1], [1, 2], "both classes, but all 2 .* anomalies"),
    ([0, 1], [1, np.nan], "finite, but 1 of 2"),
    ([0, 1], [np.inf, 1], "finite, but 1 of 2"),
    ([0, 1], [1, 2, 3], "3 scores and 2 labels"),
    ([], [], "must not be empty"),
    ([0, 2], [1, 2], r"0 \(normal\) or 1 \(anomaly\), but 2 came"),
    ([0.5, 1], [1, 2], "but 0.5 came"),
    ([[0, 1]], [1, 2], r"Labels .* shape \(1, 2\)"),
    ([0, 1], [[1], [2]], r"Scores .* shape \(2, 1\)"),
    ([0, 1], ["a", "b"], "Scores must be numbers"),
]


def test_nonsense_is_refused_in_words_by_every_metric():
    for metric in METRICS:
        for labels, scores, message in NONSENSE:
            with pytest.raises(BadInput, match=message):
                metric(labels, scores)
