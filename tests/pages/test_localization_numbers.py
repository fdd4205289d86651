"""The localization paper's numbers by hand, under the names of the published file."""

import math

import numpy as np
import pandas as pd
import pytest

from lib import metrics
from lib.errors import BadInput
from lib.pages import localization as lo
from lib.results import published

BOTH, SQUARED = "saliency vs reconstruction error", "squared saliency vs reconstruction error"
TO_ERROR, TO_SALIENCY = "saliency to reconstruction error", "reconstruction error to saliency"
SHARE = "fraction of test images with agreement"
DISTANCE = "mean over images of maximum distance to best match, pixels"
MSE = "mean squared error between max-scaled maps"


def per_image(agreement, k=5):
    """Values of as many images as there are agreements; the others are easy to average."""
    n = len(agreement)
    return {
        f"agreement {k}": np.array(agreement, dtype=np.float64),
        f"distance {k}": np.arange(n, dtype=np.float64),
        f"reverse distance {k}": 2.0 * np.arange(n),
        f"ties {k}": np.zeros(n),
        "map error": np.full(n, 0.5),
        "squared map error": np.full(n, 0.25),
    }


def drawn(seed, n=3, h=5, w=4):
    """Pairs of maps without ties, each scaled to a maximum of 1."""
    pair = np.random.default_rng(seed).random((2, n, h, w))
    return pair / pair.max((2, 3), keepdims=True)


def test_paper_numbers_by_hand():
    numbers = lo.paper_numbers(per_image([2, 5, 2, 3, 0]), ks=[5])
    assert numbers == {
        ("table1-top5-agreement", BOTH, f"{SHARE} 0-2"): 3 / 5,
        ("table1-top5-agreement", BOTH, f"{SHARE} 3-5"): 1 - 3 / 5,
        ("figure2-top5-agreement", BOTH, "mean agreement"): (2 + 5 + 2 + 3 + 0) / 5,
        ("finding3-top5-mode", BOTH, "most frequent top-5 agreement"): 2,
        ("finding5-max-distance-top5", TO_ERROR, DISTANCE): (0 + 1 + 2 + 3 + 4) / 5,
        ("finding5-max-distance-top5", TO_SALIENCY, DISTANCE): (0 + 2 + 4 + 6 + 8) / 5,
        ("finding6-map-mse", BOTH, MSE): 0.5,
        ("finding6-map-mse", SQUARED, MSE): 0.25,
    }
    assert all(type(value) is float for value in numbers.values())


@pytest.mark.parametrize(
    ("k", "agreement", "few", "parts"),
    [
        (10, [5, 6], 1 / 2, ("0-5", "6-10")),
        (3, [1, 2, 2, 2], 1 / 4, ("0-1", "2-3")),
        (1, [0, 1, 1, 1, 1], 1 / 5, ("0-0", "1-1")),
    ],
)
def test_half_of_the_pixels_still_counts_as_few(k, agreement, few, parts):
    numbers = lo.paper_numbers(per_image(agreement, k), ks=[k])
    table = f"table1-top{k}-agreement"
    found = [numbers[table, BOTH, f"{SHARE} {part}"] for part in parts]
    assert found == [few, 1 - few]


def test_of_two_modes_the_smaller_counts():
    numbers = lo.paper_numbers(per_image([4, 1, 4, 1, 5]), ks=[5])
    assert numbers["finding3-top5-mode", BOTH, "most frequent top-5 agreement"] == 1


def test_several_k_stand_beside_each_other():
    found = per_image([2, 5, 0]) | per_image([7, 0, 1], k=10)
    both = lo.paper_numbers(found, ks=[5, 10])
    assert both == lo.paper_numbers(found, ks=[5]) | lo.paper_numbers(found, ks=[10])


def test_every_published_number_has_a_place():
    found = metrics.correspondence(*drawn(0), ks=[5, 10])
    places = set(lo.paper_numbers(found, ks=[5, 10]))
    document = published("localization-paper")
    assert len(document) == 18
    for line in document[["table", "score", "metric"]].itertuples(index=False):
        assert tuple(line) in places
    assert set(document["method"]) == {lo.METHOD}


def test_places_are_those_of_paper_numbers():
    numbers = lo.paper_numbers(per_image([2, 5, 2, 3, 0]), ks=[5])
    assert numbers[lo.agreement_place(5, most=False)] == 3 / 5
    assert numbers[lo.agreement_place(5, most=True)] == 1 - 3 / 5
    assert numbers[lo.mean_agreement_place(5)] == 12 / 5
    assert numbers[lo.distance_place(5)] == 10 / 5
    assert numbers[lo.distance_place(5, lo.TO_SALIENCY)] == 20 / 5
    assert numbers[lo.map_error_place(lo.BOTH)] == 0.5
    assert numbers[lo.map_error_place(lo.SQUARED)] == 0.25


def test_frequencies_by_hand():
    table = "figure2-top5-agreement"
    found = lo.frequencies(per_image([2, 5, 2, 3, 0]), k=5)
    shares = [1 / 5, 0, 2 / 5, 1 / 5, 0, 1 / 5]
    assert found == {(table, BOTH, f"{SHARE} {i}"): share for i, share in enumerate(shares)}


@pytest.mark.parametrize("k", [1, 5, 10, 20])
def test_frequencies_sum_to_one_and_have_the_mean_agreement(k):
    found = metrics.correspondence(*drawn(k, n=40), ks=[k])
    shares = list(lo.frequencies(found, k=k).values())
    assert len(shares) == k + 1
    assert sum(shares) == pytest.approx(1, abs=1e-12)  # float64 sums of 21 terms
    mean = lo.paper_numbers(found, ks=[k])[lo.mean_agreement_place(k)]
    # the same sum in another order, of numbers up to 20
    assert sum(i * share for i, share in enumerate(shares)) == pytest.approx(mean, abs=1e-11)


def test_gap_numbers_by_hand():
    normal, novel = per_image([3, 5, 2, 4]), per_image([3, 0, 1, 2, 0])
    text = "the share of images with agreement 3-5"
    # 3 of 4 and 1 of 5 mostly agree; together 4 of 9
    z = (3 / 4 - 1 / 5) / math.sqrt(4 / 9 * (1 - 4 / 9) * (1 / 4 + 1 / 5))
    found = lo.gap_numbers(normal, novel, k=5)
    assert found == {
        ("finding4-gap", BOTH, f"difference in {text}"): 3 / 4 - 1 / 5,
        ("finding4-gap", BOTH, f"z of the difference in {text}"): pytest.approx(z, abs=1e-12),
    }
    turned = lo.gap_numbers(novel, normal, k=5)
    assert [turned[place] for place in found] == [-value for value in found.values()]


def test_the_gap_is_the_difference_in_table_1():
    normal, novel = per_image([7, 5, 9, 6], 10), per_image([5, 6, 1], 10)
    sides = [lo.paper_numbers(part, ks=[10]) for part in (normal, novel)]
    most = [side[lo.agreement_place(10, most=True)] for side in sides]
    gap, _ = lo.gap_numbers(normal, novel, k=10).values()
    assert gap == pytest.approx(most[0] - most[1], abs=1e-12)  # 1 less a share is rounded


def test_chance_numbers_against_shuffled_pixels():
    maps, draws = drawn(1), 4000
    rng = np.random.default_rng(0)
    # a fixed map's largest pixels may lie together, so both maps are shuffled
    flat = np.repeat(maps.reshape(2, 3, 20), draws, axis=1)
    shuffled = rng.permuted(flat, axis=2).reshape(2, -1, 5, 4)
    found = metrics.correspondence(*shuffled, ks=[2, 6])
    wanted = lo.paper_numbers(found, ks=[2, 6])
    chance = lo.chance_numbers(*maps, ks=[2, 6], rng=rng, draws=draws)
    # all of the document's numbers but the mode, which is no mean
    assert set(wanted) - set(chance) == {place for place in wanted if "mode" in place.table}
    assert set(chance) < set(wanted)
    # standard deviations of one pair of maps: of shares at most 0.5; measured here, of agreement
    # below 1.0, of distances below 0.9 pixels, of map errors below 0.06
    spreads = {"table1": 0.5, "figure2": 1.0, "finding5": 0.9, "finding6": 0.06}
    for place, value in chance.items():
        table = place.table.partition("-")[0]
        # five standard errors of the 12,000 pairs here; `chance_numbers` draws for distances only
        noise = 1 / 12_000 + (1 / draws if table == "finding5" else 0)
        assert value == pytest.approx(wanted[place], abs=5 * spreads[table] * math.sqrt(noise))


def test_chance_on_digits():
    pair = drawn(2, n=2, h=28, w=28)
    found = lo.chance_numbers(*pair, ks=[10], rng=np.random.default_rng(0), draws=50)
    assert found[lo.mean_agreement_place(10)] == 10 * 10 / 784
    few = [found[lo.agreement_place(10, most)] for most in (False, True)]
    assert sum(few) == 1 and few[0] > 1 - 1e-6  # six common pixels of ten: about 1e-8
    # halves are exact, the mean over shuffles is E a² + E b² - 2 E a E b
    a, b = pair
    by_hand = [
        (s**2).mean((1, 2)) + (b**2).mean((1, 2)) - 2 * s.mean((1, 2)) * b.mean((1, 2))
        for s in (a, a**2)
    ]
    errors = [found[lo.map_error_place(score)] for score in (lo.BOTH, lo.SQUARED)]
    assert errors == pytest.approx([v.mean() for v in by_hand], abs=1e-12)  # float64 sums


def test_chance_draws_from_the_generator_alone():
    pair = drawn(3)
    seeds = [np.random.default_rng(seed) for seed in (0, 0, 1)]
    found = [lo.chance_numbers(*pair, ks=[3], rng=rng, draws=30) for rng in seeds]
    assert found[0] == found[1] != found[2]
    assert found[0][lo.distance_place(3)] == found[0][lo.distance_place(3, lo.TO_SALIENCY)]
    moved = {place.table for place in found[0] if found[0][place] != found[2][place]}
    assert moved == {"finding5-max-distance-top3"}  # the rest needs no draw


def test_an_arm_is_named_by_its_classes():
    assert lo.arm([0, 1, 2, 3, 4]) == "0-4" and lo.arm([9, 7, 8]) == "7-9" and lo.arm([3]) == "3-3"
    assert lo.arm([5, 0, 2]) == "0+2+5" and lo.arm([0, 0]) == "0+0"
    with pytest.raises(BadInput, match="at least one training class"):
        lo.arm([])


def test_rows_at_a_place():
    place = lo.mode_place(10)
    assert place == ("finding3-top10-mode", BOTH, "most frequent top-10 agreement")
    assert lo.cells(place, "novel") == {
        "table": "finding3-top10-mode",
        "score": BOTH,
        "metric": "most frequent top-10 agreement",
        "class": "novel",
    }
    cells = [{**lo.cells(place, kind), "value": value} for kind, value in (("a", 1), ("b", 2))]
    other = lo.cells(lo.mode_place(5), "a") | {"value": 3}
    table = pd.DataFrame([cells[0], other, cells[1]])
    assert lo.at(table, place)["value"].tolist() == [1, 2]
    assert lo.at(table, lo.mode_place(3)).empty


def test_the_gap_stands_at_its_places():
    values = {"agreement 5": np.array([5.0, 0.0])}
    found = lo.gap_numbers(values, values, k=5)
    assert tuple(found) == lo.gap_places(5)
    text = "difference in the share of images with agreement 3-5"
    assert [place.metric for place in found] == [text, f"z of the {text}"]
