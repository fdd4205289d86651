"""Student's and Wilson's intervals against tables and arithmetic."""

import math

import pytest

from lib.errors import BadInput
from lib.metrics import (
    pearson_interval,
    student_interval,
    wilson_interval,
)

ROUNDING = 1e-12  # float64 sums of a few terms


def test_student_by_hand():
    # mean 2, standard deviation 1, n = 3; the t table gives 4.303 for 2 degrees of freedom
    found = student_interval([1, 2, 3])
    assert (found.mean, found.n) == (2, 3)
    # the table has three decimals
    assert found.high - found.mean == pytest.approx(4.303 * 1 / 3**0.5, abs=0.0005)
    assert found.mean - found.low == pytest.approx(found.high - found.mean, abs=ROUNDING)


def test_student_of_one_value_knows_no_width():
    found = student_interval([0.7])
    assert (found.mean, found.low, found.high, found.n) == (0.7, -math.inf, math.inf, 1)


def test_student_refuses_nonsense():
    for values in [[], [1, math.nan], [math.inf], [[1, 2]]]:
        with pytest.raises(BadInput):
            student_interval(values)


def test_wilson_by_hand():
    # 8 of 10 with z = 1.96: centre (0.8 + z^2/20) / (1 + z^2/10), half width
    # z / (1 + z^2/10) * sqrt(0.8 * 0.2 / 10 + z^2/400)
    z = 1.959964
    scale = 1 + z**2 / 10
    centre, half = (0.8 + z**2 / 20) / scale, z / scale * (0.016 + z**2 / 400) ** 0.5
    found = wilson_interval(8, 10)
    assert found.mean == 0.8 and found.n == 10
    # z was typed with six decimals
    assert (found.low, found.high) == pytest.approx((centre - half, centre + half), abs=1e-6)


def test_wilson_refuses_nonsense():
    for successes, trials in [(-1, 3), (4, 3), (0, 0)]:
        with pytest.raises(BadInput, match=f"{successes} of {trials}"):
            wilson_interval(successes, trials)


def test_pearson_by_hand():
    # deviations (-2, -1, 0, 1, 2) and (-2, -1, 0, 2, 1): 9 / 10; Fisher's z has the spread
    # 1 / sqrt(n - 3)
    found = pearson_interval([1, 2, 3, 4, 5], [10, 20, 30, 50, 40])
    half = 1.959964 / math.sqrt(2)
    limits = [math.tanh(math.atanh(0.9) + side * half) for side in (-1, 1)]
    assert found.mean == pytest.approx(0.9, abs=ROUNDING) and found.n == 5
    # z was typed with six decimals
    assert [found.low, found.high] == pytest.approx(limits, abs=1e-6)


def test_pearson_refuses_nonsense():
    for x, y, words in [
        ([1, 2, 3], [1, 2, 3], "at least 4 pairs"),
        ([1, 2, 3, 4], [1, 2, 3, 4, 5], "at least 4 pairs"),
        ([[1, 2], [3, 4]], [[1, 2], [3, 4]], "at least 4 pairs"),
        ([1, 2, 3, math.nan], [1, 2, 3, 4], "finite"),
        ([1, 2, 3, 4], [5, 5, 5, 5], "vary"),
    ]:
        with pytest.raises(BadInput, match=words):
            pearson_interval(x, y)
