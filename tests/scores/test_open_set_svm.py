"""W-SVM, 1-vs-set machine and one-class SVM: against scikit-learn's own, and far away."""

import numpy as np
import pytest
from sklearn.svm import SVC, LinearSVC, OneClassSVM

from lib.errors import BadInput
from lib.scores.open_set_svm import (
    OneVsSet,
    fit_one_vs_set,
    fit_weibull_svm,
)

ROUNDING = 1e-9  # float64 kernels of squared distances, summed over the support vectors
SOLVER = 0.02  # libsvm stops at 1e-3 of a score; steep Weibull tails make more of it


def blobs(seed, classes=3, n=100, d=6):
    """Normal clouds of deviation 1 whose centres lie 8 or more apart, and their labels."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), n)
    return rng.normal(size=(classes * n, d)) + 6 * np.eye(d)[labels], labels


FITS = {"W-SVM": fit_weibull_svm, "1-vs-set": fit_one_vs_set}
each = pytest.mark.parametrize("name", FITS)


def outputs(model, x):
    return model.positions(x) if isinstance(model, OneVsSet) else model.outputs(x)


@each
def test_like_training_is_accepted_and_far_is_not(name):
    (train, labels), (x, truth) = blobs(0), blobs(1)
    model = FITS[name](train, labels, classes=3)
    found = outputs(model, x)
    assert found.shape == (300, 3) and found.dtype == np.float64
    assert ((found >= 0) & (found <= 1)).all()
    accepted = found.max(1) > (0.5 if name == "W-SVM" else 0)
    assert accepted.mean() > 0.85
    assert (found.argmax(1) == truth)[accepted].mean() > 0.99
    # along every class's own direction, where a classifier is sure of itself; a slab has no end
    # along its planes, so one image in a hundred may stay in it
    assert (outputs(model, 100 * x).max(1) < 0.01).mean() > 0.99


@pytest.mark.parametrize("apart", [1e4, 1e6, 1e8])
def test_the_w_svm_accepts_its_own_training_images_however_far_classes_lie_apart(apart):
    """Scores of a class then differ by less than 1e-9, and their tail's shape is some millions."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 60)
    near = rng.normal(size=(180, 5))
    train = near + apart * np.eye(5)[labels]
    model = fit_weibull_svm(train, labels, classes=3)
    found = model.outputs(train)
    assert (found[range(180), labels] >= 0.5).mean() > 0.9
    assert (model.outputs(train + 50 * apart).max(1) < 0.01).all()


@each
def test_one_class_is_enough(name):
    (train, labels), (x, _) = blobs(0, classes=1), blobs(1, classes=1)
    model = FITS[name](train, labels, classes=1)
    found = outputs(model, x)
    assert found.shape == (100, 1)
    assert (found > (0.1 if name == "W-SVM" else 0)).mean() > 0.8  # nu leaves one in ten outside
    assert (outputs(model, -x) < 0.01).all()
    assert (outputs(model, x * 100) < 0.01).all()


def test_the_w_svm_holds_scikit_learns_machines():
    (train, labels), (x, _) = blobs(0), blobs(1, n=20)
    model = fit_weibull_svm(train, labels, classes=3, c=2.0, nu=0.2, delta=0.01)
    for place in range(3):
        mine = labels == place
        one = OneClassSVM(nu=0.2, gamma="scale").fit(train[mine])
        binary = SVC(C=2.0, gamma="scale").fit(train, mine)
        inside = 1 - model.one_class_tails[place].cdf(-one.decision_function(x))
        f = binary.decision_function(x)
        tails = model.positive_tails[place], model.negative_tails[place]
        wanted = (1 - tails[0].cdf(-f)) * tails[1].cdf(f) * (inside > 0.01)
        np.testing.assert_allclose(model.outputs(x)[:, place], wanted, rtol=0, atol=SOLVER)
        # the tails start at the scores that their length says
        f, others = binary.decision_function(train), binary.n_support_[0]
        for tail, scores, length in (
            (tails[0], -f[mine], int(1.5 * binary.n_support_[1])),
            (tails[1], f[~mine], int(1.5 * others / 2)),
        ):
            assert 3 <= length < len(scores)
            assert tail.start == pytest.approx(np.sort(scores)[-length], abs=2e-3)  # libsvm's stop


def test_the_w_svm_of_one_class_is_the_one_class_share():
    (train, labels), (x, _) = blobs(0, classes=1), blobs(1, classes=1)
    model = fit_weibull_svm(train, labels, classes=1)
    scores = OneClassSVM(nu=0.1, gamma="scale").fit(train).decision_function(x)
    wanted = 1 - model.one_class_tails[0].cdf(-scores)
    np.testing.assert_allclose(model.outputs(x)[:, 0], wanted, rtol=0, atol=ROUNDING)
    # higher where the machine's score is
    assert (np.diff(model.outputs(x)[np.argsort(scores), 0]) >= 0).all()


def test_delta_closes_the_door():
    (train, labels), (x, _) = blobs(0), blobs(1)
    open_, shut = (fit_weibull_svm(train, labels, classes=3, delta=d).outputs(x) for d in (0, 0.9))
    assert ((shut == open_) | (shut == 0)).all()
    assert (shut.max(1) == 0).sum() > (open_.max(1) == 0).sum()


def test_slabs_by_hand():
    x = [[1.0, 0.0], [1.0, 1.0], [2.5, 4.0], [-1.0, 5.0], [2.0, 0.0]]
    # way through: first / 2 and second / 4, where inside; an empty slab holds nothing
    wanted = [[0.5, 0], [0.5, 0.25], [0, 1], [0, 0], [1, 0]]
    assert OneVsSet(np.eye(2), np.zeros(2), np.array([2.0, 4.0])).positions(x).tolist() == wanted
    empty = OneVsSet(np.eye(2), np.zeros(2), np.zeros(2))
    assert not empty.positions([[0.0, 0.0], [1.0, -0.5]]).any()


def test_planes_by_hand_from_scikit_learns_machine():
    train, labels = blobs(0)
    unit = train.std()
    model = fit_one_vs_set(train, labels, classes=3, c=0.5)
    for place in range(3):
        machine = LinearSVC(C=0.5, dual=False).fit(train / unit, labels == place)
        scores = machine.decision_function(train / unit)
        edge = scores[labels == place].max()
        assert model.far[place] == pytest.approx(edge, abs=ROUNDING)
        way = np.where((scores >= 0) & (scores <= edge), scores / edge, 0)
        np.testing.assert_allclose(model.positions(train)[:, place], way, rtol=0, atol=ROUNDING)


def test_a_class_behind_its_plane_is_never_accepted():
    rng = np.random.default_rng(0)
    train, labels = rng.normal(size=(600, 3)), np.r_[np.zeros(10, int), np.ones(590, int)]
    model = fit_one_vs_set(train, labels, classes=2, c=1e-4)
    assert not model.positions(train)[:, 0].any() and model.positions(train)[:, 1].any()


@each
def test_features_and_labels_that_do_not_fit_are_refused(name):
    train, labels = blobs(0, n=20)
    fit = FITS[name]
    with pytest.raises(BadInput, match="Training features must be finite"):
        fit(np.where(train > 7, np.nan, train), labels, classes=3)
    with pytest.raises(BadInput, match=r"Training features must have the shape \[n, d\]"):
        fit(train[0], labels, classes=3)
    with pytest.raises(BadInput, match="60 images need as many labels"):
        fit(train, labels[1:], classes=3)
    with pytest.raises(BadInput, match="each class from 0 to 3 and no other"):
        fit(train, labels, classes=4)
    with pytest.raises(BadInput, match="must differ, but all are equal"):
        fit(np.ones_like(train), labels, classes=3)
    for options in ({"c": 0}, {"nu": 1.5}):
        with pytest.raises(BadInput, match="c must be above 0 and nu between 0 and 1"):
            fit(train, labels, classes=3, **options)
    model = fit(train, labels, classes=3)
    with pytest.raises(BadInput, match="Features of 6 numbers are wanted, but of 5"):
        outputs(model, train[:, :5])
    with pytest.raises(BadInput, match="Features must be finite"):
        outputs(model, np.where(train > 7, np.inf, train))


def test_settings_out_of_range_are_refused():
    train, labels = blobs(0, n=20)
    with pytest.raises(BadInput, match="delta must lie between 0 and 1"):
        fit_weibull_svm(train, labels, classes=3, delta=1.0)
    with pytest.raises(BadInput, match="at least 3 finite values"):
        fit_weibull_svm(train[:2], [0, 0], classes=1)
