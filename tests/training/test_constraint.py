"""The written-out gradient of J against autograd's, and where there is nothing to see."""

import math

import pytest
import torch
import torch.nn.functional as F

from lib.errors import BadInput
from lib.models import CAE, build, decoder_weights
from lib.models.vae import pixel_logits
from lib.training import gradient_cosines
from lib.training.constraint import objective_backward

DOUBLE = torch.float64
# Float64 sums of some thousand terms in another order: measured 8e-15 of each parameter's largest
TIGHT = 1e-13


@pytest.fixture
def setting():
    """A network, images, and a reference of another network's making, in float64."""

    def make(channels=1, seed=0):
        draw = torch.Generator().manual_seed(seed)
        model = build(lambda: CAE(channels), draw).double()
        x = torch.rand(5, channels, 28, 28, generator=draw, dtype=DOUBLE)
        drawn = [torch.randn(w.shape, generator=draw, dtype=DOUBLE) for w in decoder_weights(model)]
        return model, x, drawn

    return make


def by_autograd(model, x, reference, alpha, kind):
    h = model.encode(x)
    if kind == "bce":
        loss = F.binary_cross_entropy_with_logits(pixel_logits(model, h), x)
    else:
        loss = F.mse_loss(model.decode(h), x)
    gradients = torch.autograd.grad(loss, decoder_weights(model), create_graph=True)
    cosine = gradient_cosines(gradients, reference).mean()
    found = torch.autograd.grad(loss - alpha * cosine, list(model.parameters()))
    return loss.item(), cosine.item(), found


@pytest.mark.parametrize("kind", ["squared", "bce"])
@pytest.mark.parametrize("alpha", [0.0, 0.03, 30.0])
@pytest.mark.parametrize("channels", [1, 3])
def test_equals_autograds_gradient(setting, kind, alpha, channels):
    model, x, reference = setting(channels)
    found = objective_backward(model, x, reference, alpha=alpha, reconstruction=kind)
    loss, cosine, wanted = by_autograd(model, x, reference, alpha, kind)
    assert found == (pytest.approx(loss, rel=TIGHT), pytest.approx(cosine, rel=TIGHT))
    for parameter, g in zip(model.parameters(), wanted, strict=True):
        assert parameter.grad.shape == g.shape
        assert (parameter.grad - g).abs().max() < TIGHT * g.abs().max()


def test_equals_the_slope_of_the_objective(setting):
    # central differences along one direction at a time need no derivative at all
    model, x, reference = setting()
    alpha, small = 0.5, 1e-7  # a longer way passes points where a ReLU opens and g jumps
    objective_backward(model, x, reference, alpha=alpha)
    gradients = [p.grad.clone() for p in model.parameters()]
    draw = torch.Generator().manual_seed(1)
    for parameter, g in zip(model.parameters(), gradients, strict=True):
        direction = torch.randn(g.shape, generator=draw, dtype=DOUBLE)
        direction /= direction.norm()
        ends = []
        for sign in (1, -1):
            with torch.no_grad():
                parameter += sign * small * direction
            loss, cosine = objective_backward(model, x, reference, alpha=alpha)
            ends.append(loss - alpha * cosine)
            with torch.no_grad():
                parameter -= sign * small * direction
        slope = (ends[0] - ends[1]) / (2 * small)
        # J near 1 is rounded by 1e-16, a billionth of a slope of 1 over this step
        assert slope == pytest.approx((g * direction).sum().item(), rel=1e-5, abs=1e-8)


def test_without_a_reference_it_is_the_plain_gradient(setting):
    model, x, reference = setting()
    loss, cosine = objective_backward(model, x, [], alpha=1.0)
    assert math.isnan(cosine)
    wanted = by_autograd(model, x, reference, 0.0, "squared")
    assert loss == pytest.approx(wanted[0], rel=TIGHT)
    for parameter, g in zip(model.parameters(), wanted[2], strict=True):
        assert (parameter.grad - g).abs().max() < TIGHT * g.abs().max()


def test_a_dead_decoder_has_a_cosine_of_0_and_moves_its_last_bias_alone(setting):
    model, x, reference = setting()
    with torch.no_grad():
        model.decoder[4].bias.fill_(-10)  # no ReLU before the last layer opens
    _, cosine = objective_backward(model, x, reference, alpha=0.03)
    assert cosine == 0
    *others, last = [p.grad.abs().max().item() for p in model.parameters()]
    assert others == [0] * len(others)
    assert last > 0


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("alpha", [0.0, 0.03])
def test_gradients_lie_in_memory_as_their_parameters_do(setting, channels, alpha):
    # a fused optimiser pairs them by place in memory, not by index
    model, x, reference = setting(channels)
    objective_backward(model, x, reference, alpha=alpha)
    assert all(p.grad.stride() == p.stride() for p in model.parameters())


def test_images_of_another_size_are_refused(setting):
    model, x, reference = setting()
    with pytest.raises(BadInput, match="takes images"):
        objective_backward(model, x[..., :27], reference, alpha=0.03)
