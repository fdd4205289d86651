"""How AUROC and error change over the training: the right numbers, and nothing made up."""

import pandas as pd
import pytest

from lib.pages import gradcon_course as course


def wide(values, *, line="CAE recon"):
    """One network per row of `values`, given as {epoch: value}."""
    index = pd.MultiIndex.from_tuples(
        [(line, str(i), 0) for i in range(len(values))], names=["line", "class", "seed"]
    )
    return pd.DataFrame(values, index=index).rename_axis(columns="epoch")


LONG = (
    wide([{20: 0.5, 60: 0.6, 150: 0.7}, {20: 0.5, 60: 0.4, 150: 0.5}]),
    wide([{20: 1.0, 60: 0.5, 150: 0.25}, {20: 4.0, 60: 2.0, 150: 0.25}], line="CAE"),
)
SHORT = wide([{1: 0.5, 8: 0.6}]), wide([], line="CAE")


def test_the_table_has_a_line_for_each_step_and_what_its_pace_would_give():
    table = course.change_table({"X, reference": LONG, "b": SHORT})
    # errors: 1/2; then 1/2 and 1/8, whose geometric mean is 1/4
    # ln(1000 / 150) / ln(150 / 60) = 1.897 / 0.916 = 2.070
    assert {line: list(cells) for line, *cells in table.itertuples()} == {
        ("X, reference", "20 to 60"): ["+0.000 (1/2)", "-50 %"],
        ("X, reference", "60 to 150"): ["+0.100 (2/2)", "-75 %"],
        ("X, reference", "(to 1000)"): ["+0.207", ""],
        ("b", "1 to 8"): ["+0.100 (1/1)", ""],
    }
    assert list(table.columns) == [(course.AUROC, "CAE recon"), (course.ERROR, "CAE")]


def test_the_sentence_tells_the_last_step_only():
    assert course.last_change("X", LONG) == (
        "X: from epoch 60 to 150 mean AUROCs move by at most 0.100, the validation error by -75 %; "
        "at the same pace per doubling of epochs, the document's 1000 would move them by at most "
        "another 0.207, which is an extrapolation and not a measurement."
    )
    assert course.last_change("b", SHORT) == (
        "b: from epoch 1 to 8 mean AUROCs move by at most 0.100."
    )


def test_a_fall_counts_like_a_rise_and_errors_have_a_range():
    aurocs = pd.concat([wide([{1: 0.5, 20: 0.3}]), wide([{1: 0.5, 20: 0.6}], line="CAE grad")])
    losses = pd.concat([wide([{1: 1.0, 20: 0.9}], line="CAE"), wide([{1: 1.0, 20: 0.2}], line="V")])
    assert course.last_change("X", (aurocs, losses)) == (
        "X: from epoch 1 to 20 mean AUROCs move by at most 0.200, the validation error by "
        "-10 to -80 %."
    )


@pytest.mark.parametrize("seen", [{8: 0.5}, {150: 0.5}])
def test_one_look_is_no_change(seen):
    once = wide([seen]), wide([], line="CAE")
    assert course.steps(once[0]) == [] and course.change_table({"x": once}).empty
    assert course.last_change("x", once) == "x: no network was looked at twice."


def test_networks_that_no_step_has_twice_leave_no_line():
    apart = wide([{1: 0.5, 20: None}, {1: None, 20: 0.6}]), wide([], line="CAE")
    assert course.change_table({"x": apart}).empty
    assert course.last_change("x", apart) == "x: no network was looked at twice."


def test_only_milestones_are_extrapolated():
    assert course.extrapolated(wide([{30: 0.5, 150: 0.6}])).empty  # 30 is none
    assert course.extrapolated(wide([{20: 0.5, 60: 0.6}])).empty  # not at the last one
