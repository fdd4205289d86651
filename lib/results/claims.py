"""The documents' claims, read from results/claims.yml: rules as data, no code."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from lib.errors import BadInput, UnknownName, nearest
from lib.numbers.variants import variant_problem
from lib.paths import RESULTS

Selector = Mapping[str, str]

SELECTOR_COLUMNS = ("table", "dataset", "method", "score", "class", "variant", "metric")
TEXTS = ("id", "document", "where", "claim", "rule", "scope", "note", "why", "premise")
NUMBERS = ("margin", "target", "tolerance", "bound")
FIELDS = (*TEXTS, *NUMBERS, "left", "right", "each", "published", "budget")
REQUIRED = ("id", "document", "where", "claim", "published", "rule", "left", "scope")
# rule -> fields it needs besides, fields it may have besides
RULES = {
    "greater": (("right",), ("margin", "why")),
    "different": (("right", "margin", "why"), ()),
    "within": (("target", "tolerance", "why"), ("right",)),
    "at_least": (("bound",), ("right", "why")),
    "equal": (("target",), ()),
}


@dataclass(frozen=True)
class Claim:
    """One claim: what is compared (left, right, for each), by which rule, with which numbers.

    `each` names the one column that a selector may leave open and the values it takes in turn;
    the claim must then hold for every one. `budget` holds parameters of the document's own runs,
    such as epochs. `published` holds the document's own numbers, under
    left and right where they are the numbers of those rows. `why` gives a tolerance its reason.
    `premise` is the id of another claim without which this one says nothing, such as a decrease
    that this one calls larger.
    """

    id: str
    document: str
    where: str
    claim: str
    rule: str
    left: Selector
    scope: str
    published: Mapping[str, Any]
    right: Selector | None = None
    each: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)
    note: str = ""
    why: str = ""
    premise: str = ""
    budget: Mapping[str, float] = field(default_factory=dict)

    def sides(self) -> Iterator[tuple[str, Selector, Selector | None]]:
        """Each value of `each` (or an empty text) with the completed left and right selector."""
        column, values = next(iter(self.each.items()), ("", ("",)))
        for value in values:
            open_cell = {column: value} if column else {}
            right = None if self.right is None else {**open_cell, **self.right}
            yield value, {**open_cell, **self.left}, right


def load_claims(path: Path = RESULTS / "claims.yml") -> list[Claim]:
    """All claims of the file, in its order.

    Raises BadInput for anything but plain data, an unknown or missing field or column, a number
    that is none, or an id used twice; UnknownName for an unknown rule.
    """
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as problem:
        raise BadInput(f"{path.name} must be plain YAML data: {problem}") from problem
    if not isinstance(entries, list):
        raise BadInput(f"{path.name} must be a list of claims.")
    claims = [claim_from(entry) for entry in entries]
    ids = [claim.id for claim in claims]
    if twins := sorted({name for name in ids if ids.count(name) > 1}):
        raise BadInput(f"Two claims share the id {twins[0]!r}.")
    for claim in claims:
        if claim.premise and (claim.premise not in ids or claim.premise == claim.id):
            raise BadInput(f"The premise {claim.premise!r} of {claim.id!r} is no other claim.")
    return claims


def claim_from(entry: object) -> Claim:
    """One claim from plain data. Raises as `load_claims` does."""
    if not isinstance(entry, dict):
        raise BadInput(f"A claim must be a mapping, but {entry!r} came.")
    where = f"claim {entry.get('id', '(without id)')!r}"
    _check_fields(entry, where)
    right = entry.get("right")
    each = _each(entry.get("each", {}), where)
    claim = Claim(
        **{name: str(entry.get(name, "")).strip() for name in TEXTS},
        left=_selector(entry["left"], where),
        right=None if right is None else _selector(right, where),
        each=each,
        published=MappingProxyType(dict(entry["published"])),
        budget=MappingProxyType(
            {key: _number(value, key, where) for key, value in entry.get("budget", {}).items()}
        ),
        numbers=MappingProxyType({n: _number(entry[n], n, where) for n in NUMBERS if n in entry}),
    )
    if claim.rule == "different" and claim.numbers["margin"] <= 0:
        raise BadInput(f"In {where} a margin above 0 is wanted: no two trainings are equal.")
    for _, *selectors in claim.sides():
        for selector in selectors:
            if selector is not None and (lack := set(SELECTOR_COLUMNS) - set(selector)):
                raise BadInput(f"A selector of {where} lacks {', '.join(sorted(lack))}.")
    return claim


def published_text(claim: Claim) -> str:
    """The document's numbers in one line: `0.661 against 0.564`; empty if it prints none."""
    named = {
        key: " / ".join(_printed(v) for v in (value if isinstance(value, list) else [value]))
        for key, value in claim.published.items()
    }
    sides = " against ".join(named.pop(key) for key in ("left", "right") if key in named)
    return "; ".join(filter(None, [sides, *(f"{key}: {text}" for key, text in named.items())]))


def _printed(value: float) -> str:
    """As the document prints it: shares with three decimals or more, so 0.61 is 0.610."""
    few = isinstance(value, float) and abs(value) < 1 and round(value, 3) == value
    return f"{value:.3f}" if few else f"{value:,}"


def _check_fields(entry: Mapping[str, object], where: str) -> None:
    for name in entry:
        if name not in FIELDS:
            raise BadInput(f"There is no field {name!r} in {where}.{nearest(str(name), FIELDS)}")
    if lack := [name for name in REQUIRED if name not in entry]:
        raise BadInput(f"The field {lack[0]!r} is missing in {where}.")
    rule = str(entry["rule"])
    if rule not in RULES:
        raise UnknownName(
            f"There is no rule {rule!r} ({where}).{nearest(rule, RULES)} Known: {', '.join(RULES)}."
        )
    needed, allowed = RULES[rule]
    if lack := [name for name in needed if name not in entry]:
        raise BadInput(f"Rule {rule!r} needs {lack[0]!r} in {where}.")
    given = {*NUMBERS, "right", "why"} & set(entry)
    if odd := sorted(given - set(needed) - set(allowed)):
        raise BadInput(f"Rule {rule!r} has no use for {odd[0]!r} in {where}.")
    if not isinstance(entry["published"], dict):
        raise BadInput(f"Published must be a mapping of names to numbers in {where}.")


def _selector(given: object, where: str) -> Selector:
    if not isinstance(given, dict):
        raise BadInput(f"A selector must be a mapping of columns to texts in {where}.")
    for column, cell in given.items():
        if column not in SELECTOR_COLUMNS:
            raise BadInput(
                f"A selector has no column {column!r} in {where}."
                f"{nearest(str(column), SELECTOR_COLUMNS)}"
            )
        if not isinstance(cell, str):
            raise BadInput(f"Column {column!r} must hold text, quoted if a digit, in {where}.")
    if problem := variant_problem(given.get("variant", "")):
        raise BadInput(f"{problem} ({where})")
    return MappingProxyType({"variant": "", **given})


def _each(given: object, where: str) -> Mapping[str, tuple[str, ...]]:
    if given == {}:
        return MappingProxyType({})
    if not isinstance(given, dict) or len(given) != 1:
        raise BadInput(f"Each must name one column in {where}.")
    column, values = next(iter(given.items()))
    if column == "variant":  # a selector without one has the empty variant, so none is left open
        raise BadInput(f"Each cannot name the variant in {where}: enter one claim for each.")
    if not isinstance(values, list) or not values:
        raise BadInput(f"Each must list the values of {column!r} in {where}.")
    for value in values:
        _selector({column: value}, where)
    return MappingProxyType({column: tuple(values)})


def _number(given: object, name: str, where: str) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise BadInput(f"{name.capitalize()} must be a number in {where}, but {given!r} came.")
    return float(given)
