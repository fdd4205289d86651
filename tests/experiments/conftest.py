"""A few digits for experiments that are to run in a second."""

from dataclasses import replace

import numpy as np
import pytest

from lib import data


@pytest.fixture(scope="session")
def few_digits() -> data.ImageSet:
    """48 training and 14 test images of each digit of the embedded set."""
    every = data.load("mnist-5k")
    index = np.sort(
        np.concatenate(
            [
                np.flatnonzero((every.labels == label) & (every.is_test == test))[:count]
                for label in range(10)
                for test, count in ((False, 48), (True, 14))
            ]
        )
    )
    arrays = {name: getattr(every, name)[index] for name in ("images", "labels", "is_test")}
    return replace(every, **arrays)
