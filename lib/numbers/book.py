"""Numbers by name, as prose, guards and tables ask for them: from the committed reference."""

import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import pandas as pd

from lib.errors import BadInput, UnknownName, nearest
from lib.metrics import Interval
from lib.numbers.claims import CLAIMS, Ledger, Name, read_claims
from lib.numbers.documents import published, reference_rows, reference_runs
from lib.numbers.lookup import Lookup, interval_text
from lib.numbers.rules import NUMBER, number
from lib.numbers.verdicts import VERDICTS, Verdict, judge_all

# of a name: our mean (the default), the document's number, mean with interval, ours - published,
# ours / published; of a claim with two sides the last two are of its sides
PARTS = {"ours": "mean", "low": "low", "high": "high", "seeds": "n"}
FIELDS = (*PARTS, "published", "interval", "difference", "ratio", "right")
COMPARE = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}
T = TypeVar("T")


@dataclass(frozen=True)
class Book:
    """The names and claims of all documents, with the numbers they are about."""

    ledger: Ledger
    published_rows: pd.DataFrame
    reference_rows: pd.DataFrame
    published: Lookup
    reference: Lookup
    verdicts: Mapping[str, Verdict]

    def name(self, name: str) -> Name:
        """A declared name. Raises UnknownName."""
        return _known(self.ledger.names, name, "number named")

    def verdict(self, id_: str) -> Verdict:
        """The verdict on a claim. Raises UnknownName."""
        return _known(self.verdicts, id_, "claim")

    def value(self, text: str) -> float:
        """A number by name, `NAME`, `NAME.published`, `A - B`, `A + 0.02` or `A / B`.

        Raises UnknownName for an unknown name, BadInput where it has no such number.
        """
        line = " ".join(text.split())
        if self._is_term(line):
            return self._term(line)
        for found in re.finditer(r" ([-+/]) ", line):
            left, right = line[: found.start()], line[found.end() :]
            if self._is_term(left) and self._is_term(right):
                a, b = self._term(left), self._term(right)
                return a / b if found[1] == "/" else a - b if found[1] == "-" else a + b
        known = [*self.ledger.names, *self.ledger.claims]
        bare = re.sub(r"\.[a-z]+$", "", line)
        raise UnknownName(f"There is no number {text!r}.{nearest(bare, known)}")

    def text(self, text: str) -> str:
        """A number as prose shows it, with three decimals or a format: `NAME:.1%`.

        `NAME.interval` is `0.968 ± 0.004`, of a rate `0.512 [0.470, 0.554]`.
        """
        expression, spec = text.strip(), ""
        if found := re.fullmatch(r"(.+?):([^:\s]*[fgde%])", expression):
            expression, spec = found[1], found[2]
        if expression.endswith(".interval"):
            name = expression.removesuffix(".interval")
            interval, rate = self._interval(name)
            decimals = int(spec[1]) if re.match(r"\.\d", spec) else 3
            return interval_text(interval, decimals=decimals, rate=rate)
        value = self.value(expression)
        spec = spec or (",.0f" if abs(value) >= 1000 else ".3f")
        sign = "+" if spec.startswith("+") else ""
        # z: no minus before a zero
        return format(value, f"{sign}z{spec.removeprefix('+')}").replace("-", "−")

    def refreshed(self, text: str) -> str:
        """Plain Markdown with its numbers as they are now: those before `<!-- = NAME -->`."""
        return re.sub(
            r"(?:[\d.,]+ (?:± |(?=\[)))?(?:\[.+?\]|[^\s(|]+)<!-- = (.+?) -->",
            lambda found: f"{self.text(found[1])}<!-- = {found[1]} -->",
            text,
        )

    def holds(self, guard: str) -> bool:
        """Whether a guard is true: `ID is VERDICT`, `A < 2`, `A > B + 0.02`, `A = B ± 0.01`.

        A verdict is meant exactly, and several may be joined: `ID is partly or reproduced`. Raises
        UnknownName or BadInput for a guard that cannot be read.
        """
        text = " ".join(guard.split())
        one = "|".join(VERDICTS)
        if found := re.fullmatch(rf"(\S+) is ((?:{one})(?: or (?:{one}))*)", text):
            return self.verdict(found[1]).verdict in found[2].split(" or ")
        if found := re.fullmatch(rf"(.+) = (.+) ± ({NUMBER})", text):
            return abs(self.value(found[1]) - self.value(found[2])) <= number(found[3])
        if found := re.fullmatch(r"(.+?) (<=|>=|<|>) (.+)", text):
            return bool(COMPARE[found[2]](self.value(found[1]), self.value(found[3])))
        raise BadInput(f"A guard is like `ID is not reproduced` or `NAME > 2`, not {guard!r}.")

    def _is_term(self, text: str) -> bool:
        name, _, field = text.rpartition(".")
        known = self._knows(text) or (field in FIELDS and self._knows(name))
        return known or re.fullmatch(NUMBER, text) is not None

    def _knows(self, name: str) -> bool:
        return name in self.ledger.names or name in self.ledger.claims

    def _term(self, text: str) -> float:
        if re.fullmatch(NUMBER, text):
            return number(text)
        name, _, field = (text, "", "ours") if self._knows(text) else text.rpartition(".")
        if field == "published":
            return self._published(name)
        if field in ("difference", "ratio", "right"):
            two = name in self.verdicts and self.verdicts[name].right is not None
            if field == "right" or two:
                other = self._interval(name, 1)[0].mean
                if field == "right":
                    return other
            else:
                other = self._published(name)
            ours = self._interval(name)[0].mean
            return ours - other if field == "difference" else ours / other
        if field == "interval":
            raise BadInput(f"{name}.interval is not one number.")
        return float(getattr(self._interval(name)[0], PARTS[field]))

    def _published(self, name: str) -> float:
        if name in self.ledger.claims:
            printed = self.ledger.claims[name].cases[0].published[0]
        else:
            entries = self.published.entries(self.name(name).cells)
            printed = entries[0].value if entries else None
        if printed is None:
            raise BadInput(f"The document prints no number for {name!r}.")
        return printed

    def _interval(self, name: str, side: int = 0) -> tuple[Interval, bool]:
        """The reference's interval of a name, or of a side of a claim, and whether it is a rate."""
        if name in self.ledger.claims:
            verdict = self.verdict(name)
            interval, rate = (verdict.left, verdict.right)[side], False
        else:
            rate = self.name(name).rate
            interval = self.reference.interval(self.name(name).cells, rate=rate)
        if interval is None:
            raise BadInput(f"The reference has no number for {name!r}.")
        return interval, rate


def _known(names: Mapping[str, T], name: str, kind: str) -> T:
    if name not in names:
        raise UnknownName(f"There is no {kind} {name!r}.{nearest(name, names)}")
    return names[name]


@lru_cache(maxsize=1)
def the_book() -> Book:
    """The book's own numbers: results/claims, judged on results/reference; read once."""
    return make_book(CLAIMS, published(), reference_rows(), reference_runs())


def make_book(claims: Path, printed: pd.DataFrame, rows: pd.DataFrame, runs: pd.DataFrame) -> Book:
    """A book from a folder of claims, published rows, result rows with averages, and their runs."""
    results = printed[printed["kind"].isin(["measured", "derived"])]
    results = results.assign(variant="", seed=0, n=1, run="published").reset_index(drop=True)
    known, reference = Lookup(results), Lookup(rows, runs)
    ledger = read_claims(known, claims)
    verdicts = judge_all(ledger.claims.values(), reference)
    return Book(ledger, results, rows, known, reference, verdicts)
