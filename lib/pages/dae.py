"""The numbers of spigler2019denoising by the names under which rows hold them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from lib.errors import BadInput
from lib.metrics import (
    REJECT,
    accuracy_with_reject,
    auroc,
    macro_f_measure,
    predict_with_reject,
    wilson_interval,
)

FOOLING, STEPS, STRONGER, OPEN_SET, ONE_CLASS = (
    *("fooling", "fooling-steps", "fooling-stronger", "open-set", "one-class"),
)
FRACTION, COUNT = "fraction", "optimizer steps"
ACCURACY, RATE, MEAN_STEPS, LIMIT = "accuracy", "fooling rate", "average steps", "step limit"
CNN, COOL, SYM, ASYM = "CNN", "COOL", "dAE sym", "dAE asym"
MAIN = (CNN, COOL, SYM)
NETWORKS = (*MAIN, ASYM, "CNN with negatives")
KEPT_EPOCHS = (1, 2, 5, 10, 20, 40)  # whose held-out accuracy becomes rows, beside the last
SPREAD = "standard deviation of a drawn pixel over images"
COLLAPSED = 1e-3  # of SPREAD: living networks are at 0.1, dead ones at 1e-9


class Place(NamedTuple):
    """Where the rows of a number stand, the method aside."""

    table: str
    score: str
    class_: str
    metric: str


class Cell(NamedTuple):
    """What a number of a method is, within one table and class."""

    method: str
    score: str
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


def cells(score: str, threshold: float) -> dict[str, str]:
    """Where a number of the document's tables 1 and 2 stands, by the names of a `Place`."""
    metric = COUNT if score in (MEAN_STEPS, LIMIT) else FRACTION
    return Place(FOOLING, score, at(threshold), metric)._asdict()


def printed_value(
    published: pd.DataFrame, title: str, method: str, score: str, threshold: float
) -> float | None:
    """A number of the document's tables 1 and 2 for an image set, None where it prints none.

    `published` are the rows of its published numbers.
    """
    keys = {"table": FOOLING, "kind": "measured", "dataset": title, "method": method}
    keys |= {"score": score, "class": at(threshold)}
    found = published.loc[(published[list(keys)] == pd.Series(keys)).all(axis=1), "value"]
    return float(found.iloc[0]) if len(found) else None


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


def decision_numbers(
    called: npt.ArrayLike, truth: npt.ArrayLike, *, classes: int, word: str
) -> dict[tuple[str, str], float]:
    """Accuracy and F-measure of decisions with reject, by score and metric.

    `called` and `truth` `[n]` are places among the known classes or -1, for none; `word` tells the
    threshold within the name of a metric. Raises BadInput as `macro_f_measure` does.
    """
    f_measure = macro_f_measure(called, truth, classes=classes)
    return {
        ("accuracy with reject", f"accuracy {word}"): accuracy_with_reject(called, truth),
        ("F-measure", f"macro F-measure {word}"): f_measure,
    }


def open_numbers(
    opinions: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike, float | None]],
    ranks: Mapping[str, npt.ArrayLike],
    truth: npt.ArrayLike,
    *,
    thresholds: Sequence[float],
    classes: int,
) -> dict[Cell, float]:
    """Decisions of methods that know some classes, of refusing all, and AUROCs of unknown images.

    `opinions` are outputs `[n, classes]` in [0, 1], a rejection score `[n]` and the method's own
    threshold, without which it gets the `thresholds`; `ranks` are scores of further methods, higher
    for the unknown. `truth` `[n]` are places among the known classes, -1 for unknown images; AUROCs
    need some. Raises BadInput as `decision_numbers` and `predict_with_reject` do.
    Source: spigler2019denoising, open set; methods.md 5.7.
    """
    wanted = np.asarray(truth)
    found: dict[Cell, float] = {}
    for method, (outputs, _, own) in opinions.items():
        for level in thresholds if own is None else [own]:
            # largest outputs can pass 1 by rounding, and a threshold chosen on them too
            called = predict_with_reject(outputs, min(level, 1.0))
            word = word_of(level) if own is None else "at its own threshold"
            numbers = decision_numbers(called, wanted, classes=classes, word=word)
            found |= {Cell(method, *names): value for names, value in numbers.items()}
    refused = np.full(len(wanted), REJECT)
    for level in thresholds:
        numbers = decision_numbers(refused, wanted, classes=classes, word=word_of(level))
        found |= {Cell("refuse all", *names): value for names, value in numbers.items()}
    unknown = (wanted == REJECT).astype(np.int64)
    if unknown.any():
        scores = {method: score for method, (_, score, _) in opinions.items()} | dict(ranks)
        for method, score in scores.items():
            found[Cell(method, "rejection score", "AUROC")] = auroc(unknown, score)
    return found


def rate_curve(steps: npt.ArrayLike, shown: Sequence[int]) -> list[float]:
    """Share of attempts that had succeeded after each number of steps in `shown`.

    `steps` as in `fooling_numbers`. Raises BadInput for no attempts.
    """
    taken = np.asarray(steps)
    if not taken.size:
        raise BadInput("A curve needs at least one attempt.")
    return [float(((taken >= 0) & (taken <= step)).mean()) for step in shown]
