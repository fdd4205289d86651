"""Per-image gradients from one pass against two slow ways of getting them."""

import pytest
import torch
from torch import func

from lib.errors import BadInput
from lib.models import decoder_weights
from lib.scores import decoder_gradients

# Sums of up to 784 products in another order, relative to the largest entry of a gradient:
# measured 5e-7 in float32 (one rounding: 6e-8); float64 keeps nine digits more.
ROUNDING = {torch.float32: 5e-6, torch.float64: 1e-12}


def one_by_one(model, x):
    """A batch of one and a backward pass per image."""
    rows = []
    for image in x:
        loss = ((model(image[None]) - image[None]) ** 2).mean()
        rows.append(torch.autograd.grad(loss, decoder_weights(model)))
    return [torch.stack(layer) for layer in zip(*rows, strict=True)]


def vectorised(model, x):
    """torch.func: the gradient of one image's loss, mapped over the batch."""
    parameters = {name: p.detach() for name, p in model.named_parameters()}

    def loss(values, image):
        found = func.functional_call(model, values, (image[None],))
        return ((found - image[None]) ** 2).mean()

    gradients = func.vmap(func.grad(loss), in_dims=(None, 0))(parameters, x)
    names = [name for name, p in model.named_parameters() for w in decoder_weights(model) if p is w]
    return [gradients[name] for name in names]


@pytest.mark.parametrize("slow", [one_by_one, vectorised])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", ROUNDING)
def test_equal_the_slow_ways(network, slow, channels, dtype):
    model = network(channels)[0].to(dtype)
    g = torch.Generator().manual_seed(1)
    x = torch.rand((7, channels, 28, 28), generator=g, dtype=dtype)
    found, wanted = decoder_gradients(model, x), slow(model, x)
    assert [tuple(a.shape) for a in found] == [(7, *w.shape) for w in decoder_weights(model)]
    for a, b in zip(found, wanted, strict=True):
        assert b.abs().amax(dim=(1, 2, 3, 4)).min() > 0
        assert a.dtype == dtype
        assert (a - b).abs().max() < ROUNDING[dtype] * b.abs().max()


def test_equal_the_slow_way_on_a_trained_network(trained, bars):
    model = trained[0]
    x = torch.cat([bars(4, 8), bars(4, 9).transpose(2, 3)])
    for a, b in zip(decoder_gradients(model, x), one_by_one(model, x), strict=True):
        assert (a - b).abs().max() < ROUNDING[torch.float32] * b.abs().max()


def test_mean_over_images_is_the_gradient_of_the_batch(network, bars):
    model, x = network()[0].double(), bars(6, 0).double()
    loss = torch.nn.functional.mse_loss(model(x), x)
    wanted = torch.autograd.grad(loss, decoder_weights(model))
    for a, b in zip(decoder_gradients(model, x), wanted, strict=True):
        assert (a.mean(0) - b).abs().max() < ROUNDING[torch.float64] * b.abs().max()


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


def test_refuses_images_of_another_shape(network):
    with pytest.raises(BadInput, match=r"\[2, 3, 28, 28\]"):
        decoder_gradients(network()[0], torch.rand(2, 3, 28, 28))
