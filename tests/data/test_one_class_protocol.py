"""The one-class protocol: counts, balance, disjointness, seeds and bad input."""

from collections.abc import Callable

import numpy as np
import pytest

from lib.data import ImageSet, anomaly_labels, one_class
from lib.errors import BadInput

Toy = Callable[..., ImageSet]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_anomaly_labels_mark_every_other_class() -> None:
    marks = anomaly_labels(np.array([3, 1, 3, 0]), 3)
    assert marks.tolist() == [0, 1, 0, 1]
    assert marks.dtype == np.int64


def test_parts_of_the_embedded_digits(mnist_5k: ImageSet) -> None:
    digit = 7
    split = one_class(mnist_5k, digit, rng())
    labels, is_test = mnist_5k.labels, mnist_5k.is_test
    # 400 training images of each digit: 10 % are 40, leaving 360; 100 test images and 100 others
    assert {name: len(part) for name, part in split.items()} == {
        "train": 360,
        "validation": 40,
        "test": 200,
    }
    both = np.concatenate([split["train"], split["validation"]])
    assert set(both) == set(np.flatnonzero((labels == digit) & ~is_test))
    assert is_test[split["test"]].all()
    assert set(np.flatnonzero((labels == digit) & is_test)) <= set(split["test"])
    assert anomaly_labels(labels[split["test"]], digit).sum() == 100


def test_parts_are_sorted_disjoint_int64(mnist_5k: ImageSet) -> None:
    for balanced in (True, False):
        split = one_class(mnist_5k, 4, rng(), balanced=balanced)
        for part in split.values():
            assert part.dtype == np.int64
            assert (np.diff(part) > 0).all()  # ascending without repeats
        together = np.concatenate(list(split.values()))
        assert len(np.unique(together)) == len(together)


def test_unbalanced_test_is_the_whole_test_part(mnist_5k: ImageSet) -> None:
    split = one_class(mnist_5k, 4, rng(), balanced=False)
    assert np.array_equal(split["test"], np.flatnonzero(mnist_5k.is_test))


def test_equal_seeds_agree_and_different_seeds_differ(mnist_5k: ImageSet) -> None:
    first, again, other = (one_class(mnist_5k, 1, rng(seed)) for seed in (5, 5, 6))
    for name in first:
        assert np.array_equal(first[name], again[name])
        assert not np.array_equal(first[name], other[name])


def test_train_limit_cuts_train_and_nothing_else(mnist_5k: ImageSet) -> None:
    whole = one_class(mnist_5k, 1, rng())
    half, small = (one_class(mnist_5k, 1, rng(), train_limit=limit) for limit in (180, 20))
    assert len(small["train"]) == 20
    assert set(small["train"]) < set(half["train"]) < set(whole["train"])
    for name in ("validation", "test"):
        assert np.array_equal(small[name], whole[name])
    ample = one_class(mnist_5k, 1, rng(), train_limit=10**6)
    assert np.array_equal(ample["train"], whole["train"])


def test_class_out_of_range_names_the_range(mnist_5k: ImageSet) -> None:
    for normal_class in [-1, 10, 2.0, True]:
        with pytest.raises(BadInput, match="from 0 to 9"):
            one_class(mnist_5k, normal_class, rng())


def test_bad_validation_share(mnist_5k: ImageSet) -> None:
    for share in [0.0, 1.0, -0.1, 1.5, float("nan")]:
        with pytest.raises(BadInput, match="between 0 and 1"):
            one_class(mnist_5k, 0, rng(), validation_share=share)


def test_too_few_images(toy_set: Toy) -> None:
    for train, test, words in [
        ([0, 9], [0, 9], "no image of class 0"),
        ([0, 9], [5, 9], "'train'|'validation'"),
        ([1, 9], [5, 9], "'validation'"),  # 10 % of one image rounds to none
        ([20, 9], [0, 9], "'test normals'"),
        ([20, 9], [5, 4], "needs 5 test images of other classes, but there are 4"),
    ]:
        with pytest.raises(BadInput, match=words):
            one_class(toy_set(train, test), 0, rng())
