"""Turned, grey and edge images: by hand, and against loops over images and pixels."""

import math

import pytest
import torch

from lib.data import grey, rotated, sobel
from lib.errors import BadInput

FLOAT32 = 1e-6  # sums of at most nine terms below 1


def images(n=7, c=3, h=6, w=6, seed=0):
    return torch.rand((n, c, h, w), generator=torch.Generator().manual_seed(seed))


def test_a_turn_goes_to_the_left_by_hand():
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).expand(4, 1, 2, 2)
    found = rotated(x, torch.arange(4))[:, 0].tolist()
    assert found == [[[1, 2], [3, 4]], [[2, 4], [1, 3]], [[4, 3], [2, 1]], [[3, 1], [4, 2]]]


def test_each_image_is_turned_by_its_own_number():
    x, turns = images(), torch.tensor([3, 0, 1, 2, 2, 1, 0])
    before = x.clone()
    wanted = torch.stack([torch.rot90(a, int(k), (1, 2)) for a, k in zip(x, turns, strict=True)])
    assert torch.equal(rotated(x, turns), wanted)
    assert torch.equal(x, before)
    assert torch.equal(rotated(rotated(x, turns), (4 - turns) % 4), x)


def test_grey_by_hand():
    x = torch.tensor([1.0, 0.5, 0.25]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    found = grey(x)
    assert found.shape == (1, 3, 2, 2)
    value = 0.299 + 0.5 * 0.587 + 0.25 * 0.114
    assert found.flatten().tolist() == [pytest.approx(value, abs=FLOAT32)] * 12


def test_a_step_from_black_to_white_has_strength_1():
    x = torch.zeros(1, 1, 5, 6)
    x[..., 3:] = 1.0
    # (1 + 2 + 1) / 4 in the two columns beside the step
    wanted = torch.tensor([0.0, 0, 1, 1, 0, 0]).expand(1, 1, 5, 6)
    assert torch.equal(sobel(x), wanted)
    assert torch.equal(sobel(x.transpose(2, 3)), wanted.transpose(2, 3))
    assert torch.equal(sobel(1 - x), wanted)


def slow_sobel(image):
    h, w = image.shape

    def at(r, c):
        return image[min(max(r, 0), h - 1)][min(max(c, 0), w - 1)].item()

    found = torch.empty(h, w)
    for r in range(h):
        for c in range(w):
            weights = {-1: 1, 0: 2, 1: 1}
            across = sum(k * (at(r + i, c + 1) - at(r + i, c - 1)) for i, k in weights.items())
            down = sum(k * (at(r + 1, c + i) - at(r - 1, c + i)) for i, k in weights.items())
            found[r, c] = math.hypot(across / 4, down / 4)
    return found


def test_edges_equal_those_of_the_brightness_pixel_by_pixel():
    x = images(3, h=5, w=7)
    brightness = x[:, 0] * 0.299 + x[:, 1] * 0.587 + x[:, 2] * 0.114
    wanted = torch.stack([slow_sobel(image) for image in brightness])[:, None]
    # 1e-5: the root near 0 makes a rounding of 1e-7 larger
    torch.testing.assert_close(sobel(x), wanted, rtol=0, atol=1e-5)
    assert sobel(x).shape == (3, 1, 5, 7)


def test_nonsense_is_refused_in_words():
    with pytest.raises(BadInput, match="Only square images"):
        rotated(images(h=5), torch.zeros(7, dtype=torch.int64))
    for turns in (torch.tensor([0, 1]), torch.tensor([0, 1, 2, 3, 4, 0, 0]), -torch.ones(7)):
        with pytest.raises(BadInput, match="Each of the 7 images needs 0, 1, 2 or 3 turns"):
            rotated(images(), turns)
    for task in (grey, sobel):
        with pytest.raises(BadInput, match="one or three channels"):
            task(images(c=2))
