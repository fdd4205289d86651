"""What this book measures beside the localization paper's numbers: by hand, at the right places."""

import numpy as np
import pandas as pd
import pytest

from lib import metrics
from lib.pages import localization as lo
from lib.pages import localization_measured as measured

ERROR, SALIENCY = "reconstruction error", "saliency"


def found(agreement, k=5):
    """Values of as many images as there are agreements, as `metrics.correspondence` names them."""
    n = len(agreement)
    names = [f"distance {k}", f"reverse distance {k}", "map error", "squared map error"]
    values = {name: np.arange(n, dtype=np.float64) for name in names}
    return values | {f"agreement {k}": np.array(agreement, dtype=np.float64)}


def masks(*members):
    return {kind: np.array([kind == each for each in members]) for kind in dict.fromkeys(members)}


def drawn(seed, n=4, side=9):
    return np.random.default_rng(seed).random((n, side, side))


def by_table(numbers, table):
    return [number for number in numbers if number.place.table == table]


def test_numbers_of_each_kind_are_those_of_its_images():
    values, kinds = found([5, 0, 4, 3]), masks("normal", "novel", "normal", "novel")
    numbers = measured.kind_numbers(values, kinds, ks=[5])
    assert {(number.class_, number.n) for number in numbers} == {("normal", 2), ("novel", 2)}
    told = {(number.place, number.class_): number.value for number in numbers}
    assert told[lo.agreement_place(5, most=True), "normal"] == 1
    assert told[lo.agreement_place(5, most=True), "novel"] == 1 / 2
    assert told[lo.distance_place(5), "normal"] == (0 + 2) / 2
    assert told[lo.distance_place(5), "novel"] == (1 + 3) / 2
    assert not by_table(numbers, "finding4-gap")


def test_the_whole_has_figure_2_and_the_gap():
    values, kinds = found([5, 0, 4, 3]), masks("normal", "novel", "normal", "novel")
    numbers = measured.kind_numbers(values, kinds, ks=[5], whole=True)
    gap, _ = by_table(numbers, "finding4-gap")
    assert gap == (lo.gap_places(5)[0], "normal - novel", 4, 1 - 1 / 2)
    shares = {n.place.metric[-1]: n.value for n in by_table(numbers, "figure2-top5-agreement")}
    # the later kind, novel, with agreements 0 and 3
    assert [shares[str(value)] for value in range(6)] == [0.5, 0, 0, 0.5, 0, 0]
    only = measured.kind_numbers(values, masks(*4 * ["normal"]), ks=[5], whole=True)
    assert not by_table(only, "finding4-gap")


def test_each_class_has_a_number_of_its_own():
    numbers = measured.class_numbers(found([5, 0, 4]), np.array([2, 2, 0]), "abc", ks=[5])
    place = lo.agreement_place(5, most=True)._replace(table="digits-top5-agreement")
    assert numbers == [(place, "a", 1, 1.0), (place, "c", 2, 0.5)]


def test_picture_findings_are_the_metrics_under_their_names():
    images, saliency, error = drawn(0), drawn(1), drawn(2)
    images[1] = 0  # no ink
    values = measured.picture_findings(images, saliency, error)
    large = [measured.large_place(score) for score in (SALIENCY, "squared saliency", ERROR)]
    assert list(values) == [measured.MISSED, measured.RANKED, *large]
    assert np.array_equal(values[measured.RANKED], metrics.spearman(saliency, error))
    for place, maps in zip(large, (saliency, saliency**2, error), strict=True):
        assert np.array_equal(values[place], metrics.share_of_large(maps))
    assert np.isnan(values[measured.MISSED]).tolist() == [False, True, False, False]


def test_picture_numbers_leave_out_what_is_not_defined():
    values = {
        measured.MISSED: np.array([0.5, np.nan, 0.25, 1.0]),
        measured.RANKED: np.array([np.nan, 0.5, 0.7, 0.0]),
    }
    members = np.array([True, True, True, False])
    numbers = measured.picture_numbers(values, members, class_="normal")
    assert numbers == [
        (measured.MISSED, "normal", 2, (0.5 + 0.25) / 2),  # an image without ink is not counted
        (measured.RANKED, "normal", 3, pytest.approx((0.5 + 0.7) / 2, abs=1e-15)),  # one rounding
    ]


def test_reach_has_both_readings():
    jacobian = np.array([[[1.0, 0.5], [1e-4, 1e-4]]])  # small error pixel, reached by both pixels
    image, pixel = measured.reach_numbers(jacobian, class_="novel")
    assert (image.place.metric, image.value) == (
        "share of entries of dr/dx above a thousandth of the largest",
        2 / 4,
    )
    assert pixel.value == 1 and pixel.place.metric.endswith("of their error pixel's largest")
    assert {image.class_, pixel.class_} == {"novel"} and image.n == pixel.n == 1


def test_changes_are_told_against_the_error_and_against_itself():
    signed, error = 2 * drawn(3, side=28) - 1, drawn(4, side=28)
    numbers = measured.change_numbers(signed, error, class_="normal")
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
    numbers = measured.flagged_numbers(errors)
    assert numbers == [
        (measured.FLAGGED, "validation", 2, 1 / 2),
        (measured.FLAGGED, "novel", 1, 1.0),
    ]


def test_regions_by_method_and_score_and_by_chance():
    known = np.zeros((2, 9, 9), dtype=bool)
    known[:, 3:6, 3:7] = True
    tried = {"a": {"x": drawn(5, n=2), "y": drawn(6, n=2)}, "b": {"x": known.astype(float)}}
    table = measured.region_table(tried, known)
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
    table = measured.with_average_kind(given)
    columns = ["table", "seed", "n", "value"]
    assert table[columns].to_numpy().tolist() == [
        ["planted-erased-stroke", 0, 3, 0.2],
        ["planted-cut-out", 0, 5, 0.6],
        ["planted-cut-out", 1, 4, 0.9],
        ["planted-average", 0, 8, pytest.approx(0.4, abs=1e-15)],  # one rounding
        ["planted-average", 1, 4, 0.9],
    ]


def test_a_cascade_is_compared_with_its_first_map():
    first, second = drawn(7), drawn(8)
    dead = np.zeros_like(first)
    table = measured.cascade_table({"s": [first, second, dead], "t": [first, first]})
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
