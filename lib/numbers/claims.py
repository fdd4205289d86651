"""Names of numbers and claims about them, read from results/claims: one YAML file per document."""

import itertools
import re
from collections.abc import Mapping
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
Values = list[str] | dict[str, str]


class _Strict(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)


class Entry(_Strict):
    """A claim as it is written. `for` makes one claim of each combination of its cells.

    `each` is a column that a name leaves open: the claim must hold for every value. `premise` is
    another claim without which this one says nothing. `because` gives a tolerance its reason:
    words, the name of a reason, or words with names of reasons in brackets; of a table also by
    cell. `published` replaces what is looked up in results/published.
    """

    says: str
    where: str
    rule: str
    because: str | dict[str, str] = ""
    scope: str = ""
    note: str = ""
    premise: str = ""
    each: dict[str, list[str]] = Field(default={}, max_length=1)
    over: dict[str, Values] = Field(default={}, alias="for")
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
    says: str
    where: str
    rule: Rule
    words: str
    cases: tuple[Case, ...]
    published: str
    because: str
    scope: str
    note: str
    premise: str
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
    of this form, a rule that cannot be read, an unknown reason, premise or column, and for a name
    or id that comes twice.
    """
    files = sorted(folder.glob("*.yml"))
    if not files:
        raise DataMissing("There are no claims below results/claims.")
    documents: list[Document] = []
    names: dict[str, Name] = {}
    claims: dict[str, Claim] = {}
    for path in files:
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
    for claim in claims.values():
        if claim.premise and (claim.premise not in claims or claim.premise == claim.id):
            raise BadInput(f"The premise {claim.premise!r} of {claim.id!r} is no other claim.")
    return Ledger(tuple(documents), names, claims)


def _name(given: Mapping[str, Any], document: Document) -> Name:
    own = {key: cell for key, cell in given.items() if key != "rate"}
    return Name(own, address(own, document.defaults), bool(given.get("rate", False)))


def _claims(document: Document, names: Mapping[str, Name], published: Lookup) -> list[Claim]:
    made = []
    for name, entry in document.claims.items():
        try:
            rule = parse_rule(entry.rule, names)
            listed = [
                list(values.items()) if isinstance(values, dict) else [(v, slug(v)) for v in values]
                for values in entry.over.values()
            ]
            for picked in itertools.product(*listed):
                cells = dict(zip(entry.over, (cell for cell, _ in picked), strict=True))
                id_ = "-".join([name, *(word for _, word in picked)])
                made.append(_claim(id_, entry, rule, cells, document, names, published))
        except CompanionError as problem:
            raise BadInput(f"claim {name!r}: {problem}") from problem
    return made


def _claim(
    id_: str,
    entry: Entry,
    rule: Rule,
    cells: Mapping[str, str],
    document: Document,
    names: Mapping[str, Name],
    published: Lookup,
) -> Claim:
    column, values = next(iter(entry.each.items()), ("", [""]))
    sides = [names[side] for side in (rule.left, rule.right) if side is not None]
    cases = []
    for value in values:
        fixed = {**cells, column: value} if column else cells
        at = tuple(filled(side, fixed) for side in sides)
        printed = tuple(_printed_at(side, published) for side in at)
        x = rule.x if rule.x is not None else _target(id_, rule, printed)
        cases.append(Case(value, at, x, printed))
    told = published_text(cases)
    words = {**document.defaults, **cells, "published": told}
    because = entry.because if isinstance(entry.because, str) else _by_cell(entry.because, cells)
    return Claim(
        id=id_,
        document=document.document,
        says=entry.says.format_map(words) if entry.over else entry.says,
        where=entry.where,
        rule=rule,
        words=entry.rule,
        cases=tuple(cases),
        published=told if entry.published is None else entry.published,
        because=_explained(because, document.reasons),
        scope=entry.scope,
        note=entry.note,
        premise=entry.premise,
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
    value = int(value) if value == int(value) and abs(value) > 1 else value
    few = isinstance(value, float) and abs(value) <= 1 and round(value, 3) == value
    return f"{value:.3f}" if few else f"{value:,}"


def slug(text: str) -> str:
    """A cell as a part of an id: `threshold=90%` is `90`, `dAE sym` is `dae-sym`."""
    return re.sub(r"[^a-z0-9.]+", "-", text.rpartition("=")[2].lower()).strip("-")


def _printed_at(side: Name, published: Lookup) -> float | None:
    found = published.entries(side.cells)
    return found[0].value if found else None


def _target(id_: str, rule: Rule, told: tuple[float | None, ...]) -> float:
    numbers = [value for value in told if value is not None]
    if len(numbers) < len(told):
        raise BadInput(f"the document prints no number for {id_!r}.")
    return rule.quantity(*numbers)


def _explained(text: str, reasons: Mapping[str, str]) -> str:
    """Names of reasons replaced by their words, so that each line can be read alone."""
    if text in reasons:
        return reasons[text]
    for name in re.findall(r"\[([^\]]+)\]", text):
        if name not in reasons and not re.search(r"\d", name):
            raise BadInput(f"there is no reason {name!r}.{nearest(name, reasons)}")
        text = text.replace(f"[{name}]", reasons.get(name, f"[{name}]"))
    return text


def _by_cell(because: Mapping[str, str], cells: Mapping[str, str]) -> str:
    return "; ".join(because[cell] for cell in cells.values() if cell in because)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Plain data, in which a key that comes twice is an error and not the last one's victory."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if twice := [key for key in keys if keys.count(key) > 1 and key != "<<"]:
            raise BadInput(f"the key {twice[0]!r} comes twice.")
        return dict(super().construct_mapping(node, deep))
