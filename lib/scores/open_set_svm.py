"""Support vector machines that can say no: W-SVM, 1-vs-set machine and one-class SVM."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.svm import SVC, LinearSVC, OneClassSVM

from lib.errors import BadInput
from lib.scores.weibull import (
    Values,
    WeibullTail,
    checked_class_labels,
    checked_features,
    fit_weibull_tail,
)


@dataclass(frozen=True)
class WeibullSVM:
    """One-class machines, one-vs-rest machines and the Weibull tails of their scores, by class."""

    one_class: tuple[Any, ...]
    one_class_tails: tuple[WeibullTail, ...]
    delta: float
    support: Values  # [s, d], the support vectors of all one-vs-rest machines
    weights: Values  # [s, k]
    offsets: Values  # [k]
    gamma: float
    positive_tails: tuple[WeibullTail, ...]
    negative_tails: tuple[WeibullTail, ...]

    def outputs(self, x: ArrayLike) -> Values:
        """P_η · P_ψ · ι, `[n, k]` in [0, 1]; high for the class that fits.

        Features `x` `[n, d]`. P_η is the Weibull share of the class's lowest training scores that
        are lower still, P_ψ that of the other classes' highest ones, ι is 1 where the one-class
        machine's own share reaches beyond delta, else 0. With one class it is that share alone.
        Raises BadInput for features that are not finite or do not fit.
        """
        asked = _fitting(x, self.one_class[0].n_features_in_)
        inside = np.column_stack(
            [
                1 - tail.cdf(-machine.decision_function(asked))
                for machine, tail in zip(self.one_class, self.one_class_tails, strict=True)
            ]
        )
        if len(self.one_class) == 1:
            return inside
        scores = rbf_kernel(asked, self.support, gamma=self.gamma) @ self.weights + self.offsets
        tails = zip(scores.T, self.positive_tails, self.negative_tails, strict=True)
        found = [(1 - positive.cdf(-f)) * negative.cdf(f) for f, positive, negative in tails]
        return np.column_stack(found) * (inside > self.delta)


def fit_weibull_svm(
    train: ArrayLike,
    labels: ArrayLike,
    *,
    classes: int,
    c: float = 1.0,
    nu: float = 0.1,
    delta: float = 0.001,
) -> WeibullSVM:
    """W-SVM: support vector machines with RBF kernels whose scores are calibrated by Weibull tails.

    Features `train` `[m, d]`, labels `[m]` from 0 to `classes` - 1. `c` and `nu` are not tuned,
    gamma is scikit-learn's "scale". The machines are calibrated on the images they were fitted to,
    as in the authors' code: in many dimensions images they have not seen score lower, and P_η is
    hard on those. The tails are as long as there: 1.5 times the number of support vectors on that
    side, or that number where there are not as many images; of the other side divided by the other
    classes. Holds the kernel of all training images at once, 8·m² bytes. Raises BadInput for
    features that are not finite, labels that do not fit or leave out a class, settings out of
    range, and for classes of fewer than 3 images or of equal ones.
    Source: scheirer2014weibull, W-SVM; tails as in its code, libsvm-openset.
    """
    known = checked_features(train, "Training features")
    truth = checked_class_labels(labels, len(known), classes)
    _check_positive(c=c)
    if not 0 < nu < 1 or not 0 <= delta < 1:
        raise BadInput(f"nu and delta must lie between 0 and 1, but {nu} and {delta} came.")
    machines, tails = [], []
    for place in range(classes):
        mine = known[truth == place]
        _check_different(mine, f"of class {place}")
        machine = OneClassSVM(gamma="scale", nu=nu).fit(mine)
        machines.append(machine)
        tails.append(_tail(-machine.decision_function(mine), len(machine.support_)))
    weights, offsets = np.zeros((len(known), classes)), np.zeros(classes)
    gamma = 1 / (known.shape[1] * float(known.var()))
    positive, negative = [], []
    if classes > 1:
        # one kernel serves all classes: its products take most of the time
        kernel = rbf_kernel(known, gamma=gamma)
        sides = []
        for place in range(classes):
            binary = SVC(kernel="precomputed", C=c).fit(kernel, truth == place)
            weights[binary.support_, place] = binary.dual_coef_[0]
            offsets[place] = binary.intercept_[0]
            sides.append(binary.n_support_)
        scores = kernel @ weights + offsets
        for place, (others, own) in enumerate(sides):
            positive.append(_tail(-scores[truth == place, place], own))
            negative.append(_tail(scores[truth != place, place], others, divisor=classes - 1))
    used = weights.any(1)
    return WeibullSVM(
        tuple(machines),
        tuple(tails),
        delta,
        known[used],
        weights[used],
        offsets,
        gamma,
        tuple(positive),
        tuple(negative),
    )


@dataclass(frozen=True)
class OneVsSet:
    """A direction for each class `[k, d]` and the slab of scores between its two planes."""

    directions: Values
    offsets: Values  # [k]
    near: Values  # [k], score at the near plane
    far: Values  # [k]; at or below the near one where the slab is empty

    def positions(self, x: ArrayLike) -> Values:
        """Way through each slab, `[n, k]`: 0 outside and at the near plane, 1 at the far plane.

        Features `x` `[n, d]`. A graded number for rankings; the machine itself only decides. Raises
        BadInput for features that are not finite or do not fit.
        """
        scores = _fitting(x, self.directions.shape[1]) @ self.directions.T + self.offsets
        width = self.far - self.near
        way = (scores - self.near) / np.where(width > 0, width, 1)
        inside = (width > 0) & (scores >= self.near) & (scores <= self.far)
        return np.asarray(np.where(inside, way, 0.0), np.float64)

    def outputs(self, x: ArrayLike) -> Values:
        """1 for the class whose slab holds the image, else 0, `[n, k]`.

        Of several slabs the one counts that the image is furthest through, see `positions`. The
        machine gives no probability: every threshold above 0 accepts the same images. Raises
        BadInput as `positions` does.
        """
        found = self.positions(x)
        best = found.argmax(1)[:, None] == np.arange(found.shape[1])
        return np.asarray(best & (found > 0), np.float64)


def fit_one_vs_set(
    train: ArrayLike,
    labels: ArrayLike,
    *,
    classes: int,
    c: float = 1.0,
    nu: float = 0.1,
    near_pressure: float = 0.0,
    far_pressure: float = 0.0,
) -> OneVsSet:
    """1-vs-set machine: a linear SVM of each class against the rest, with a second plane behind it.

    Features `train` `[m, d]`, divided by their overall deviation so that `c` has no unit, labels
    `[m]` from 0 to `classes` - 1. With Ω the largest score of the class's training images the slab
    goes from -near_pressure · Ω, at 0 the plane of the SVM, to (1 + far_pressure) · Ω. Pressures
    above 0 generalise, below 0 specialise. This rule stands in for the paper's search for the two
    planes of least risk. A class whose images all lie behind the plane has an empty slab. With one
    class the SVM is a linear one-class SVM with `nu`. Raises BadInput for features that are not
    finite or all equal, labels that do not fit or leave out a class, settings not above 0, and
    pressures that leave no slab. Source: scheirer2013toward, 1-vs-set machine.
    """
    known = checked_features(train, "Training features")
    truth = checked_class_labels(labels, len(known), classes)
    _check_different(known, "for training")
    _check_positive(c=c)
    if not 0 < nu < 1:
        raise BadInput(f"nu must lie between 0 and 1, but {nu} came.")
    if not near_pressure + far_pressure > -1:
        raise BadInput(
            "The pressures must add up to more than -1 to leave a slab, "
            f"but {near_pressure} and {far_pressure} came."
        )
    unit = float(known.std())
    directions, offsets, far = [], [], []
    for place in range(classes):
        # the primal is solved without random draws
        machine = LinearSVC(C=c, dual=False) if classes > 1 else OneClassSVM(kernel="linear", nu=nu)
        machine.fit(known / unit, (truth == place).astype(int))
        directions.append(machine.coef_[0] / unit)
        offsets.append(float(machine.intercept_[0]))
        far.append(float((known[truth == place] @ directions[-1] + offsets[-1]).max()))
    edge = np.maximum(far, 0.0)
    return OneVsSet(
        np.array(directions), np.array(offsets), -near_pressure * edge, (1 + far_pressure) * edge
    )


def _tail(values: NDArray[np.float64], support: int, *, divisor: int = 1) -> WeibullTail:
    """The tail of scores whose length follows from the number of support vectors."""
    length = int(1.5 * support / divisor)
    if length >= len(values):
        length = support // divisor
    return fit_weibull_tail(values, tail=max(length, 3))


def _fitting(x: ArrayLike, d: int) -> Values:
    found = checked_features(x, "Features")
    if found.shape[1] != d:
        raise BadInput(f"Features of {d} numbers are wanted, but of {found.shape[1]} came.")
    return found


def _check_different(features: Values, which: str) -> None:
    if not np.ptp(features, axis=0).any():
        raise BadInput(f"The images {which} must differ, but all are equal.")


def _check_positive(**settings: float) -> None:
    for name, value in settings.items():
        if not 0 < value < float("inf"):
            raise BadInput(f"{name} must be above 0, but {value} came.")
