"""What LSA's autoencoders share: codes and images, what a batch does to an image, bad input."""

import pytest
import torch
from torch import nn

from lib.errors import BadInput
from lib.models import LSAAutoencoder, LSACifarAutoencoder, build

# Other orders of summation for another batch size, on outputs below 10; the norms stretch the small
# differences of noise images and their roundings with them. Measured 1.4e-5 and 3e-5.
ROUNDING = 2e-4


@pytest.fixture(scope="module", params=[LSAAutoencoder, LSACifarAutoencoder])
def model(request):
    """In evaluation mode, with averages of a few batches; no test may change it."""
    made = build(request.param, torch.Generator().manual_seed(0))
    for m in made.modules():
        if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d):
            m.momentum = None  # plain means, so that a few batches are enough
    with torch.no_grad():  # without them the colour image hardly reaches the output
        for seed in range(3):
            made(images(made, 8, seed))
    return made.eval()


def images(model, n, seed=1):
    return torch.rand((n, *model.shape), generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def test_forward_is_decode_after_encode(model):
    x = images(model, 3)
    z = model.encode(x)
    assert z.shape == (3, 64)
    assert z.min() > 0 and z.max() < 1
    found = model(x)
    assert torch.equal(found, model.decode(z))
    assert found.shape == x.shape


@torch.no_grad()
def test_evaluation_mode_does_not_mix_the_images_of_a_batch(model):
    x = images(model, 4)
    alone = torch.cat([model(image[None]) for image in x])
    assert (model(x) - alone).abs().max() < ROUNDING
    assert (alone[0] - alone[1]).abs().max() > 100 * ROUNDING


def test_refuses_images_of_another_shape(model):
    c, h, w = model.shape
    # the other of 1 and 3 channels, of 28 and 32 rows; one image
    for shape in [(2, 4 - c, h, w), (2, c, 60 - h, w), (c, h, w)]:
        with pytest.raises(BadInput, match=rf"images \[n, {c}, {h}, {w}\]") as caught:
            model(torch.rand(shape))
        assert str(list(shape)) in str(caught.value)


def test_refuses_codes_of_another_shape(model):
    for shape in [(2, 63), (64,), (2, 64, 1)]:
        with pytest.raises(BadInput, match=r"codes \[n, 64\]"):
            model.decode(torch.rand(shape))
