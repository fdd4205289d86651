"""Numbers for the paper's pictures: by hand, against slow twins, and under what must not count."""

import math

import numpy as np
import pytest

from lib.errors import BadInput
from lib.metrics import (
    missed_share,
    missed_where_inked,
    outline_distance,
    reached_share,
    share_of_large,
)

ROUNDING = 1e-12  # one square root, or one division, of numbers below 100


def drawn(seed, n=10, h=9, w=11):
    return np.random.default_rng(seed).random((n, h, w))


def near(values):
    return pytest.approx(np.asarray(values).tolist(), abs=ROUNDING)


def test_share_of_large_by_hand():
    maps = [[[8, 4, 3], [0, 7, 1]], [[2, 2, 2], [2, 2, 2]], [[0, 0, 0], [0, 0, 0]]]
    # 8, 4 and 7 of six; all; none
    assert share_of_large(maps).tolist() == [3 / 6, 1, 0]
    assert share_of_large(maps, level=0.75).tolist() == [2 / 6, 1, 0]
    assert share_of_large(maps, level=1).tolist() == [1 / 6, 1, 0]


def test_distance_by_hand():
    square = np.zeros((1, 5, 6))
    square[0, 1:4, 1:4] = 1  # its middle (2, 2) is the one ink pixel without a neighbour outside
    one, two = math.sqrt(2), math.sqrt(1 + 4)
    wanted = [
        [one, 1, 1, 1, one, two],
        [1, 0, 0, 0, 1, 2],
        [1, 0, 1, 0, 1, 2],
        [1, 0, 0, 0, 1, 2],
        [one, 1, 1, 1, one, two],
    ]
    found = outline_distance(square)
    assert found.dtype == np.float64
    assert found[0].tolist() == [near(row) for row in wanted]


def test_ink_at_the_edge_of_the_picture_is_boundary():
    # all ink: only the middle of 3×3 and of 3×4 has four neighbours
    assert outline_distance(np.ones((1, 3, 3)))[0].tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
    assert outline_distance(np.ones((1, 3, 4))).sum() == 2


def test_a_corner_does_not_open_the_inside():
    image = np.ones((1, 5, 5))
    image[0, 1, 1] = 0  # touches the middle (2, 2) at a corner only
    assert outline_distance(image)[0, 2, 2] == 1
    image[0, 1, 2] = 0
    assert outline_distance(image)[0, 2, 2] == 0


def test_ink_is_what_reaches_the_threshold():
    image = [[[0.5, 0.4999, 0.2, 0.1]]]
    assert outline_distance(image).tolist() == [[[0, 1, 2, 3]]]
    assert outline_distance(image, threshold=0.2).tolist() == [[[0, 0, 0, 1]]]


def slow_distance(image, threshold):
    """The definition: every pixel against every boundary pixel."""
    h, w = image.shape
    ink = {(r, c) for r in range(h) for c in range(w) if image[r, c] >= threshold}
    boundary = [(r, c) for r, c in ink if {(r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)} - ink]
    return [[min(math.dist((r, c), p) for p in boundary) for c in range(w)] for r in range(h)]


@pytest.mark.parametrize("threshold", [0.1, 0.97])  # mostly ink, hardly any
def test_distance_equals_its_slow_twin(threshold):
    images = drawn(1)
    images[:, 4, 4] = 1  # at least one ink pixel
    found = outline_distance(images, threshold=threshold)
    for image, distance in zip(images, found, strict=True):
        assert distance.tolist() == [near(row) for row in slow_distance(image, threshold)]
    assert found.max() > 1


def test_missed_share_by_hand():
    saliency = [[[9, 8, 7, 6], [0, 0, 0, 0]]]
    error = [[[0, 10, 0.5, 0], [0, 0, 0, 20]]]  # over 20: 0, 0.5, 0.025, 0
    distance = [[[3, 3, 3, 2], [0, 0, 0, 0]]]
    # 9 and 7 are missed; 8 has error; 6 lies no farther than two pixels
    assert missed_share(saliency, error, distance, k=4).tolist() == [2 / 4]
    assert missed_share(saliency, error, distance, k=1).tolist() == [1]
    assert missed_share(saliency, error, distance, k=2).tolist() == [1 / 2]
    assert missed_share(saliency, error, distance, k=4, farther_than=1.9).tolist() == [3 / 4]
    assert missed_share(saliency, error, distance, k=4, farther_than=3).tolist() == [0]
    assert missed_share(saliency, error, distance, k=4, below=0.025).tolist() == [1 / 4]
    assert missed_share(saliency, error, distance, k=4, below=0.6).tolist() == [3 / 4]


def test_missed_share_equals_its_slow_twin():
    saliency, error = drawn(3), drawn(4) ** 3
    distance = 5 * drawn(5)
    wanted = []
    for s, e, d in zip(saliency, error, distance, strict=True):
        order = sorted(range(s.size), key=lambda p: -s.ravel()[p])[:10]
        hit = [d.ravel()[p] > 2 and e.ravel()[p] / e.max() < 0.1 for p in order]
        wanted.append(sum(hit) / 10)
    found = missed_share(saliency, error, distance)
    assert found.tolist() == near(wanted)
    assert 0 < found.mean() < 1
    # order alone counts in saliency, and the error's strength counts nowhere
    again = missed_share(saliency**2, error * 8, distance)
    assert np.array_equal(again, found)


def test_reached_share_by_hand():
    # over each row's largest: 1, 0.002, 0.001 and 0, 1, 0; then zeros; then all equal
    first = [[-1000, 2, 1], [0, -0.5, 0]]
    jacobian = [first, [[0, 0, 0], [0, 0, 0]], [[1e-9, -1e-9, 1e-9], [1e-3] * 3]]
    assert reached_share(jacobian).tolist() == [3 / 6, 0, 1]
    assert reached_share(jacobian, tolerance=1e-4).tolist() == [4 / 6, 0, 1]
    assert reached_share(jacobian, tolerance=0.5).tolist() == [2 / 6, 0, 1]


def test_an_image_without_ink_is_refused_by_its_place():
    images = drawn(10)
    images[3] = 0.4
    with pytest.raises(BadInput, match=r"Image 3, counted from 0, has no ink.*reaches 0\.5"):
        outline_distance(images)


def test_values_below_0_are_refused():
    with pytest.raises(BadInput, match=r"nowhere below 0 here, but -0\.5 came"):
        share_of_large(np.full((2, 3, 4), -0.5))


def test_settings_out_of_range_are_refused():
    for value in [-1, math.nan, 1.5]:
        maps = np.ones((1, 3, 4))
        with pytest.raises(BadInput, match=rf"level must lie in \(0, 1\], but {value} came"):
            share_of_large(maps, level=value)
        with pytest.raises(BadInput, match=rf"scaled error must lie in \(0, 1\], but {value} came"):
            missed_share(maps, maps, maps, below=value)
        with pytest.raises(BadInput, match=rf"tolerance must lie in \[0, 1\), but {value} came"):
            reached_share(maps, tolerance=value)


METRICS = [
    share_of_large,
    outline_distance,
    reached_share,
    lambda m: missed_share(np.ones((2, 3, 4)), m, np.ones((2, 3, 4))),
]


def test_nonsense_is_refused_in_words():
    for metric in METRICS:
        for maps, message in [
            (np.full((2, 3, 4), np.nan), "NaN or infinity"),
            (np.zeros((3, 4)), r"shape \[n, h, w\], but came with \(3, 4\)"),
            (np.zeros((0, 3, 4)), "at least one image and pixel"),
        ]:
            with pytest.raises(BadInput, match=message):
                metric(maps)


def test_missed_where_inked_leaves_blank_images_out():
    images, saliency, error = drawn(20), drawn(21), drawn(22)
    images[[2, 5]] *= 0.49  # no pixel reaches 0.5
    found = missed_where_inked(images, saliency, error)
    inked = np.delete(np.arange(10), [2, 5])
    assert np.isnan(found[[2, 5]]).all()
    distance = outline_distance(images[inked])
    assert np.array_equal(found[inked], missed_share(saliency[inked], error[inked], distance))
    assert np.isnan(missed_where_inked(images[[2]], saliency[[2]], error[[2]])).all()
    with pytest.raises(BadInput, match="one shape"):
        missed_where_inked(images, saliency[1:], error)


def test_missed_where_inked_by_hand():
    # ink at the left edge only; far from it one salient pixel of ten without error
    image, saliency, error = np.zeros((3, 1, 4, 8))
    image[0, :, 0] = 1
    saliency[0, :, :2], saliency[0, 0, :2] = 1, [1, 2]
    saliency[0, 0, 6], saliency[0, 0, 7] = 3, 3
    error[0, 0, 6] = 1  # (0, 6) has the largest error, (0, 7) none
    assert missed_where_inked(image, saliency, error).tolist() == [1 / 10]
