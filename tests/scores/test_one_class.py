"""One-class SVM and kernel density: against scikit-learn's own, and chosen with labels."""

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
    GAMMAS,
    NUS,
    fit_kde,
    fit_one_class_svm,
    fit_pca,
    label_chosen_one_class_svm,
)

ROUNDING = 1e-9  # float64: squared distances as differences of products, then exponents
SOLVER = 1e-2  # libsvm stops at 1e-3 of its sum of weights, 8 to 10 here


def cloud(seed, n=100, d=6):
    """A normal cloud, longer along some directions than along others."""
    return np.random.default_rng(seed).normal(size=(n, d)) * np.arange(1, d + 1)


def rng(seed=0):
    return np.random.default_rng(seed)


def slow_log_density(points, x, bandwidth):
    # one leaf for all points: with a tree scikit-learn's answers at the least bandwidths were wrong
    # by hundreds, measured against a direct sum, since bounds are subtracted in logarithms
    slow = SlowDensity(bandwidth=bandwidth, rtol=0, atol=0, leaf_size=len(points))
    return slow.fit(points).score_samples(x)


FITS = {
    "svm": lambda train, **options: fit_one_class_svm(train, **options),
    "kde": lambda train, **options: fit_kde(train, **{"rng": rng()} | options),
}
each = pytest.mark.parametrize("name", FITS)


# --- components


@pytest.mark.parametrize("whiten", [True, False])
def test_components_equal_their_steps(whiten):
    train, x = cloud(0), cloud(1, n=7)
    centre = train.mean(0)
    _, deviations, axes = np.linalg.svd(train - centre, full_matrices=False)
    share = np.cumsum(deviations**2) / (deviations**2).sum()
    count = int(np.argmax(share > 0.95)) + 1
    assert 1 < count < 6
    wanted = (x - centre) @ axes[:count].T
    if whiten:
        wanted /= deviations[:count] / math.sqrt(len(train) - 1)
    found = fit_pca(train, whiten=whiten)
    assert found.count == count
    # an axis may point either way
    np.testing.assert_allclose(abs(found.transform(x)), abs(wanted), rtol=0, atol=ROUNDING)


def test_more_variance_takes_more_components_and_fewer_images_than_pixels_are_enough():
    counts = [fit_pca(cloud(0), variance=v).count for v in (0.3, 0.9, 0.999)]
    assert counts == sorted(counts) and counts[0] < counts[-1] == 6
    few = fit_pca(cloud(0, n=5, d=40))
    assert few.count <= 4  # five points span four directions
    assert few.transform(cloud(1, n=3, d=40)).shape == (3, few.count)


# --- both scores


@each
def test_anomalies_score_higher(name):
    train, x = cloud(0, n=200), cloud(1)
    strange = x + 8 * np.arange(1, 7)
    scorer = FITS[name](train)
    found = scorer.score(np.vstack([x, strange]))
    assert found.shape == (200,) and found.dtype == np.float64
    assert roc_auc_score(np.repeat([0, 1], 100), found) > 0.99


@each
def test_offset_order_and_unit_do_not_matter(name):
    train, x = cloud(0), cloud(1)
    found = FITS[name](train, **({"bandwidths": [0.5]} if name == "kde" else {})).score(x)
    order = rng(2).permutation(len(train))
    for known, asked in ((50 * train + 3, 50 * x + 3), (train[order], x)):
        options = {"bandwidths": [0.5]} if name == "kde" else {}  # folds see the order
        other = FITS[name](known, **options).score(asked)
        tolerance = 1e-6 if name == "kde" else SOLVER  # an offset costs digits of the covariance
        np.testing.assert_allclose(other, found, rtol=0, atol=tolerance)


@each
def test_scores_do_not_depend_on_the_batch_or_its_chunks(name, monkeypatch):
    train, x = cloud(0), cloud(1, n=30)
    scorer = FITS[name](train)
    together = scorer.score(x)
    alone = np.concatenate([scorer.score(row[None]) for row in x])
    np.testing.assert_allclose(alone, together, rtol=0, atol=ROUNDING)
    monkeypatch.setattr(one_class, "CHUNK", 7)  # 30 rows: four whole chunks and one of two
    again = FITS[name](train)
    np.testing.assert_allclose(again.score(x), together, rtol=0, atol=ROUNDING)


@each
def test_nothing_global_is_drawn_and_no_input_changed(name):
    train, x = cloud(0), cloud(1)
    copies = train.copy(), x.copy()
    before = random.getstate(), np.random.get_state()[1].tolist()
    first, second = (FITS[name](train, limit=50, rng=rng(5)).score(x) for _ in range(2))
    assert first.tolist() == second.tolist()
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before
    assert np.array_equal(train, copies[0]) and np.array_equal(x, copies[1])


@each
def test_a_limit_draws_that_many_images_and_a_loose_one_none(name):
    train, x = cloud(0), cloud(1)
    other = FITS[name](train, limit=50, rng=rng(1)).score(x)
    chosen = np.sort(rng(1).choice(100, 50, replace=False))
    components = fit_pca(train[chosen])
    scorer = FITS[name](train, limit=50, rng=rng(1))
    np.testing.assert_array_equal(scorer.components.transform(x), components.transform(x))
    assert not np.array_equal(other, FITS[name](train, limit=50, rng=rng(2)).score(x))
    full = FITS[name](train).score(x)
    assert FITS[name](train, limit=100, rng=rng()).score(x).tolist() == full.tolist()


# --- one-class SVM


def test_the_svm_takes_nu_and_gamma():
    train, x = cloud(0), cloud(1)
    found = fit_one_class_svm(train, nu=0.3, gamma=0.7, whiten=False)
    assert (found.nu, found.gamma) == (0.3, 0.7)
    points = fit_pca(train, whiten=False)
    machine = OneClassSVM(nu=0.3, gamma=0.7).fit(points.transform(train))
    wanted = -machine.decision_function(points.transform(x))
    np.testing.assert_allclose(found.score(x), wanted, rtol=0, atol=ROUNDING)
    # nu bounds the share of training images outside; support vectors stand at the boundary
    assert (found.score(train) > 1e-3).mean() <= 0.3
    default = fit_one_class_svm(train)
    assert default.gamma == 1 / default.components.count


# --- kernel density


def test_the_density_by_hand():
    # components of points on a line: their places over the standard deviation, up to sign
    train = np.array([[0.0], [2.0], [4.0]])
    scorer = fit_kde(train, rng=rng(), bandwidths=[0.5], folds=3)
    # deviation 2, so the points are -1, 0, 1; half a bandwidth squared is 0.125, twice it 0.5
    norm = 3 * 0.5 * math.sqrt(2 * math.pi)
    wanted = -math.log((1 + 2 * math.exp(-1 / 0.5)) / norm)
    assert scorer.score([[2.0]])[0] == pytest.approx(wanted, abs=ROUNDING)
    # held out: 0 from ±1, and each end from distances 1 and 2
    pair = 2 * 0.5 * math.sqrt(2 * math.pi)
    middle = math.log(2 * math.exp(-1 / 0.5) / pair)
    end = math.log((math.exp(-1 / 0.5) + math.exp(-4 / 0.5)) / pair)
    assert scorer.likelihoods.tolist() == pytest.approx([(middle + 2 * end) / 3], abs=ROUNDING)


@pytest.mark.parametrize("bandwidth", [BANDWIDTHS[0], 0.5, BANDWIDTHS[-1]])
def test_the_density_is_scikit_learns(bandwidth):
    train, x = cloud(0), np.vstack([cloud(1), 100 * cloud(2, n=5)])
    scorer = fit_kde(train, rng=rng(), bandwidths=[bandwidth])
    points, asked = (scorer.components.transform(images) for images in (train, x))
    wanted = -slow_log_density(points, asked, bandwidth)
    # relative: far images at the least bandwidth have squared distances over it of 1e7
    np.testing.assert_allclose(scorer.score(x), wanted, rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize("chunk", [1000, 7])
def test_the_bandwidth_has_the_highest_held_out_likelihood(monkeypatch, chunk):
    monkeypatch.setattr(one_class, "CHUNK", chunk)
    train = cloud(0, n=53)  # folds of 11 and of 10
    scorer = fit_kde(train, rng=rng(4))
    points = scorer.components.transform(train)
    folds = np.array_split(rng(4).permutation(53), 5)
    wanted = []
    for bandwidth in BANDWIDTHS:
        held_out = []
        for fold in folds:
            rest = points[[i for i in range(53) if i not in fold]]
            held_out += slow_log_density(rest, points[fold], bandwidth).tolist()
        wanted.append(np.mean(held_out))
    np.testing.assert_allclose(scorer.likelihoods, wanted, rtol=ROUNDING, atol=ROUNDING)
    assert scorer.bandwidth == BANDWIDTHS[int(np.argmax(wanted))]
    assert BANDWIDTHS[0] < scorer.bandwidth < BANDWIDTHS[-1]  # the grid holds the answer


def test_the_published_grids():
    assert len(BANDWIDTHS) == 20
    assert (BANDWIDTHS[0], BANDWIDTHS[-1]) == (2**-4.5, 2**5)
    assert (len(GAMMAS), GAMMAS[0], GAMMAS[-1]) == (10, 2**-10, 0.5)
    assert NUS == (0.01, 0.1)


def test_the_folds_follow_the_generator():
    first, again, other = (fit_kde(cloud(0), rng=rng(s)).likelihoods for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_far_images_have_finite_scores_that_rise_with_the_distance():
    train = cloud(0)
    scorer = fit_kde(train, rng=rng(), bandwidths=[BANDWIDTHS[0]])
    way = train.mean(0) + np.array([10.0, 100.0, 1000.0])[:, None] * np.arange(1, 7)
    found = scorer.score(way)
    assert np.isfinite(found).all() and (np.diff(found) > 0).all()


# --- chosen with labels


def labelled(seed=3):
    """Normal images, and anomalies in the hole of a ring, which only a narrow kernel sees."""
    g = rng(seed)

    def ring(n):
        angle = g.uniform(0, 2 * math.pi, n)
        return np.column_stack([np.cos(angle), np.sin(angle)]) + 0.05 * g.normal(size=(n, 2))

    test = np.vstack([ring(40), 0.1 * g.normal(size=(40, 2))])
    return ring(150), test, np.repeat([0, 1], 40)


def test_labels_choose_the_pair_with_the_highest_auroc():
    train, test, labels = labelled()
    found = label_chosen_one_class_svm(train, test, labels, nus=(0.1, 0.3), gammas=(1e-3, 0.1, 8))
    assert found.aurocs.shape == (2, 3)
    for row, nu in enumerate((0.1, 0.3)):
        for column, gamma in enumerate((1e-3, 0.1, 8)):
            one = fit_one_class_svm(train, nu=nu, gamma=gamma, whiten=False).score(test)
            # ties and nearly equal scores may fall either way: 1600 pairs, a dozen of them
            assert found.aurocs[row, column] == pytest.approx(roc_auc_score(labels, one), abs=8e-3)
    assert found.auroc == found.aurocs.max()
    assert found.gamma == 8 and found.auroc > 0.99 > 0.6 > found.aurocs[0, 0]
    assert (found.scorer.nu, found.scorer.gamma) == (found.nu, found.gamma)
    assert roc_auc_score(labels, found.scorer.score(test)) == found.auroc


def test_the_first_of_equal_pairs_wins():
    train, test, labels = labelled()
    # so far away no kernel reaches: all scores are equal, and each AUROC is 0.5
    found = label_chosen_one_class_svm(train, 1000 + test, labels, nus=(0.1, 0.01))
    assert (found.aurocs == 0.5).all()
    assert (found.nu, found.gamma) == (0.1, GAMMAS[0])


def test_labels_choose_for_the_labels():
    # with the labels exchanged the choice is another: they, not the images, decide
    train, test, labels = labelled()
    first, second = (
        label_chosen_one_class_svm(train, test, given, gammas=(1e-3, 0.1, 8))
        for given in (labels, 1 - labels)
    )
    assert (first.nu, first.gamma) != (second.nu, second.gamma)
    np.testing.assert_allclose(first.aurocs, 1 - second.aurocs, rtol=0, atol=ROUNDING)


# --- bad input


@each
def test_images_that_do_not_fit_are_refused(name):
    train = cloud(0)
    fit = FITS[name]
    for bad, words in (
        (np.where(train > 7, np.nan, train), "Training images must be finite"),
        (train[0], r"Training images must have the shape \[n, d\]"),
        (np.ones((9, 4)), "must differ, but all are equal"),
    ):
        with pytest.raises(BadInput, match=words):
            fit(bad)
    scorer = fit(train)
    with pytest.raises(BadInput, match="Images of 6 numbers are wanted, but of 5"):
        scorer.score(train[:, :5])
    with pytest.raises(BadInput, match="Images must be finite"):
        scorer.score(np.where(train > 7, np.inf, train))
    for variance in (0.0, 1.0, math.nan):
        with pytest.raises(BadInput, match="variance must lie between 0 and 1"):
            fit(train, variance=variance)
    for limit in (1, True, 2.5):
        with pytest.raises(BadInput, match="limit must be a whole number of at least 2"):
            fit(train, limit=limit)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: fit_one_class_svm(x, limit=5), "needs an rng"),
        (lambda x: fit_one_class_svm(x, nu=0), "nu must lie between 0 and 1"),
        (lambda x: fit_one_class_svm(x, gamma=0), "gamma must be above 0"),
        (lambda x: fit_kde(x, rng=rng(), bandwidths=[]), "at least one of bandwidths"),
        (lambda x: fit_kde(x, rng=rng(), bandwidths=[1, -1]), "bandwidths must be above 0"),
        *[
            (lambda x, folds=folds: fit_kde(x, rng=rng(), folds=folds), "folds must be")
            for folds in (1, 101, 2.0, True)
        ],
        (lambda x: label_chosen_one_class_svm(x, x, np.zeros(100)), "some of both"),
        (lambda x: label_chosen_one_class_svm(x, x, np.arange(100) % 3), "some of both"),
        (lambda x: label_chosen_one_class_svm(x, x, [0, 1]), "100 labelled images need"),
        (lambda x: label_chosen_one_class_svm(x, x, np.arange(100) % 2, nus=()), "one of nus"),
        (lambda x: label_chosen_one_class_svm(x, x, np.arange(100) % 2, nus=(1,)), "nu must lie"),
        (lambda x: label_chosen_one_class_svm(x, x, np.arange(100) % 2, gammas=()), "of gammas"),
        (lambda x: label_chosen_one_class_svm(x, x, np.arange(100) % 2, gammas=(0,)), "above 0"),
    ],
)
def test_settings_out_of_range_are_refused(call, words):
    with pytest.raises(BadInput, match=words) as caught:
        call(cloud(0))
    assert "\n" not in str(caught.value)
