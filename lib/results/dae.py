"""The numbers of spigler2019denoising by the names under which rows hold them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lib.errors import BadInput
from lib.metrics import wilson_interval

FOOLING, STEPS, STRONGER, OPEN_SET, ONE_CLASS = (
    *("fooling", "fooling-steps", "fooling-stronger", "open-set", "one-class"),
)
FRACTION, COUNT = "fraction", "optimizer steps"
ACCURACY, RATE, MEAN_STEPS, LIMIT = "accuracy", "fooling rate", "average steps", "step limit"
CNN, COOL, SYM, ASYM = "CNN", "COOL", "dAE sym", "dAE asym"
SPREAD = "standard deviation of a drawn pixel over images"
COLLAPSED = 1e-3  # of SPREAD: living networks are at 0.1, dead ones at 1e-9


class Place(NamedTuple):
    """Where the rows of a number stand, the method aside."""

    table: str
    score: str
    class_: str
    metric: str


def at(threshold: float) -> str:
    """A threshold as the published tables write it, `threshold=90%`."""
    return f"threshold={100 * threshold:g}%"


def word_of(threshold: float) -> str:
    """A threshold within the name of a metric, `at 90 %`."""
    return f"at {100 * threshold:g} %"


def classes_of(count: int) -> str:
    """The class cell of an open-set number by how many classes were known, `classes=6`."""
    return f"classes={count}"


def fooling_numbers(steps: npt.ArrayLike, threshold: float, *, limit: int) -> dict[Place, float]:
    """Rate and mean steps of attempts at one threshold, and the limit they had.

    `steps` `[n]` are the updates each attempt took, -1 where it never succeeded; what took more
    than `limit` counts as a failure. Without a success there are no mean steps, as in the
    document. Raises BadInput for no attempts and a limit below 1.
    Source: spigler2019denoising, tables 1 and 2.
    """
    taken = np.asarray(steps)
    if taken.ndim != 1 or not len(taken) or limit < 1:
        raise BadInput(f"Attempts [n] and a limit of at least 1 are needed, not {limit}.")
    done = (taken >= 0) & (taken <= limit)
    class_ = at(threshold)
    found = {
        Place(FOOLING, RATE, class_, FRACTION): float(done.mean()),
        Place(FOOLING, LIMIT, class_, COUNT): float(limit),
    }
    if done.any():
        found[Place(FOOLING, MEAN_STEPS, class_, COUNT)] = float(taken[done].mean())
    return found


def attack_numbers(steps: npt.ArrayLike) -> dict[str, float]:
    """Success rate of an attack with its 95 % Wilson interval, by metric.

    `steps` `[n]` as in `fooling_numbers`, or `[n, restarts]`, of which one success is enough.
    Raises BadInput for no attempts.
    """
    taken = np.asarray(steps)
    if taken.ndim not in (1, 2) or not taken.size:
        raise BadInput("An attack needs at least one attempt.")
    done = np.asarray((taken >= 0).reshape(len(taken), -1).any(1))
    found = wilson_interval(int(done.sum()), len(taken))
    return {
        RATE: float(done.mean()),
        f"{RATE}, low": found.low,
        f"{RATE}, high": found.high,
    }


def rate_curve(steps: npt.ArrayLike, shown: Sequence[int]) -> list[float]:
    """Share of attempts that had succeeded after each number of steps in `shown`.

    `steps` as in `fooling_numbers`. Raises BadInput for no attempts.
    """
    taken = np.asarray(steps)
    if not taken.size:
        raise BadInput("A curve needs at least one attempt.")
    return [float(((taken >= 0) & (taken <= step)).mean()) for step in shown]
