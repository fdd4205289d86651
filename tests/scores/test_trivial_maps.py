"""Maps that others are compared with, by hand."""

import pytest
import torch

from lib.errors import BadInput
from lib.scores import distance_to_mean, trivial_maps

FLOAT32 = 1e-6  # relative: a few roundings of 6e-8


def images(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def test_intensity_is_the_brightest_channel():
    x = torch.tensor([[0.2, 0.5], [0.8, 0.1], [0.4, 0.3]]).view(1, 3, 1, 2)
    assert torch.equal(trivial_maps(x, x)["input intensity"], torch.tensor([[[0.8, 0.5]]]))


def test_distance_from_the_mean_image_by_hand():
    train = torch.tensor([[0.0, 0.5], [0.5, 0.5]]).view(2, 1, 1, 2)  # mean 0.25, 0.5
    x = torch.tensor([[1.0, 0.5], [0.0, 0.0]]).view(2, 1, 1, 2)
    found = trivial_maps(x, train)["distance from the mean image"]
    assert found.tolist() == [[[0.75**2, 0.0]], [[0.25**2, 0.5**2]]]
    # the largest channel after squaring
    x, train = (
        torch.tensor([0.5, 0.0]).view(1, 2, 1, 1),
        torch.tensor([0.25, 0.75]).view(1, 2, 1, 1),
    )
    assert trivial_maps(x, train)["distance from the mean image"].item() == 0.75**2


def test_distance_averages_to_the_distance_to_the_mean():
    x, train = images(4, 1, 5, 6), images(7, 1, 5, 6, seed=1)
    found = trivial_maps(x, train)["distance from the mean image"].mean((1, 2))
    torch.testing.assert_close(found, distance_to_mean(x, train), rtol=FLOAT32, atol=0)
    graph = x.requires_grad_()
    assert not any(each.requires_grad for each in trivial_maps(graph, train).values())


@pytest.mark.parametrize("shape", [(0, 1, 4, 4), (3, 1, 4, 5), (3, 4, 4)])
def test_what_does_not_fit_is_refused(shape):
    with pytest.raises(BadInput, match="cannot be compared with training images"):
        trivial_maps(torch.zeros(2, 1, 4, 4), torch.zeros(shape))
