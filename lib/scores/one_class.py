"""One-class SVM and kernel density of principal components, without labels and with them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.svm import OneClassSVM

from lib.errors import BadInput
from lib.scores.weibull import Values, checked_features

BANDWIDTHS = tuple(2.0 ** (-4.5 + 0.5 * step) for step in range(20))  # 2^-4.5 to 2^5
GAMMAS = tuple(2.0**power for power in range(-10, 0))
NUS = (0.01, 0.1)
CHUNK = 1000  # rows of a distance matrix at a time: 8 kB for each training image


@dataclass(frozen=True)
class Components:
    """Principal components of training images, see `fit_pca`."""

    pca: Any
    whiten: bool

    @property
    def count(self) -> int:
        """Number of components kept."""
        return int(self.pca.n_components_)

    def transform(self, x: ArrayLike) -> Values:
        """Components `[n, k]` of flattened images `x` `[n, d]`.

        Raises BadInput for images that are not finite or of another length.
        """
        asked, d = checked_features(x, "Images"), self.pca.n_features_in_
        if asked.shape[1] != d:
            raise BadInput(f"Images of {d} numbers are wanted, but of {asked.shape[1]} came.")
        return np.asarray(self.pca.transform(asked), np.float64)


@dataclass(frozen=True)
class OneClassMachine:
    """A one-class SVM on principal components."""

    components: Components
    machine: Any
    nu: float
    gamma: float

    def score(self, x: ArrayLike) -> Values:
        """Minus the machine's decision function, `[n]`; higher is more anomalous, outside above 0.

        Flattened images `x` `[n, d]`. Raises BadInput as `Components.transform` does.
        """
        return np.asarray(-self.machine.decision_function(self.components.transform(x)), np.float64)


@dataclass(frozen=True)
class KernelDensity:
    """A Gaussian on every training image's principal components.

    `likelihoods` has the mean held-out log-density for each of `bandwidths`, from which `bandwidth`
    was chosen.
    """

    components: Components
    points: Values  # [m, k]
    bandwidth: float
    bandwidths: tuple[float, ...]
    likelihoods: Values

    def score(self, x: ArrayLike) -> Values:
        """Minus the log-density, `[n]`, natural logarithm; higher is more anomalous, any sign.

        Flattened images `x` `[n, d]`. Raises BadInput as `Components.transform` does.
        """
        asked = self.components.transform(x)
        parts = [
            _log_densities(asked[start : start + CHUNK], self.points, (self.bandwidth,))[0]
            for start in range(0, len(asked), CHUNK)
        ]
        return -np.concatenate(parts)


class LabelChosen(NamedTuple):
    """A machine whose settings labels chose, with the labelled images' AUROC for all settings.

    `aurocs` `[nus, gammas]`. A bound, not a method without labels: say so where its numbers stand.
    """

    scorer: OneClassMachine
    nu: float
    gamma: float
    auroc: float
    aurocs: Values


def fit_pca(train: ArrayLike, *, variance: float = 0.95, whiten: bool = True) -> Components:
    """The fewest principal components that hold more than the share `variance` of the variance.

    Flattened training images `train` `[m, d]`, all normal. With `whiten` each component is brought
    to variance 1. Raises BadInput for images that are not finite or do not differ, and for a share
    that does not lie between 0 and 1. Source: methods.md 2.2.
    """
    known = checked_features(train, "Training images")
    if not 0 < variance < 1:
        raise BadInput(f"variance must lie between 0 and 1, but {variance} came.")
    if not np.ptp(known, axis=0).any():
        raise BadInput("The training images must differ, but all are equal.")
    # by the covariance: three times as fast as a decomposition of the images, and draws nothing
    pca = PCA(variance, whiten=whiten, svd_solver="covariance_eigh")
    return Components(pca.fit(known), whiten)


def fit_one_class_svm(
    train: ArrayLike,
    *,
    nu: float = 0.1,
    gamma: float | None = None,
    variance: float = 0.95,
    whiten: bool = True,
    limit: int | None = None,
    rng: np.random.Generator | None = None,
) -> OneClassMachine:
    """One-class SVM with RBF kernel on principal components; no label is used.

    Flattened images `train` `[m, d]`, all normal; `gamma` is 1/components where it is not given.
    Where there are more than `limit` images, that many are drawn with `rng`. Raises BadInput as
    `fit_pca` does, for nu outside (0, 1), a gamma not above 0, a limit below 2 and one without rng.
    Source: methods.md 2.2, label-free settings.
    """
    _check_between(nu=nu)
    if gamma is not None:
        _check_positive("gamma", gamma)
    known = _limited(train, limit, rng)
    components = fit_pca(known, variance=variance, whiten=whiten)
    chosen = 1 / components.count if gamma is None else gamma
    return _machine(components, components.transform(known), nu, chosen)


def one_class_svm_score(
    train: ArrayLike, x: ArrayLike, *, nu: float = 0.1, variance: float = 0.95
) -> Values:
    """`fit_one_class_svm` and its score of `x` `[n, d]` in one call, `[n]`; higher: more anomalous.

    Above 0 outside the machine's region. Raises BadInput as those two do.
    Source: methods.md 2.2, label-free settings.
    """
    return fit_one_class_svm(train, nu=nu, variance=variance).score(x)


def fit_kde(
    train: ArrayLike,
    *,
    rng: np.random.Generator,
    bandwidths: Sequence[float] = BANDWIDTHS,
    folds: int = 5,
    variance: float = 0.95,
    whiten: bool = True,
    limit: int | None = None,
) -> KernelDensity:
    """Gaussian kernel density of principal components, its bandwidth by held-out likelihood.

    Flattened images `train` `[m, d]`, all normal. The bandwidth is the one of `bandwidths` with the
    highest mean log-density of images under the other folds' images, the first of equal ones; `rng`
    draws the folds, and the images where there are more than `limit`. The components are those of
    all images, as in the public code. Raises BadInput as `fit_pca` does, for bandwidths not above
    0 or none, for folds that are not from 2 to m, and for a limit below 2.
    Source: methods.md 2.2; ruff2018deep, public code, for the grid.
    """
    grid = tuple(float(h) for h in bandwidths)
    _check_grid("bandwidths", grid)
    known = _limited(train, limit, rng)
    if isinstance(folds, bool) or not isinstance(folds, int) or not 2 <= folds <= len(known):
        raise BadInput(
            f"folds must be a whole number from 2 to the {len(known)} images; it was {folds!r}."
        )
    components = fit_pca(known, variance=variance, whiten=whiten)
    points = components.transform(known)
    total = np.zeros(len(grid))
    for held_out in np.array_split(rng.permutation(len(points)), folds):
        rest = np.delete(points, held_out, 0)
        for start in range(0, len(held_out), CHUNK):
            # one matrix of distances serves all bandwidths
            part = points[held_out[start : start + CHUNK]]
            total += _log_densities(part, rest, grid).sum(1)
    likelihoods = total / len(points)
    best = grid[int(likelihoods.argmax())]
    return KernelDensity(components, points, best, grid, likelihoods)


def label_chosen_one_class_svm(
    train: ArrayLike,
    test_part: ArrayLike,
    labels_part: ArrayLike,
    *,
    nus: Sequence[float] = NUS,
    gammas: Sequence[float] = GAMMAS,
    variance: float = 0.95,
    whiten: bool = False,
    limit: int | None = None,
    rng: np.random.Generator | None = None,
) -> LabelChosen:
    """One-class SVM whose nu and gamma LABELLED TEST IMAGES choose: an upper bound.

    Flattened images `train` `[m, d]`, all normal, and `test_part` `[n, d]` with labels 0 (normal)
    or 1 (anomaly), a tenth of the test images in the source. The pair with the highest AUROC on
    them wins, the first of equal ones. Leave them out of every later number: they were used up
    here. It bounds machines on the same components only: by default they are not whitened, as in
    the public code, which may cost more than the labels bring. Raises BadInput as
    `fit_one_class_svm` does, for empty grids, and for labels other than those or of one kind only.
    Source: ruff2018deep, public code: gamma that way, nu on the command line; methods.md 2.2.
    """
    _check_grid("gammas", gammas)
    if not nus:
        raise BadInput("There must be at least one of nus.")
    for nu in nus:
        _check_between(nu=nu)
    known = _limited(train, limit, rng)
    asked, labels = checked_features(test_part, "Images"), np.asarray(labels_part)
    if labels.shape != (len(asked),) or set(np.unique(labels).tolist()) != {0, 1}:
        raise BadInput(
            f"The {len(asked)} labelled images need as many labels, 0 for normal and 1 for "
            "anomalous, and some of both."
        )
    components = fit_pca(known, variance=variance, whiten=whiten)
    points = components.transform(known)
    machines = [[_machine(components, points, nu, gamma) for gamma in gammas] for nu in nus]
    aurocs = np.array(
        [[roc_auc_score(labels, found.score(asked)) for found in row] for row in machines]
    )
    row, column = np.unravel_index(int(aurocs.argmax()), aurocs.shape)
    best = machines[row][column]
    return LabelChosen(best, best.nu, best.gamma, float(aurocs.max()), aurocs)


def _machine(components: Components, points: Values, nu: float, gamma: float) -> OneClassMachine:
    return OneClassMachine(components, OneClassSVM(nu=nu, gamma=gamma).fit(points), nu, gamma)


def _log_densities(x: Values, points: Values, bandwidths: Sequence[float]) -> Values:
    """Log-densities `[bandwidths, n]` at `x` `[n, k]` of equal Gaussians at `points` `[m, k]`."""
    m, k = points.shape
    distances = euclidean_distances(x, points, squared=True)  # [n, m]
    nearest = distances.min(1)
    distances -= nearest[:, None]  # the largest exponent is 0, so that no sum vanishes
    found = []
    for h in bandwidths:
        half = 1 / (2 * h * h)
        sums = np.exp(distances * -half).sum(1)
        norm = math.log(m) + k / 2 * math.log(2 * math.pi * h * h)
        found.append(np.log(sums) - half * nearest - norm)
    return np.array(found)


def _limited(train: ArrayLike, limit: int | None, rng: np.random.Generator | None) -> Values:
    known = checked_features(train, "Training images")
    if limit is None:
        return known
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 2:
        raise BadInput(f"limit must be a whole number of at least 2; it was {limit!r}.")
    if len(known) <= limit:
        return known
    if rng is None:
        raise BadInput(f"Drawing {limit} of {len(known)} training images needs an rng.")
    return known[np.sort(rng.choice(len(known), limit, replace=False))]


def _check_between(**shares: float) -> None:
    for name, value in shares.items():
        if not 0 < value < 1:
            raise BadInput(f"{name} must lie between 0 and 1, but {value} came.")


def _check_positive(name: str, value: float) -> None:
    if not 0 < value < math.inf:
        raise BadInput(f"{name} must be above 0, but {value} came.")


def _check_grid(name: str, values: Sequence[float]) -> None:
    if not values:
        raise BadInput(f"There must be at least one of {name}.")
    for value in values:
        _check_positive(name, value)
