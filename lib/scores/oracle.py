"""Detectors fitted to z: how much a detector that has seen anomalies, or one that has not, finds.

All but `nominal_neighbour_distance` learn from labelled anomalies of the test's own classes: they
ask what z holds, and are no detectors for use.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lib.errors import BadInput
from lib.metrics import auroc, checked_labels
from lib.scores.neighbours import nearest

Values = NDArray[np.float64]
Features = NDArray[np.float32]


def forest_score(
    train_z: ArrayLike,
    train_labels: ArrayLike,
    z: ArrayLike,
    *,
    rng: np.random.Generator,
    trees: int = 1000,
    jobs: int = 1,
) -> Values:
    """Share of anomaly among a random forest's leaves, `[n]` in [0, 1]; higher is more anomalous.

    `train_z` `[m, k]` with labels `[m]`, 1 for anomalies, and `z` `[n, k]` of other images.
    Trees are grown out, classes weigh alike, all else is scikit-learn's default. `jobs` bounds the
    threads; the forest does not depend on it. Raises BadInput for labels of one class, z that are
    not finite or do not fit, and trees below 1.
    Source: dietterich2021representation, oracle anomaly detection; methods.md 4.4.
    """
    known, labels, asked = _checked(train_z, train_labels, z)
    if trees < 1:
        raise BadInput(f"A forest needs at least one tree, but {trees} were asked for.")
    forest = RandomForestClassifier(
        n_estimators=trees, n_jobs=jobs, random_state=int(rng.integers(2**31))
    )
    return np.asarray(forest.fit(known, labels).predict_proba(asked)[:, 1], np.float64)


def linear_probe_score(
    train_z: ArrayLike, train_labels: ArrayLike, z: ArrayLike, *, c: float = 1.0
) -> Values:
    """Log-odds of anomaly by logistic regression, `[n]`; higher is more anomalous.

    z as in `forest_score`, each number brought to mean 0 and deviation 1 over `train_z` first.
    `c` is the inverse strength of the squared penalty and is not tuned. Raises BadInput as
    `forest_score` does, and for a `c` not above 0.
    Source: dietterich2021representation, "not easily available (e.g., to linear models)".
    """
    known, labels, asked = _checked(train_z, train_labels, z)
    if not 0 < c < float("inf"):
        raise BadInput(f"c must be above 0, but {c} came.")
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=10_000))
    probe.fit(known.astype(np.float64), labels)
    return np.asarray(probe.decision_function(asked.astype(np.float64)), np.float64)


def nominal_neighbour_distance(
    nominal_z: ArrayLike, z: ArrayLike, *, k: int = 10, jobs: int = 1
) -> Values:
    """Distance to the k-th nearest nominal image, `[n]` from 0 up; higher is more anomalous.

    Knows no anomalies: `nominal_z` `[m, k]` are nominal training images, of which `z` must hold
    none, since an image is its own neighbour. Raises BadInput for z that are not finite or do not
    fit, and for a k that is not from 1 to m.
    """
    known, asked = _checked_pair(nominal_z, z)
    if not 1 <= k <= len(known):
        raise BadInput(f"k must be from 1 to the {len(known)} known images, but {k} came.")
    return nearest(known, asked, k, jobs=jobs)[0][:, -1]


def forest_learning_curve(
    train_z: ArrayLike,
    train_labels: ArrayLike,
    z: ArrayLike,
    labels: ArrayLike,
    *,
    counts: Sequence[int],
    rng: np.random.Generator,
    trees: int = 1000,
    jobs: int = 1,
) -> dict[int, float]:
    """AUROC of the forest on `z` `[n, k]` with `labels` `[n]`, by number of labelled anomalies.

    For each of `counts` a forest sees all nominal images of `train_z` and that many of its
    anomalies; they are drawn once, so that smaller sets lie in larger ones. Raises BadInput as
    `forest_score` does, and for counts below 1 or above the number of anomalies.
    Source: dietterich2021representation, "may not support few-shot learning".
    """
    known, truth, asked = _checked(train_z, train_labels, z)
    nominal, shuffled = np.flatnonzero(truth == 0), rng.permutation(np.flatnonzero(truth == 1))
    outside = [count for count in counts if not 1 <= count <= len(shuffled)]
    if outside:
        raise BadInput(f"There are {len(shuffled)} labelled anomalies, so not {outside} of them.")
    curve = {}
    for count in counts:
        part = np.concatenate([nominal, shuffled[:count]])
        score = forest_score(known[part], truth[part], asked, rng=rng, trees=trees, jobs=jobs)
        curve[count] = auroc(labels, score)
    return curve


def _checked(
    train_z: ArrayLike, train_labels: ArrayLike, z: ArrayLike
) -> tuple[Features, NDArray[np.int64], Features]:
    known, asked = _checked_pair(train_z, z)
    labels = checked_labels(train_labels)
    if len(labels) != len(known):
        raise BadInput(f"{len(known)} images need as many labels, but {len(labels)} came.")
    return known, labels, asked


def _checked_pair(train_z: ArrayLike, z: ArrayLike) -> tuple[Features, Features]:
    known, asked = np.asarray(train_z, np.float32), np.asarray(z, np.float32)
    if known.ndim != 2 or asked.ndim != 2 or known.shape[1] != asked.shape[1]:
        raise BadInput(
            "z must have the shapes [m, k] and [n, k] with one k, "
            f"but {list(known.shape)} and {list(asked.shape)} came."
        )
    if 0 in (*known.shape, *asked.shape):
        raise BadInput("z must hold at least one image and one number, but none came.")
    if not (np.isfinite(known).all() and np.isfinite(asked).all()):
        raise BadInput("z must be finite, but NaN or infinity came.")
    return known, asked
