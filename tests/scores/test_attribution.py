"""Attributions by hand, against slow twins, and without a trace."""

import copy
from functools import partial

import numpy as np
import pytest
import torch
from captum.attr import InputXGradient
from torch import nn

from lib.errors import BadInput
from lib.models import CAE, LSAAutoencoder, build
from lib.scores import (
    gradient_times_input,
    guided_backpropagation,
    input_gradient,
    integrated_gradients,
    saliency_map,
    smooth_gradient,
)

FLOAT64 = 1e-12  # sums of up to 784 terms in another order
WEIGHTS32 = 1e-6  # captum rounds the weights of its integration points to float32
# steps and samples as few as will do: none of these tests is about accuracy
QUICK = {
    "gradient times input": gradient_times_input,
    "integrated": partial(integrated_gradients, steps=4),
    "guided": guided_backpropagation,
    "smooth": lambda model, x, **options: smooth_gradient(
        model, x, generator=torch.Generator().manual_seed(5), samples=2, **options
    ),
}


@pytest.fixture(params=QUICK)
def attribution(request):
    return QUICK[request.param]


def images(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture(scope="module")
def settled():
    """LSA's autoencoder in float64; 10 batches bring its running averages to where they stay.

    Without them hardly any gradient comes through the network; with them it is half as long as
    the target's part.
    """
    made = build(LSAAutoencoder, torch.Generator().manual_seed(0)).double()
    with torch.no_grad():
        for seed in range(10):
            made(images(8, 1, 28, 28, seed=10 + seed))
    return made.eval()


@pytest.fixture
def model(settled):
    return copy.deepcopy(settled)


class Times(nn.Module):
    """x → a x, without a weight."""

    def __init__(self, a):
        super().__init__()
        self.a = a
        self.eval()

    def forward(self, x):
        return self.a * x


# --- by hand


@pytest.mark.parametrize("a", [0.5, -1.0])
def test_attributions_of_a_multiple_of_the_image_by_hand(a):
    # F = mean of (x - a x)² over 3·4 pixels, so the gradient is 2 (1 - a)² x / 12
    x = images(3, 1, 3, 4)
    gradient = 2 * (1 - a) ** 2 * x[:, 0] / 12
    found = gradient_times_input(Times(a), x)
    torch.testing.assert_close(found, gradient * x[:, 0], rtol=FLOAT64, atol=0)
    # along the way t x it is t times that, whose mean over t in [0, 1] is a half
    for steps in (1, 2, 32):  # one point is exact for a straight line
        found = integrated_gradients(Times(a), x, steps=steps)
        torch.testing.assert_close(found, gradient * x[:, 0] / 2, rtol=WEIGHTS32, atol=0)
    # nothing to guide
    found = guided_backpropagation(Times(a), x)
    torch.testing.assert_close(found, gradient, rtol=FLOAT64, atol=0)
    # the gradient is linear, so the mean over noisy copies is that of the copies' mean
    g = torch.Generator().manual_seed(1)
    mean = sum(torch.randn(x.shape, generator=g, dtype=x.dtype) for _ in range(3)) / 3
    wanted = (2 * (1 - a) ** 2 * (x + 0.7 * mean) / 12).abs()[:, 0]
    g = torch.Generator().manual_seed(1)
    found = smooth_gradient(Times(a), x, generator=g, samples=3, noise=0.7)
    torch.testing.assert_close(found, wanted, rtol=FLOAT64, atol=FLOAT64)


def test_the_largest_channel_is_found():
    # x → 0 with pixels 0.3 and 0.9 of two channels: F = (0.3² + 0.9²) / 2
    x = torch.tensor([0.3, 0.9], dtype=torch.float64).view(1, 2, 1, 1)
    zero = Times(0.0)
    assert gradient_times_input(zero, x).item() == pytest.approx(0.9**2, rel=FLOAT64)
    assert integrated_gradients(zero, x).item() == pytest.approx(0.9**2 / 2, rel=WEIGHTS32)
    assert guided_backpropagation(zero, x).item() == pytest.approx(0.9, rel=FLOAT64)
    found = smooth_gradient(zero, x, generator=torch.Generator(), noise=0.0)
    assert found.item() == pytest.approx(0.9, rel=FLOAT64)


def one_pixel_network(w, v, activation):
    """x → v · activation(w x) for images of one pixel."""
    made = nn.Sequential(
        nn.Conv2d(1, 1, 1, bias=False), activation, nn.Conv2d(1, 1, 1, bias=False)
    ).double()
    nn.init.constant_(made[0].weight, w)
    nn.init.constant_(made[2].weight, v)
    return made.eval()


@pytest.mark.parametrize(
    ("w", "v", "wanted"),
    [
        # x = 1/2, y = the output; the target's part 2 (x - y), then w · what passes the activation
        # of -2 (x - y) v
        (2, 1.5, 2 * -1.0 + 2 * 3.0),  # y = 1.5: 3 is passed on
        (2, 0.25, 2 * 0.25 + 2 * 0.0),  # y = 0.25: -0.125 is not
        (-2, 1, 2 * 0.6 + -2 * 0.0),  # input -1, y = -0.1: -1.2 · 0.1 is not
        (-2, -1, 2 * 0.4 + -2 * 0.08),  # y = 0.1: 0.8 is passed on with the slope 0.1
    ],
)
def test_guided_backpropagation_through_a_leaky_relu_by_hand(w, v, wanted):
    network = one_pixel_network(w, v, nn.LeakyReLU(0.1))
    x = torch.full((1, 1, 1, 1), 0.5, dtype=torch.float64)
    found = guided_backpropagation(network, x)
    assert found.item() == pytest.approx(wanted, rel=FLOAT64)


# --- slow twins


def test_gradient_times_input_is_that_of_captum(model):
    x = images(3, 1, 28, 28)
    method = InputXGradient(lambda x: (x - model(x)).square().flatten(1).mean(1))
    wanted = method.attribute(x.clone().requires_grad_()).detach().abs()[:, 0]
    torch.testing.assert_close(gradient_times_input(model, x), wanted, rtol=0, atol=FLOAT64)


def test_integrated_gradients_are_a_weighted_sum_of_gradients_on_the_way(model):
    x = images(2, 1, 28, 28)
    points, weights = np.polynomial.legendre.leggauss(5)  # on [-1, 1], of total weight 2
    gradients = [
        w / 2 * input_gradient(model, (1 + t) / 2 * x) for t, w in zip(points, weights, strict=True)
    ]
    wanted = (sum(gradients) * x).abs()[:, 0]
    found = integrated_gradients(model, x, steps=5)
    torch.testing.assert_close(found, wanted, rtol=0, atol=WEIGHTS32 * wanted.max().item())


class Guided(torch.autograd.Function):
    """LeakyReLU that passes back the positive part of its gradient only."""

    @staticmethod
    def forward(ctx, x, slope):
        ctx.save_for_backward(x)
        ctx.slope = slope
        return torch.where(x > 0, x, slope * x)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return torch.where(x > 0, gradient, ctx.slope * gradient).clamp(min=0), None


class GuidedModule(nn.Module):
    def __init__(self, slope):
        super().__init__()
        self.slope = slope

    def forward(self, x):
        return Guided.apply(x, self.slope)


def guided_twin(model):
    """A copy with its own rule in place of each activation."""
    twin = copy.deepcopy(model)
    for parent in list(twin.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.LeakyReLU | nn.ReLU):
                setattr(parent, name, GuidedModule(getattr(child, "negative_slope", 0.0)))
    return twin.eval()


def test_guided_backpropagation_is_the_plain_gradient_of_guided_activations():
    model = build(CAE, torch.Generator().manual_seed(0)).double().eval()
    with torch.no_grad():  # else hardly any gradient comes through it
        for layer in [*model.encoder[::2], *model.decoder[::2]]:
            layer.weight *= 3
    x = images(3, 1, 28, 28)
    found, wanted = guided_backpropagation(model, x), saliency_map(guided_twin(model), x)
    torch.testing.assert_close(found, wanted, rtol=0, atol=FLOAT64)
    # and the rule matters, by far more than rounding
    assert (found - saliency_map(model, x)).abs().max() > 0.01 * wanted.max()


# --- smoothing


def test_noise_comes_from_the_generator_whatever_the_batch_size(model):
    x = images(5, 1, 28, 28)

    def run(seed, **options):
        g = torch.Generator().manual_seed(seed)
        return smooth_gradient(model, x, generator=g, samples=2, **options)

    first = run(0)
    torch.manual_seed(8)
    for batch_size in (2, 3):
        found = run(0, batch_size=batch_size)
        torch.testing.assert_close(found, first, rtol=0, atol=FLOAT64)
    # different noise, by far more than rounding
    assert (run(1) - first).abs().max() > 0.01 * first.max()
    g = torch.Generator().manual_seed(0)
    twice = [smooth_gradient(model, x, generator=g, samples=2) for _ in range(2)]
    assert torch.equal(twice[0], first) and not torch.equal(twice[1], first)


# --- no trace, and bad input


@pytest.mark.parametrize("name", [name for name in QUICK if name != "smooth"])
def test_a_batch_equals_one_at_a_time(model, name):
    x = images(3, 1, 28, 28)
    alone = torch.cat([QUICK[name](model, image[None]) for image in x])
    assert alone.shape == (3, 28, 28) and alone.min() >= 0
    assert alone.flatten(1).amax(1).min() > 0
    for batch_size in (2, 9):  # of integration: fewer than an image's steps, two images
        found = QUICK[name](model, x, batch_size=batch_size)
        torch.testing.assert_close(found, alone, rtol=0, atol=FLOAT64)


def test_no_more_images_than_the_batch_size_pass_at_once(model, attribution):
    seen = []

    def spied(module, inputs):
        seen.append(len(inputs[0]))

    model.register_forward_pre_hook(spied)
    attribution(model, images(5, 1, 28, 28), batch_size=3)
    assert 0 < max(seen) <= 3


@pytest.mark.parametrize("state", ["with gradients", "no grad"])
def test_attributions_leave_no_trace(leaves_no_trace, model, attribution, state):
    leaves_no_trace(attribution, model, images(3, 1, 28, 28), state)


class FirstChannel(Times):
    def forward(self, x):
        return x[:, :1]


def test_nonsense_is_refused_in_words(attribution):
    with pytest.raises(BadInput, match=r"images \[n, c, h, w\]"):
        attribution(Times(1.0), torch.zeros(0, 1, 4, 4))
    with pytest.raises(BadInput, match="batch size must be at least 1, but 0"):
        attribution(Times(1.0), torch.zeros(1, 1, 4, 4), batch_size=0)
    with pytest.raises(BadInput, match=r"shape \[\d, 3, 4, 4\] of the images"):
        attribution(FirstChannel(1.0), torch.zeros(1, 3, 4, 4))  # one channel would broadcast


def test_bad_options_are_refused():
    x, g = torch.zeros(1, 1, 4, 4), torch.Generator().manual_seed(0)
    with pytest.raises(BadInput, match="steps must be at least 1, but 0"):
        integrated_gradients(Times(1.0), x, steps=0)
    with pytest.raises(BadInput, match="samples must be at least 1, but 0"):
        smooth_gradient(Times(1.0), x, generator=g, samples=0)
    with pytest.raises(BadInput, match="noise must be a number of at least 0"):
        smooth_gradient(Times(1.0), x, generator=g, noise=-0.1)
    with pytest.raises(BadInput, match=r"needs an nn\.Module"):
        guided_backpropagation(lambda x: x, x)
