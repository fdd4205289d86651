"""Which images are normal to a network, and a few of each kind."""

import numpy as np
import pytest

from lib.data import evenly_spaced, normal_and_novel
from lib.errors import BadInput


def test_kinds_are_the_classes_trained_on_and_all_others():
    labels = np.array([0, 3, 1, 3, 2])
    kinds = normal_and_novel(labels, [3, 0])
    assert list(kinds) == ["normal", "novel"]
    assert kinds["normal"].tolist() == [True, True, False, True, False]
    assert (kinds["novel"] == ~kinds["normal"]).all()


def test_a_kind_without_images_is_left_out():
    labels = np.array([1, 1, 2])
    assert list(normal_and_novel(labels, [1, 2])) == ["normal"]
    assert list(normal_and_novel(labels, [7])) == ["novel"]


def test_evenly_spaced_positions_by_hand():
    members = np.array([False, True, True, True, False, True, True])  # at 1, 2, 3, 5 and 6
    assert evenly_spaced(members, 3).tolist() == [1, 3, 6]
    assert evenly_spaced(members, 2).tolist() == [1, 6]
    assert evenly_spaced(members, 1).tolist() == [1]
    assert evenly_spaced(members, 5).tolist() == evenly_spaced(members, 99).tolist()
    assert evenly_spaced(members, 5).tolist() == [1, 2, 3, 5, 6]
    assert evenly_spaced(np.zeros(4, dtype=bool), 3).tolist() == []


def test_evenly_spaced_positions_are_different_members():
    most = 7
    members = np.random.default_rng(most).random(40) < 0.6
    found = evenly_spaced(members, most)
    assert len(set(found)) == len(found) == min(most, members.sum())
    assert members[found].all() and (np.diff(found) > 0).all()


def test_no_image_at_all_is_refused():
    with pytest.raises(BadInput, match="At least one image must be allowed, but 0 came"):
        evenly_spaced(np.ones(3, dtype=bool), 0)
