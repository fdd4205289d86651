"""DeLong's interval against arithmetic by hand, its slow definition and a simulation."""

import numpy as np
import pytest
from scipy import stats

from lib.errors import BadInput
from lib.metrics import auroc, delong_difference, delong_interval

ROUNDING = 1e-12  # float64 sums of at most a few hundred terms
Z = stats.norm.ppf(0.975)


def components(labels, scores):
    """Structural components by their definition: a double loop over pairs."""
    anomalies = [s for t, s in zip(labels, scores, strict=True) if t == 1]
    normals = [s for t, s in zip(labels, scores, strict=True) if t == 0]
    win = [[(a > b) + 0.5 * (a == b) for b in normals] for a in anomalies]
    return np.mean(win, axis=1), np.mean(win, axis=0)


def slow_difference_variance(labels, a, b):
    """var(a) + var(b) - 2 cov(a, b), from the 2 x 2 covariance matrices of the components."""
    (ya, xa), (yb, xb) = components(labels, a), components(labels, b)
    s = np.cov([ya, yb]) / len(ya) + np.cov([xa, xb]) / len(xa)
    return s[0, 0] + s[1, 1] - 2 * s[0, 1]


def drawn(seed, n=50):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % 3 == 0).astype(int)  # unequal class sizes
    return labels, np.round(rng.normal(size=n) + labels, 1), np.round(rng.normal(size=n), 1)


def test_by_hand_on_two_by_two_images():
    # anomalies 3 and 1, normals 2 and 0: AUROC 3/4
    # of the normals 3 beats 2/2 and 1 beats 1/2: variance (0.25^2 + 0.25^2) / 1 = 0.125
    # 2 is below 1/2 of the anomalies and 0 below 2/2: 0.125 again
    # variance of the AUROC = 0.125 / 2 + 0.125 / 2 = 0.125
    found = delong_interval([1, 1, 0, 0], [3, 1, 2, 0])
    assert found.mean == 3 / 4
    assert found.low == pytest.approx(0.75 - Z * 0.125**0.5, abs=ROUNDING)
    assert found.high == 1  # 0.75 + 0.69 is cut
    assert found.n == 4


def test_equals_the_slow_definition_with_ties():
    labels, scores, _ = drawn(0)
    y, x = components(labels, scores)
    half = Z * (np.var(y, ddof=1) / len(y) + np.var(x, ddof=1) / len(x)) ** 0.5
    found = delong_interval(labels, scores)
    assert found.mean == pytest.approx(auroc(labels, scores), abs=ROUNDING)
    assert (found.low, found.high) == pytest.approx(
        (found.mean - half, min(found.mean + half, 1)), abs=ROUNDING
    )


def test_difference_equals_the_slow_definition():
    labels, a, b = drawn(0)
    found = delong_difference(labels, a, b)
    half = Z * slow_difference_variance(labels, a, b) ** 0.5
    assert found.mean == pytest.approx(auroc(labels, a) - auroc(labels, b), abs=ROUNDING)
    assert found.low == pytest.approx(found.mean - half, abs=ROUNDING)
    assert found.high == pytest.approx(min(found.mean + half, 1), abs=ROUNDING)


def test_difference_turns_sign_and_vanishes_for_equal_rankings():
    labels, a, b = drawn(1)
    there, back = delong_difference(labels, a, b), delong_difference(labels, b, a)
    assert there.mean == pytest.approx(-back.mean, abs=ROUNDING)
    assert there.low == pytest.approx(-back.high, abs=ROUNDING)
    same = delong_difference(labels, a, 3 * a + 1)
    assert (same.mean, same.low, same.high) == (0, 0, 0)


def test_wider_level_gives_a_wider_interval():
    labels, scores, _ = drawn(3)
    narrow, wide = (delong_interval(labels, scores, level=level) for level in (0.5, 0.9))
    assert wide.low < narrow.low < narrow.high < wide.high
    with pytest.raises(BadInput, match="between 0 and 1, but 95"):
        delong_interval(labels, scores, level=95)


def test_covers_the_true_value_as_often_as_it_says():
    # normal scores, shifted by 1: the true AUROC is Phi(1 / sqrt(2))
    truth = stats.norm.cdf(1 / 2**0.5)
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 2
    hits = 0
    for _ in range(400):
        found = delong_interval(labels, rng.normal(size=200) + labels)
        hits += found.low <= truth <= found.high
    # 400 draws at 0.95: standard deviation sqrt(0.95 * 0.05 / 400) = 0.011; three of them, and
    # one point for the normal approximation at 100 against 100
    assert hits / 400 == pytest.approx(0.95, abs=3 * 0.011 + 0.01)


def test_one_image_of_a_class_is_refused():
    for labels in [[1, 0, 0], [1, 1, 0]]:
        with pytest.raises(BadInput, match="two images of each class"):
            delong_interval(labels, [3, 2, 1])
