"""Result rows: schema, variants, merging, and files that are whole or absent."""

import os

import numpy as np
import pandas as pd
import pytest

from lib.errors import BadInput, DataMissing, UnknownName
from lib.numbers import (
    COLUMNS,
    frame,
    full_title,
    merge,
    parse_variant,
    read_rows,
    row,
    variant,
    write_rows,
)


def made(**changes):
    base = {
        "run": "r1",
        "table": "baseline-auroc",
        "dataset": "MNIST",
        "method": "CAE",
        "score": "recon",
        "class_": "3",
        "seed": 0,
        "metric": "AUROC",
        "value": 0.1 + 0.2,
        "n": 2000,
    }
    return row(**(base | changes))


def test_columns_are_those_of_the_design():
    promised = "run, table, dataset, method, score, class, variant, seed, metric, value, n"
    assert ", ".join(COLUMNS) == promised
    assert tuple(made()) == COLUMNS


def test_frame_has_fixed_types_and_order():
    given = dict(reversed(made(seed=np.int64(2), value=np.float32(0.5)).items()))
    table = frame([given])
    assert tuple(table.columns) == COLUMNS
    assert [table[c].dtype for c in ("seed", "value", "n")] == ["int64", "float64", "int64"]
    assert table["class"].tolist() == ["3"]
    assert tuple(frame([]).columns) == COLUMNS and frame([]).empty


def test_a_digit_may_be_given_as_a_number():
    assert made(class_=3) == made(class_="3")


def test_frame_refuses_nonsense():
    for changes, message in [
        ({"value": float("nan")}, "finite number, but nan came for table baseline-auroc"),
        ({"value": float("inf")}, "finite number"),
        ({"value": "much"}, "finite number"),
        ({"dataset": None}, "'dataset' must hold text"),
        ({"method": 3}, "'method' must hold text, but 3"),
        ({"seed": 0.5}, "'seed' must hold whole numbers"),
        ({"n": 0}, "'n' must hold whole numbers from 1"),
        ({"variant": "layers=1"}, "no variant key 'layers'.* Did you mean 'layer'"),
        ({"variant": "layer=2;alpha=0"}, "must be sorted"),
        ({"variant": "layer"}, "plain word or number"),
    ]:
        with pytest.raises((BadInput, UnknownName), match=message):
            frame([made(**changes)])


def test_frame_refuses_other_columns():
    with pytest.raises(BadInput, match=r"no column 'datset'.* Did you mean 'dataset'"):
        frame([made() | {"datset": "MNIST"}])
    with pytest.raises(BadInput, match="lack the column 'n'"):
        frame(pd.DataFrame([made()]).drop(columns="n"))


def test_the_same_measurement_twice_is_refused_whatever_the_run():
    with pytest.raises(BadInput, match="twice: table baseline-auroc, dataset MNIST"):
        frame([made(), made(run="r2", value=0.9)])
    assert len(frame([made(), made(seed=1), made(variant="alpha=0"), made(class_=4)])) == 4


def test_merge_joins_and_keeps_a_number_that_was_found_twice_once():
    first, second = frame([made()]), frame([made(run="r2", seed=1)])
    assert merge([first, second])["seed"].tolist() == [0, 1]
    assert merge([first, frame([made(run="r2")])])["run"].tolist() == ["r1"]
    assert merge([]).empty


def test_variant_is_canonical():
    assert variant() == ""
    assert variant(layer=2, alpha=0.0) == variant(alpha=0, layer=np.int64(2)) == "alpha=0;layer=2"
    assert variant(beta=0.1 + 0.2, lr=1e-4, condition="rain") == "beta=0.3;condition=rain;lr=0.0001"
    assert variant(**{"lambda": -0.0}) == "lambda=0"
    assert parse_variant("alpha=0;layer=2") == {"alpha": "0", "layer": "2"}
    assert parse_variant("") == {}


def test_variant_refuses_values_that_would_not_read_back():
    for value in [True, None, "", "a;b", "a=b", " a"]:
        with pytest.raises(BadInput):
            variant(arm=value)


def test_merge_refuses_another_answer_to_the_same_question():
    for other in [{"value": 0.9}, {"value": 0.5 + 1e-12}, {"n": 7}]:
        with pytest.raises(BadInput, match="twice"):
            merge([frame([made(value=0.5)]), frame([made(run="r2", **{"value": 0.5} | other)])])


def test_variant_refuses_an_unknown_key():
    with pytest.raises(UnknownName, match=r"'aplha'.* Did you mean 'alpha'"):
        variant(aplha=0)


def test_file_gives_back_the_same_rows(tmp_path):
    table = frame([made(), made(variant="alpha=0;layer=2", value=1 / 3), made(dataset="", seed=7)])
    path = tmp_path / "new" / "rows.csv"
    write_rows(path, table)
    pd.testing.assert_frame_equal(read_rows(path), table)  # values to the last bit


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path, monkeypatch):
    path = tmp_path / "rows.csv"
    write_rows(path, frame([made()]))
    before = path.read_bytes()
    with pytest.raises(BadInput):
        write_rows(path, pd.DataFrame([made(value=float("nan"))]))

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        write_rows(path, frame([made(seed=1)]))
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["rows.csv"]


def test_reading_names_what_is_wrong(tmp_path):
    with pytest.raises(DataMissing, match=r"no result file named rows\.csv"):
        read_rows(tmp_path / "rows.csv")
    for text in ("", "a,b\n1,2\n", ",".join(COLUMNS) + "\nr,t,d,m,s,c,,0,AUROC,,1\n"):
        (tmp_path / "rows.csv").write_text(text)
        with pytest.raises(BadInput, match=r"rows\.csv is not a file of result rows"):
            read_rows(tmp_path / "rows.csv")


def test_embedded_digits_stand_in_for_the_full_set_and_others_for_themselves() -> None:
    assert [full_title(title) for title in ("MNIST-5k", "MNIST", "CIFAR-10")] == [
        *("MNIST", "MNIST", "CIFAR-10"),
    ]
