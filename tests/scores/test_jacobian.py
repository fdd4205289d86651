"""The error map's Jacobian by hand, row by row, and without a trace."""

import pytest
import torch
from torch import nn

from lib.errors import BadInput
from lib.models import build
from lib.scores import error_jacobian

FLOAT64 = 1e-12  # sums of up to 784 terms in another order


def images(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture
def small():
    """A convolution and a sigmoid with two channels, in float64."""
    make = lambda: nn.Sequential(nn.Conv2d(2, 2, 3, padding=1), nn.Sigmoid())  # noqa: E731
    return build(make, torch.Generator().manual_seed(0)).double().eval()


def test_two_pixels_by_hand():
    # (a, b) → (b, 0): r = ((a - b)², b²) at a = 0.5, b = 0.2
    x = torch.tensor([0.5, 0.2], dtype=torch.float64).view(1, 1, 1, 2)
    found = error_jacobian(lambda x: torch.cat([x[..., 1:], 0 * x[..., :1]], -1), x)
    assert found.shape == (1, 2, 2)
    wanted = [[2 * 0.3, -2 * 0.3], [0.0, 2 * 0.2]]
    torch.testing.assert_close(found[0], torch.tensor(wanted).double(), rtol=1e-6, atol=0)


def by_loop(model, image, rows):
    """The same, one error pixel at a time."""
    leaf = image[None].clone().requires_grad_()
    errors = (leaf - model(leaf)).square().flatten()
    grads = [torch.autograd.grad(errors[i], leaf, retain_graph=True)[0].flatten() for i in rows]
    return torch.stack(grads)


def test_every_row_is_the_gradient_of_one_error_pixel(small):
    x = images(3, 2, 3, 4)
    wanted = torch.stack([by_loop(small, image, range(24)) for image in x])
    for batch_size in (5, 256):  # 5 does not divide the 24 rows
        found = error_jacobian(small, x, batch_size=batch_size)
        torch.testing.assert_close(found, wanted, rtol=FLOAT64, atol=FLOAT64)


@pytest.mark.parametrize("state", ["with gradients", "no grad"])
def test_the_jacobian_leaves_no_trace(leaves_no_trace, small, state):
    leaves_no_trace(error_jacobian, small, images(2, 2, 3, 4), state)


def test_nonsense_is_refused_in_words(small):
    for shape in [(0, 1, 4, 4), (1, 4, 4), (2, 0, 4, 4)]:
        with pytest.raises(BadInput, match=r"images \[n, c, h, w\]"):
            error_jacobian(lambda x: x, torch.zeros(shape))
    with pytest.raises(BadInput, match="batch size must be at least 1, but 0"):
        error_jacobian(small, images(1, 2, 3, 4), batch_size=0)
    with pytest.raises(BadInput, match=r"shape \[1, 3, 4, 4\] of the images"):
        error_jacobian(lambda x: x[:, :1], torch.zeros(1, 3, 4, 4))  # would broadcast
    with pytest.raises(BadInput, match=r"call model\.eval\(\)"):
        error_jacobian(small.train(), images(1, 2, 3, 4))
