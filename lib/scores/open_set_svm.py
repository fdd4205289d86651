"""Support vector machines that can say no: W-SVM and 1-vs-set machine."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
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

    one_class: tuple[OneClassSVM, ...]
    one_class_tails: tuple[WeibullTail, ...]
    delta: float
    binary: tuple[SVC, ...]  # none with one class
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
        own = zip(self.one_class, self.one_class_tails, strict=True)
        inside = [1 - tail.cdf(-machine.decision_function(asked)) for machine, tail in own]
        if not self.binary:
            return np.column_stack(inside)
        shares = []
        tails = zip(self.binary, self.positive_tails, self.negative_tails, inside, strict=True)
        for machine, positive, negative, door in tails:
            f = machine.decision_function(asked)
            shares.append((1 - positive.cdf(-f)) * negative.cdf(f) * (door > self.delta))
        return np.column_stack(shares)


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
    classes. Raises BadInput for features that are not finite, labels that do not fit or leave out a
    class, settings out of range, classes of fewer than 3 images or of equal ones, and classes that
    lie so far apart that all scores of one are equal.
    Source: scheirer2014weibull, W-SVM; tails as in its code, libsvm-openset.
    """
    known = checked_features(train, "Training features")
    truth = checked_class_labels(labels, len(known), classes)
    _check_settings(c, nu)
    if not 0 <= delta < 1:
        raise BadInput(f"delta must lie between 0 and 1, but {delta} came.")
    machines, tails = [], []
    for place in range(classes):
        mine = known[truth == place]
        _check_different(mine, f"of class {place}")
        machines.append(OneClassSVM(gamma="scale", nu=nu).fit(mine))
        scores = machines[-1].decision_function(mine)
        tails.append(_tail(-scores, len(machines[-1].support_)))
    binary, positive, negative = [], [], []
    for place in range(classes) if classes > 1 else ():
        binary.append(SVC(C=c, gamma="scale").fit(known, truth == place))
        scores = binary[-1].decision_function(known)
        others, own = binary[-1].n_support_
        positive.append(_tail(-scores[truth == place], own))
        negative.append(_tail(scores[truth != place], others, divisor=classes - 1))
    parts = (machines, tails, binary, positive, negative)
    one, one_tails, two, *both = (tuple(part) for part in parts)
    return WeibullSVM(one, one_tails, delta, two, *both)


@dataclass(frozen=True)
class OneVsSet:
    """A direction for each class `[k, d]` and the slab of scores from 0 to `far`."""

    directions: Values
    offsets: Values  # [k]
    far: Values  # [k], score at the far plane; 0 where the slab is empty

    def positions(self, x: ArrayLike) -> Values:
        """Way through each slab, `[n, k]`: 0 outside and at the near plane, 1 at the far plane.

        Features `x` `[n, d]`. A graded number for rankings; the machine itself only decides: an
        image is of the class that it is furthest through, if of any. Raises BadInput for features
        that are not finite or do not fit.
        """
        scores = _fitting(x, self.directions.shape[1]) @ self.directions.T + self.offsets
        way = scores / np.where(self.far > 0, self.far, 1)
        inside = (self.far > 0) & (scores >= 0) & (scores <= self.far)
        return np.asarray(np.where(inside, way, 0.0), np.float64)


def fit_one_vs_set(
    train: ArrayLike, labels: ArrayLike, *, classes: int, c: float = 1.0, nu: float = 0.1
) -> OneVsSet:
    """1-vs-set machine: a linear SVM of each class against the rest, with a second plane behind it.

    Features `train` `[m, d]`, divided by their overall deviation so that `c` has no unit, labels
    `[m]` from 0 to `classes` - 1. The slab goes from the plane of the SVM to the largest score of
    the class's training images; this rule stands in for the paper's search for the two planes of
    least risk. A class whose images all lie behind the plane has an empty slab. With one class the
    SVM is a linear one-class SVM with `nu`. Raises BadInput for features that are not finite or all
    equal, labels that do not fit or leave out a class, and settings out of range.
    Source: scheirer2013toward, 1-vs-set machine.
    """
    known = checked_features(train, "Training features")
    truth = checked_class_labels(labels, len(known), classes)
    _check_different(known, "for training")
    _check_settings(c, nu)
    unit = float(known.std())
    directions, offsets, far = [], [], []
    for place in range(classes):
        # the primal is solved without random draws
        machine = LinearSVC(C=c, dual=False) if classes > 1 else OneClassSVM(kernel="linear", nu=nu)
        machine.fit(known / unit, (truth == place).astype(int))
        directions.append(machine.coef_[0] / unit)
        offsets.append(float(machine.intercept_[0]))
        far.append(float((known[truth == place] @ directions[-1] + offsets[-1]).max()))
    return OneVsSet(np.array(directions), np.array(offsets), np.maximum(far, 0.0))


def _tail(values: NDArray[np.float64], support: int, *, divisor: int = 1) -> WeibullTail:
    """The tail of scores whose length follows from the number of support vectors."""
    length = int(1.5 * support / divisor)
    if length >= len(values):
        length = support // divisor
    return fit_weibull_tail(values, tail=max(length, 3))


def _fitting(x: ArrayLike, d: int) -> Values:
    given = checked_features(x, "Features")
    if given.shape[1] != d:
        raise BadInput(f"Features of {d} numbers are wanted, but of {given.shape[1]} came.")
    return given


def _check_different(features: Values, which: str) -> None:
    if not np.ptp(features, axis=0).any():
        raise BadInput(f"The images {which} must differ, but all are equal.")


def _check_settings(c: float, nu: float) -> None:
    if not 0 < c < float("inf") or not 0 < nu < 1:
        raise BadInput(f"c must be above 0 and nu between 0 and 1, but {c} and {nu} came.")
