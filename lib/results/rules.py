"""The comparison functions that a claim may name: does a value lie where the claim puts it?"""

from collections.abc import Callable, Mapping

from lib.metrics import Interval

Numbers = Mapping[str, float]


def quantity(rule: str, left: float, right: float | None = None) -> float:
    """What a rule judges: left alone, left / right for at_least, else left - right."""
    if right is None:
        return left
    return left / right if rule == "at_least" else left - right


def greater(value: float, numbers: Numbers) -> bool:
    """The difference exceeds the margin, 0 unless given."""
    return value > numbers.get("margin", 0.0)


def different(value: float, numbers: Numbers) -> bool:
    """The difference exceeds the margin in either direction."""
    return abs(value) > numbers["margin"]


def within(value: float, numbers: Numbers) -> bool:
    """The value or difference lies no further from the target than the tolerance."""
    # rounded, so that decimal limits such as 0.993 for 0.973 ± 0.02 belong to the inside
    return round(abs(value - numbers["target"]), 12) <= numbers["tolerance"]


def at_least(value: float, numbers: Numbers) -> bool:
    """The value or ratio reaches the bound."""
    return value >= numbers["bound"]


def equal(value: float, numbers: Numbers) -> bool:
    """The value is the target exactly."""
    return value == numbers["target"]


COMPARE: Mapping[str, Callable[[float, Numbers], bool]] = {
    "greater": greater,
    "different": different,
    "within": within,
    "at_least": at_least,
    "equal": equal,
}


def judge(rule: str, interval: Interval, numbers: Numbers) -> str:
    """The bare verdict: the whole interval where the claim puts it, only its mean, or neither."""
    holds = COMPARE[rule]
    ends = holds(interval.low, numbers) and holds(interval.high, numbers)
    # an interval from far below to far above is no evidence of a difference in either direction
    one_sided = rule != "different" or interval.low * interval.high > 0
    if ends and one_sided:
        return "reproduced"
    return "partly" if holds(interval.mean, numbers) else "not reproduced"


def limit_text(rule: str, numbers: Numbers, number: Callable[[float], str]) -> str:
    """The rule's wish in words, for a verdict's reason."""
    match rule:
        case "greater":
            return f"wanted above {number(numbers.get('margin', 0.0))}"
        case "different":
            return f"wanted more than {number(numbers['margin'])} from 0, either way"
        case "within":
            return f"wanted {number(numbers['target'])} ± {number(numbers['tolerance'])}"
        case "at_least":
            return f"wanted at least {number(numbers['bound'])}"
        case _:
            return f"wanted exactly {number(numbers['target'])}"
