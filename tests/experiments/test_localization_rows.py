"""The localization page's numbers by hand, at the addresses of the published file."""

import math

import numpy as np
import pandas as pd
import pytest

from lib import metrics
from lib.experiments import localization_rows as lo
from lib.numbers import published

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


def mean_agreement(k):
    return f"figure2-top{k}-agreement", BOTH, "mean agreement"


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
    mean = lo.paper_numbers(found, ks=[k])[mean_agreement(k)]
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
    assert found[mean_agreement(10)] == 10 * 10 / 784
    few = [found[lo.agreement_place(10, most=most)] for most in (False, True)]
    assert sum(few) == 1 and few[0] > 1 - 1e-6  # six common pixels of ten: about 1e-8
    # halves are exact, the mean over shuffles is E a² + E b² - 2 E a E b
    a, b = pair
    by_hand = [
        (s**2).mean((1, 2)) + (b**2).mean((1, 2)) - 2 * s.mean((1, 2)) * b.mean((1, 2))
        for s in (a, a**2)
    ]
    errors = [found["finding6-map-mse", score, MSE] for score in (BOTH, SQUARED)]
    assert errors == pytest.approx([v.mean() for v in by_hand], abs=1e-12)  # float64 sums


def test_chance_draws_from_the_generator_alone():
    pair = drawn(3)
    seeds = [np.random.default_rng(seed) for seed in (0, 0, 1)]
    found = [lo.chance_numbers(*pair, ks=[3], rng=rng, draws=30) for rng in seeds]
    assert found[0] == found[1] != found[2]
    table = "finding5-max-distance-top3"
    assert found[0][table, TO_ERROR, DISTANCE] == found[0][table, TO_SALIENCY, DISTANCE]
    moved = {place.table for place in found[0] if found[0][place] != found[2][place]}
    assert moved == {"finding5-max-distance-top3"}  # the rest needs no draw


def found(agreement, k=5):
    """Values of as many images as there are agreements, as `metrics.correspondence` names them."""
    n = len(agreement)
    names = [f"distance {k}", f"reverse distance {k}", "map error", "squared map error"]
    values = {name: np.arange(n, dtype=np.float64) for name in names}
    return values | {f"agreement {k}": np.array(agreement, dtype=np.float64)}


def masks(*members):
    return {kind: np.array([kind == each for each in members]) for kind in dict.fromkeys(members)}


def square(seed, n=4, side=9):
    return np.random.default_rng(seed).random((n, side, side))


def large(score):
    return "finding1-large-pixels", score, "share of pixels at least 0.5 of the map's maximum"


def by_table(numbers, table):
    return [number for number in numbers if number.place.table == table]


def test_numbers_of_each_kind_are_those_of_its_images():
    values, kinds = found([5, 0, 4, 3]), masks("normal", "novel", "normal", "novel")
    numbers = lo.kind_numbers(values, kinds, ks=[5])
    assert {(number.class_, number.n) for number in numbers} == {("normal", 2), ("novel", 2)}
    told = {(number.place, number.class_): number.value for number in numbers}
    assert told[lo.agreement_place(5, most=True), "normal"] == 1
    assert told[lo.agreement_place(5, most=True), "novel"] == 1 / 2
    assert told[("finding5-max-distance-top5", TO_ERROR, DISTANCE), "normal"] == (0 + 2) / 2
    assert told[("finding5-max-distance-top5", TO_ERROR, DISTANCE), "novel"] == (1 + 3) / 2
    assert not by_table(numbers, "finding4-gap")


def test_the_whole_has_figure_2_and_the_gap():
    values, kinds = found([5, 0, 4, 3]), masks("normal", "novel", "normal", "novel")
    numbers = lo.kind_numbers(values, kinds, ks=[5], whole=True)
    gap, _ = by_table(numbers, "finding4-gap")
    text = "difference in the share of images with agreement 3-5"
    assert gap == (("finding4-gap", BOTH, text), "normal - novel", 4, 1 - 1 / 2)
    shares = {n.place.metric[-1]: n.value for n in by_table(numbers, "figure2-top5-agreement")}
    # the later kind, novel, with agreements 0 and 3
    assert [shares[str(value)] for value in range(6)] == [0.5, 0, 0, 0.5, 0, 0]
    only = lo.kind_numbers(values, masks(*4 * ["normal"]), ks=[5], whole=True)
    assert not by_table(only, "finding4-gap")


def test_each_class_has_a_number_of_its_own():
    numbers = lo.class_numbers(found([5, 0, 4]), np.array([2, 2, 0]), "abc", ks=[5])
    place = lo.agreement_place(5, most=True)._replace(table="digits-top5-agreement")
    assert numbers == [(place, "a", 1, 1.0), (place, "c", 2, 0.5)]


def test_picture_findings_are_the_metrics_under_their_names():
    images, saliency, error = square(0), square(1), square(2)
    images[1] = 0  # no ink
    values = lo.picture_findings(images, saliency, error)
    places = [large(score) for score in ("saliency", "squared saliency", "reconstruction error")]
    assert list(values) == [lo.MISSED, lo.RANKED, *places]
    assert np.array_equal(values[lo.RANKED], metrics.spearman(saliency, error))
    for place, maps in zip(places, (saliency, saliency**2, error), strict=True):
        assert np.array_equal(values[place], metrics.share_of_large(maps))
    assert np.isnan(values[lo.MISSED]).tolist() == [False, True, False, False]


def test_picture_numbers_leave_out_what_is_not_defined():
    values = {
        lo.MISSED: np.array([0.5, np.nan, 0.25, 1.0]),
        lo.RANKED: np.array([np.nan, 0.5, 0.7, 0.0]),
    }
    members = np.array([True, True, True, False])
    numbers = lo.picture_numbers(values, members, class_="normal")
    assert numbers == [
        (lo.MISSED, "normal", 2, (0.5 + 0.25) / 2),  # an image without ink is not counted
        (lo.RANKED, "normal", 3, pytest.approx((0.5 + 0.7) / 2, abs=1e-15)),  # one rounding
    ]


def test_reach_has_both_readings():
    jacobian = np.array([[[1.0, 0.5], [1e-4, 1e-4]]])  # small error pixel, reached by both pixels
    image, pixel = lo.reach_numbers(jacobian, class_="novel")
    assert (image.place.metric, image.value) == (
        "share of entries of dr/dx above a thousandth of the largest",
        2 / 4,
    )
    assert pixel.value == 1 and pixel.place.metric.endswith("of their error pixel's largest")
    assert {image.class_, pixel.class_} == {"novel"} and image.n == pixel.n == 1


def test_changes_are_told_against_the_error_and_against_itself():
    signed, error = 2 * square(3, side=28) - 1, square(4, side=28)
    numbers = lo.change_numbers(signed, error, class_="normal")
    assert list(numbers) == list(metrics.TRANSFORMS)
    for word, change in metrics.TRANSFORMS.items():
        pairs = zip(numbers[word][::2], numbers[word][1::2], strict=True)
        for (to_error, to_itself), name in zip(pairs, metrics.SIMILARITIES, strict=True):
            similarity = metrics.SIMILARITIES[name]
            both = "saliency vs reconstruction error"
            assert to_error.place == ("section2.3-metrics", both, name)
            assert to_itself.place == ("section2.3-self", "saliency vs itself", name)
            assert to_error.value == np.nanmean(similarity(change(signed), error))
            assert to_itself.value == np.nanmean(similarity(change(signed), signed))
            assert to_error.n == to_itself.n == 4


def test_flagged_images_lie_above_the_95th_percentile_of_training():
    train = np.arange(101.0)  # its 95th percentile is 95
    errors = {"train": train, "validation": np.array([95.0, 95.5]), "novel": np.array([99.0])}
    numbers = lo.flagged_numbers(errors)
    assert numbers == [
        (lo.FLAGGED, "validation", 2, 1 / 2),
        (lo.FLAGGED, "novel", 1, 1.0),
    ]


def test_regions_by_method_and_score_and_by_chance():
    known = np.zeros((2, 9, 9), dtype=bool)
    known[:, 3:6, 3:7] = True
    tried = {"a": {"x": square(5, n=2), "y": square(6, n=2)}, "b": {"x": known.astype(float)}}
    table = lo.region_table(tried, known)
    assert list(table.columns) == ["method", "score", "metric", "n", "value"]
    assert set(table["n"]) == {2}
    kept = table[(table["method"] == "a") & (table["score"] == "y")]
    assert dict(zip(kept["metric"], kept["value"], strict=True)) == metrics.region_numbers(
        tried["a"]["y"], known
    )
    kept = table[table["method"] == "chance"]
    assert dict(zip(kept["metric"], kept["value"], strict=True)) == metrics.chance_region_numbers(
        known
    )


def test_kinds_of_planting_are_averaged_by_seed():
    parts = [
        pd.DataFrame({"method": ["m"], "score": ["s"], "metric": ["AUPRO"], "n": [n], "value": [v]})
        for n, v in ((3, 0.2), (5, 0.6), (4, 0.9))
    ]
    kinds = [("erased stroke", 0), ("cut-out", 0), ("cut-out", 1)]
    given = [p.assign(kind=k, seed=s) for p, (k, s) in zip(parts, kinds, strict=True)]
    table = lo.with_average_kind(given)
    columns = ["table", "seed", "n", "value"]
    assert table[columns].to_numpy().tolist() == [
        ["planted-erased-stroke", 0, 3, 0.2],
        ["planted-cut-out", 0, 5, 0.6],
        ["planted-cut-out", 1, 4, 0.9],
        ["planted-average", 0, 8, pytest.approx(0.4, abs=1e-15)],  # one rounding
        ["planted-average", 1, 4, 0.9],
    ]


def test_a_cascade_is_compared_with_its_first_map():
    first, second = square(7), square(8)
    dead = np.zeros_like(first)
    table = lo.cascade_table({"s": [first, second, dead], "t": [first, first]})
    assert table[["score", "stage"]].to_numpy().tolist() == [["s", 1], ["s", 2], ["t", 1]]
    assert table["Spearman"].tolist() == [
        metrics.spearman(first, second).mean(),
        0,  # a constant map shares nothing
        pytest.approx(1, abs=1e-12),  # float64 sums of 81 terms
    ]
    assert table["SSIM"].tolist()[:2] == [
        metrics.ssim(first, second).mean(),
        metrics.ssim(first, dead).mean(),
    ]
