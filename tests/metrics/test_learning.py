"""Dead, on a plateau, learned: each told from the others by what is drawn."""

import math

import numpy as np
import pytest

from lib.errors import BadInput
from lib.metrics import learning_state

RNG = np.random.default_rng(0)
IMAGES = RNG.random((50, 8, 8))


def state_of(drawn: np.ndarray) -> str:
    """The state by its definition, from images that a network drew of IMAGES."""
    error = np.square(IMAGES - drawn).mean()
    explained = 1 - error / np.square(IMAGES - IMAGES.mean(0)).mean()
    return learning_state(explained, np.ptp(drawn, axis=0).max())


def test_one_image_for_all_is_dead_even_the_best_one():
    assert state_of(np.zeros_like(IMAGES)) == "dead"
    assert state_of(np.broadcast_to(IMAGES.mean(0), IMAGES.shape)) == "dead"


def test_half_a_grey_level_is_where_change_begins():
    black = np.zeros_like(IMAGES)
    for change, wanted in ((0.4 / 255, "dead"), (0.6 / 255, "on a plateau")):
        black[7, 3, 3] = change
        assert state_of(black) == wanted


def test_better_than_the_mean_image_has_learned():
    mean = IMAGES.mean(0)
    assert state_of(mean + 0.1 * (IMAGES - mean)) == "learned"
    assert state_of(mean - 0.1 * (IMAGES - mean)) == "on a plateau"


@pytest.mark.parametrize("bad", [(1.1, 0.5), (math.nan, 0.5), (0.5, -0.1), (0.5, 1.1)])
def test_impossible_numbers_are_refused(bad):
    with pytest.raises(BadInput):
        learning_state(*bad)
