"""Metrics against a known novel region: by hand, against slow twins, and at the level of chance."""

import math
from itertools import pairwise, permutations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from lib.errors import BadInput
from lib.metrics import (
    aupro,
    chance_average_precision,
    mask_share,
    pixel_auroc,
    pixel_average_precision,
    top_k_hits,
)

ROUNDING = 1e-12  # float64 sums of at most a few thousand terms of at most 1

MAP = [[[9, 8, 7], [6, 5, 4], [3, 2, 1]]]
MASK = [[[1, 0, 1], [0, 0, 0], [0, 0, 0]]]  # the first and the third largest pixel

PER_IMAGE = [
    pixel_auroc,
    pixel_average_precision,
    lambda maps, masks: top_k_hits(maps, masks, k=5),
]
POOLED = [aupro, lambda a, b: aupro(a, b, max_false_positive_rate=0.05)]
OF_MAPS = PER_IMAGE + POOLED


def drawn(seed, n=12, h=7, w=8, levels=None):
    """Maps and masks of several regions each; with few levels the maps are full of ties."""
    rng = np.random.default_rng(seed)
    masks = rng.random((n, h, w)) < rng.uniform(0.05, 0.4, size=(n, 1, 1))
    masks[:, 2:4, 3], masks[:, 0, 0] = True, False
    if levels is None:
        return rng.random((n, h, w)) + 0.3 * masks, masks
    return (rng.integers(levels, size=(n, h, w)) + masks) / levels, masks


def near(values):
    return pytest.approx(np.asarray(values).tolist(), abs=ROUNDING)


def test_auroc_by_hand():
    # of 2·7 pairs the 9 wins 7 and the 7 loses one, to the 8
    assert pixel_auroc(MAP, MASK).tolist() == near([(7 + 6) / 14])
    # novel 2 and 1 against normal 1 and 0: 1 + 1 and ½ + 1
    assert pixel_auroc([[[2, 1], [1, 0]]], [[[1, 1], [0, 0]]]).tolist() == near([3.5 / 4])


def test_average_precision_by_hand():
    # recall ½ at precision 1/1, the rest at 2/3
    assert pixel_average_precision(MAP, MASK).tolist() == near([1 / 2 * 1 + 1 / 2 * 2 / 3])
    # 2 comes first; then both pixels of value 1 together, so the second half has precision 2/3
    found = pixel_average_precision([[[2, 1], [1, 0]]], [[[1, 0], [1, 0]]])
    assert found.tolist() == near([1 / 2 * 1 + 1 / 2 * 2 / 3])


def test_top_k_hits_by_hand():
    found = [top_k_hits(MAP, MASK, k=k).item() for k in (1, 2, 3, 4, 9)]
    assert found == [1, 1 / 2, 2 / 3, 2 / 4, 2 / 9]
    # of equal pixels the first in reading order count
    assert top_k_hits(np.zeros((1, 3, 3)), MASK, k=3).tolist() == [2 / 3]
    assert top_k_hits(np.zeros((1, 3, 3)), np.flip(MASK), k=3).tolist() == [0]


def test_aupro_by_hand():
    # one row of ten: region a = {9}, region b = {8, 6}, normal 7 5 4 3 2 1 0
    maps = [[[9, 7, 8, 6, 5, 4, 3, 2, 1, 0]]]
    masks = [[[1, 0, 1, 1, 0, 0, 0, 0, 0, 0]]]
    # from the top: 9 → ½·1; 8 → + ½·½; 7 → rate 1/7; 6 → + ½·½; then flat at 1
    one, first = 1 / 7, 1 / 2 + 1 / 4
    assert aupro(maps, masks, max_false_positive_rate=1) == near(first * one + 1 - one)
    assert aupro(maps, masks, max_false_positive_rate=0.3) == near((first * one + 0.3 - one) / 0.3)
    # a limit before the first false positive, and one exactly on it
    assert aupro(maps, masks, max_false_positive_rate=0.1) == near(first)
    assert aupro(maps, masks, max_false_positive_rate=one) == near(first)


def test_aupro_draws_a_line_to_the_end_of_equal_pixels():
    # 9 alone: ½ of the one region at no rate; then the three 5 together: all of it at 2/4
    maps, masks = [[[9, 5], [5, 5], [1, 0]]], [[[1, 0], [0, 1], [0, 0]]]
    at_limit = 1 / 2 + 1 / 2 * 0.3 / (2 / 4)
    assert aupro(maps, masks) == near((1 / 2 + at_limit) / 2)


def test_regions_touch_at_corners_but_not_across_images():
    maps = np.zeros((2, 3, 3))
    maps[0, 0, 0] = 1
    corners = np.zeros((2, 3, 3), dtype=bool)
    corners[0, 0, 0] = corners[0, 1, 1] = corners[1, 0, 0] = True
    # half of the first region, a quarter of all; the line leads to (1, 1)
    start, end = 1 / 4, 1 / 4 + 3 / 4 * 0.3
    assert aupro(maps, corners) == near((start + end) / 2)


def regions_of(masks):
    """Image and pixels of each region, grown from one pixel to its eight neighbours."""
    steps = [(r, c) for r in (-1, 0, 1) for c in (-1, 0, 1)]
    regions = []
    for image, mask in enumerate(masks):
        left = {(r, c) for r, c in np.argwhere(mask).tolist()}
        while left:
            region = front = {left.pop()}
            while front:
                front = {(r + i, c + j) for r, c in front for i, j in steps} & left
                left, region = left - front, region | front
            regions.append((image, region))
    return regions


def slow_aupro(maps, masks, limit):
    """The definition: threshold by threshold, region by region."""
    regions = regions_of(masks)
    points = [(0.0, 0.0)]
    for threshold in sorted(set(maps.ravel().tolist()), reverse=True):
        called = maps >= threshold
        shares = [sum(called[image][p] for p in region) / len(region) for image, region in regions]
        points.append((called[~masks].mean(), sum(shares) / len(shares)))
    area = 0.0
    for (x0, y0), (x1, y1) in pairwise(points):
        if x0 < limit and x1 > x0:
            end = min(x1, limit)
            y_end = y0 + (y1 - y0) * (end - x0) / (x1 - x0)
            area += (end - x0) * (y0 + y_end) / 2
    return area / limit


@pytest.mark.parametrize(("levels", "limit"), [(None, 0.3), (2, 0.01), (9, 0.3), (9, 1.0)])
def test_aupro_equals_its_slow_twin(levels, limit):
    maps, masks = drawn(1, n=5, levels=levels)
    regions = regions_of(masks)
    assert len(regions) > 2 * len(masks) and len({len(r) for _, r in regions}) > 2
    found = aupro(maps, masks, max_false_positive_rate=limit)
    assert found == near(slow_aupro(maps, masks, limit))
    assert 0 < found < 1


@pytest.mark.parametrize("levels", [None, 9])
def test_rankings_equal_scikit_learns(levels):
    maps, masks = drawn(2, n=30, levels=levels)
    rows = [(t.ravel(), m.ravel()) for t, m in zip(masks, maps, strict=True)]
    assert pixel_auroc(maps, masks).tolist() == near([roc_auc_score(*row) for row in rows])
    wanted = [average_precision_score(*row) for row in rows]
    assert pixel_average_precision(maps, masks).tolist() == near(wanted)


@pytest.mark.parametrize(("levels", "k"), [(None, 10), (3, 10), (3, 56)])
def test_top_k_hits_equal_their_slow_twin(levels, k):
    maps, masks = drawn(3, levels=levels)
    wanted = []
    for one, mask in zip(maps, masks, strict=True):
        places = sorted((-v, p) for p, v in enumerate(one.ravel().tolist()))
        wanted.append(sum(mask.ravel()[p] for _, p in places[:k]) / k)
    assert top_k_hits(maps, masks, k=k).tolist() == near(wanted)


@pytest.mark.parametrize("metric", OF_MAPS)
def test_rising_functions_change_nothing(metric):
    maps, masks = drawn(5, levels=4)
    wanted = metric(maps, masks)
    for rising in (np.square, np.exp, lambda m: 5 * m - 2, lambda m: m * 1e300):
        assert np.array_equal(metric(rising(maps), masks), wanted)


def test_chance_by_all_orders_of_six_pixels():
    maps = np.array(list(permutations(range(6)))).reshape(-1, 2, 3)
    masks = np.broadcast_to([[1, 0, 1], [0, 0, 0]], maps.shape)
    assert len(maps) == math.factorial(6)
    (share,) = set(mask_share(masks).tolist())
    assert share == 2 / 6
    for k in (1, 2, 4):
        assert top_k_hits(maps, masks, k=k).mean() == near(share)
    assert pixel_auroc(maps, masks).mean() == near(0.5)
    # a novel pixel at place p has precision (1 + the other's chance to be above it) / p
    order = sum((1 + (p - 1) / 5) / p for p in range(1, 7)) / 6
    assert pixel_average_precision(maps, masks).mean() == near(order)
    assert order > share + 0.1
    assert chance_average_precision(masks).tolist() == near([order] * len(masks))


def test_integers_0_and_1_are_masks_too():
    maps, masks = drawn(11)
    for kind in (int, np.uint8, np.int8):
        assert np.array_equal(mask_share(masks.astype(kind)), mask_share(masks))
        for metric in OF_MAPS:
            assert np.array_equal(metric(maps, masks.astype(kind)), metric(maps, masks))


@pytest.mark.parametrize("metric", [*OF_MAPS, lambda maps, masks: mask_share(masks)])
def test_unfit_masks_are_refused_in_words(metric):
    maps, masks = drawn(13)
    masks[4] = False
    with pytest.raises(BadInput, match="Image 4, counted from 0, came with a mask without novel"):
        metric(maps, masks)
    masks[4] = True
    with pytest.raises(BadInput, match="Image 4, counted from 0, came with a mask without normal"):
        metric(maps, masks)
    with pytest.raises(BadInput, match="must be bool, or integers 0 and 1, but came as float64"):
        metric(maps, masks.astype(float))
    for value in (2, -1):
        with pytest.raises(BadInput, match=rf"0 \(normal\) and 1 \(novel\) only, but {value} came"):
            metric(maps, np.where(masks, value, 0))
    for shape in [(7, 8), (12, 1, 7, 8), (0, 7, 8)]:
        with pytest.raises(BadInput, match=r"Masks must have the shape \[n, h, w\]"):
            metric(maps, np.ones(shape, dtype=bool))


def test_k_out_of_range_is_refused():
    for k in [-1, 0, 10]:
        with pytest.raises(BadInput, match=f"between 1 and the 9 pixels of a map, but {k} came"):
            top_k_hits(MAP, MASK, k=k)


def test_a_rate_out_of_range_is_refused():
    for rate in [-0.1, 0, 1.1, math.nan]:
        with pytest.raises(BadInput, match=rf"rate must lie in \(0, 1\], but {rate}"):
            aupro(MAP, MASK, max_false_positive_rate=rate)
