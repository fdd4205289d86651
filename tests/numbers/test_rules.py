"""A rule is one line in one of five forms, over names that may hold signs and blanks."""

import math

import pytest

from lib.errors import BadInput
from lib.metrics import Interval
from lib.numbers.rules import Rule, parse_rule

NAMES = ["a", "b", "CAE", "CAE+Grad recon", "CAE recon", "rate 90 %", "a > b", "x - y", "2 nets"]


def test_forms() -> None:
    for text, kind, left, right, x, tolerance in [
        ("a > b - 0.02", "greater", "a", "b", -0.02, 0),
        ("  a   >  b ", "greater", "a", "b", 0, 0),
        ("CAE+Grad recon > CAE recon - 0.02", "greater", "CAE+Grad recon", "CAE recon", -0.02, 0),
        ("CAE > CAE recon", "greater", "CAE", "CAE recon", 0, 0),
        ("a > b > a", "greater", "a > b", "a", 0, 0),  # the longest name counts
        ("a = 0.5 ± 0.1", "within", "a", None, 0.5, 0.1),
        ("a = -3 ± 1", "within", "a", None, -3, 1),
        ("a = published ± 0.02", "within", "a", None, None, 0.02),
        ("a = b ± 0.02", "within", "a", "b", 0, 0.02),
        ("a - b = published ± 0.02", "within", "a", "b", None, 0.02),
        ("x - y - a = 1 ± 0", "within", "x - y", "a", 1, 0),
        ("a = 6,338,176", "equal", "a", None, 6338176, 0),
        ("a = published", "equal", "a", None, None, 0),
        ("a / b >= 2", "at_least", "a", "b", 2, 0),
        ("rate 90 % >= 0.5", "at_least", "rate 90 %", None, 0.5, 0),
        ("a != b ± 0.01", "different", "a", "b", 0, 0.01),
    ]:
        assert parse_rule(text, NAMES) == Rule(kind, left, right, x, tolerance)


def test_other_lines_are_refused() -> None:
    for text in [
        *("", "a", "a >", "a > 0.5", "a < b", "a > c", "a = b", "a / b > 2"),
        *("a != b", "a + b > a", "a > b * 2", "a >= b", "a = 0.5 +- 0.1", "A > b"),
    ]:
        with pytest.raises(BadInput, match="must be like"):
            parse_rule(text, NAMES)


def test_refusals_help() -> None:
    with pytest.raises(BadInput, match=r"Did you mean 'CAE recon'\?"):
        parse_rule("CAE recn > a", NAMES)
    with pytest.raises(BadInput, match="needs a margin above 0"):
        parse_rule("a != b ± 0", NAMES)


RULES = {
    "greater": Rule("greater", "a", "b", 0.2),
    "at_least": Rule("at_least", "a", None, 0.5),
    "within": Rule("within", "a", None, 0.5, 0.1),
    "equal": Rule("equal", "a", None, 0.5),
    "different": Rule("different", "a", "b", 0.0, 0.05),
}


def test_where_an_interval_lies() -> None:
    for kind, low, mean, high, verdict in [
        ("greater", 0.30, 0.31, 0.32, "reproduced"),
        ("greater", 0.20, 0.31, 0.42, "partly"),  # the bound itself is not above it
        ("greater", 0.10, 0.19, 0.42, "not reproduced"),
        ("at_least", 0.50, 0.50, 0.50, "reproduced"),  # the bound itself reaches it
        ("at_least", 0.49, 0.50, 0.51, "partly"),
        ("at_least", 0.48, 0.49, 0.60, "not reproduced"),
        ("within", 0.40, 0.50, 0.60, "reproduced"),  # decimal limits belong to the inside
        ("within", 0.39, 0.50, 0.60, "partly"),
        ("within", 0.50, 0.61, 0.72, "not reproduced"),
        ("equal", 0.50, 0.50, 0.50, "reproduced"),
        ("equal", 0.49, 0.50, 0.51, "partly"),
        ("equal", 0.49, 0.49, 0.50, "not reproduced"),
        ("different", 0.06, 0.07, 0.08, "reproduced"),
        ("different", -0.08, -0.07, -0.06, "reproduced"),
        ("different", -0.90, 0.30, 0.90, "partly"),  # both signs: no direction
        ("different", -0.90, 0.00, 0.90, "not reproduced"),
        ("different", 0.01, 0.07, 0.13, "partly"),
        ("greater", -math.inf, 0.3, math.inf, "partly"),  # one seed
    ]:
        rule = RULES[kind]
        assert rule.judge(Interval(mean, low, high, 3), rule.x or 0.0) == verdict


def test_quantities_and_wishes() -> None:
    assert RULES["at_least"].quantity(3.0) == 3.0
    assert RULES["at_least"].quantity(3.0, 2.0) == 1.5
    assert RULES["greater"].quantity(3.0, 2.0) == RULES["within"].quantity(3.0, 2.0) == 1.0
    wishes = [rule.wish(rule.x or 0.0) for rule in RULES.values()]
    assert wishes == [
        "above 0.200",
        "at least 0.500",
        "0.500 ± 0.100",
        "exactly 0.500",
        "more than 0.050 from 0, either way",
    ]
