"""Confidence from neighbours: by hand, against a full sort, and far away."""

import math

import numpy as np
import pytest

from lib.errors import BadInput
from lib.scores.neighbour_confidence import knn_confidence

ROUNDING = 1e-9  # squared distances as differences of products, in float64


def blobs(seed, classes=3, n=60, d=6):
    """Normal clouds of deviation 1 whose centres lie 6 or more apart, and their labels."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), n)
    return rng.normal(size=(classes * n, d)) + 6 * np.eye(d)[labels], labels


def slow(train, labels, x, classes, k):
    def near(point, others):
        distances = np.array([math.dist(point, other) for other in others])
        order = np.argsort(distances)[:k]
        return distances[order].mean(), order

    leave_one_out = [near(p, np.delete(train, i, 0))[0] for i, p in enumerate(train)]
    scale, found = np.median(leave_one_out), []
    for point in x:
        distance, order = near(point, train)
        votes = np.bincount(labels[order], minlength=classes) / k
        found.append(math.exp(-distance / scale) * votes)
    return np.array(found)


def test_by_hand():
    train, labels = [[0.0], [1.0], [3.0], [7.0]], [0, 0, 1, 1]
    # nearest other: 1, 1, 2, 4, median 1.5
    found = knn_confidence(train, labels, [[0.5], [9.0]], classes=2, k=1)
    assert found.shape == (2, 2) and found.dtype == np.float64
    assert found[0].max() == pytest.approx(math.exp(-0.5 / 1.5), abs=ROUNDING)
    assert found[1].tolist() == pytest.approx([0, math.exp(-2 / 1.5)], abs=ROUNDING)
    # two nearest others: means 2, 1.5, 2.5, 5, median 2.25; of 2 they are 1 and 3, a vote each
    found = knn_confidence(train, labels, [[2.0]], classes=2, k=2)
    assert found[0].tolist() == pytest.approx([math.exp(-1 / 2.25) / 2] * 2, abs=ROUNDING)


def test_equals_a_full_sort():
    k = 10
    (train, labels), (x, _) = blobs(0, n=20), blobs(1, n=4)
    found = knn_confidence(train, labels, x, classes=3, k=k)
    np.testing.assert_allclose(found, slow(train, labels, x, 3, k), rtol=0, atol=ROUNDING)


def test_like_training_is_accepted_and_far_is_not():
    (train, labels), (x, truth) = blobs(0), blobs(1)
    found = knn_confidence(train, labels, x, classes=3)
    assert ((found >= 0) & (found <= 1)).all()
    assert (found.argmax(1) == truth).mean() > 0.95
    # like training means a distance of about one scale: exp(-1) = 0.37
    assert np.median(found.max(1)) == pytest.approx(math.exp(-1), abs=0.05)
    # ten times the distance between centres is some twenty scales off
    assert knn_confidence(train, labels, x + 60, classes=3).max() < 1e-6


def test_order_names_units_and_threads_do_not_matter():
    (train, labels), (x, _) = blobs(0), blobs(1)
    found = knn_confidence(train, labels, x, classes=3)
    order, names = np.random.default_rng(2).permutation(len(train)), np.array([2, 0, 1])
    same = {
        "order": knn_confidence(train[order], labels[order], x, classes=3),
        "names": knn_confidence(train, names[labels], x, classes=3)[:, names],
        "units": knn_confidence(train * 100, labels, x * 100, classes=3),
        "place": knn_confidence(train + 3, labels, x + 3, classes=3),
        "threads": knn_confidence(train, labels, x, classes=3, jobs=2),
        "batch": np.vstack([knn_confidence(train, labels, p, classes=3) for p in np.split(x, 3)]),
    }
    for name, other in same.items():
        np.testing.assert_allclose(other, found, rtol=0, atol=ROUNDING, err_msg=name)


def test_nonsense_is_refused():
    train, labels = blobs(0, n=4)
    with pytest.raises(BadInput, match="Features of one length are wanted, but 6 and 3"):
        knn_confidence(train, labels, train[:, :3], classes=3, k=2)
    with pytest.raises(BadInput, match="finite"):
        knn_confidence(train, labels, np.where(train > 6, np.nan, train), classes=3, k=2)
    with pytest.raises(BadInput, match=r"shape \[n, d\]"):
        knn_confidence(train, labels, train[0], classes=3, k=2)
    with pytest.raises(BadInput, match="12 images need as many labels"):
        knn_confidence(train, labels[1:], train, classes=3, k=2)
    for classes in (2, 4):
        with pytest.raises(BadInput, match=f"each class from 0 to {classes - 1} and no other"):
            knn_confidence(train, labels, train, classes=classes, k=2)
    with pytest.raises(BadInput, match="at least one class, but 0"):
        knn_confidence(train, labels, train, classes=0, k=2)
    for k in (0, 12):
        with pytest.raises(BadInput, match=f"k must be from 1 to 11, .* but {k} came"):
            knn_confidence(train, labels, train, classes=3, k=k)
    with pytest.raises(BadInput, match="copies"):
        knn_confidence(np.ones((12, 6)), labels, train, classes=3, k=2)
