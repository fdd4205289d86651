"""All comparisons of two maps at once: by hand, and equal to the single metrics."""

import math

import numpy as np
import pytest

from lib.errors import BadInput
from lib.metrics import correspondence, map_mse, max_distance, ties, top_k_agreement

ROUNDING = 1e-12  # float64 sums of at most a few hundred terms

A = [[[4.0, 2.0, 0.0], [0.0, 0.0, 0.0]]]  # scaled: 1, 1/2, 0 and zeros
B = [[[0.0, 5.0, 0.0], [0.0, 0.0, 10.0]]]  # scaled: 0, 1/2, 0 and 0, 0, 1


def drawn(seed, n=7, h=6, w=5, levels=None):
    """Two sets of maps; with few levels they are full of ties."""
    rng = np.random.default_rng(seed)
    if levels is None:
        return rng.random((2, n, h, w))
    return rng.integers(levels, size=(2, n, h, w)) / levels


def test_comparisons_by_hand():
    found = correspondence(A, B, ks=[1, 2])
    assert {name: values.tolist() for name, values in found.items()} == {
        # (0,0) of A and (1,2) of B are 1 down and 2 to the right of each other
        "agreement 1": [0],
        "distance 1": [math.sqrt(1**2 + 2**2)],
        "reverse distance 1": [math.sqrt(1**2 + 2**2)],
        "ties 1": [0],
        # (0,1) is in both; (0,0) lies 1 from it, (1,2) lies √2 from it
        "agreement 2": [1],
        "distance 2": [1],
        "reverse distance 2": [math.sqrt(2)],
        "ties 2": [0],
        # differences 1, 0, 0, 0, 0, -1; with A squared 1, 1/4 - 1/2, 0, 0, 0, -1
        "map error": [(1 + 1) / 6],
        "squared map error": [(1 + (1 / 4 - 1 / 2) ** 2 + 1) / 6],
    }


@pytest.mark.parametrize("levels", [None, 3])
def test_each_comparison_equals_its_single_metric(levels):
    saliency, error = drawn(0, levels=levels)
    found = correspondence(saliency, error, ks=(4, 9))
    for k in (4, 9):
        assert np.array_equal(found[f"agreement {k}"], top_k_agreement(saliency, error, k=k))
        assert np.array_equal(found[f"distance {k}"], max_distance(saliency, error, k=k))
        assert np.array_equal(found[f"reverse distance {k}"], max_distance(error, saliency, k=k))
        both = ties(saliency, k=k) + ties(error, k=k)
        assert np.array_equal(found[f"ties {k}"], both)
        assert both.any() == (levels is not None)
    one, two = (np.stack([m / m.max() for m in maps]) for maps in (saliency, error))
    assert found["map error"].tolist() == pytest.approx(map_mse(one, two).tolist(), abs=ROUNDING)
    squared = map_mse(one * one, two)
    assert found["squared map error"].tolist() == pytest.approx(squared.tolist(), abs=ROUNDING)


@pytest.mark.parametrize("step", [1, 3])
def test_the_step_changes_nothing(step):
    maps = drawn(2, levels=4)
    wanted, found = correspondence(*maps, ks=(1, 5)), correspondence(*maps, ks=(1, 5), step=step)
    assert list(found) == list(wanted)
    for name, values in found.items():
        assert np.array_equal(values, wanted[name])
    assert len(set(wanted["map error"])) == 7  # so a mixed order would show


def test_strength_of_the_maps_does_not_matter():
    saliency, error = drawn(3)
    # powers of two divide out without rounding
    factors = 2.0 ** np.arange(-3, 4)[:, None, None]
    wanted = correspondence(saliency, error, ks=(5,))
    found = correspondence(saliency * factors, error / factors, ks=(5,))
    for name, values in found.items():
        assert np.array_equal(values, wanted[name])


def test_a_map_of_zeros_stays_zero():
    found = correspondence(np.zeros_like(B), B, ks=(2,))
    assert found["map error"].tolist() == found["squared map error"].tolist()
    assert found["map error"].tolist() == [((1 / 2) ** 2 + 1) / 6]
    assert found["ties 2"].tolist() == [6 - 2]


def test_nonsense_is_refused_in_words():
    for saliency, error, message in [
        (np.ones((1, 2, 3)), np.ones((1, 3, 2)), "one shape"),
        (np.ones((2, 2, 3)), np.ones((1, 2, 3)), "one shape"),  # would broadcast
        (np.full((1, 2, 3), np.nan), np.ones((1, 2, 3)), "NaN or infinity"),
        (np.ones((2, 3)), np.ones((2, 3)), r"shape \[n, h, w\]"),
    ]:
        with pytest.raises(BadInput, match=message):
            correspondence(saliency, error, ks=(1,))
