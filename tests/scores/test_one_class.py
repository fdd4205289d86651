"""One-class SVM and kernel density: against their steps, and chosen with labels."""

import math
import random

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KernelDensity as SlowDensity
from sklearn.svm import OneClassSVM

from lib.errors import BadInput
from lib.scores import one_class
from lib.scores.one_class import (
    BANDWIDTHS,
    fit_kde,
    fit_one_class_svm,
    label_chosen_one_class_svm,
)

ROUNDING = 1e-9  # float64: squared distances as differences of products, then exponents
SOLVER = 1e-2  # libsvm stops at 1e-3 of its sum of weights, 8 to 10 here


def cloud(seed, n=100, d=6):
    """A normal cloud, longer along some directions than along others."""
    return np.random.default_rng(seed).normal(size=(n, d)) * np.arange(1, d + 1)


def rng(seed=0):
    return np.random.default_rng(seed)


def components(train, x, *, variance=0.95, whiten=True):
    """Principal components of both by a singular value decomposition."""
    centre = train.mean(0)
    _, deviations, axes = np.linalg.svd(train - centre, full_matrices=False)
    share = np.cumsum(deviations**2) / (deviations**2).sum()
    axes = axes[: int(np.argmax(share > variance)) + 1]
    scale = deviations[: len(axes)] / math.sqrt(len(train) - 1) if whiten else 1.0
    return (train - centre) @ axes.T / scale, (x - centre) @ axes.T / scale


def slow_log_density(points, x, bandwidth):
    # one leaf for all points: with a tree scikit-learn's answers at the least bandwidths were wrong
    # by hundreds, measured against a direct sum, since bounds are subtracted in logarithms
    slow = SlowDensity(bandwidth=bandwidth, rtol=0, atol=0, leaf_size=len(points))
    return slow.fit(points).score_samples(x)


FITS = {
    "svm": fit_one_class_svm,
    "kde": lambda train, **options: fit_kde(train, rng=rng(), bandwidths=[0.5], **options),
}
each = pytest.mark.parametrize("name", FITS)


@each
def test_anomalies_score_higher(name):
    train, x = cloud(0, n=200), cloud(1)
    found = FITS[name](train).score(np.vstack([x, x + 8 * np.arange(1, 7)]))
    assert found.shape == (200,) and found.dtype == np.float64
    assert roc_auc_score(np.repeat([0, 1], 100), found) > 0.99


@each
def test_offset_order_and_unit_do_not_matter(name):
    train, x = cloud(0), cloud(1)
    found = FITS[name](train).score(x)
    order = rng(2).permutation(len(train))
    for known, asked in ((50 * train + 3, 50 * x + 3), (train[order], x)):
        tolerance = 1e-6 if name == "kde" else SOLVER  # an offset costs digits of the covariance
        np.testing.assert_allclose(FITS[name](known).score(asked), found, rtol=0, atol=tolerance)


@each
def test_scores_do_not_depend_on_the_batch_and_change_nothing(name, monkeypatch):
    train, x = cloud(0), cloud(1, n=30)
    copies, before = (train.copy(), x.copy()), (random.getstate(), np.random.get_state()[1].copy())
    model = FITS[name](train)
    together = model.score(x)
    monkeypatch.setattr(one_class, "CHUNK", 7)  # 30 rows: four whole chunks and one of two
    alone = np.concatenate([model.score(row[None]) for row in x])
    for again in (model.score(x), alone):
        np.testing.assert_allclose(again, together, rtol=0, atol=ROUNDING)
    assert random.getstate() == before[0] and np.array_equal(np.random.get_state()[1], before[1])
    assert np.array_equal(train, copies[0]) and np.array_equal(x, copies[1])


# --- one-class SVM


@pytest.mark.parametrize("whiten", [True, False])
def test_the_svm_by_its_steps(whiten):
    train, x = cloud(0), cloud(1)
    known, asked = components(train, x, whiten=whiten)
    assert 1 < known.shape[1] < 6
    for gamma in (None, 0.7):
        machine = OneClassSVM(nu=0.3, gamma=gamma or 1 / known.shape[1]).fit(known)
        found = fit_one_class_svm(train, nu=0.3, gamma=gamma, whiten=whiten)
        # components may point the other way, which turns the solver's last steps
        np.testing.assert_allclose(found.score(x), -machine.decision_function(asked), atol=SOLVER)
        # nu bounds the share of training images outside; support vectors stand at the boundary
        assert (found.score(train) > 1e-3).mean() <= 0.3


# --- kernel density


def test_the_density_by_hand():
    # components of points on a line: their places over the standard deviation, up to sign
    train = np.array([[0.0], [2.0], [4.0]])
    model = fit_kde(train, rng=rng(), bandwidths=[0.5], folds=3)
    # deviation 2, so the points are -1, 0, 1; half a bandwidth squared is 0.125, twice it 0.5
    norm = 3 * 0.5 * math.sqrt(2 * math.pi)
    wanted = -math.log((1 + 2 * math.exp(-1 / 0.5)) / norm)
    assert model.score([[2.0]])[0] == pytest.approx(wanted, abs=ROUNDING)


@pytest.mark.parametrize("bandwidth", [BANDWIDTHS[0], 0.5, BANDWIDTHS[-1]])
def test_the_density_is_scikit_learns(bandwidth):
    train, x = cloud(0), np.vstack([cloud(1), 100 * cloud(2, n=5)])
    model = fit_kde(train, rng=rng(), bandwidths=[bandwidth])
    known, asked = components(train, x)
    wanted = -slow_log_density(known, asked, bandwidth)
    # relative: far images at the least bandwidth have squared distances over it of 1e7
    np.testing.assert_allclose(model.score(x), wanted, rtol=ROUNDING, atol=ROUNDING)
    assert np.isfinite(model.score(x)).all()


def test_the_bandwidth_has_the_highest_held_out_likelihood():
    train = cloud(0, n=53)  # folds of 11 and of 10
    points, _ = components(train, train)
    wanted = []
    for bandwidth in BANDWIDTHS:
        held_out = []
        for fold in np.array_split(rng(4).permutation(53), 5):
            rest = points[[i for i in range(53) if i not in fold]]
            held_out += slow_log_density(rest, points[fold], bandwidth).tolist()
        wanted.append(np.mean(held_out))
    found = fit_kde(train, rng=rng(4)).bandwidth
    assert found == BANDWIDTHS[int(np.argmax(wanted))]
    assert BANDWIDTHS[0] < found < BANDWIDTHS[-1]  # the grid holds the answer


# --- chosen with labels


def labelled(seed=3):
    """Normal images, and anomalies in the hole of a ring, which only a narrow kernel sees."""
    g = rng(seed)

    def ring(n):
        angle = g.uniform(0, 2 * math.pi, n)
        return np.column_stack([np.cos(angle), np.sin(angle)]) + 0.05 * g.normal(size=(n, 2))

    test = np.vstack([ring(40), 0.1 * g.normal(size=(40, 2))])
    return ring(150), test, np.repeat([0, 1], 40)


def chosen(model):
    machine = model.pipeline[-1]
    return machine.nu, machine.gamma


def test_labels_choose_the_pair_with_the_highest_auroc():
    train, test, labels = labelled()
    aurocs = {}
    for nu in (0.1, 0.3):
        for gamma in (1e-3, 0.1, 8):
            one = fit_one_class_svm(train, nu=nu, gamma=gamma, whiten=False)
            aurocs[nu, gamma] = roc_auc_score(labels, one.score(test))
    options = {"nus": (0.1, 0.3), "gammas": (1e-3, 0.1, 8)}
    found = label_chosen_one_class_svm(train, test, labels, **options)
    assert chosen(found) == max(aurocs, key=aurocs.get)
    assert chosen(found)[1] == 8 and max(aurocs.values()) > 0.99 > 0.6 > aurocs[0.1, 1e-3]
    # with the labels exchanged the choice is another: they, not the images, decide
    other = label_chosen_one_class_svm(train, test, 1 - labels, **options)
    assert chosen(other) == min(aurocs, key=aurocs.get)


# --- bad input


@each
def test_images_that_do_not_fit_are_refused(name):
    train = cloud(0)
    for bad, words in (
        (np.where(train > 7, np.nan, train), "Training images must be finite"),
        (train[0], r"Training images must have the shape \[n, d\]"),
        (np.ones((9, 4)), "must differ, but all are equal"),
    ):
        with pytest.raises(BadInput, match=words):
            FITS[name](bad)
    with pytest.raises(BadInput, match="Images of 6 numbers are wanted, but of 5"):
        FITS[name](train).score(train[:, :5])
    with pytest.raises(BadInput, match="variance must lie between 0 and 1"):
        FITS[name](train, variance=1.0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: fit_one_class_svm(x, nu=0), "nu must lie between 0 and 1"),
        (lambda x: fit_one_class_svm(x, gamma=0), "gamma must hold numbers above 0"),
        (lambda x: fit_kde(x, rng=rng(), bandwidths=[]), "bandwidths must hold numbers above 0"),
        (lambda x: fit_kde(x, rng=rng(), folds=1), "folds must lie between 2 and the 100 images"),
        (lambda x: label_chosen_one_class_svm(x, x, np.zeros(100)), "some of both"),
        (lambda x: label_chosen_one_class_svm(x, x, [0, 1]), "100 labelled images need"),
        (lambda x: label_chosen_one_class_svm(x, x, np.arange(100) % 2, nus=(1,)), "nu 1 must lie"),
    ],
)
def test_settings_out_of_range_are_refused(call, words):
    with pytest.raises(BadInput, match=words) as caught:
        call(cloud(0))
    assert "\n" not in str(caught.value)
