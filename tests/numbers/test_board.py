"""The scoreboard: counts of claims, agreement of tables, anchors, and a build beside them."""

from pathlib import Path

import pytest

from lib.numbers import Book, frame, write_rows, write_runs
from lib.numbers.board import agreement, build_verdicts, cells, claims_of, verdict_counts
from lib.numbers.page import claim_table
from tests.numbers.conftest import MakeBook, printed_of, rows_of, runs_of

HIGH, LOW = [0.90, 0.91, 0.92], [0.80, 0.82, 0.81]


@pytest.fixture
def book(make: MakeBook) -> Book:
    table = {"rule": "value = published ± 0.05", "for": {"method": ["A", "B", "A+B"]}}
    return make(
        {"beats": {"rule": "A > B"}, "turned": {"rule": "B > A"}, "none": {"rule": "A+B > A"}}
        | {"table": table},
        rows_of("A", HIGH),
        rows_of("B", LOW),
        rows_of("C", [0.5, 0.6]),
        rows_of("D", [0.5]),
        names={"value": {}},
        printed=printed_of({"A": 0.93, "B": 0.9, "A+B": 0.5, "C": 0.9, "D": 0.5}),
        title="Doc",
        stand_in={"MNIST": "MNIST-5k"},
    )


def test_counts_are_of_claims_and_not_of_cells(book: Book) -> None:
    counts = verdict_counts(book, book.ledger.documents)
    assert counts.loc["Doc"].to_dict() == {
        "reproduced": 1,
        "partly": 0,
        "not at this budget": 0,
        "not reproduced": 1,
        "not tested yet": 1,
        "claims": 3,
    }
    assert counts.loc["all"].tolist() == counts.loc["Doc"].tolist()


def test_agreement_counts_cells(book: Book) -> None:
    # A within 0.05, B not, A+B not re-made; C's interval [-0.09, 1.19] holds 0.9; D has one seed
    assert agreement(book).values.tolist() == [["doc", "baseline-auroc", 5, 4, 3, 2]]
    every = cells(book)
    assert every["published"].tolist() == [0.93, 0.9, 0.5, 0.9, 0.5]
    assert every["ours"].isna().tolist() == [False, False, True, False, False]
    assert every["low"][0] < 0.91 < every["high"][0]


def test_each_line_has_its_anchor_and_reason(book: Book, tmp_path: Path) -> None:
    (tmp_path / "chapter").mkdir()
    small = frame(rows_of("A", LOW, dataset="MNIST-5k") + rows_of("B", HIGH, dataset="MNIST-5k"))
    write_rows(tmp_path / "chapter/rows.csv", small)
    write_runs(tmp_path / "chapter/runs.csv", runs_of())
    build = build_verdicts(book, tmp_path)
    assert build["beats"].verdict == "not at this budget"
    document = book.ledger.documents[0]
    lines = claim_table(book, claims_of(book, document, table=False), build, board=True).data
    assert len(lines) == 3
    assert lines["claim"][0] == '<span id="claim-beats">A is better</span><br><em>Doc</em>'
    assert lines["verdict"][0] == '<span class="verdict reproduced">reproduced</span>'
    assert "0.810 ± 0.025 against 0.910 ± 0.025" in lines["this build"][0]
    assert "difference 0.100" in lines["why"][0] and "Here. Rule" in lines["why"][0]
    cells = claim_table(book, claims_of(book, document, table=True), build, board=True).data
    assert cells["published"].tolist() == ["0.930", "0.900", "0.500"]
