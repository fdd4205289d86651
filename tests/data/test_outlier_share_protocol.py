"""The outlier-share protocol: folds, shares exact to an image, disjointness, seeds, bad input."""

from collections.abc import Callable

import numpy as np
import pytest

from lib.data import ImageSet, anomaly_labels, outlier_share
from lib.errors import BadInput

Toy = Callable[..., ImageSet]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_parts_of_the_embedded_digits(mnist_5k: ImageSet) -> None:
    split = outlier_share(mnist_5k, 3, rng(), share=0.2)
    # 500 images a digit: 100 in each fold, so 300 train; at 20 % outliers 100 / 0.8 * 0.2 = 25
    assert {name: len(part) for name, part in split.items()} == {
        "train": 300,
        "validation": 100,
        "validation_mixed": 125,
        "test": 125,
    }
    for name, anomalies in (
        ("train", 0),
        ("validation", 0),
        ("validation_mixed", 25),
        ("test", 25),
    ):
        assert anomaly_labels(mnist_5k.labels[split[name]], 3).sum() == anomalies
    # training and test images of the official split are pooled
    assert 0 < mnist_5k.is_test[split["train"]].sum() < 300


@pytest.mark.parametrize("share", [0.1, 0.77, 0.95])
def test_share_is_exact_to_one_image(mnist_5k: ImageSet, share: float) -> None:
    split = outlier_share(mnist_5k, 0, rng(), share=share)
    for name in ("test", "validation_mixed"):
        anomalies = anomaly_labels(mnist_5k.labels[split[name]], 0).sum()
        # the count is rounded, so it is off by half an image at most; 1e-9 for float arithmetic
        assert abs(anomalies - share * len(split[name])) <= 0.5 + 1e-9
        # one side is used whole: up to 90 % the 100 normals, above it the 900 others
        normals = len(split[name]) - anomalies
        assert normals == 100 if share <= 0.9 else anomalies == 900


def test_parts_are_sorted_without_repeats_and_disjoint(mnist_5k: ImageSet) -> None:
    split = outlier_share(mnist_5k, 8, rng(), share=0.4)
    for part in split.values():
        assert part.dtype == np.int64
        assert (np.diff(part) > 0).all()
    for one, other in (("train", "validation"), ("train", "validation_mixed"), ("train", "test")):
        assert not set(split[one]) & set(split[other])
    assert not set(split["validation_mixed"]) & set(split["test"])
    assert not set(split["validation"]) & set(split["test"])
    assert set(split["validation"]) < set(split["validation_mixed"])


def test_rotations_test_every_normal_once(mnist_5k: ImageSet) -> None:
    splits = [outlier_share(mnist_5k, 6, rng(), share=0.5, fold=fold) for fold in range(5)]
    normals = set(np.flatnonzero(mnist_5k.labels == 6))
    tested = [set(split["test"]) & normals for split in splits]
    assert sum(map(len, tested)) == len(normals)
    assert set().union(*tested) == normals
    for fold, split in enumerate(splits):  # the next fold is validated, the other three train
        assert set(split["validation"]) == tested[(fold + 1) % 5]
        assert set(split["train"]) == normals - tested[fold] - tested[(fold + 1) % 5]


def test_bad_share(mnist_5k: ImageSet) -> None:
    for share in [0.0, 1.0, float("nan")]:
        with pytest.raises(BadInput, match="share must lie between 0 and 1"):
            outlier_share(mnist_5k, 0, rng(), share=share)


def test_bad_fold(mnist_5k: ImageSet) -> None:
    for fold in [-1, 5, 1.0]:
        with pytest.raises(BadInput, match="from 0 to 4"):
            outlier_share(mnist_5k, 0, rng(), share=0.5, fold=fold)


def test_too_few_images(toy_set: Toy) -> None:
    for counts, share, words in [
        ([0, 50], 0.5, "no image of class 0"),
        ([1, 50], 0.5, "'train' of Toy"),  # one image lies in one fold only, the first
        ([2, 50], 0.5, "'train' of Toy"),
        ([50, 0], 0.5, "others' of Toy"),
        ([50, 50], 0.01, "others' of Toy"),  # 1 % beside ten normals rounds to none
        ([50, 50], 0.99, "normals' of Toy"),  # 1 % beside ten others rounds to none
    ]:
        with pytest.raises(BadInput, match=words):
            outlier_share(toy_set(counts, [0, 0]), 0, rng(), share=share)
