"""The maps that could say where an image is novel: each under its own name."""

import pytest
import torch

from lib import scores
from lib.errors import BadInput
from lib.models import LSAAutoencoder, build


def images(n, seed):
    return torch.rand((n, 1, 28, 28), generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def model():
    return build(LSAAutoencoder, torch.Generator().manual_seed(0)).eval()


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


def test_each_name_has_the_map_it_says(model):
    x = images(2, 1)
    found = scores.network_maps(model, x, generator=draws())
    error, saliency = scores.error_map(model, x), scores.saliency_map(model, x)
    wanted = {
        "reconstruction error": error,
        "saliency": saliency,
        "squared saliency": saliency**2,
        "product": error * saliency,
        "smoothed gradient": scores.smooth_gradient(model, x, generator=draws()),
    }
    assert list(found) == list(wanted)
    for name, each in found.items():
        assert each.shape == (2, 28, 28)
        assert torch.equal(each, wanted[name]), name


def test_trivial_maps_know_no_network():
    x, train = images(2, 1), images(5, 2)
    found = scores.trivial_maps(x, train)
    assert list(found) == ["input intensity", "distance from the mean image"]
    assert torch.equal(found["input intensity"], x[:, 0])
    assert torch.equal(found["distance from the mean image"], scores.mean_difference_map(x, train))


def test_bad_input_is_refused(model):
    with pytest.raises(BadInput, match="at least one of them"):
        scores.network_maps(model, images(0, 1), generator=draws())
    with pytest.raises(BadInput, match="cannot be compared with training images"):
        scores.trivial_maps(images(1, 1), images(0, 2))
