"""Maps that others are compared with, and the product of two, by hand."""

import pytest
import torch

from lib.errors import BadInput
from lib.scores import intensity_map, mean_difference_map, product_map


def images(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def test_product_by_hand():
    error = torch.tensor([[[1.0, 2.0], [4.0, 0.0]]])
    saliency = torch.tensor([[[0.5, 0.25], [0.25, 0.5]]])
    before = error.clone(), saliency.clone()
    assert product_map(error, saliency).tolist() == [[[0.5, 0.5], [1.0, 0.0]]]
    assert torch.equal(error, before[0]) and torch.equal(saliency, before[1])


def test_product_refuses_maps_that_do_not_fit():
    with pytest.raises(BadInput, match=r"\[2, 3, 3\] and \[1, 3, 3\]"):  # would broadcast
        product_map(torch.ones(2, 3, 3), torch.ones(1, 3, 3))
    with pytest.raises(BadInput, match="nowhere below 0"):
        product_map(torch.ones(1, 3, 3), -torch.ones(1, 3, 3))


def test_intensity_is_the_brightest_channel():
    x = torch.tensor([[0.2, 0.5], [0.8, 0.1], [0.4, 0.3]]).view(1, 3, 1, 2)
    assert torch.equal(intensity_map(x), torch.tensor([[[0.8, 0.5]]]))


def test_mean_difference_by_hand():
    train = torch.tensor([[0.0, 0.5], [0.5, 0.5]]).view(2, 1, 1, 2)  # mean 0.25, 0.5
    x = torch.tensor([[1.0, 0.5], [0.0, 0.0]]).view(2, 1, 1, 2)
    found = mean_difference_map(x, train)
    assert found.tolist() == [[[0.75**2, 0.0]], [[0.25**2, 0.5**2]]]


def test_mean_difference_takes_the_largest_channel_after_squaring():
    x = torch.tensor([0.5, 0.0]).view(1, 2, 1, 1)
    train = torch.tensor([0.25, 0.75]).view(1, 2, 1, 1)
    assert mean_difference_map(x, train).item() == 0.75**2


def test_nonsense_is_refused_in_words():
    for shape in [(0, 1, 4, 4), (1, 4, 4), (2, 0, 4, 4)]:
        for of in (intensity_map, lambda x: mean_difference_map(x, x)):
            with pytest.raises(BadInput, match=r"images \[n, c, h, w\]"):
                of(torch.zeros(shape))
    for shape in [(0, 1, 4, 4), (3, 1, 4, 5), (3, 3, 4, 4)]:
        with pytest.raises(BadInput, match="cannot be compared"):
            mean_difference_map(torch.zeros(2, 1, 4, 4), torch.zeros(shape))
