"""Metrics between maps by hand, against slow twins, and under what must not change them."""

import math
from itertools import combinations

import numpy as np
import pytest
from scipy.spatial.distance import directed_hausdorff

from lib.errors import BadInput
from lib.metrics import (
    chance_max_distance,
    chance_top_k,
    chance_top_k_cdf,
    correspondence,
    map_mse,
    max_distance,
    top_k_agreement,
)

ROUNDING = 1e-12  # float64 sums of at most a few hundred terms

A = [[[9, 8, 0], [0, 7, 0], [0, 0, 1]]]  # top 3: (0,0) (0,1) (1,1)
B = [[[9, 0, 0], [0, 0, 0], [1, 7, 8]]]  # top 3: (0,0) (2,1) (2,2)


def drawn(seed, n=20, h=6, w=5, levels=None):
    """Two sets of maps; with few levels they are full of ties."""
    rng = np.random.default_rng(seed)
    if levels is None:
        return rng.random((2, n, h, w))
    return rng.integers(levels, size=(2, n, h, w)) / levels


def top(one, k):
    """The slow definition: (row, column) of the k largest, the first in reading order if tied."""
    places = [(-one[r][c], r, c) for r in range(len(one)) for c in range(len(one[0]))]
    return [(r, c) for _, r, c in sorted(places)[:k]]


def test_agreement_by_hand():
    assert top_k_agreement(A, B, k=1).tolist() == [1]
    assert top_k_agreement(A, B, k=3).tolist() == [1]
    assert top_k_agreement(A, B, k=4).tolist() == [2]  # (2,2) of A joins, (2,0) of B does not
    assert top_k_agreement(A, B, k=9).tolist() == [9]
    assert top_k_agreement(A, B, k=3).dtype == np.int64


def test_distance_by_hand():
    assert max_distance(A, B, k=1).tolist() == [0]
    # (0,0) → itself 0; (0,1) → (0,0) 1; (1,1) → (2,1) 1
    assert max_distance(A, B, k=3).tolist() == [1]
    # the other way: (2,2) → (1,1) √2
    assert max_distance(B, A, k=3).tolist() == [math.sqrt(2)]
    corners = np.zeros((2, 1, 3, 3))
    corners[0, 0, 0, 0] = corners[1, 0, 2, 2] = 1
    assert max_distance(*corners, k=1).tolist() == [math.sqrt(2**2 + 2**2)]


def test_map_mse_by_hand():
    a = [[[1.0, 0.5], [0.0, 0.0]], [[1.0, 0.0], [0.0, 0.0]]]
    b = [[[0.0, 1.0], [0.0, 0.5]], [[1.0, 0.0], [0.0, 0.0]]]
    assert map_mse(a, b).tolist() == [(1 + 0.25 + 0 + 0.25) / 4, 0]


def test_ties_are_broken_in_reading_order():
    flat = np.zeros((1, 2, 3))
    late = np.array([[[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]])
    # of equal pixels the first two are (0,0) and (0,1); of `late` (0,1) and (1,0)
    assert top_k_agreement(flat, late, k=2).tolist() == [1]
    # (0,1) → itself; (0,0) → (0,1) or (1,0), both 1
    assert max_distance(flat, late, k=2).tolist() == [1]
    assert max_distance(late, flat, k=2).tolist() == [1]


@pytest.mark.parametrize(("levels", "k"), [(None, 5), (3, 1), (3, 5), (3, 29)])
def test_metrics_equal_their_slow_twins(k, levels):
    a, b = drawn(k, levels=levels)
    tops = [(top(x, k), top(y, k)) for x, y in zip(a.tolist(), b.tolist(), strict=True)]
    agreement = [len(set(x) & set(y)) for x, y in tops]
    assert top_k_agreement(a, b, k=k).tolist() == agreement
    wanted = [directed_hausdorff(x, y)[0] for x, y in tops]
    assert max_distance(a, b, k=k).tolist() == pytest.approx(wanted, abs=ROUNDING)
    loops = [max(min(math.dist(p, q) for q in y) for p in x) for x, y in tops]
    assert max_distance(a, b, k=k).tolist() == pytest.approx(loops, abs=ROUNDING)


def test_rising_functions_change_no_rank_metric():
    a, b = drawn(3, levels=4)
    for rising in (np.square, np.exp, lambda m: m / m.max((1, 2), keepdims=True), np.float32):
        for k in (1, 5, 10):
            assert np.array_equal(top_k_agreement(rising(a), b, k=k), top_k_agreement(a, b, k=k))
            assert np.array_equal(max_distance(rising(a), b, k=k), max_distance(a, b, k=k))


def test_chance_of_agreement_by_counting_all_pairs_of_sets():
    sets = [set(c) for c in combinations(range(6), 3)]
    found = [len(x & y) for x in sets for y in sets]
    assert chance_top_k(3, 6) == sum(found) / len(found) == 9 / 6
    for m in range(-1, 5):
        share = sum(v <= m for v in found) / len(found)
        assert chance_top_k_cdf(m, 3, 6) == pytest.approx(share, abs=ROUNDING)


def test_chance_of_distance_by_counting_all_pairs():
    # k=1 on 2×3 pixels: every ordered pair of pixels equally often
    places = [(r, c) for r in range(2) for c in range(3)]
    pairs = [math.dist(p, q) for p in places for q in places]
    found = chance_max_distance(1, 2, 3, rng=np.random.default_rng(0), draws=20_000)
    # five standard errors
    assert found == pytest.approx(np.mean(pairs), abs=5 * np.std(pairs) / math.sqrt(20_000))
    assert chance_max_distance(6, 2, 3, rng=np.random.default_rng(0), draws=10) == 0
    again = [chance_max_distance(2, 4, 4, rng=np.random.default_rng(s), draws=9) for s in (1, 1, 2)]
    assert again[0] == again[1] != again[2]


TOP_K = [
    lambda a, b, k: top_k_agreement(a, b, k=k),
    lambda a, b, k: max_distance(a, b, k=k),
]
VALUES = [lambda a, b, k: map_mse(a, b), lambda a, b, k: correspondence(a, b, ks=[k])]
CHANCE = [
    lambda a, b, k: chance_top_k(k, 9),
    lambda a, b, k: chance_top_k_cdf(1, k, 9),
    lambda a, b, k: chance_max_distance(k, 3, 3, rng=np.random.default_rng(0)),
]


def test_k_out_of_range_is_refused():
    for metric in TOP_K + CHANCE:
        for k in [-1, 0, 10]:
            with pytest.raises(BadInput, match=f"1 and the 9 pixels of a map, but {k} came"):
                metric(np.eye(3)[None], np.eye(3)[None], k)


def test_nonsense_is_refused_in_words():
    for metric in TOP_K + VALUES:
        for maps, message in [
            (np.full((1, 3, 3), np.nan), "NaN or infinity"),
            (np.full((1, 3, 3), np.inf), "NaN or infinity"),
            (np.zeros((3, 3)), r"shape \[n, h, w\], but came with \(3, 3\)"),
            (np.zeros((0, 3, 3)), r"at least one image and pixel, but came with \(0, 3, 3\)"),
            (np.full((1, 3, 3), "a"), "hold numbers"),
        ]:
            with pytest.raises(BadInput, match=message):
                metric(maps, maps, 1)


def test_unequal_shapes_are_refused():
    for metric in TOP_K + VALUES:
        with pytest.raises(BadInput, match="one shape"):
            metric(np.zeros((1, 3, 3)), np.zeros((2, 3, 3)), 1)  # would broadcast


def test_all_comparisons_at_once_by_hand():
    a = [[[4.0, 2.0, 0.0], [0.0, 0.0, 0.0]]]  # scaled: 1, 1/2, 0 and zeros
    b = [[[0.0, 5.0, 0.0], [0.0, 0.0, 10.0]]]  # scaled: 0, 1/2, 0 and 0, 0, 1
    found = correspondence(a, b, ks=[1, 2])
    assert {name: values.tolist() for name, values in found.items()} == {
        # (0,0) of A and (1,2) of B are 1 down and 2 to the right of each other
        "agreement 1": [0],
        "distance 1": [math.sqrt(1**2 + 2**2)],
        # (0,1) is in both; (0,0) lies 1 from it
        "agreement 2": [1],
        "distance 2": [1],
        # differences 1, 0, 0, 0, 0, -1; with A squared 1, 1/4 - 1/2, 0, 0, 0, -1
        "map error": [(1 + 1) / 6],
        "squared map error": [(1 + (1 / 4 - 1 / 2) ** 2 + 1) / 6],
    }
    # a map of zeros stays zero
    assert correspondence(np.zeros_like(b), b, ks=[])["map error"].tolist() == [1.25 / 6]


def test_strength_of_the_maps_does_not_matter():
    saliency, error = drawn(3, n=7)
    factors = 2.0 ** np.arange(-3, 4)[:, None, None]  # powers of two divide out without rounding
    wanted = correspondence(saliency, error, ks=(5,))
    found = correspondence(saliency * factors, error / factors, ks=(5,))
    assert all(np.array_equal(values, wanted[name]) for name, values in found.items())
    assert found["agreement 5"].dtype == np.float64
    with pytest.raises(BadInput, match="nowhere below 0 here"):
        correspondence(saliency, -error, ks=(5,))
