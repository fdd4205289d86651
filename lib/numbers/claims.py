"""Names of numbers and claims about them, read from results/claims: one YAML file per document."""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lib.errors import BadInput, CompanionError, DataMissing, nearest
from lib.numbers.lookup import Cells, Lookup, address
from lib.numbers.rules import Rule, parse_rule
from lib.paths import RESULTS

CLAIMS = RESULTS / "claims"


class _Strict(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)


class Entry(_Strict):
    """A claim as it is written. `for` makes one claim of each combination of its cells.

    `each` is a column that a name leaves open: the claim must hold for every value. `because` gives
    a tolerance its reason: words, the name of a reason, or words with names of reasons in brackets.
    `published` replaces what is looked up in results/published.
    """

    says: str
    where: str
    rule: str
    because: str = ""
    scope: str = ""
    note: str = ""
    each: dict[str, list[str]] = Field(default={}, max_length=1)
    over: dict[str, list[str] | dict[str, str]] = Field(default={}, alias="for")
    published: str | None = None
    budget: dict[str, float] | None = None


class Document(_Strict):
    """A file of claims. `pages` test them; `stand_in` are sets that a small build replaces."""

    document: str
    title: str = ""
    pages: list[str] = []
    budget: dict[str, float] = {}
    stand_in: dict[str, str] = {}
    defaults: dict[str, str | int | float] = {}
    reasons: dict[str, str] = {}
    names: dict[str, dict[str, str | int | float | bool]] = {}
    claims: dict[str, Entry] = {}


class Name(NamedTuple):
    """A number by name: the cells it was given, its whole address, and whether it is a rate."""

    given: Cells
    cells: dict[str, str]
    rate: bool = False


class Case(NamedTuple):
    """One comparison of a claim: where its numbers stand, and the document's own."""

    label: str
    sides: tuple[Name, ...]
    x: float
    published: tuple[float | None, ...]


@dataclass(frozen=True)
class Claim:
    """One claim, ready to be judged: it must hold in every case.

    `table` is true where it only restates a cell of a table and counts in that table's agreement.
    """

    id: str
    document: str
    entry: Entry
    says: str
    rule: Rule
    cases: tuple[Case, ...]
    published: str
    because: str
    budget: Mapping[str, float]
    table: bool


@dataclass(frozen=True)
class Ledger:
    """All documents with their names and claims, which are unique over the documents."""

    documents: tuple[Document, ...]
    names: Mapping[str, Name]
    claims: Mapping[str, Claim]


def read_claims(published: Lookup, folder: Path = CLAIMS) -> Ledger:
    """The claims of all files of the folder; `published` are the documents' own results.

    Raises DataMissing without files, and BadInput with the file's name for anything but plain data
    of this form, a rule that cannot be read, an unknown reason or column, and for a name or id that
    comes twice.
    """
    documents: list[Document] = []
    names: dict[str, Name] = {}
    claims: dict[str, Claim] = {}
    for path in sorted(folder.glob("*.yml")):
        try:
            document = Document.model_validate(yaml.load(path.read_text("utf-8"), _Loader))
            own = {name: _name(cells, document) for name, cells in document.names.items()}
            made = {claim.id: claim for claim in _claims(document, own, published)}
        except ValidationError as problem:
            first = problem.errors()[0]
            place = " / ".join(str(part) for part in first["loc"])
            raise BadInput(f"{path.name}: {place}: {first['msg']}.") from problem
        except (yaml.YAMLError, CompanionError) as problem:
            raise BadInput(f"{path.name}: {problem}") from problem
        if twice := (set(own) | set(made)) & (set(names) | set(claims)) or set(own) & set(made):
            raise BadInput(f"{path.name}: the name {min(twice)!r} comes twice.")
        documents.append(document)
        names |= own
        claims |= made
    if not documents:
        raise DataMissing("There are no claims below results/claims.")
    return Ledger(tuple(documents), names, claims)


def _name(given: Mapping[str, Any], document: Document) -> Name:
    own = {key: cell for key, cell in given.items() if key != "rate"}
    return Name(own, address(own, document.defaults), bool(given.get("rate", False)))


def _claims(document: Document, names: Mapping[str, Name], published: Lookup) -> Iterator[Claim]:
    for name, entry in document.claims.items():
        columns = [
            list(
                (cells if isinstance(cells, dict) else {cell: slug(cell) for cell in cells}).items()
            )
            for cells in entry.over.values()
        ]
        try:
            for point in itertools.product(*columns):
                cells = dict(zip(entry.over, (cell for cell, _ in point), strict=True))
                id_ = "-".join([name, *(word for _, word in point)])
                yield _claim(id_, entry, cells, document, names, published)
        except CompanionError as problem:
            raise BadInput(f"claim {name!r}: {problem}") from problem


def _claim(
    id_: str,
    entry: Entry,
    cells: Mapping[str, str],
    document: Document,
    names: Mapping[str, Name],
    published: Lookup,
) -> Claim:
    rule = parse_rule(entry.rule, names)
    column, values = next(iter(entry.each.items()), ("", [""]))
    cases = []
    for value in values:
        own = {**cells, column: value} if column else cells
        sides = tuple(filled(names[side], own) for side in (rule.left, rule.right) if side)
        entries = [published.entries(side.cells) for side in sides]
        printed = tuple(found[0].value if found else None for found in entries)
        x = rule.x
        if x is None:
            if None in printed:
                raise BadInput(f"the document prints no number for {id_!r}.")
            x = rule.quantity(*(value for value in printed if value is not None))
        cases.append(Case(value, sides, x, printed))
    text = published_text(cases) if entry.published is None else entry.published
    words = {**document.defaults, **cells, "published": text}
    return Claim(
        id=id_,
        document=document.document,
        entry=entry,
        says=entry.says.format_map(words) if entry.over else entry.says,
        rule=rule,
        cases=tuple(cases),
        published=text,
        because=_explained(entry.because, document.reasons),
        budget=document.budget if entry.budget is None else entry.budget,
        table=bool(entry.over) and rule.x is None,
    )


def filled(name: Name, cells: Cells) -> Name:
    """The name with its open columns filled: those that it does not give itself."""
    given = {**{key: cell for key, cell in cells.items() if key not in name.given}, **name.given}
    defaults = {column: cell for column, cell in name.cells.items() if column != "variant"}
    return Name(given, address(given, defaults), name.rate)


def published_text(cases: list[Case]) -> str:
    """The document's numbers in one line, `0.661 against 0.526 / 0.583`; empty if it has none."""
    sides = []
    for numbers in zip(*(case.published for case in cases), strict=True):
        texts = [printed(value) for value in numbers if value is not None]
        sides.append(" / ".join(texts[:1] if len(set(texts)) == 1 else texts))
    return " against ".join(side or "–" for side in sides) if any(sides) else ""


def printed(value: float) -> str:
    """As the document prints it: shares with three decimals or more, so 0.61 is 0.610."""
    if abs(value) <= 1 and round(value, 3) == value:
        return f"{value:.3f}"
    return f"{int(value):,}" if value == int(value) else f"{value:,}"


def slug(text: str) -> str:
    """A cell as a part of an id: `threshold=90%` is `90`, `dAE sym` is `dae-sym`."""
    return re.sub(r"[^a-z0-9.]+", "-", text.rpartition("=")[2].lower()).strip("-")


def _explained(text: str, reasons: Mapping[str, str]) -> str:
    """Names of reasons replaced by their words, so that each line can be read alone."""
    if text in reasons:
        return reasons[text]
    for name in re.findall(r"\[([^\]\d]+)\]", text):
        if name not in reasons:
            raise BadInput(f"there is no reason {name!r}.{nearest(name, reasons)}")
        text = text.replace(f"[{name}]", reasons[name])
    return text


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Plain data, in which a key that comes twice is an error and not the last one's victory."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if twice := [key for key in keys if keys.count(key) > 1 and key != "<<"]:
            raise BadInput(f"the key {twice[0]!r} comes twice.")
        return dict(super().construct_mapping(node, deep))
