"""Learning rates as functions of the step, so that a resumed training needs no scheduler."""

import math
from typing import Literal

Schedule = Literal["steps", "one-cycle"]
WARM_UP, START, END = 0.3, 1 / 25, 1e-4  # as PyTorch's OneCycleLR has them


def rate_at(
    schedule: Schedule, step: int, *, peak: float, epochs: int, steps_per_epoch: int
) -> float:
    """Learning rate of one step, counted from 0 over all epochs.

    "steps": the peak, divided by ten from half of the epochs on and again from three quarters on.
    "one-cycle": along a cosine from 1/25 of the peak up to it in 30 % of the steps, and down to a
    ten thousandth of the start in the rest.
    Source: methods.md 4.2 for "steps"; PyTorch's OneCycleLR for "one-cycle".
    """
    if schedule == "steps":
        epoch = step // steps_per_epoch
        drops = (2 * epoch >= epochs) + (4 * epoch >= 3 * epochs)
        return peak / (1.0, 10.0, 100.0)[drops]
    last = epochs * steps_per_epoch - 1
    top = max(WARM_UP * (last + 1) - 1, 0.0)
    start = peak * START
    if step <= top and top > 0:
        return _cosine(start, peak, step / top)
    return _cosine(peak, start * END, (step - top) / max(last - top, 1.0))


def _cosine(a: float, b: float, way: float) -> float:
    return b + (a - b) * (1 + math.cos(math.pi * way)) / 2
