"""Do new rows contradict the committed reference? COMPANION_ROWS names the folder of a GPU run."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from lib.numbers import read_rows, read_runs, the_book, with_averages
from lib.numbers.lookup import Lookup
from lib.numbers.verdicts import judge_all

OPPOSITES = {"reproduced", "not reproduced"}


def contradictions(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """The claims of opposite verdicts; a smaller or larger run may well be less sure of one."""
    return [claim for claim, verdict in new.items() if {verdict, old[claim]} == OPPOSITES]


def test_only_opposite_verdicts_are_a_contradiction() -> None:
    old = {"a": "reproduced", "b": "not reproduced", "c": "reproduced", "d": "not reproduced"}
    new = {"a": "reproduced", "b": "partly", "c": "not tested yet", "d": "reproduced"}
    assert contradictions(old, new) == ["d"]


@pytest.mark.skipif("COMPANION_ROWS" not in os.environ, reason="no folder of new rows is named")
def test_new_rows_contradict_no_verdict() -> None:
    folder, book = Path(os.environ["COMPANION_ROWS"]), the_book()
    rows = Lookup(with_averages(read_rows(folder / "rows.csv")), read_runs(folder / "runs.csv"))
    new = judge_all(book.ledger.claims.values(), rows)
    old = {claim: verdict.verdict for claim, verdict in book.verdicts.items()}
    assert contradictions(old, {claim: verdict.verdict for claim, verdict in new.items()}) == []
