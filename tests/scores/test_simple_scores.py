"""Reconstruction error and the trivial scores, by hand on images of four pixels."""

import math

import pytest
import torch
import torch.nn.functional as F

from lib.errors import BadInput
from lib.scores import (
    distance_to_mean,
    distance_to_nearest,
    mean_brightness,
    pixel_entropy,
    reconstruction_error,
)

FLOAT32 = 1e-6  # relative: a few roundings of 6e-8


def near(*values):
    return [pytest.approx(value, rel=FLOAT32) for value in values]


def pictures(*rows):
    """One-channel images of 2×2 pixels."""
    return torch.tensor(rows).view(-1, 1, 2, 2)


def test_reconstruction_error_by_hand():
    x = pictures([0.0, 0.5, 0.5, 1.0], [0.0, 0.0, 0.0, 0.2])
    found = reconstruction_error(torch.zeros_like, x)
    assert found.shape == (2,)
    assert found.tolist() == near((0.25 + 0.25 + 1) / 4, 0.04 / 4)
    assert reconstruction_error(lambda x: x, x).tolist() == [0, 0]
    assert reconstruction_error(lambda x: x / 2, x).tolist() == near(1.5 / 4 / 4, 0.01 / 4)


def test_reconstruction_error_is_a_mean_over_channels_too():
    x = torch.tensor([1.0, 0.0, 0.5]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    assert reconstruction_error(torch.zeros_like, x).tolist() == near((1 + 0 + 0.25) / 3)


def test_mean_brightness_by_hand():
    x = pictures([0.0, 0.5, 0.5, 1.0], [0.0, 0.0, 0.0, 0.2])
    assert mean_brightness(x).tolist() == near(2 / 4, 0.2 / 4)
    assert mean_brightness(torch.tensor([1.0, 0.0, 0.5]).view(1, 3, 1, 1)).item() == 0.5


def test_distance_to_mean_by_hand():
    train = pictures([0.0, 0.0, 1.0, 1.0], [1.0, 0.0, 0.0, 1.0])  # mean (1/2, 0, 1/2, 1)
    x = pictures([0.5, 0.0, 0.5, 1.0], [0.0, 1.0, 0.5, 1.0])
    assert distance_to_mean(x, train).tolist() == near(0, (0.25 + 1) / 4)


def test_distance_to_mean_refuses_images_that_do_not_fit():
    for x, train in [
        ((2, 1, 4, 4), (0, 1, 4, 4)),
        ((2, 3, 4, 4), (5, 1, 4, 4)),
        ((2, 1, 4, 4), (5, 1, 4, 5)),
    ]:
        # three channels against one would broadcast without a word
        with pytest.raises(BadInput, match="cannot be compared"):
            distance_to_mean(torch.rand(x), torch.rand(train))


def test_distance_to_nearest_by_hand():
    train = torch.tensor([[0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]]).view(2, 1, 2, 2)
    x = torch.tensor([[1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 0.5]]).view(2, 1, 2, 2)
    # root of (1/4) to the black one; root of (0.25 / 4) to the white one
    assert distance_to_nearest(x, train).tolist() == near(0.5, 0.25)


def test_distance_to_nearest_agrees_with_a_loop_and_ignores_the_batch():
    x, train = torch.rand(7, 1, 5, 5), torch.rand(30, 1, 5, 5)
    slow = [min(float((a - b).square().mean().sqrt()) for b in train) for a in x]
    found = distance_to_nearest(x, train)
    # float32 sums of 25 numbers, which cdist takes by way of products
    torch.testing.assert_close(found, torch.tensor(slow), rtol=1e-5, atol=1e-6)
    again = distance_to_nearest(x, train, batch_size=2)
    torch.testing.assert_close(again, found, rtol=1e-5, atol=1e-6)
    order = torch.randperm(30)
    torch.testing.assert_close(distance_to_nearest(x, train[order]), found, rtol=1e-5, atol=1e-6)


def test_distance_to_nearest_needs_images_of_one_shape():
    with pytest.raises(BadInput, match="cannot be compared with training images"):
        distance_to_nearest(torch.rand(2, 1, 4, 4), torch.rand(0, 1, 4, 4))
    with pytest.raises(BadInput, match="cannot be compared with training images"):
        distance_to_nearest(torch.rand(2, 1, 4, 4), torch.rand(2, 1, 5, 5))


def test_pixel_entropy_by_hand():
    x = pictures([0.0, 1.0, 0.5, 0.25], [1.0, 1.0, 0.0, 0.0])
    quarter = 0.25 * math.log(4) + 0.75 * math.log(4 / 3)
    assert pixel_entropy(x).tolist() == near((math.log(2) + quarter) / 4, 0)
    # no reconstruction has a smaller cross-entropy, and it is the same for the negative
    worse = F.binary_cross_entropy(torch.full_like(x, 0.4), x, reduction="none")
    assert bool((worse.flatten(1).mean(1) > pixel_entropy(x)).all())
    assert pixel_entropy(1 - x).tolist() == near(*pixel_entropy(x).tolist())


def test_pixel_entropy_refuses_what_is_no_probability():
    for value in [-0.01, 1.01, float("nan")]:
        with pytest.raises(BadInput, match=r"images in \[0, 1\]"):
            pixel_entropy(pictures([0.0, 0.5, 1.0, value]))
