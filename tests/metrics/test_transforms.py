"""What harmless changes of a map do to the similarities: by hand, and by definition."""

import numpy as np
import pytest

from lib.errors import BadInput
from lib.metrics import SIMILARITIES, TRANSFORMS, shifted, similarities_under_change
from lib.metrics.transforms import SHIFTS


def signed(seed, n=6, side=28):
    """Maps between -1 and 1, each with a maximum of 1, zero in the five columns on the right."""
    maps = np.random.default_rng(seed).uniform(-1, 1, (n, side, side))
    maps[..., -max(SHIFTS) :] = 0
    return maps / np.abs(maps).max((1, 2), keepdims=True)


def under(word, similarity, maps):
    """The similarity of the changed maps with the maps themselves."""
    return SIMILARITIES[similarity](TRANSFORMS[word](maps), maps)


def test_shifted_by_hand():
    maps = np.array([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [[-1.0, 0.0, 7.0], [8.0, 9.0, -2.0]]])
    kept = maps.copy()
    assert shifted(maps, 0).tolist() == maps.tolist()
    assert shifted(maps, 1).tolist() == [[[0, 1, 2], [0, 4, 5]], [[0, -1, 0], [0, 8, 9]]]
    assert shifted(maps, 2).tolist() == [[[0, 0, 1], [0, 0, 4]], [[0, 0, -1], [0, 0, 8]]]
    assert np.array_equal(maps, kept)
    shifted(maps, 0)[:] = 5
    assert np.array_equal(maps, kept)  # no shift gives a copy too


def test_a_shift_out_of_the_picture_is_refused():
    for by in [-1, 3, 4]:
        with pytest.raises(BadInput, match=f"width 3 cannot move by {by} pixels"):
            shifted(np.ones((1, 5, 3)), by)


def test_transforms_do_what_their_names_say():
    maps = signed(0)
    kept = maps.copy()
    found = {word: change(maps) for word, change in TRANSFORMS.items()}
    wanted = {"": maps, "squared": maps * maps, "halved": 0.5 * maps}
    wanted |= {f"shift-{by}": np.roll(maps, by, axis=2) for by in (1, 2, 3, 4, 5)}  # zeros go round
    assert list(found) == list(wanted)
    for word, changed in found.items():
        assert np.array_equal(changed, wanted[word])
    assert np.array_equal(maps, kept)


@pytest.mark.parametrize("by", [1, 5])
def test_a_shift_moves_the_largest_pixels_by_no_more_than_itself(by):
    found = under(f"shift-{by}", "maximum distance, pixels", signed(7, n=40))
    assert (found > 0).all() and (found <= by).all()
    # ten pixels in a row: the last of them has its own old place as the nearest
    line = np.zeros((1, 28, 28))
    line[0, 14, 5:15] = 1
    assert under(f"shift-{by}", "maximum distance, pixels", line).item() == by
    assert under(f"shift-{by}", "top-10 agreement", line).item() == 10 - by


def test_all_similarities_under_all_changes_at_once():
    maps, other = signed(8), np.abs(signed(9))
    found = similarities_under_change(maps, other)
    assert list(found) == [(word, name) for word in TRANSFORMS for name in SIMILARITIES]
    for (word, name), values in found.items():
        assert np.array_equal(values, SIMILARITIES[name](TRANSFORMS[word](maps), other))
    with pytest.raises(BadInput, match="one shape"):
        similarities_under_change(maps, other[1:])
