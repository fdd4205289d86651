"""Rejection scores of the baselines that spigler2019denoising names for its open set."""

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
)

Values = NDArray[np.float64]
LEAST = 3  # images named rightly of each class: OpenMax fits a tail to them
NEIGHBOURS = 5


def baseline_scores(
    network: Classifier, train: Tensor, places: Tensor, x: Tensor, *, known: list[int]
) -> dict[str, Values]:
    """Scores `[n]` by method, higher for images `x` `[n, 1, 28, 28]` of no known class.

    OpenMax stands on the logits that `network`, a plain classifier, has for the `known` classes,
    W-SVM and 1-vs-set machine on its last hidden layer, k nearest neighbours on pixels. `train`
    `[m, 1, 28, 28]` are its training images and `places` their places among the known classes.
    OpenMax is left out where a class has fewer than three training images named rightly.
    Source: spigler2019denoising, previous work.
    """
    wanted, count = places.cpu().numpy(), len(known)
    features = [in_batches(network.features, part).cpu().numpy() for part in (train, x)]
    logits = [in_batches(network, part).cpu().numpy()[:, known] for part in (train, x)]
    flat = [part.flatten(1).cpu().numpy() for part in (train, x)]
    found = {}
    right = logits[0].argmax(1) == wanted
    if np.bincount(wanted[right], minlength=count).min() >= LEAST:
        revised = fit_open_max(logits[0], wanted).outputs(logits[1], top=count)
        found["OpenMax"] = np.asarray(revised[:, count], np.float64)
    machine = fit_weibull_svm(features[0], wanted, classes=count)
    found["W-SVM"] = _rejection(machine.outputs(features[1]))
    slab = fit_one_vs_set(features[0], wanted, classes=count)
    found["1-vs-set machine"] = -slab.positions(features[1]).max(1)
    near = knn_confidence(
        flat[0], wanted, flat[1], classes=count, k=min(NEIGHBOURS, len(train) - 1)
    )
    found["k nearest neighbours"] = _rejection(near)
    return found


def _rejection(outputs: Values) -> Values:
    # outputs of exactly 0 share the last place
    score: Values = -np.log(np.maximum(outputs.max(1), 1e-300))
    return score
