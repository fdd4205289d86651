"""One-class SVM and kernel density on principal components, without labels and with them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import OneClassSVM

from lib.errors import BadInput
from lib.scores.weibull import Values, checked_features

BANDWIDTHS = tuple(2.0 ** (-4.5 + 0.5 * step) for step in range(20))  # 2^-4.5 to 2^5
GAMMAS = tuple(2.0**power for power in range(-10, 0))
NUS = (0.01, 0.1)
CHUNK = 1000  # rows of a distance matrix at a time: 8 kB for each training image


@dataclass(frozen=True)
class OneClassMachine:
    """A one-class SVM on principal components, as a scikit-learn pipeline."""

    pipeline: Pipeline

    def score(self, x: ArrayLike) -> Values:
        """Minus the machine's decision function, `[n]`; higher is more anomalous, outside above 0.

        Flattened images `x` `[n, d]`. Raises BadInput for images that are not finite or of another
        length than the training images.
        """
        return np.asarray(-self.pipeline.decision_function(_asked(x, self.pipeline)), np.float64)


@dataclass(frozen=True)
class KernelDensity:
    """A Gaussian of one bandwidth on every training image's principal components."""

    pca: PCA
    points: Values  # [m, k]
    bandwidth: float

    def score(self, x: ArrayLike) -> Values:
        """Minus the log-density, `[n]`, natural logarithm; higher is more anomalous, any sign.

        Flattened images `x` `[n, d]`. Raises BadInput as `OneClassMachine.score` does.
        """
        asked = self.pca.transform(_asked(x, self.pca))
        return np.asarray(-log_densities(asked, self.points, [self.bandwidth])[0], np.float64)


def fit_one_class_svm(
    train: ArrayLike,
    *,
    nu: float = 0.1,
    gamma: float | None = None,
    variance: float = 0.95,
    whiten: bool = True,
) -> OneClassMachine:
    """One-class SVM with RBF kernel on principal components; uses no label.

    Flattened images `train` `[m, d]`, all normal; the components hold the share `variance` of their
    variance, and `gamma` is 1/components where it is not given. Raises BadInput for images that
    are not finite or do not differ, for nu or variance outside (0, 1), and a gamma not above 0.
    Source: methods.md 2.2, label-free settings.
    """
    known = _checked(train, nu=nu, variance=variance)
    if gamma is not None:
        _check_grid("gamma", [gamma])
    machine = OneClassSVM(nu=nu, gamma="auto" if gamma is None else gamma)  # auto: 1/components
    return OneClassMachine(make_pipeline(_pca(variance, whiten), machine).fit(known))


def label_chosen_one_class_svm(
    train: ArrayLike,
    labelled: ArrayLike,
    labels: ArrayLike,
    *,
    nus: Sequence[float] = NUS,
    gammas: Sequence[float] = GAMMAS,
    variance: float = 0.95,
    whiten: bool = False,
) -> OneClassMachine:
    """One-class SVM whose nu and gamma LABELLED TEST IMAGES choose: an upper bound.

    Flattened images `train` `[m, d]`, all normal, and `labelled` `[n, d]` with labels 0 (normal)
    or 1 (anomaly), a tenth of the test images in the source. The pair with the highest AUROC on
    them wins, the first of equal ones. Leave them out of every later number. It bounds machines on
    the same components only: by default not whitened, as in the public code. Raises BadInput as
    `fit_one_class_svm` does, and for labels other than those or of one kind only.
    Source: ruff2018deep, public code: gamma that way, nu on the command line; methods.md 2.2.
    """
    _check_grid("gammas", gammas)
    known = _checked(train, variance=variance, **{f"nu {nu}": nu for nu in nus})
    images, truth = checked_features(labelled, "Images"), np.asarray(labels)
    if truth.shape != (len(images),) or set(np.unique(truth).tolist()) != {0, 1}:
        raise BadInput(
            f"The {len(images)} labelled images need as many labels, 0 for normal and 1 for "
            "anomalous, and some of both."
        )
    pca = _pca(variance, whiten).fit(known)
    points = pca.transform(known)
    machines = [OneClassSVM(nu=nu, gamma=gamma).fit(points) for nu in nus for gamma in gammas]
    models = [OneClassMachine(Pipeline([("pca", pca), ("svm", one)])) for one in machines]
    return max(models, key=lambda model: roc_auc_score(truth, model.score(images)))


def fit_kde(
    train: ArrayLike,
    *,
    rng: np.random.Generator,
    bandwidths: Sequence[float] = BANDWIDTHS,
    folds: int = 5,
    variance: float = 0.95,
    whiten: bool = True,
) -> KernelDensity:
    """Gaussian kernel density on principal components, its bandwidth by held-out likelihood.

    Flattened images `train` `[m, d]`, all normal. The bandwidth has the highest mean log-density of
    images under the other folds' images, the first of equal ones; `rng` draws the folds. The
    components are those of all images, as in the public code. Raises BadInput for images that are
    not finite or do not differ, a variance outside (0, 1), bandwidths not above 0, or folds not
    from 2 to m.
    Source: methods.md 2.2; ruff2018deep, public code, for the grid.
    """
    _check_grid("bandwidths", bandwidths)
    known = _checked(train, variance=variance)
    if not 2 <= folds <= len(known):
        raise BadInput(f"folds must lie between 2 and the {len(known)} images; it was {folds}.")
    pca = _pca(variance, whiten).fit(known)
    points = pca.transform(known)
    held_out = np.array_split(rng.permutation(len(points)), folds)
    totals = sum(
        log_densities(points[fold], np.delete(points, fold, 0), bandwidths).sum(1)
        for fold in held_out
    )
    return KernelDensity(pca, points, float(bandwidths[int(np.argmax(totals))]))


def log_densities(x: Values, points: Values, bandwidths: Sequence[float]) -> Values:
    """Log-densities `[bandwidths, n]` at `x` `[n, k]` of equal Gaussians at `points` `[m, k]`."""
    # scikit-learn's KernelDensity measures every distance anew for each bandwidth, five times as
    # slow, and its trees were wrong by hundreds at the least bandwidths
    (m, k), parts = points.shape, []
    for start in range(0, len(x), CHUNK):
        squares = euclidean_distances(x[start : start + CHUNK], points, squared=True)
        nearest = squares.min(1)
        squares -= nearest[:, None]  # the largest exponent is 0, so that no sum vanishes
        parts.append([_log_sum(squares, nearest, 2 * h * h) for h in bandwidths])
    norms = [math.log(m) + k / 2 * math.log(2 * math.pi * h * h) for h in bandwidths]
    return np.asarray(np.concatenate(parts, 1) - np.array(norms)[:, None], np.float64)


def _log_sum(squares: Values, nearest: Values, width: float) -> Values:
    return np.asarray(np.log(np.exp(squares / -width).sum(1)) - nearest / width, np.float64)


def _pca(variance: float, whiten: bool) -> PCA:
    # by the covariance: three times as fast as a decomposition of the images, and draws nothing
    return PCA(variance, whiten=whiten, svd_solver="covariance_eigh")


def _asked(x: ArrayLike, fitted: Pipeline | PCA) -> Values:
    images, d = checked_features(x, "Images"), fitted.n_features_in_
    if images.shape[1] != d:
        raise BadInput(f"Images of {d} numbers are wanted, but of {images.shape[1]} came.")
    return images


def _checked(train: ArrayLike, **shares: float) -> Values:
    for name, value in shares.items():
        if not 0 < value < 1:
            raise BadInput(f"{name} must lie between 0 and 1, but {value} came.")
    known = checked_features(train, "Training images")
    if not np.ptp(known, axis=0).any():
        raise BadInput("The training images must differ, but all are equal.")
    return known


def _check_grid(name: str, values: Sequence[float]) -> None:
    if not values or not all(0 < value < math.inf for value in values):
        raise BadInput(f"{name} must hold numbers above 0; it was {list(values)}.")
