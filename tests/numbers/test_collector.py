"""Rows collected while a chapter runs, and single numbers picked out again."""

import numpy as np
import pytest
import torch

from lib.errors import BadInput, UnknownName
from lib.numbers import COLUMNS, collector, frame, pick

CELLS = {"table": "t", "method": "CAE", "metric": "AUROC", "seed": 0, "n": 7}


def collected(*calls):
    """A checked table of rows, each CELLS with a value and changes."""
    add, rows = collector(run="r", dataset="MNIST")
    for value, changes in calls:
        add(value, **CELLS | changes)
    return frame(rows)


def test_a_row_has_the_run_the_data_set_and_what_was_given():
    add, rows = collector(run="r", dataset="MNIST")
    assert rows == []
    add(0.5, **CELLS)
    add(0.25, **CELLS, score="recon", class_=3)
    both = {"run": "r", "table": "t", "dataset": "MNIST", "method": "CAE"}
    first = {"score": "", "class": "", "variant": "", "seed": 0, "metric": "AUROC"}
    assert rows == [
        both | first | {"value": 0.5, "n": 7},
        both | first | {"score": "recon", "class": "3", "value": 0.25, "n": 7},
    ]
    assert list(frame(rows).columns) == list(COLUMNS)


def test_every_other_keyword_becomes_part_of_the_variant():
    found = collected(
        (0.1, {"noise": 0.1, "arm": "5-9", "class_": "novel"}), (0.2, {"lr": 0.010, "layer": 2})
    )
    assert found["variant"].tolist() == ["arm=5-9;noise=0.1", "layer=2;lr=0.01"]
    with pytest.raises(UnknownName, match=r"no variant key 'nose'.*Did you mean 'noise'"):
        collected((0.1, {"nose": 0.1}))
    with pytest.raises(BadInput, match="setting must be a plain word or number, but 'a=b' came"):
        collected((0.1, {"arm": "a=b"}))


def test_numbers_of_any_library_become_plain_ones():
    for value in [np.float32(0.5), torch.tensor(0.5), np.array(0.5), 1 / 2]:
        add, rows = collector(run="r", dataset="MNIST")
        add(value, **CELLS)
        assert type(rows[0]["value"]) is float and rows[0]["value"] == 0.5


ROWS = collected(
    (0.1, {"class_": "normal", "seed": 1}),
    (0.2, {"class_": "normal", "seed": 0}),
    (0.3, {"class_": "novel"}),
    (0.4, {"class_": "normal", "noise": 0.1}),
    (0.5, {"class_": "normal", "metric": "F1"}),
)


def test_picked_values_stand_under_their_seeds():
    found = pick(ROWS, class_="normal", metric="AUROC")
    assert found.to_dict() == {1: 0.1, 0: 0.2}
    assert found.index.name == "seed"
    assert pick(ROWS, class_="novel").to_dict() == {0: 0.3}
    assert pick(ROWS, **{"class": "novel"}).to_dict() == {0: 0.3}


def test_the_variant_is_empty_unless_given():
    assert pick(ROWS, metric="AUROC", class_="normal", variant="noise=0.1").to_dict() == {0: 0.4}
    assert pick(ROWS, metric="F1").to_dict() == {0: 0.5}
    control = ROWS[ROWS["variant"] != ""]
    assert pick(control, class_="normal").empty


def test_two_rows_of_one_seed_are_refused():
    with pytest.raises(BadInput, match="Two rows have one seed: method CAE, class normal"):
        pick(ROWS, method="CAE", class_="normal")  # AUROC and F1 of seed 0
