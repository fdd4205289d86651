"""What each change of the network brought, from planted rows."""

import pytest

from lib.pages import oracle
from lib.pages import oracle_changes as look
from lib.pages.oracle_tables import Source
from lib.results import frame, row

LOGIT, FOREST = look.MAX_LOGIT, oracle.FOREST


def planted(value, *, method=oracle.BASE, score=LOGIT, table="networks", **cells):
    same = {"dataset": "CIFAR-10", "class_": oracle.CLASS, "metric": oracle.AUC, "n": 9, "seed": 0}
    return row(run="planted", value=value, method=method, score=score, table=table, **same | cells)


ROWS = [
    planted(0.7),
    planted(0.2, seed=1),  # another split, on which no change was tried
    planted(0.8, score=FOREST),
    planted(0.6, method=oracle.HYBRID, variant="lambda=0.9"),
    planted(0.75, method=oracle.METHODS["rotation"]),
    planted(0.79, score=FOREST, method=oracle.METHODS["rotation"]),
    planted(0.72, method=oracle.GENERALIZED_ODIN, score="max cosine h"),
    planted(0.1, method=oracle.GENERALIZED_ODIN, score="max cosine h", seed=1),
    planted(0.9, method=oracle.GENERALIZED_ODIN),  # its own max logit is not its score
    planted(
        *(0.71,),
        method=oracle.ENSEMBLE,
        score="mean max logit",
        table="ensembles",
        variant="members=3",
    ),
]


def source(rows=ROWS):
    return Source(frame(rows), "CIFAR-10", {})


def test_each_change_stands_beside_the_same_split_without_it():
    found = look.changes(source(), LOGIT).set_index("what")
    assert set(found["base"]) == {0.7}
    assert found["value"].to_dict() == {
        "draws its image, λ = 0.9": 0.6,
        "with rotation task": 0.75,
        "Generalized ODIN, max h": 0.72,
        "3 networks, mean": 0.71,
    }
    of_forest = look.changes(source(), FOREST)
    assert of_forest.to_numpy().tolist() == [["with rotation task", 0.8, 0.79]]


def test_without_the_unchanged_network_there_is_nothing_to_compare():
    assert look.changes(source(ROWS[3:]), LOGIT).empty
    assert look.changes(source([]), FOREST).columns.tolist() == ["what", "base", "value"]


@pytest.mark.parametrize(("known", "whose"), [(True, "our reference"), (False, "this build")])
def test_the_reference_is_told_where_there_is_one(known, whose):
    sources = {"reference": source(ROWS if known else []), "this build": source()}
    assert look.changes_words(sources) == (
        f"First split of CIFAR-10, {whose}: the max logit's AUC rises with 3 of 4 changes, the "
        "most with rotation task (+0.050); the forest's rises with 0 of 1 changes."
    )
    nothing = dict.fromkeys(sources, source([]))
    assert look.changes_words(nothing) == "No changed network was measured."
