"""Files of claims: names, defaults, tables, reasons; and those of the project itself."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lib.errors import BadInput, DataMissing
from lib.numbers import Lookup, the_book
from lib.numbers.claims import filled, printed, read_claims, slug
from tests.numbers.conftest import AVERAGE, MakeBook, printed_of

RULE = {"rule": "A > B"}


def test_names_take_defaults_and_settings_of_the_variant(make: MakeBook) -> None:
    names = {
        "layer": {"method": "A", "layer": 2, "score": ""},
        "rate": {"method": "B", "rate": True},
    }
    book = make({}, names=names)
    assert book.name("A").cells == AVERAGE | {"method": "A", "variant": ""}
    assert book.name("layer").cells["variant"] == "layer=2"
    assert book.name("layer").cells["score"] == ""  # said to be empty, so no default
    assert book.name("rate").rate and not book.name("A").rate


def test_open_columns_are_those_a_name_does_not_give(make: MakeBook) -> None:
    name = make({}, names={"x": {"method": "A", "layer": 1}}).name("x")
    other = filled(name, {"method": "B", "class": "3"})
    assert (other.cells["method"], other.cells["class"]) == ("A", "3")
    assert other.cells["variant"] == "layer=1"


def test_a_table_is_one_entry(make: MakeBook) -> None:
    claim = {
        "says": "{method} reaches {published} on {dataset}",
        "rule": "value = published ± 0.02",
        "for": {"method": ["dAE sym", "A"], "class": {"threshold=90%": "90", "average": "mean"}},
        "because": "why",
    }
    numbers = {"dAE sym": 0.5, "A": 0.25}
    cells = ("threshold=90%", "average")
    parts = [printed_of(numbers, **{"class": cell}) for cell in cells]
    book = make({"acc": claim}, names={"value": {}}, printed=pd.concat(parts))
    claims = book.ledger.claims
    assert list(claims) == ["acc-dae-sym-90", "acc-dae-sym-mean", "acc-a-90", "acc-a-mean"]
    first = claims["acc-dae-sym-90"]
    assert first.says == "dAE sym reaches 0.500 on MNIST" and first.table
    assert first.cases[0].x == 0.5 and first.because == "why"
    assert first.cases[0].sides[0].cells["class"] == "threshold=90%"
    with pytest.raises(BadInput, match="prints no number for 'acc-dae-sym-90'"):
        make({"acc": claim}, names={"value": {}})


def test_a_claim_for_several_sets_is_no_table(make: MakeBook) -> None:
    names = {"A": {"method": "A"}, "B": {"method": "B"}}
    book = make({"c": RULE | {"for": {"dataset": ["MNIST", "CIFAR-10"]}}}, names=names)
    assert [claim.table for claim in book.ledger.claims.values()] == [False, False]
    single = make({"c": {"rule": "A = published ± 1"}}, printed=printed_of({"A": 0.5}))
    assert not single.ledger.claims["c"].table  # a number of its own is a claim


def test_published_numbers_are_looked_up(make: MakeBook) -> None:
    numbers = printed_of({"A": 0.661, "B": 0.564})
    claims = {"both": RULE, "left": {"rule": "A > A+B"}, "said": RULE | {"published": "in words"}}
    found = make(claims, printed=numbers).ledger.claims
    assert found["both"].published == "0.661 against 0.564"
    assert found["left"].published == "0.661 against –"
    assert found["said"].published == "in words"
    assert make({"c": RULE}).ledger.claims["c"].published == ""


def test_numbers_as_the_document_prints_them() -> None:
    for value, text in [
        (0.61, "0.610"),
        (0.9935, "0.9935"),
        (1.0, "1.000"),
        (6338176.0, "6,338,176"),
        (5.72, "5.72"),
    ]:
        assert printed(value) == text


def test_slugs() -> None:
    assert [slug(t) for t in ("threshold=90%", "dAE sym", "Fashion-MNIST", "outliers=10%")] == [
        *("90", "dae-sym", "fashion-mnist", "10"),
    ]


def test_reasons_are_written_out(make: MakeBook) -> None:
    reasons = {"two runs": "Two runs differ."}
    claims = {
        "bare": RULE | {"because": "two runs"},
        "within": RULE | {"because": "[two runs] And more, in [0, 1]."},
        "own": RULE | {"because": "Its own words."},
    }
    found = make(claims, reasons=reasons).ledger.claims
    assert [claim.because for claim in found.values()] == [
        "Two runs differ.",
        "Two runs differ. And more, in [0, 1].",
        "Its own words.",
    ]
    with pytest.raises(BadInput, match=r"no reason 'two rums'.*Did you mean 'two runs'"):
        make({"c": RULE | {"because": "[two rums]"}}, reasons=reasons)


@pytest.mark.parametrize(
    ("claims", "more", "message"),
    [
        ({"c": {"rule": "A > C"}}, {}, "claim 'c': The rule 'A > C' must be like"),
        ({"c": {}}, {}, "claims / c / rule: Field required"),
        ({"c": RULE | {"margin": 1}}, {}, "margin: Extra inputs are not permitted"),
        ({"c": RULE | {"each": {"class": ["1"], "score": ["x"]}}}, {}, "each"),
        ({"A": RULE}, {}, "the name 'A' comes twice"),
        ({}, {"names": {"x": {"methd": "A"}}}, "no column 'methd'. Did you mean 'method'"),
        ({}, {"names": {"x": {"method": True}}}, "must be text, but True came"),
        ({}, {"buget": {}}, "buget: Extra inputs"),
    ],
)
def test_what_a_file_may_not_hold(
    make: MakeBook, claims: dict[str, Any], more: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        make(claims, **more)


def test_keys_that_come_twice_and_files_that_are_no_data(tmp_path: Path) -> None:
    none = Lookup(printed_of({}))
    with pytest.raises(DataMissing):
        read_claims(none, tmp_path)
    (tmp_path / "doc.yml").write_text("document: d\nclaims:\n  a: {}\n  a: {}\n")
    with pytest.raises(BadInput, match=r"doc\.yml: the key 'a' comes twice"):
        read_claims(none, tmp_path)
    (tmp_path / "doc.yml").write_text("document: !!python/object:os.system x\n")
    with pytest.raises(BadInput, match=r"doc\.yml: "):
        read_claims(none, tmp_path)
    text = "document: d\nnames:\n  a: {method: A}\n"
    (tmp_path / "doc.yml").write_text(text)
    (tmp_path / "other.yml").write_text(text)
    with pytest.raises(BadInput, match=r"other\.yml: the name 'a' comes twice"):
        read_claims(none, tmp_path)


def test_the_projects_own_claims() -> None:
    book = the_book()
    assert set(book.verdicts) == set(book.ledger.claims)
    ranks = ("above", "below", "as above")
    for claim in book.ledger.claims.values():
        assert claim.says and claim.entry.where
        # each line of the scoreboard is read alone
        assert not claim.because.lower().startswith(ranks) and ", above" not in claim.because
        assert claim.because or claim.rule.kind not in ("within", "different"), claim.id
    for document in book.ledger.documents:
        assert document.title and document.pages
    used = [name for d in book.ledger.documents for name in d.names]
    assert len(used) == len(set(used))
