"""Per-image gradients from one pass against one backward pass per image."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lib.errors import BadInput
from lib.models import CAE, build, decoder_weights
from lib.models.vae import VAE
from lib.scores.gradients import CHUNK, decoder_gradients, gradient_magnitudes

# Sums of up to 784 products in another order, relative to the largest entry of a gradient:
# measured 5e-7 in float32 (one rounding: 6e-8); float64 keeps nine digits more.
ROUNDING = {torch.float32: 5e-6, torch.float64: 1e-12}
LOSSES = {"squared": F.mse_loss, "bce": F.binary_cross_entropy}


def one_by_one(model, x, reconstruction="squared"):
    """A batch of one and a backward pass per image."""
    rows = []
    for image in x:
        loss = LOSSES[reconstruction](model(image[None]), image[None])
        rows.append(torch.autograd.grad(loss, decoder_weights(model)))
    return [torch.stack(layer) for layer in zip(*rows, strict=True)]


def lengths(gradients):
    return torch.stack([g.flatten(1).norm(dim=1) for g in gradients], 1)


class Detour(CAE):
    """A layer before the decoder that `encode` does not know of."""

    def __init__(self):
        super().__init__()
        self.between = nn.Linear(576, 576)

    def forward(self, x):
        return self.decode(self.between(self.encode(x).flatten(1)).view(-1, 64, 3, 3))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", ROUNDING)
def test_equal_the_slow_way(network, channels, dtype):
    model = network(channels)[0].to(dtype)
    g = torch.Generator().manual_seed(1)
    x = torch.rand((7, channels, 28, 28), generator=g, dtype=dtype)
    found, wanted = decoder_gradients(model, x), one_by_one(model, x)
    assert [tuple(a.shape) for a in found] == [(7, *w.shape) for w in decoder_weights(model)]
    for a, b in zip(found, wanted, strict=True):
        assert b.abs().amax(dim=(1, 2, 3, 4)).min() > 0
        assert a.dtype == dtype
        assert (a - b).abs().max() < ROUNDING[dtype] * b.abs().max()


@pytest.mark.parametrize("reconstruction", LOSSES)
@pytest.mark.parametrize("kind", [VAE, Detour])
@pytest.mark.parametrize("dtype", [torch.float64])
def test_equal_the_slow_way_for_each_loss_and_whatever_enters_the_decoder(
    bars, kind, reconstruction, dtype
):
    model = build(kind, torch.Generator().manual_seed(3)).to(dtype)
    x = bars(5, 0).to(dtype)
    found = decoder_gradients(model, x, reconstruction=reconstruction)
    wanted = one_by_one(model, x, reconstruction)
    for a, b in zip(found, wanted, strict=True):
        assert (a - b).abs().max() < ROUNDING[dtype] * b.abs().max()
    sizes = gradient_magnitudes(model, x, reconstruction=reconstruction)
    assert sizes.shape == (5, 4)
    torch.testing.assert_close(sizes, lengths(wanted), rtol=ROUNDING[dtype], atol=0)


def test_chunks_leave_no_seam(network):
    model, g = network()[0].double(), torch.Generator().manual_seed(2)
    x = torch.rand((CHUNK + 3, 1, 28, 28), generator=g, dtype=torch.float64)
    edges = [0, CHUNK - 1, CHUNK, CHUNK + 2]
    found, wanted = decoder_gradients(model, x), one_by_one(model, x[edges])
    for a, b in zip(found, wanted, strict=True):
        assert len(a) == len(x)
        assert (a[edges] - b).abs().max() < ROUNDING[torch.float64] * b.abs().max()
    sizes = gradient_magnitudes(model, x)
    torch.testing.assert_close(sizes, lengths(found), rtol=ROUNDING[torch.float64], atol=0)


def test_cross_entropy_keeps_its_gradient_where_the_sigmoid_is_full(network):
    # all pixels drawn as exactly 1 where 0 is wanted: the squared error has no slope there
    model = network()[0]
    with torch.no_grad():
        model.decoder[6].bias.fill_(200.0)
    x = torch.zeros(2, 1, 28, 28)
    assert (model(x) == 1).all()
    assert (gradient_magnitudes(model, x) == 0).all()
    found = decoder_gradients(model, x, reconstruction="bce")
    # dL/d(logit) is 1/784 at each pixel: a weight's gradient is its input's sum over positions
    # that reach the image, all of them for the inner rows of the kernel
    entered = model.decoder[:6](model.encode(x))
    inner = found[3][:, :, 0, 1:3, 1:3]
    wanted = (entered.sum((2, 3)) / 784)[:, :, None, None].expand_as(inner)
    torch.testing.assert_close(inner, wanted, rtol=1e-5, atol=1e-8)  # sums of 196 numbers


def test_frozen_networks_have_gradients_and_nothing_is_left_behind(network, bars):
    model, x = network()[0].requires_grad_(False).train(), bars(3, 0)
    decoder_weights(model)[0].grad = torch.ones(64, 64, 4, 4)
    before = copy.deepcopy(model)
    state = torch.random.get_rng_state()
    found = decoder_gradients(model, x)
    gradient_magnitudes(model, x)
    assert not any(g.requires_grad for g in found)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert str(model) == str(before)
    assert model.training
    for p, q in zip(model.parameters(), before.parameters(), strict=True):
        assert torch.equal(p, q)
        assert p.stride() == q.stride()
    assert (decoder_weights(model)[0].grad == 1).all()
    assert sum(p.grad is not None for p in model.parameters()) == 1


@torch.no_grad()
def test_the_error_falls_along_an_images_gradient_at_its_own_rate(network, bars):
    # the definition itself, by central differences of the error
    model, x = network()[0].double(), bars(1, 0).double()
    for w, g in zip(decoder_weights(model), decoder_gradients(model, x), strict=True):
        size, errors, start = 1e-5 / g.norm(), [], w.clone()
        for side in (1, -1):
            w.copy_(start + side * size * g[0])
            errors.append(((model(x) - x) ** 2).mean())
        w.copy_(start)
        slope = (errors[0] - errors[1]) / (2 * size)
        # errors of 0.1 carry 1e-17 and differ by 1e-9 or more; a kink of a ReLU may lie between;
        # measured 9e-9
        assert slope.item() == pytest.approx(g.square().sum().item(), rel=1e-4)


BOTH = pytest.mark.parametrize("function", [decoder_gradients, gradient_magnitudes])


@BOTH
def test_refuses_images_of_another_shape(network, function):
    with pytest.raises(BadInput, match=r"\[2, 3, 28, 28\]"):
        function(network()[0], torch.rand(2, 3, 28, 28))


@BOTH
@pytest.mark.parametrize("value", [1.1, float("nan")])
def test_cross_entropy_refuses_pixels_outside_the_unit_interval(network, bars, function, value):
    x = bars(2, 0)
    x[1, 0, 5, 5] = value
    with pytest.raises(BadInput, match=r"must lie in \[0, 1\]"):
        function(network()[0], x, reconstruction="bce")


@BOTH
@pytest.mark.parametrize(
    ("place", "layer"),
    [
        (0, nn.ConvTranspose2d(64, 64, 3, stride=2, padding=1)),
        (1, nn.Tanh()),
        (7, nn.ReLU()),
    ],
)
def test_refuses_a_decoder_of_other_layers(network, bars, function, place, layer):
    model = network()[0]
    model.decoder[place] = layer
    with pytest.raises(BadInput, match=f"this decoder has .*{type(layer).__name__}"):
        function(model, bars(2, 0))
