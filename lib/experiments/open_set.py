"""The open-set protocol: what a method, trained on some classes, says of images of any class."""

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lib.models import Classifier
from lib.scores import (
    fit_one_vs_set,
    fit_open_max,
    fit_weibull_svm,
    in_batches,
    knn_confidence,
    log_outputs,
    rejection_score,
)

Values = NDArray[np.float64]
MISSED = 0.05  # share of held-out known images below a threshold chosen on them
LEAST = 3  # images named rightly of each class: OpenMax fits a tail to them


class Opinion(NamedTuple):
    """Outputs `[n, classes]`, and a rejection score `[n]`, higher for images of no known class.

    Outputs lie in [0, 1] and are high for the class that fits. `threshold` is a method's own, for
    outputs that are no probabilities; without it they are held to those of the networks.
    """

    outputs: Values
    score: Values
    threshold: float | None = None


def network_opinion(model: Classifier, x: Tensor, *, omega: int = 1, alpha: float = 0.0) -> Opinion:
    """A network's outputs for `x` `[n, 1, 28, 28]`, scaled by its confidence if it has one.

    `omega` and `alpha` as in `log_outputs`; the score is `rejection_score`.
    """
    told = in_batches(partial(log_outputs, model, omega=omega, alpha=alpha), x)
    return Opinion(told.exp().cpu().numpy(), rejection_score(told).cpu().numpy())


def baseline_opinions(
    network: Classifier, train: tuple[Tensor, Tensor], held_out: Tensor, x: Tensor
) -> dict[str, Opinion]:
    """The baselines of spigler2019denoising's open set, by name, on `x` `[n, 1, 28, 28]`.

    OpenMax stands on the logits of `network`, a plain classifier of the known classes, W-SVM and
    1-vs-set machine on its last hidden layer, k nearest neighbours on pixels. `train` are its
    training images and labels; `held_out` images of the known classes give W-SVM and neighbours
    their threshold. OpenMax is left out where a class has fewer than three training images that
    the network names rightly.
    """
    images, wanted = train[0], train[1].cpu().numpy()
    three, count = (images, held_out, x), network.classes
    features = [in_batches(network.features, part).cpu().numpy() for part in three]
    logits = [in_batches(network, part).cpu().numpy() for part in (images, x)]
    flat = [part.flatten(1).cpu().numpy() for part in three]
    found = {}
    right = logits[0].argmax(1) == wanted
    if np.bincount(wanted[right], minlength=count).min() >= LEAST:
        told = fit_open_max(logits[0], wanted).outputs(logits[1], top=count)
        # refused where the unknown class is the likeliest
        known = np.where(told.argmax(1)[:, None] == count, 0, told)[:, :count]
        found["OpenMax"] = Opinion(known, told[:, count])
    machine = fit_weibull_svm(features[0], wanted, classes=count)
    found["W-SVM"] = _kept(*(machine.outputs(part) for part in features[1:]))
    slab = fit_one_vs_set(features[0], wanted, classes=count)
    place = -slab.positions(features[2]).max(1)
    found["1-vs-set machine"] = Opinion(slab.outputs(features[2]), place, 0.5)
    near = [knn_confidence(flat[0], wanted, part, classes=count, k=5) for part in flat[1:]]
    found["k nearest neighbours"] = _kept(*near)
    return found


def keeping_threshold(outputs: Values) -> float:
    """The threshold that 95 of 100 images reach with their largest output `[n, classes]`."""
    return float(np.quantile(outputs.max(1), MISSED))


def _kept(held_out: Values, outputs: Values) -> Opinion:
    # outputs of exactly 0 share the last place
    score = -np.log(np.maximum(outputs.max(1), 1e-300))
    return Opinion(outputs, score, keeping_threshold(held_out))
