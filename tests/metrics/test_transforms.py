"""What harmless changes of a map do to the similarities: by hand, and by definition."""

import numpy as np
import pytest

from lib.errors import BadInput
from lib.metrics import SIMILARITIES, TRANSFORMS, shifted, similarities_under_change
from lib.metrics.transforms import SHIFTS

ROUNDING = 1e-12  # float64 sums of at most a thousand terms


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


def test_a_map_is_as_similar_to_itself_as_can_be():
    maps = signed(1)
    best = dict.fromkeys(SIMILARITIES, 1.0)
    best |= {"top-10 agreement": 10.0, "maximum distance, pixels": 0.0}
    for name, similarity in SIMILARITIES.items():
        found = similarity(maps, maps)
        assert found.shape == (6,) and found.dtype == np.float64
        assert found.tolist() == pytest.approx([best[name]] * 6, abs=ROUNDING)


def test_only_one_similarity_looks_at_signs():
    maps = signed(2)
    for name, similarity in SIMILARITIES.items():
        against = similarity(-maps, maps).tolist()
        wanted = [-1.0] * 6 if name == "Spearman" else similarity(maps, maps).tolist()
        assert against == pytest.approx(wanted, abs=ROUNDING)


@pytest.mark.parametrize("word", ["squared", "halved"])
@pytest.mark.parametrize("name", ["top-10 agreement", "maximum distance, pixels"])
def test_a_square_or_a_factor_leaves_the_largest_pixels_where_they_are(word, name):
    maps, other = signed(3), signed(4)
    found = under(word, name, maps)
    assert found.tolist() == ([10] * 6 if name == "top-10 agreement" else [0] * 6)
    changed = SIMILARITIES[name](TRANSFORMS[word](maps), other)
    plain = SIMILARITIES[name](maps, other)
    assert np.array_equal(changed, plain)
    assert plain.any()


def test_halving_changes_structural_similarity_and_nothing_else():
    maps = signed(5)
    for name, similarity in SIMILARITIES.items():
        itself, found = similarity(maps, maps), under("halved", name, maps)
        if name == "SSIM":
            assert (found < 0.9).all()
        else:
            assert found.tolist() == pytest.approx(itself.tolist(), abs=ROUNDING)
    # of a constant map: (2 · 1 · 1/2 + C1)(0 + C2) / ((1 + 1/4 + C1)(0 + 0 + C2)), C1 = 0.01²
    flat = under("halved", "SSIM", np.ones((1, 28, 28)))
    assert flat.item() == pytest.approx((1 + 0.01**2) / (1.25 + 0.01**2), abs=ROUNDING)


def test_squaring_changes_what_looks_at_values_or_signs():
    maps = signed(6)
    for name in ("Spearman", "SSIM", "Pearson of gradient histograms"):
        assert (under("squared", name, maps) < 0.99).all()
    order = under("squared", "Spearman of absolute values", maps)
    assert order.tolist() == pytest.approx([1] * 6, abs=ROUNDING)


@pytest.mark.parametrize("by", SHIFTS)
def test_a_shift_moves_the_largest_pixels_by_no_more_than_itself(by):
    found = under(f"shift-{by}", "maximum distance, pixels", signed(7, n=40))
    assert (found > 0).all() and (found <= by).all()
    # ten pixels in a row: the last of them has its own old place as the nearest
    line = np.zeros((1, 28, 28))
    line[0, 14, 5:15] = 1
    assert under(f"shift-{by}", "maximum distance, pixels", line).item() == by
    assert under(f"shift-{by}", "top-10 agreement", line).item() == 10 - by


def test_a_shift_that_loses_the_largest_pixels_may_move_them_farther():
    edge = np.zeros((1, 28, 28))
    edge[0, :10, 27] = 1
    edge[0, 14, 5:15] = 0.5  # becomes the largest once the edge has left
    found = under("shift-1", "maximum distance, pixels", edge)
    # (14, 6) of the shifted map is farthest from the edge: 14 - 9 rows and 27 - 6 columns
    assert found.item() == pytest.approx((5**2 + 21**2) ** 0.5, abs=ROUNDING)


def test_all_similarities_under_all_changes_at_once():
    maps, other = signed(8), np.abs(signed(9))
    found = similarities_under_change(maps, other)
    assert list(found) == [(word, name) for word in TRANSFORMS for name in SIMILARITIES]
    for (word, name), values in found.items():
        assert np.array_equal(values, SIMILARITIES[name](TRANSFORMS[word](maps), other))
    with pytest.raises(BadInput, match="one shape"):
        similarities_under_change(maps, other[1:])
