"""Novelty against the classes themselves, in tables whose effects are known."""

import math

import pytest

from lib.errors import BadInput
from lib.metrics import swap_effects

ROUNDING = 1e-12  # sums of a few numbers below 1


def test_effects_by_hand():
    # a and b are normal to the first network, c to the second
    first = {"a": 0.5, "b": 0.3, "c": 0.2}
    second = {"a": 0.4, "b": 0.1, "c": 0.6}
    found = swap_effects(first, second, normal_in_first=["a", "b"])
    # normal minus novel: a 0.1, b 0.2, c 0.6 - 0.2 = 0.4
    assert found.novelty == pytest.approx((0.1 + 0.2 + 0.4) / 3, abs=ROUNDING)
    # levels: a 0.45, b 0.2, c 0.4
    assert found.classes == pytest.approx((0.45 + 0.2) / 2 - 0.4, abs=ROUNDING)


@pytest.mark.parametrize(("novelty", "digits"), [(0.2, 0.0), (0.0, 0.3), (-0.1, 0.25)])
def test_effects_that_were_put_in_are_found_apart(novelty: float, digits: float):
    inside = ["0", "1", "2"]
    base = {str(i): 0.01 * i for i in range(6)}
    own = {c: digits if c in inside else 0.0 for c in base}
    first = {c: base[c] + own[c] + (novelty if c in inside else 0) for c in base}
    second = {c: base[c] + own[c] + (0 if c in inside else novelty) for c in base}
    found = swap_effects(first, second, normal_in_first=inside)
    # the base rises by 0.01 a class: 0.01 on average inside, 0.04 outside
    assert found.novelty == pytest.approx(novelty, abs=ROUNDING)
    assert found.classes == pytest.approx(digits + 0.01 - 0.04, abs=ROUNDING)
    plain = sum(first[c] for c in inside) / 3 - sum(first[c] for c in base if c not in inside) / 3
    assert plain == pytest.approx(found.novelty + found.classes, abs=ROUNDING)


def test_swapping_the_networks_turns_only_the_classes_round():
    first, second = {"a": 0.5, "b": 0.3}, {"a": 0.4, "b": 0.35}
    one = swap_effects(first, second, normal_in_first=["a"])
    other = swap_effects(second, first, normal_in_first=["b"])
    assert other.novelty == pytest.approx(one.novelty, abs=ROUNDING)
    assert other.classes == pytest.approx(-one.classes, abs=ROUNDING)


def test_bad_input_is_refused():
    for second, inside, words in [
        ({"a": 1.0}, ["a"], "value for each class"),
        ({"a": 1.0, "b": 1.0}, [], "normal to the first"),
        ({"a": 1.0, "b": 1.0}, ["a", "b"], "normal to the first"),
        ({"a": 1.0, "b": 1.0}, ["c"], "normal to the first"),
        ({"a": 1.0, "b": math.nan}, ["a"], "finite"),
    ]:
        with pytest.raises(BadInput, match=words):
            swap_effects({"a": 0.0, "b": 0.0}, second, normal_in_first=inside)
