"""The weight alpha of a confidence: our rule, and what accuracy and attacks do over all alphas."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from lib import metrics
from lib.experiments.dae import at
from lib.experiments.digit_networks import (
    CLASSES,
    Digits,
    Network,
    NetworkSettings,
    labelled,
    scaled,
)
from lib.models import DenoisingClassifier
from lib.numbers import full_title, published
from lib.scores import alpha_keeping, error_lengths, in_batches
from lib.training import Fooling, class_evidence

Values = NDArray[np.float64]
ALPHAS = (0, 0.5, 1, 2, 3, 5, 7, 10, 14, 20, 30, 50, 70, 100, 200, 500)


def chosen_alpha(
    model: DenoisingClassifier, held_out: tuple[Tensor, Tensor], *, squared: bool = False
) -> float:
    """The largest alpha that leaves a confidence of 0.9 to 99 of 100 images named rightly.

    `held_out` are images `[n, 1, 28, 28]` with labels `[n]`; `squared` as in `log_confidence`.
    Looks at no attack and no unknown class. A control: the document prints its alphas. Raises
    BadInput where no image is named rightly.
    """
    x, labels = held_out
    right = in_batches(lambda part: class_evidence(model, part), x).argmax(1) == labels
    lengths: Tensor = error_lengths(model, x, squared=squared)
    return alpha_keeping(torch.masked_select(lengths, right))


def largest_alpha(
    log_y: Values, error: Values, labels: NDArray[np.int64], *, threshold: float, accuracy: float
) -> float:
    """The largest alpha at which a share `accuracy` of the images is right and let through.

    Log outputs `[n, classes]` and errors `[n]` as of `Network.seen`. -1 where not even alpha 0
    does it.
    """
    best = log_y.max(1)
    reach = np.where(
        (log_y.argmax(1) == labels) & (best >= np.log(threshold)),
        (best - np.log(threshold)) / np.maximum(error, 1e-12),
        -1.0,
    )
    wanted = max(int(np.ceil(accuracy * len(labels) - 1e-9)), 1)
    return float(np.sort(reach)[-wanted])


def add_alpha_rows(
    add: Callable[..., None],
    settings: NetworkSettings,
    network: Network,
    found: Fooling,
    digits: Digits,
) -> None:
    """Rows of the tables alpha-curve and alpha, from an attack that did not see alpha.

    The curves are accuracy and fooling rate over ALPHAS, norm and squared norm. The two arms are
    our rule, and the largest alpha that keeps the accuracy which the document prints.
    """
    log_y, error = network.seen(digits.test_x)
    where = {"method": network.name, "seed": network.seed, "metric": "fraction"}
    n, every = len(found.steps), list(range(CLASSES))

    def accuracy(alpha: float, level: float, form: str = "") -> float:
        outputs = scaled(log_y, error, max(alpha, 0), squared=form == "squared")
        return metrics.thresholded_accuracy(outputs, digits.test_y, level)

    for i, level in enumerate(settings.thresholds):
        at_level = where | {"class_": at(level)}
        for form, reach in {"": found.reach[:, i], "squared": found.squared_reach[:, i]}.items():
            for alpha in ALPHAS:
                cells = at_level | {"table": "alpha-curve", "alpha": alpha}
                cells |= {"form": form} if form else {}
                value = accuracy(alpha, level, form)
                add(value, **cells, score="accuracy", n=len(log_y))
                add((reach >= alpha).double().mean(), **cells, score="fooling rate", n=n)
        held = labelled(digits, "validation", seed=network.seed, classes=every, most=0)
        arms = {"our rule": chosen_alpha(network.denoiser, held)}
        printed = _printed_accuracy(full_title(digits.images.title), network.name, at(level))
        if printed is not None:
            options = {"threshold": level, "accuracy": printed}
            arms["printed accuracy"] = largest_alpha(log_y, error, digits.test_y, **options)
        for arm, alpha in arms.items():
            cells = at_level | {"table": "alpha", "arm": arm}
            add(alpha, **cells | {"metric": "alpha"}, score="alpha", n=len(log_y))
            add(accuracy(alpha, level), **cells, score="accuracy", n=len(log_y))
            share = (found.reach[:, i] >= alpha).double().mean()
            add(share, **cells, score="fooling rate", n=n)


def _printed_accuracy(title: str, method: str, class_: str) -> float | None:
    rows = published("dae-slides")
    keys = {"table": "fooling", "dataset": title, "method": method, "score": "accuracy"}
    keys |= {"class": class_, "kind": "measured"}
    found = rows.loc[(rows[list(keys)] == pd.Series(keys)).all(axis=1), "value"]
    return float(found.iloc[0]) if len(found) else None
