"""Three numbers side by side, each under its name."""

import pandas as pd
import pytest

from lib.errors import BadInput
from lib.metrics import Interval
from lib.results import (
    compared,
    flat_numbers,
    frame,
    interval_text,
    join_published,
    mean_text,
    page_table,
    published,
    row,
    three_numbers,
)


def rows(dataset, cells, *, seed=0, variant="", method="CAE", score="recon"):
    return frame(
        [
            row(
                run=f"{dataset}-{seed}",
                table="baseline-auroc",
                dataset=dataset,
                method=method,
                score=score,
                class_=class_,
                variant=variant,
                seed=seed,
                metric="AUROC",
                value=value,
                n=10,
            )
            for class_, value in cells.items()
        ]
    )


def test_join_needs_every_key_and_an_empty_variant():
    main = rows("CIFAR-10", {"plane": 0.7, "average": 0.6, "zebra": 0.5})
    control = rows("CIFAR-10", {"plane": 0.4}, variant="alpha=0")
    other = rows("MNIST", {"average": 0.9})
    joined = join_published(pd.concat([main, control, other]), published())
    assert joined["value"].tolist() == [0.7, 0.6, 0.5, 0.4, 0.9]
    assert joined["published"].fillna(-1).tolist() == [0.682, 0.564, -1, -1, -1]


def test_a_flat_table_names_other_images_and_begins_with_the_average():
    here = rows("MNIST-5k", {"0": 0.5, "1": 0.7, "average": 0.6})
    there = rows("MNIST", {"0": 0.8, "1": 1.0, "average": 0.9})
    asked = {"table": "baseline-auroc", "dataset": "MNIST-5k", "published_dataset": "MNIST"}
    found = three_numbers(here, there, published(), **asked)
    flat = flat_numbers(found, "MNIST")
    assert flat.columns.tolist() == ["method", "score", "numbers", "average", "0", "1"]
    assert flat["numbers"].tolist() == ["reference", "this build, MNIST-5k"]
    assert flat.iloc[1].tolist()[3:] == ["0.600", "0.500", "0.700"]
    assert "data" in found.index.names and found.columns.tolist()[-1] == "average"  # left alone
    alone = flat_numbers(found.drop(columns="average"), "MNIST-5k")
    assert alone["numbers"].tolist() == ["reference, MNIST", "this build"]


def test_join_refuses_ambiguous_published_rows():
    told = published("gradcon-slides").head(1)
    with pytest.raises(BadInput, match="share their keys"):
        join_published(rows("CIFAR-10", {"plane": 0.7}), pd.concat([told, told]))


def test_interval_text():
    assert interval_text(Interval(0.968, 0.964, 0.972, 3)) == "0.968 ± 0.004"
    assert interval_text(Interval(0.968, float("-inf"), float("inf"), 1)) == "0.968"
    assert interval_text(Interval(230721.0, 230721.0, 230721.0, 1), decimals=0) == "230,721"
    assert interval_text(Interval(17525.0, 14692.0, 20358.0, 3), decimals=0) == "17,525 ± 2,833"


def test_mean_text_by_hand():
    # deviation 0.1 of three values; Student's t of two degrees of freedom is 4.303
    assert mean_text(pd.Series([0.5, 0.6, 0.7])) == "0.600 ± 0.248"
    assert mean_text(pd.Series([0.5]), decimals=1) == "0.5"
    assert mean_text(pd.Series(dtype=float)) == ""


def test_tables_of_pages():
    table = pd.DataFrame({"verdict": ["partly"]}, index=["a line's name"])
    numbers, words = page_table(table, "Three rings"), page_table(table, kind="words")
    assert 'class="numbers"' in numbers.to_html() and "Three rings" in numbers.to_html()
    assert 'class="words"' in words.to_html() and "<caption>" not in words.to_html()
    assert ("a line's name" in numbers.to_html(), "a line's name" in words.to_html()) == (
        True,
        False,
    )
    with pytest.raises(BadInput, match="numbers or words, not 'colours'"):
        page_table(table, kind="colours")


def test_three_numbers_stand_under_their_names():
    here = pd.concat(
        [
            rows("MNIST-5k", {"1": 0.99, "0": 0.95, "average": 0.97}),
            rows("MNIST-5k", {"0": 0.5}, method="mean brightness", score=""),
            rows("MNIST-5k", {"0": 0.1}, variant="alpha=0"),
        ]
    )
    # mean 0.96, standard deviation 0.01, half width 4.303 * 0.01 / sqrt(3) = 0.0248
    reference = pd.concat(
        [rows("MNIST", {"0": v}, seed=s) for s, v in enumerate((0.95, 0.96, 0.97))]
    )
    shown = three_numbers(
        here,
        reference,
        published(),
        table="baseline-auroc",
        dataset="MNIST-5k",
        published_dataset="MNIST",
    )
    assert shown.index.names == ["method", "score", "numbers", "data"]
    assert shown.index.tolist() == [
        ("CAE", "recon", "reference", "MNIST"),
        ("CAE", "recon", "this build", "MNIST-5k"),
        ("mean brightness", "", "this build", "MNIST-5k"),
    ]
    assert shown.columns.tolist() == ["0", "1", "average"]
    assert shown.values.tolist() == [
        ["0.960 ± 0.025", "", ""],
        ["0.950", "0.990", "0.970"],
        ["0.500", "", ""],
    ]


def test_document_order_and_published_cells():
    here = rows("CIFAR-10", {"plane": 0.7}, method="untrained CAE")
    shown = three_numbers(here, frame([]), published(), table="baseline-auroc", dataset="CIFAR-10")
    assert shown.columns.tolist()[:2] == ["plane", "car"] and shown.columns[-1] == "average"
    assert shown.index[0] == ("CAE", "recon", "published", "CIFAR-10")
    assert shown.iloc[0]["average"] == "0.564"
    assert shown.index[-1] == ("untrained CAE", "recon", "this build", "CIFAR-10")
    few = three_numbers(
        here, frame([]), published(), table="baseline-auroc", dataset="CIFAR-10", methods=["CAE"]
    )
    assert few.index.tolist() == [("CAE", "recon", "published", "CIFAR-10")]


def test_nothing_to_show_and_doubled_cells():
    empty = three_numbers(frame([]), frame([]), published(), table="none", dataset="MNIST")
    assert empty.shape == (0, 0)
    one = rows("MNIST", {"0": 0.9})
    with pytest.raises(BadInput, match="claim the same cell"):
        three_numbers(
            pd.concat([one, one]), one, published(), table="baseline-auroc", dataset="MNIST"
        )


def test_intervals_can_be_kept_to_the_average():
    both = [
        rows("MNIST", {"0": 0.8 + s, "average": 0.8 + s}, seed=i) for i, s in ((0, 0), (1, 0.1))
    ]
    shown = three_numbers(
        pd.concat(both),
        frame([]),
        published(),
        table="baseline-auroc",
        dataset="MNIST",
        intervals_in=["average"],
    )
    # two seeds, 0.8 and 0.9: half width t(1) * 0.0707 / sqrt(2) = 12.706 * 0.05 = 0.635
    assert shown.values.tolist() == [["0.850", "0.850 ± 0.635"]]


AUROC = {"table": "baseline-auroc", "score": "recon", "metric": "AUROC"}
CAR = AUROC | {"dataset": "CIFAR-10", "method": "CAE", "class": "car"}
ZERO = AUROC | {"dataset": "MNIST", "method": "CAE", "class": "0"}


def test_compared_numbers_stand_under_their_names():
    # mean 0.96, half width 4.303 * 0.01 / sqrt(3) = 0.0248
    values = enumerate((0.95, 0.96, 0.97))
    reference = pd.concat([rows("MNIST", {"0": value}, seed=seed) for seed, value in values])
    here = pd.concat(
        [
            rows("MNIST-5k", {"0": 0.9, "1": 0.8}),
            rows("MNIST", {"0": 0.1}),  # full data, for which MNIST-5k stands in
            rows("CIFAR-10", {"car": 0.7}),
            rows("MNIST-5k", {"0": 0.3}, method="untrained CAE"),
        ]
    )
    shown = compared(
        {"a car": CAR, "the 0": ZERO, "the 7": ZERO | {"class": "7"}},
        here,
        reference,
        published("gradcon-slides"),
        stand_in={"MNIST": "MNIST-5k"},
        beside={"untrained": {"method": "untrained CAE"}, "chance": {"method": "chance"}},
    )
    # no line has a number of chance
    assert shown.columns.tolist() == ["published", "reference", "this build", "untrained"]
    assert shown.index.tolist() == ["a car", "the 0", "the 7"]
    assert shown.values.tolist() == [
        ["0.353", "", "0.700", ""],
        ["", "0.960 ± 0.025", "0.900", "0.300"],
        ["", "", "", ""],
    ]


def test_compared_reads_variants_only_where_they_are_asked_for():
    main, control = rows("MNIST", {"0": 0.9}), rows("MNIST", {"0": 0.4}, variant="alpha=0")
    lines = {"main": ZERO, "control": ZERO | {"variant": "alpha=0"}}
    table = pd.concat([main, control])
    shown = compared(
        lines, table, table.copy(), published(), beside={"0": {"variant": "alpha=0"}}, decimals=1
    )
    assert shown.to_dict("list") == {
        "reference": ["0.9", "0.4"],
        "this build": ["0.9", "0.4"],
        "0": ["0.4", "0.4"],
    }
    assert compared({"main": ZERO}, control, control.copy(), published()).shape == (1, 0)


def test_compared_shows_results_of_the_document_only():
    told = published("gradcon-slides")
    told = told[(told[list(CAR)] == pd.Series(CAR)).all(axis=1)]
    assert len(told) == 1
    for kind, columns in [("measured", 1), ("derived", 1), ("setting", 0), ("background", 0)]:
        shown = compared({"car": CAR}, frame([]), frame([]), told.assign(kind=kind))
        assert shown.shape == (1, columns)


def test_compared_writes_intervals_over_seeds():
    two = pd.concat([rows("MNIST", {"0": v}, seed=s) for s, v in enumerate((1200.0, 1300.0))])
    shown = compared({"0": ZERO}, two, frame([]), published(), decimals=0)
    # mean 1250, half width t(1) * 70.7 / sqrt(2) = 12.706 * 50 = 635
    assert shown.to_dict("list") == {"this build": ["1,250 ± 635"]}


@pytest.mark.parametrize("doubled", ["this build", "reference", "published", "beside"])
def test_compared_refuses_two_rows_for_one_cell(doubled):
    one, none, told = rows("CIFAR-10", {"car": 0.7}), frame([]), published("gradcon-slides")
    twice = pd.concat([one, one])
    given = {
        "this build": (twice, none, told),
        "reference": (none, twice, told),
        "published": (none, none, pd.concat([told, told])),
        "beside": (pd.concat([twice, one.assign(method="untrained")]), none, told),
    }
    entry, beside = CAR, {}
    if doubled == "beside":
        entry, beside = CAR | {"method": "untrained"}, {"beside": {"method": "CAE"}}
    with pytest.raises(BadInput, match=f"Two rows of '{doubled}' claim the cell 'a car'"):
        compared({"a car": entry}, *given[doubled], beside=beside)


def test_compared_without_lines_or_rows():
    assert compared({}, frame([]), frame([]), published()).shape == (0, 0)
    empty = compared({"0": ZERO}, frame([]), frame([]), published().head(0))
    assert empty.shape == (1, 0)


def test_compared_leaves_its_tables_as_they_were():
    here, reference, told = rows("MNIST", {"0": 0.9}), rows("MNIST", {"0": 0.8}), published()
    kept = [table.copy() for table in (here, reference, told)]
    compared({"0": ZERO}, here, reference, told, beside={"b": {"class": "1"}})
    for table, before in zip((here, reference, told), kept, strict=True):
        pd.testing.assert_frame_equal(table, before)
