"""The localization page's numbers by hand, at the addresses of the published file."""

import numpy as np
import pytest

from lib import metrics
from lib.experiments import localization_rows as lo
from lib.numbers import published

BOTH, SQUARED = "saliency vs reconstruction error", "squared saliency vs reconstruction error"
TO_ERROR = "saliency to reconstruction error"
SHARE = "fraction of test images with agreement"
DISTANCE = "mean over images of maximum distance to best match, pixels"
MSE = "mean squared error between max-scaled maps"


def per_image(agreement, k=5):
    """Values of as many images as there are agreements; the others are easy to average."""
    n = len(agreement)
    return {
        f"agreement {k}": np.array(agreement, dtype=np.float64),
        f"distance {k}": np.arange(n, dtype=np.float64),
        "map error": np.full(n, 0.5),
        "squared map error": np.full(n, 0.25),
    }


def square(seed, n=4, side=28):
    """Maps without ties, each scaled to a maximum of 1."""
    maps = np.random.default_rng(seed).random((n, side, side))
    return maps / maps.max((1, 2), keepdims=True)


def test_paper_numbers_by_hand():
    assert lo.paper_numbers(per_image([2, 5, 2, 3, 0]), ks=[5]) == {
        ("table1-top5-agreement", BOTH, f"{SHARE} 0-2"): 3 / 5,
        ("table1-top5-agreement", BOTH, f"{SHARE} 3-5"): 2 / 5,
        ("figure2-top5-agreement", BOTH, "mean agreement"): (2 + 5 + 2 + 3 + 0) / 5,
        ("figure2-top5-agreement", BOTH, f"{SHARE} 5"): 1 / 5,
        ("finding3-top5-mode", BOTH, "most frequent top-5 agreement"): 2,
        ("finding5-max-distance-top5", TO_ERROR, DISTANCE): (0 + 1 + 2 + 3 + 4) / 5,
        ("finding6-map-mse", BOTH, MSE): 0.5,
        ("finding6-map-mse", SQUARED, MSE): 0.25,
    }


@pytest.mark.parametrize(
    ("k", "agreement", "few", "parts"),
    [(10, [5, 6], 1 / 2, ("0-5", "6-10")), (3, [1, 2, 2, 2], 1 / 4, ("0-1", "2-3"))],
)
def test_half_of_the_pixels_still_counts_as_few(k, agreement, few, parts):
    numbers = lo.paper_numbers(per_image(agreement, k), ks=[k])
    table = f"table1-top{k}-agreement"
    assert [numbers[table, BOTH, f"{SHARE} {part}"] for part in parts] == [few, 1 - few]


def test_every_published_number_has_a_place():
    shared = metrics.correspondence(square(0), square(1), ks=[5, 10])
    places = set(lo.paper_numbers(shared, ks=[5, 10]))
    document = published("localization-paper")
    assert len(document) == 18
    for line in document[["table", "score", "metric"]].itertuples(index=False):
        assert tuple(line) in places
    assert set(document["method"]) == {lo.METHOD}


def test_chance_numbers_against_shuffled_pixels():
    draws, rng = 12_000, np.random.default_rng(0)
    a, b = rng.random((2, draws, 5, 4))  # random maps have random largest pixels
    wanted = lo.paper_numbers(metrics.correspondence(a, b, ks=[2, 6]), ks=[2, 6])
    chance = lo.chance_numbers(5, 4, ks=[2, 6], rng=rng, draws=draws)
    assert len(chance) == 6
    for place, value in chance.items():
        # spreads are below 2 pixels; five standard errors of a difference of two means
        assert value == pytest.approx(wanted[place], abs=5 * 2 * (2 / draws) ** 0.5)
    assert chance[lo.mean_agreement_place(6)] == 36 / 20


def test_picture_values_are_the_metrics_under_their_names():
    images, saliency, error = square(0), square(1), square(2)
    images[1] = 0  # no ink
    values = lo.picture_values(images, saliency, error)
    large = "finding1-large-pixels", "share of pixels at least 0.5 of the map's maximum"
    for score, maps in (("saliency", saliency), ("reconstruction error", error)):
        share = metrics.share_of_large(maps)
        assert np.array_equal(values[large[0], score, large[1]], share)
    assert np.array_equal(values[lo.RANKED], metrics.spearman(saliency, error))
    assert np.isnan(values[lo.MISSED]).tolist() == [False, True, False, False]


def test_a_shift_moves_pixels_to_the_right():
    maps = np.array([[[1.0, 2, 3], [4, 5, 6]]])
    assert lo.shifted(maps, 0).tolist() == maps.tolist()
    assert lo.shifted(maps, 1).tolist() == [[[0, 1, 2], [0, 4, 5]]]


def test_changes_are_compared_with_the_error_or_with_saliency_itself():
    saliency, error = square(3), square(4)
    found = lo.change_numbers(saliency, error)
    assert list(found) == ["", "squared", "halved", "shift-1", "shift-5"]
    changed = {"": saliency, "squared": saliency * saliency, "halved": 0.5 * saliency}
    for word, maps in changed.items():
        place = "section2.3-metrics", BOTH
        assert found[word][(*place, "SSIM")] == metrics.ssim(maps, error).mean()
        histograms = metrics.histogram_correlation(maps, error).mean()
        assert found[word][(*place, "Pearson of gradient histograms")] == histograms
    own = "section2.3-self", "saliency vs itself"
    assert found[""][(*own, "top-10 agreement")] == 10
    assert found[""][(*own, "maximum distance, pixels")] == 0
    for by in (1, 5):
        moved = np.roll(saliency, by, 2)
        moved[..., :by] = 0
        distance = metrics.max_distance(moved, saliency, k=10).mean()
        assert found[f"shift-{by}"][(*own, "maximum distance, pixels")] == distance
        agreement = metrics.top_k_agreement(moved, saliency, k=10).mean()
        assert found[f"shift-{by}"][(*own, "top-10 agreement")] == agreement
