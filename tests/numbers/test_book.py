"""Numbers by name, as roles, guards and tables ask for them."""

import pandas as pd
import pytest

from lib.errors import BadInput, UnknownName
from lib.numbers import Book
from tests.numbers.conftest import MakeBook, printed_of, rows_of

HIGH, LOW = [0.90, 0.91, 0.92], [0.80, 0.82, 0.81]


@pytest.fixture
def book(make: MakeBook) -> Book:
    return make(
        {
            "a-beats-b": {"rule": "A > B"},
            "ratio": {"rule": "A / B >= 2"},
            "value": {"rule": "A = published ± 0.001"},
            "missing": {"rule": "A+B > A"},
        },
        rows_of("A", HIGH),
        rows_of("B", LOW),
        rows_of("R", [0.5, 0.25], n=200),
        rows_of("big", [6338176.0]),
        names={
            "R": {"method": "R", "rate": True},
            "big": {"method": "big"},
            "A - B": {"method": "B"},
            "A.b": {"method": "B"},
        },
        printed=printed_of({"A": 0.661, "B": 0.405}),
    )


def test_numbers_as_prose_shows_them(book: Book) -> None:
    for text, shown in [
        ("A", "0.910"),
        ("A.published", "0.661"),
        ("A.interval", "0.910 ± 0.025"),
        ("A.interval:.2f", "0.91 ± 0.02"),
        ("A.difference", "0.249"),
        ("A.ratio:.2f", "1.38"),
        ("B.difference:+.2f", "+0.41"),
        ("A:.1%", "91.0%"),
        ("A.seeds:.0f", "3"),
        ("A.high", "0.935"),
        ("big", "6,338,176"),
        ("R.interval:.2f", "0.38 [0.33, 0.42]"),  # 150 of 400, Wilson
        ("A + B", "1.720"),
        ("A / B:.2f", "1.12"),
        ("A.ours - 1", "−0.090"),
        ("A.ours - A.ours", "0.000"),  # never a minus before a zero
        ("A - B", "0.810"),  # the longest name counts
        ("A.b", "0.810"),
        ("a-beats-b.right", "0.810"),
        ("a-beats-b.difference", "0.100"),
        ("ratio.ratio:.3f", "1.123"),
        ("value.difference", "0.249"),
    ]:
        assert book.text(text) == shown


def test_unknown_numbers_are_refused(book: Book) -> None:
    for text in ["a", "A.our", "C", "A * B", "A -B", "", "A.ours.ours"]:
        with pytest.raises(UnknownName, match="There is no number"):
            book.text(text)


def test_numbers_that_do_not_exist_are_refused(book: Book) -> None:
    for text in ["A+B", "A+B.published", "R.published", "missing", "ratio.interval - A"]:
        with pytest.raises((BadInput, UnknownName)):
            book.text(text)


def test_guards(book: Book) -> None:
    for guard, holds in [
        ("a-beats-b is reproduced", True),
        ("a-beats-b is not reproduced", False),
        ("a-beats-b is partly or reproduced", True),
        ("missing is not tested yet", True),
        ("A < 1", True),
        ("A > B", True),
        ("A > B + 0.2", False),
        ("B + 0.2 > A", True),
        ("A / B >= 1.1", True),
        ("A <= 0.92", True),
        ("A = 0.9 ± 0.02", True),
        ("A = B ± 0.02", False),
        ("  A   <\n 1 ", True),
    ]:
        assert book.holds(guard) is holds


def test_guards_that_cannot_be_read(book: Book) -> None:
    for guard in [
        "A",
        "A is reproduced",
        "a-beats-b is true",
        "A == 1",
        "x < 1",
        "a-beats-b is",
        "",
    ]:
        with pytest.raises((BadInput, UnknownName)):
            book.holds(guard)


def test_names_that_are_not_there(book: Book) -> None:
    with pytest.raises(UnknownName, match=r"no claim 'a-beat-b'\. Did you mean 'a-beats-b'"):
        book.verdict("a-beat-b")
    with pytest.raises(UnknownName, match=r"no number named 'bigg'\. Did you mean 'big'"):
        book.name("bigg")


def test_only_results_are_looked_up_as_published(make: MakeBook) -> None:
    setting = printed_of({"A": 0.5}).assign(kind="setting")
    book = make({}, printed=pd.concat([setting, printed_of({"B": 0.4})]))
    assert book.text("B.published") == "0.400"
    with pytest.raises(BadInput, match="prints no number for 'A'"):
        book.text("A.published")
