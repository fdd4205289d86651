"""Agreement of fields by hand, against slow twins, and where nothing can be said."""

import math

import numpy as np
import pytest

from lib.errors import BadInput
from lib.metrics.fields import field_agreement, weighted_correlation

ROUNDING = 1e-12  # float64 sums of at most some hundred terms of the order of 1


def near(value):
    return pytest.approx(value, abs=ROUNDING)


def drawn(seed, n=50):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 2)), rng.normal(size=(n, 2)), rng.random(n)


def test_agreement_by_hand():
    estimated, true = [[2, 0], [0, 1], [1, 1]], [[1, 0], [1, 0], [0, 2]]
    found = field_agreement(estimated, true, [1, 2, 1])
    # e·t = 2, 0, 2; |t|² = 1, 1, 4; |e - t|² = 1, 2, 2; cosines 1, 0, 2/(√2 · 2)
    assert found.slope == near((2 + 2 * 0 + 2) / (1 + 2 + 4))
    assert found.r2 == near(1 - (1 + 2 * 2 + 2) / (1 + 2 + 4))
    assert found.cosine == near((1 + 2 * 0 + 1 / math.sqrt(2)) / 4)


def test_a_field_of_zeros_explains_nothing():
    _, true, w = drawn(2)
    found = field_agreement(np.zeros_like(true), true, w)
    assert found[:2] == (0, 0) and math.isnan(found.cosine)


def test_agreement_point_by_point():
    e, t, w = drawn(4)
    e[0], t[1] = 0, 0  # these have no cosine
    above = below = error = cosines = counted = 0.0
    for (ex, ey), (tx, ty), weight in zip(e, t, w, strict=True):
        above += weight * (ex * tx + ey * ty)
        below += weight * (tx**2 + ty**2)
        error += weight * ((ex - tx) ** 2 + (ey - ty) ** 2)
        if math.hypot(ex, ey) and math.hypot(tx, ty):
            angle = math.atan2(ey, ex) - math.atan2(ty, tx)
            cosines, counted = cosines + weight * math.cos(angle), counted + weight
    assert field_agreement(e, t, w) == near((above / below, 1 - error / below, cosines / counted))


def test_invariances():
    e, t, w = drawn(5)
    wanted = field_agreement(e, t, w)
    assert field_agreement(e[::-1], t[::-1], w[::-1]) == near(tuple(wanted))  # order
    for scale in (1e-200, 1e200):  # of the weights
        assert field_agreement(e, t, scale * w) == near(tuple(wanted))
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    assert field_agreement(e @ turn, t @ turn, w) == near(tuple(wanted))
    # a weight of 2 counts as the point twice, of 0 as no point
    twice = field_agreement(np.vstack([e, e[:9]]), np.vstack([t, t[:9]]), np.ones(59))
    assert field_agreement(e, t, np.r_[np.full(9, 2), np.ones(41)]) == near(tuple(twice))
    fewer = field_agreement(e[9:], t[9:], w[9:])
    assert field_agreement(e, t, np.r_[np.zeros(9), w[9:]]) == near(tuple(fewer))


def test_correlation_by_hand():
    # weights 1, 1, 2: means (0 + 2 + 2·1)/4 = 1 and (0 + 4 + 2·4)/4 = 3; deviations -1, 1, 0 and
    # -3, 1, 1: 3 + 1 over the root of (1 + 1)(9 + 1 + 2)
    found = weighted_correlation([0, 2, 1], [0, 4, 4], [1, 1, 2])
    assert found == near(4 / math.sqrt(2 * 12))


def test_correlation_equals_numpys():
    rng = np.random.default_rng(6)
    a, b, counts = rng.normal(size=30), rng.normal(size=30), rng.integers(0, 4, 30)
    wanted = np.corrcoef(a.repeat(counts), b.repeat(counts))[0, 1]
    found = weighted_correlation(a, b, counts)
    assert found == near(wanted)
    assert weighted_correlation(3 * a - 7, b, counts) == near(wanted)
    assert weighted_correlation(-a, b, counts) == near(-wanted)
    assert weighted_correlation(b, a, counts / 5) == near(wanted)
    assert weighted_correlation(a, 2 * a + 1, counts) == near(1)


def test_correlation_of_a_constant_is_undefined():
    assert math.isnan(weighted_correlation([0.1, 0.1, 0.1], [1, 2, 3], [1, 1, 1]))
    # constant where there is weight
    assert math.isnan(weighted_correlation([1, 2, 3], [5, 5, 9], [1, 1, 0]))


def test_bad_weights_are_refused_in_words():
    for weights, words in [
        ([1, 1], r"shape \[3\], one for each point; \[2\] came"),
        ([[1], [1], [1]], r"shape \[3\]"),
        ([1, -1, 1], "at least 0, but one below 0 came"),
        ([0, 0, 0], "At least one weight must be above 0"),
        ([1, math.nan, 1], "weights' values must be finite"),
    ]:
        with pytest.raises(BadInput, match=words):
            field_agreement(np.ones((3, 2)), np.ones((3, 2)), weights)
        with pytest.raises(BadInput, match=words):
            weighted_correlation([1, 2, 3], [1, 2, 3], weights)


def test_bad_fields_are_refused_in_words():
    good = np.ones((3, 2))
    for bad in (np.ones(3), np.ones((3, 3)), np.ones((2, 2)), np.ones((0, 2))):
        with pytest.raises(BadInput, match=r"one shape \[n, d\]"):
            field_agreement(bad, good, np.ones(3))
    with pytest.raises(BadInput, match=r"one shape \[n, d\], but \[0, 2\] and \[0, 2\] came"):
        field_agreement(np.ones((0, 2)), np.ones((0, 2)), [])
    with pytest.raises(BadInput, match="estimated values must be finite"):
        field_agreement(good * math.nan, good, np.ones(3))
    with pytest.raises(BadInput, match="true values must be finite"):
        field_agreement(good, good * math.inf, np.ones(3))
    with pytest.raises(BadInput, match="true field is 0 wherever there is weight"):
        field_agreement(good, [[0, 0], [0, 0], [1, 1]], [1, 1, 0])


def test_bad_numbers_are_refused_in_words():
    for a, b in (([1, 2], [1, 2, 3]), ([[1, 2]], [[1, 2]]), ([], [])):
        with pytest.raises(BadInput, match=r"one shape \[n\], but"):
            weighted_correlation(a, b, np.ones(len(a)))
    with pytest.raises(BadInput, match="second values must be finite"):
        weighted_correlation([1, 2], [1, math.inf], [1, 1])
