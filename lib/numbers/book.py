"""Numbers by name, as prose, guards and tables ask for them: from the committed reference."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

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
FIELDS = ("ours", "published", "interval", "difference", "ratio", "right", "low", "high", "seeds")
COMPARE = {
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
}


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
        if name not in self.ledger.names:
            known = self.ledger.names
            raise UnknownName(f"There is no number named {name!r}.{nearest(name, known)}")
        return self.ledger.names[name]

    def verdict(self, id_: str) -> Verdict:
        """The verdict on a claim. Raises UnknownName."""
        if id_ not in self.verdicts:
            raise UnknownName(f"There is no claim {id_!r}.{nearest(id_, self.verdicts)}")
        return self.verdicts[id_]

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
        if field == "right":
            return self._side(name, 1).mean
        left = self._interval(name)[0]
        if field in ("difference", "ratio"):
            two = name in self.ledger.claims and self.verdict(name).right is not None
            other = self._side(name, 1).mean if two else self._published(name)
            return left.mean - other if field == "difference" else left.mean / other
        plain = {"ours": left.mean, "low": left.low, "high": left.high, "seeds": left.n}
        if field not in plain:
            raise BadInput(f"The field {field!r} of {name!r} is not one number.")
        return float(plain[field])

    def _published(self, name: str) -> float:
        if name in self.ledger.claims:
            found = self.ledger.claims[name].cases[0].published[0]
        else:
            entries = self.published.entries(self.name(name).cells)
            found = entries[0].value if entries else None
        if found is None:
            raise BadInput(f"The document prints no number for {name!r}.")
        return found

    def _interval(self, name: str) -> tuple[Interval, bool]:
        if name in self.ledger.claims:
            return self._side(name, 0), False
        at = self.name(name)
        if (found := self.reference.interval(at.cells, rate=at.rate)) is None:
            raise BadInput(f"The reference has no number for {name!r}.")
        return found, at.rate

    def _side(self, id_: str, side: int) -> Interval:
        verdict = self.verdict(id_)
        found = (verdict.left, verdict.right)[side]
        if found is None:
            raise BadInput(f"The reference has no such number for claim {id_!r}.")
        return found


@lru_cache(maxsize=1)
def the_book() -> Book:
    """The book's own numbers: results/claims, judged on results/reference; read once."""
    return make_book(CLAIMS, published(), reference_rows(), reference_runs())


def make_book(claims: Path, printed: pd.DataFrame, rows: pd.DataFrame, runs: pd.DataFrame) -> Book:
    """A book from a folder of claims, published rows, result rows with averages, and their runs."""
    results = printed[printed["kind"].isin(["measured", "derived"])]
    told = results.assign(variant="", seed=0, n=1, run="published").reset_index(drop=True)
    known, reference = Lookup(told), Lookup(rows, runs)
    ledger = read_claims(known, claims)
    return Book(ledger, told, rows, known, reference, judge_all(ledger.claims.values(), reference))
