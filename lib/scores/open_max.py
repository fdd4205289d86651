"""OpenMax: softmax with one class more, which takes what lies too far from the known ones."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import softmax

from lib.errors import BadInput
from lib.scores.weibull import (
    Values,
    WeibullTail,
    checked_class_labels,
    checked_features,
    fit_weibull_tail,
)


@dataclass(frozen=True)
class OpenMax:
    """Mean activations of each class `[k, k]` and the tail of the distances to each."""

    means: Values
    tails: tuple[WeibullTail, ...]

    def outputs(self, activations: ArrayLike, *, top: int) -> Values:
        """Probabilities `[n, k + 1]` that add up to 1, the unknown class last.

        Activations `[n, k]` before the softmax. Of the `top` largest ones (α of the paper) the i-th
        gives up the share (α + 1 - i)/α · F of itself, F the Weibull share of training images that
        lie nearer to the mean of its class; what all give up is the unknown class's activation.
        Softmax does not mind a constant added to all activations, this does; and an activation
        below 0 *gains* when it gives up a share of itself. With one class the activation is not
        trained, and the outputs are 1 - F and F. Raises BadInput for activations that are not
        finite or do not fit, and for a top that is not from 1 to k.
        Source: bendale2016openmax, algorithm 2; rank weights as in its code, abhijitbendale/OSDN.
        """
        v = checked_features(activations, "Activations")
        n, k = len(v), len(self.means)
        if v.shape[1] != k:
            raise BadInput(f"Activations of {k} classes are wanted, but of {v.shape[1]} came.")
        if not 1 <= top <= k:
            raise BadInput(f"top must be from 1 to the {k} classes, but {top} came.")
        beyond = np.empty((n, k))
        for place, (mean, tail) in enumerate(zip(self.means, self.tails, strict=True)):
            beyond[:, place] = tail.cdf(np.linalg.norm(v - mean, axis=1))
        if k == 1:
            return np.hstack([1 - beyond, beyond])
        rank = np.argsort(np.argsort(-v, axis=1, kind="stable"), axis=1)  # 0 for the largest
        given = v * np.clip((top - rank) / top, 0, None) * beyond
        return np.asarray(softmax(np.column_stack([v - given, given.sum(1)]), axis=1), np.float64)


def fit_open_max(activations: ArrayLike, labels: ArrayLike, *, tail: int = 20) -> OpenMax:
    """OpenMax of the training images that the network classifies correctly.

    Activations `[m, k]` before the softmax, labels `[m]` from 0 to k - 1. For each class the mean
    of the activations of its correctly classified images, and a Weibull distribution of the `tail`
    largest Euclidean distances to it. The authors' code also offers, and prefers, a mixture with
    the cosine. Raises BadInput for activations that are not finite, for labels that do not fit or
    leave out a class, for a class with fewer than 3 correct images, and for a tail below 3.
    Source: bendale2016openmax, algorithm 1.
    """
    v = checked_features(activations, "Activations")
    truth = checked_class_labels(labels, len(v), v.shape[1])
    right = v.argmax(1) == truth
    means, tails = [], []
    for place in range(v.shape[1]):
        mine = v[right & (truth == place)]
        if len(mine) < 3:
            raise BadInput(
                f"OpenMax needs 3 correctly classified images of each class, but class {place} has "
                f"{len(mine)}."
            )
        means.append(mine.mean(0))
        tails.append(fit_weibull_tail(np.linalg.norm(mine - means[-1], axis=1), tail=tail))
    return OpenMax(np.array(means), tuple(tails))
