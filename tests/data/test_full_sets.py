"""The full sets, where the data root has them: counts, moments and hashes."""

from collections.abc import Callable

import numpy as np
import pytest

from lib.data import ImageSet

pytestmark = pytest.mark.full_data
Load = Callable[[str], ImageSet]


@pytest.mark.parametrize(
    ("name", "shape", "n_test", "origins", "first_and_last"),
    [
        ("mnist", (70000, 1, 28, 28), 10000, {"official"}, ("0", "9")),
        ("fashion-mnist", (70000, 1, 28, 28), 10000, {"official"}, ("t-shirt/top", "ankle boot")),
        ("cifar-10", (60000, 3, 32, 32), 10000, {"official", "recovered"}, ("plane", "truck")),
        ("gtsrb", (4300, 3, 32, 32), 2580, {"recovered"}, ("0", "42")),
        ("svhn-part", (1083, 3, 32, 32), 0, {"recovered"}, ("unlabelled", "unlabelled")),
        ("notmnist", (10000, 1, 28, 28), 10000, {"recovered"}, ("A", "J")),
        ("omniglot", (4840, 1, 28, 28), 0, {"recovered"}, ("Balinese", "Tagalog")),
    ],
)
def test_shape_split_and_origin(
    full_set: Load,
    name: str,
    shape: tuple[int, ...],
    n_test: int,
    origins: set[str],
    first_and_last: tuple[str, str],
) -> None:
    image_set = full_set(name)
    assert image_set.images.shape == shape
    assert np.array_equal(image_set.is_test, np.arange(shape[0]) >= shape[0] - n_test)
    assert image_set.origin in origins
    assert (image_set.class_names[0], image_set.class_names[-1]) == first_and_last


def test_cifar100_is_official_or_recovered(full_set: Load) -> None:
    image_set = full_set("cifar-100")
    training = {"official": 500, "recovered": 160}[image_set.origin]
    train = np.bincount(image_set.labels[~image_set.is_test])
    assert train.tolist() == [training] * 100
    assert np.bincount(image_set.labels[image_set.is_test]).tolist() == [100] * 100


def test_embedded_digits_are_the_first_500_of_each_class(
    full_set: Load, mnist_5k: ImageSet
) -> None:
    mnist = full_set("mnist")
    for digit in range(10):
        first = np.flatnonzero((mnist.labels == digit) & ~mnist.is_test)[:500]
        assert np.array_equal(mnist.images[first], mnist_5k.images[mnist_5k.labels == digit])


def test_letters_are_balanced_and_some_are_blank(full_set: Load) -> None:
    letters = full_set("notmnist")
    assert np.bincount(letters.labels).tolist() == [1000] * 10
    pixels = letters.images.reshape(10000, -1)
    assert (pixels.min(axis=1) == pixels.max(axis=1)).sum() == 141
    assert len({image.tobytes() for image in letters.images}) == 9804


def test_omniglot_counts_every_drawing_once(full_set: Load) -> None:
    omniglot = full_set("omniglot")
    # 20 writers each drew all characters of an alphabet, whose numbers are published with the set
    characters = [24, 22, 24, 47, 40, 26, 42, 17]
    assert np.bincount(omniglot.labels).tolist() == [20 * number for number in characters]
    assert len({image.tobytes() for image in omniglot.images}) == len(omniglot.images)
