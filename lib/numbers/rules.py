"""The rule of a claim: one line in one of five forms, and where an interval lies by it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from lib.errors import BadInput, nearest
from lib.metrics import Interval

NUMBER = r"[-+]?\d[\d,]*(?:\.\d+)?"
# what follows the first name
FORMS = (
    ("greater", r" > (?P<b>.+)"),
    ("greater", rf" > (?P<b>.+) (?P<sign>[-+]) (?P<x>{NUMBER})"),
    ("within", rf" = (?P<x>{NUMBER}|published) ± (?P<t>{NUMBER})"),
    ("within", rf" - (?P<b>.+) = (?P<x>{NUMBER}|published) ± (?P<t>{NUMBER})"),
    ("within", rf" = (?P<b>.+) ± (?P<t>{NUMBER})"),
    ("equal", rf" = (?P<x>{NUMBER}|published)"),
    ("at_least", rf"(?: / (?P<b>.+))? >= (?P<x>{NUMBER})"),
    ("different", rf" != (?P<b>.+) ± (?P<t>{NUMBER})"),
)
HELP = "a > b - 0.02, a = published ± 0.02, a / b >= 2, a >= 0.5 or a != b ± 0.01"


@dataclass(frozen=True)
class Rule:
    """What is compared, and with what; `left` and `right` are declared names.

    The quantity is left, left - right, or left / right for at_least. `x` is the margin, target or
    bound, None where it is the document's own number; `tolerance` is the distance allowed to it.
    """

    kind: str
    left: str
    right: str | None
    x: float | None = 0.0
    tolerance: float = 0.0

    def quantity(self, left: float, right: float | None = None) -> float:
        """What is judged of one seed's numbers."""
        if right is None:
            return left
        return left / right if self.kind == "at_least" else left - right

    def holds(self, value: float, x: float) -> bool:
        """Whether the quantity lies where the claim puts it."""
        if self.kind == "greater":
            return value > x
        if self.kind == "at_least":
            return value >= x
        if self.kind == "different":
            return abs(value) > self.tolerance
        # rounded, so that decimal limits such as 0.993 for 0.973 ± 0.02 belong to the inside
        return round(abs(value - x), 12) <= self.tolerance if self.kind == "within" else value == x

    def judge(self, interval: Interval, x: float) -> str:
        """The whole interval where the claim puts it, only its mean (partly), or neither."""
        ends = self.holds(interval.low, x) and self.holds(interval.high, x)
        # an interval from far below to far above is no evidence of a difference in either direction
        if ends and (self.kind != "different" or interval.low * interval.high > 0):
            return "reproduced"
        return "partly" if self.holds(interval.mean, x) else "not reproduced"

    def wish(self, x: float) -> str:
        """Where the claim puts the quantity, in words."""
        return {
            "greater": f"above {short(x)}",
            "at_least": f"at least {short(x)}",
            "different": f"more than {short(self.tolerance)} from 0, either way",
            "within": f"{short(x)} ± {short(self.tolerance)}",
            "equal": f"exactly {short(x)}",
        }[self.kind]


def parse_rule(text: str, names: Iterable[str]) -> Rule:
    """The rule in a line such as `CAE+Grad recon > CAE recon - 0.02`; the longest name counts.

    Raises BadInput for a line of another form or with a name that is not declared, and for a
    difference without a margin, since no two trainings are equal.
    """
    known = sorted(names, key=len, reverse=True)  # they may hold signs and blanks
    line = " ".join(text.split())
    for name in known:
        for kind, form in FORMS if line.startswith(f"{name} ") else ():
            match = re.fullmatch(form, line[len(name) :])
            part = match.groupdict() if match else {"b": ""}
            if part.get("b") not in (None, *known):
                continue
            x = None if part.get("x") == "published" else number(part.get("x") or "0")
            tolerance = number(part.get("t") or "0")
            if kind == "different" and tolerance <= 0:
                raise BadInput(f"The rule {text!r} needs a margin above 0.")
            signed = -x if x is not None and part.get("sign") == "-" else x
            return Rule(kind, name, part.get("b"), signed, tolerance)
    close = nearest(re.split(r" [>=!/-]", text)[0], known)
    raise BadInput(f"The rule {text!r} must be like {HELP}, with declared names.{close}")


def number(text: str) -> float:
    """The number in a text such as `6,338,176`."""
    return float(text.replace(",", ""))


def short(value: float) -> str:
    """A number as verdicts show it."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3f}"
