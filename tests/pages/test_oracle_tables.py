"""Look-ups of the oracle's page on a few planted rows: which rows a text stands for."""

import numpy as np
import pandas as pd
import pytest

from lib.errors import BadInput
from lib.pages import oracle
from lib.pages import oracle_tables as look
from lib.pages.oracle_tables import Source
from lib.results import compared, frame, row

AUC, EER, CLASS = oracle.AUC, oracle.EER, oracle.CLASS
LOGIT = {"method": oracle.BASE, "score": "max logit"}


def planted(value, *, metric=AUC, seed=0, table="networks", **cells):
    names = {"dataset": "CIFAR-10", "class_": CLASS, "n": 9} | LOGIT | cells
    return row(run="planted", table=table, metric=metric, value=value, seed=seed, **names)


# two values 0.2 apart: half width 12.706 · 0.1414 / sqrt(2) = 1.271
REFERENCE = Source(
    frame(
        [
            planted(0.6),
            planted(0.8, seed=1),
            planted(0.2, metric=EER),
            planted(0.3, metric=EER, seed=1),
            planted(0.5, variant="lambda=0.9"),
            planted(0.4, dataset="CIFAR-100"),
        ]
    ),
    "CIFAR-10",
    {},
)
OWN = Source(
    frame(
        [
            planted(0.9, dataset="MNIST-5k", variant="width=2"),
            planted(0.1, dataset="MNIST-5k"),
            planted(0.7, dataset="MNIST-5k", variant="lambda=0.9;width=2"),
            planted(0.25, dataset="MNIST-5k", variant="width=2", metric=EER),
        ]
    ),
    "MNIST-5k",
    {"width": 2},
)
SOURCES = {"reference": REFERENCE, "this build": OWN}


def test_values_are_of_the_sources_images_and_setting():
    assert look.values(REFERENCE, metric=AUC, **LOGIT).to_dict() == {0: 0.6, 1: 0.8}
    assert look.values(REFERENCE, metric=AUC, first=True, **LOGIT).to_dict() == {0: 0.6}
    assert look.values(REFERENCE, metric=AUC, dataset="CIFAR-100", **LOGIT).tolist() == [0.4]
    hybrid = {"metric": AUC, "setting": {"lambda": 0.9}, **LOGIT}
    assert look.values(REFERENCE, **hybrid).tolist() == [0.5]
    # this build's rows carry what the run changed, whatever else is asked for
    assert look.values(OWN, metric=AUC, **LOGIT).tolist() == [0.9]
    assert look.values(OWN, **hybrid).tolist() == [0.7]
    for nothing in ({"table": "far"}, {"score": "entropy"}, {"class_": "other"}):
        assert look.values(REFERENCE, metric=AUC, **LOGIT | nothing).empty
        assert look.values(REFERENCE, metric=AUC, first=True, **LOGIT | nothing).empty


def test_a_column_that_rows_do_not_have_is_refused():
    with pytest.raises(BadInput, match="no column 'scores'"):
        look.values(REFERENCE, scores="max logit")


def test_texts_have_intervals_only_over_several_splits():
    assert look.one(REFERENCE, metric=AUC, **LOGIT) == "0.700 ± 1.271"
    assert look.one(REFERENCE, metric=AUC, first=True, decimals=1, **LOGIT) == "0.6"
    assert look.one(REFERENCE, metric=AUC, score="entropy") == ""
    assert look.auc_and_eer(REFERENCE, **LOGIT) == "0.700 ± 1.271 / 0.25"
    assert look.auc_and_eer(OWN, setting={"lambda": 0.9}, **LOGIT) == "0.700"  # no error rate
    assert look.auc_and_eer(REFERENCE, score="entropy") == ""


def test_both_sources_stand_side_by_side_or_what_there_is():
    assert look.beside(SOURCES, metric=AUC, **LOGIT) == "0.700 ± 1.271 [0.900]"
    assert look.beside(SOURCES, metric=AUC, first=True, decimals=2, **LOGIT) == "0.60 [0.90]"
    lacking = REFERENCE._replace(dataset="SVHN")
    alone = look.beside(SOURCES | {"this build": lacking}, metric=AUC, first=True, **LOGIT)
    assert alone == "0.600"
    assert look.beside(SOURCES | {"reference": lacking}, metric=AUC, **LOGIT) == "[0.900]"
    assert look.beside(SOURCES, metric=AUC, score="entropy") == look.NOT_MEASURED


def test_lists_leave_out_what_was_not_measured():
    cells = {"metric": AUC, **LOGIT}
    words = {
        "plain:": cells,
        "entropy:": cells | {"score": "entropy"},
        "λ = 0.9:": cells | {"setting": {"lambda": 0.9}},
    }
    assert look.listed(SOURCES, words) == "plain: 0.700 ± 1.271 [0.900]; λ = 0.9: 0.500 [0.700]"
    assert look.listed(SOURCES, {"entropy:": words["entropy:"]}) == ""


def test_a_table_has_a_line_per_source_and_network():
    columns = {
        "logit": {"score": "max logit"},
        "error": {"score": "max logit", "metric": EER},
        "entropy": {"score": "entropy"},
        "hybrid": {"score": "max logit", "setting": {"lambda": 0.9}},
    }
    networks = {"base": (oracle.BASE, {}), "none": ("other", {}), "λ": (oracle.BASE, {"lambda": 2})}
    found = look.by_network(SOURCES, columns, networks, first=True)
    assert list(found.columns) == list(columns)
    # the column's own setting takes the place of the line's, so λ has one number
    assert found.index.tolist() == [
        *(("reference", "base"), ("reference", "λ")),
        *(("this build", "base"), ("this build", "λ")),
    ]
    assert found.loc[("reference", "base")].tolist() == ["0.600 / 0.20", "0.200", "", "0.500"]
    assert found.loc[("this build", "λ")].tolist() == ["", "", "", "0.700"]


def test_a_table_without_numbers_keeps_its_columns():
    found = look.by_network(SOURCES, {"entropy": {"score": "entropy"}}, {"base": (oracle.BASE, {})})
    assert found.empty and list(found.columns) == ["entropy"]


def test_lines_of_the_steps_find_their_rows():
    steps = [(step["method"], step["score"]) for step in look.step_cells().values()]
    told = [
        planted(i / 10, method=method, score=score, table=oracle.Q1_Q2, metric=metric)
        for i, (method, score) in enumerate(steps)
        for metric in (AUC, EER)
    ]
    gap = {"table": oracle.GAPS, "metric": oracle.GAP_METRIC, "score": oracle.GAP_SCORE}
    told += [planted(0.5, method=name, **gap) for name in (oracle.Q1_GAP, oracle.Q2_GAP)]
    lines = look.step_lines("CIFAR-10", "CIFAR-10", "CIFAR-100")
    assert len(lines) == 2 * (3 * 2 + 2)
    rows = frame(told)
    found = compared(lines, rows, rows, pd.DataFrame({"kind": []}, columns=[*rows, "kind"]))
    shown = [name for name in found.index if found.loc[name, "reference"]]
    assert shown == [name for name in lines if name.startswith("CIFAR-10,")]
    assert found.loc["CIFAR-10, oracle detector: AUC", "reference"] == "0.100"
    assert found.loc["CIFAR-10, Q2 representation gap", "this build"] == "0.500"
    assert look.step_cells()["oracle detector"]["score"] == "random forest, 1000 trees, on z"
    assert look.step_cells()["max logit"]["score"] == "max logit"


def test_forests_of_any_size_are_asked_for_by_one_name():
    given = {
        ("networks", "random forest, 50 trees, on z"): oracle.FOREST,
        (oracle.Q1_Q2, "random forest, 200 trees, on z"): oracle.FOREST,
        ("networks", "random forest, 50 trees, on pixels"): oracle.PIXEL_FOREST,
        ("few-labels", "random forest, 50 trees, on z"): oracle.SMALL_FOREST,
        ("over-training-summary", "random forest, 1000 trees, on z"): oracle.SMALL_FOREST,
        ("few-labels", "max logit"): "max logit",
        ("networks", ""): "",
    }
    rows = frame([planted(0.5, table=table, score=score) for table, score in given])
    found = look.by_usual_forests(rows)
    assert found["score"].tolist() == list(given.values())
    assert found.drop(columns="score").equals(rows.drop(columns="score"))
    assert look.by_usual_forests(found).equals(found)
    assert look.by_usual_forests(frame([])).empty


def gap_rows(title, seed, mean, **more):
    names = {"table": oracle.GAPS, "dataset": title, "score": oracle.GAP_SCORE, "seed": seed}
    ends = {"": 0.0, ", lower 95 % limit": -0.1, ", upper 95 % limit": 0.1}
    return [
        planted(mean + off, metric=oracle.GAP_METRIC + end, **(names | more))
        for end, off in ends.items()
    ]


def test_gaps_are_told_by_split_with_their_limits():
    known = frame(
        [
            *gap_rows("CIFAR-10", 0, 0.2, method=oracle.Q1_GAP),
            *gap_rows("CIFAR-10", 0, 0.3, method=oracle.Q2_GAP),
            *gap_rows("CIFAR-10", 102, 0.4, method=oracle.Q1_GAP),
        ]
    )
    own = frame(
        [
            *gap_rows("CIFAR-10", 0, 0.5, method=oracle.Q1_GAP),
            *gap_rows("MNIST", 0, 0.6, method=oracle.Q1_GAP),
        ]
    )
    parts = [(known, "CIFAR-10"), (known, "SVHN"), (own, "CIFAR-10"), (own, "MNIST")]
    found = look.gaps_by_split(parts)
    assert found.index.tolist() == [
        ("CIFAR-10", "split 0, seed 0"),
        ("CIFAR-10", "split 2, seed 1"),
        ("MNIST", "split 0, seed 0"),
    ]
    # the first part that knows a title tells of it
    assert found.iloc[0].tolist() == ["0.200 [0.100, 0.300]", "0.300 [0.200, 0.400]"]
    assert found.loc[("MNIST", "split 0, seed 0"), oracle.Q1_GAP] == "0.600 [0.500, 0.700]"
    assert pd.isna(found.loc[("CIFAR-10", "split 2, seed 1"), oracle.Q2_GAP])
    assert look.gaps_by_split([(known, "SVHN")]).empty


def test_looking_changes_no_rows():
    before = REFERENCE.rows.copy()
    look.by_network(SOURCES, {"logit": {"score": "max logit"}}, {"base": (oracle.BASE, {})})
    pd.testing.assert_frame_equal(REFERENCE.rows, before, check_exact=True)
    assert np.array_equal(REFERENCE.rows["seed"], before["seed"])
