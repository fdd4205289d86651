"""Equal error rate: by hand, against a fine search along the curve, and its invariances."""

import numpy as np
import pytest

from lib.metrics import equal_error_rate, roc_points

ROUNDING = 1e-12  # float64, a few operations


def drawn(seed, n=40, m=25, levels=None):
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1], [n, m])
    scores = rng.normal(size=n + m) + labels
    if levels:
        scores = np.round(scores * levels) / levels
    return labels, scores


def test_by_hand():
    # ascending 0 0 1 0 1 1: a threshold below the anomaly at 3 leaves one of three normals above
    # and no anomaly below; above it one normal above and one anomaly below: 1/3 both
    assert equal_error_rate([0, 0, 1, 0, 1, 1], [1, 2, 3, 4, 5, 6]) == pytest.approx(1 / 3)


def test_between_two_points_by_hand():
    # two normals at 1 and 3, one anomaly at 2: points (0, 0), (1/2, 0), (1/2, 1), (1, 1); the
    # upright piece at false rate 1/2 crosses the diagonal true = 1 - false there
    assert equal_error_rate([0, 1, 0], [1, 2, 3]) == 0.5
    # one normal and one of two anomalies tied at 2, the other anomaly at 3, a normal at 1:
    # (0, 1/2) to (1/2, 1) meets true = 1 - false at (1/4, 3/4)
    assert equal_error_rate([0, 0, 1, 1], [1, 2, 2, 3]) == pytest.approx(0.25, abs=ROUNDING)


def test_ends():
    assert equal_error_rate([0, 0, 1], [1, 2, 3]) == 0.0
    assert equal_error_rate([0, 0, 1], [3, 2, 1]) == 1.0
    assert equal_error_rate([0, 0, 1, 1, 1], [4.0] * 5) == 0.5  # no ranking at all


@pytest.mark.parametrize("levels", [None, 2])
def test_equals_a_fine_search_along_the_curve(levels):
    labels, scores = drawn(0, levels=levels)
    false_rate, true_rate = roc_points(labels, scores)
    way = np.linspace(0, len(false_rate) - 1, 200_001)
    x, y = (np.interp(way, np.arange(len(v)), v) for v in (false_rate, true_rate))
    nearest = np.argmin(np.abs(x + y - 1))
    # a step of the search moves along at most 65 pieces in 200,000 steps
    assert equal_error_rate(labels, scores) == pytest.approx(x[nearest], abs=65 / 200_000)


def test_rising_maps_do_not_matter_and_negation_mirrors():
    labels, scores = drawn(7)
    found = equal_error_rate(labels, scores)
    assert equal_error_rate(labels, np.exp(scores)) == found
    order = np.random.default_rng(0).permutation(len(labels))
    assert equal_error_rate(labels[order], scores[order]) == found
    mirrored = equal_error_rate(labels, -scores)
    assert mirrored == pytest.approx(1 - found, abs=ROUNDING)
    assert equal_error_rate(1 - labels, -scores) == pytest.approx(found, abs=ROUNDING)
