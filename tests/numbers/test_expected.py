"""Expectations of trained numbers: two standard deviations, and a line that never moves."""

import math

import pandas as pd
import pytest

from lib.errors import BadInput, DataMissing, UnknownName
from lib.numbers import Expected, check_line, check_lines, load_expected, write_expected

VALUES = [0.96, 0.98] * 4


def rows(values, name="AUROC of digit 1"):
    lines = [{"name": name, "seed": s, "value": v} for s, v in enumerate(values)]
    return pd.DataFrame(lines)


def test_mean_and_width_by_hand(tmp_path):
    path = tmp_path / "chapter.csv"
    write_expected(path, pd.concat([rows(VALUES), rows([v / 2 for v in VALUES], name="half")]))
    found = load_expected(path)
    # mean 0.97; eight deviations of 0.01 over 8 - 1 degrees of freedom; two of them
    width = 2 * math.sqrt(8 * 0.01**2 / 7)
    first = found["AUROC of digit 1"]
    assert (first.mean, first.width) == pytest.approx((0.97, width), abs=1e-12)  # float64 sums
    assert found["half"].width == pytest.approx(width / 2, abs=1e-12)


def test_line_is_exact_and_judges_unrounded_numbers():
    expected = {"AUROC": Expected(0.97, 0.02)}
    assert check_line("AUROC", 0.955, expected) == "AUROC: expected 0.970 ± 0.020: ok"
    assert check_line("AUROC", 0.9499, expected) == "AUROC: expected 0.970 ± 0.020: OFF"
    assert check_line("AUROC", 0.9901, expected) == "AUROC: expected 0.970 ± 0.020: OFF"
    narrow = {"x": Expected(0.9704, 0.0201)}
    assert check_line("x", 0.9502, narrow) == "x: expected 0.970 ± 0.020: OFF"
    assert check_line("x", 0.9504, narrow) == "x: expected 0.970 ± 0.020: ok"
    assert check_line("AUROC", math.nan, expected).endswith("OFF")


def test_lines_of_a_chapter(tmp_path):
    write_expected(tmp_path / "chapter.csv", pd.concat([rows(VALUES), rows(VALUES, name="other")]))
    lines = check_lines("chapter", {"other": 0.97, "AUROC of digit 1": 0.5}, folder=tmp_path)
    assert lines == [
        "other: expected 0.970 ± 0.021: ok",
        "AUROC of digit 1: expected 0.970 ± 0.021: OFF",
    ]
    with pytest.raises(UnknownName, match="Nothing is expected of 'AUC'"):
        check_lines("chapter", {"AUC": 0.97}, folder=tmp_path)
    with pytest.raises(DataMissing, match="no expectations named none"):
        check_lines("none", {}, folder=tmp_path)


def test_unknown_name():
    with pytest.raises(UnknownName, match=r"'AUROK'.* Did you mean 'AUROC'"):
        check_line("AUROK", 0.9, {"AUROC": Expected(0.97, 0.02)})


def test_nonsense_is_refused_and_never_written(tmp_path):
    path = tmp_path / "chapter.csv"
    twice = rows(VALUES).assign(seed=[0, 0, *range(2, 8)])
    bad = [
        (rows(VALUES[:7]), "a number for each of 8 seeds"),
        (rows([0.5] * 8), "same for every seed"),
        (twice, "a number for each of 8 seeds"),
        (rows([*VALUES[:7], math.nan]), "a number for each of 8 seeds"),
    ]
    for given, message in bad:
        with pytest.raises(BadInput, match=message):
            write_expected(path, given)
    assert not path.exists()
    with pytest.raises(DataMissing, match=r"chapter\.csv"):
        load_expected(path)
    rows(VALUES[:7]).to_csv(path, index=False)
    with pytest.raises(BadInput, match="8 seeds"):
        load_expected(path)
