"""What is left of a gap between normal and novel images when the classes change roles."""

import math
from collections.abc import Collection, Mapping
from typing import NamedTuple

from lib.errors import BadInput


class SwapEffects(NamedTuple):
    """Two effects on one measured value; each is a difference of means over classes.

    `novelty`: a class where it is normal minus the same class where it is novel. `classes`: the
    classes that the first network calls normal minus the others, whatever is normal.
    """

    novelty: float
    classes: float


def swap_effects(
    first: Mapping[str, float], second: Mapping[str, float], *, normal_in_first: Collection[str]
) -> SwapEffects:
    """The effects of novelty and of the classes themselves, from two networks with swapped roles.

    `first` and `second` give one value per class; the classes in `normal_in_first` are normal to
    the first network and novel to the second, all others the other way round. Every class weighs
    the same. A plain gap, normal minus novel of the first network, is the sum of the two effects
    where they add up. Raises BadInput where the networks differ in classes, no class is on one of
    the sides, or a value is not finite.
    """
    classes, inside = set(first), set(normal_in_first)
    if classes != set(second) or not inside < classes or not inside:
        raise BadInput(
            f"Both networks need a value for each class, some of them normal to the first: "
            f"{sorted(classes)}, {sorted(second)} and {sorted(inside)} came."
        )
    if not all(math.isfinite(v) for v in (*first.values(), *second.values())):
        raise BadInput("The values must be finite, but NaN or infinity came.")
    gain = {c: (first[c] - second[c]) * (1 if c in inside else -1) for c in classes}
    level = {c: (first[c] + second[c]) / 2 for c in classes}
    sides = [_mean(level, inside), _mean(level, classes - inside)]
    return SwapEffects(_mean(gain, classes), sides[0] - sides[1])


def _mean(values: Mapping[str, float], classes: Collection[str]) -> float:
    return math.fsum(values[c] for c in classes) / len(classes)
