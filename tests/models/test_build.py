"""Initial weights come from the caller's generator and are distributed as PyTorch's own."""

import pytest
import torch
from torch import nn

from lib.models import CAE, build, count_parameters


def drawn(seed):
    return build(CAE, torch.Generator().manual_seed(seed))


def flat(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_leaves_the_global_random_state():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    drawn(0)
    assert torch.equal(torch.get_rng_state(), before)


def test_leaves_the_global_random_state_after_an_error():
    before = torch.get_rng_state()

    def broken():
        torch.rand(3)
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        build(broken, torch.Generator().manual_seed(0))
    assert torch.equal(torch.get_rng_state(), before)


def test_same_generator_state_gives_the_same_weights_whatever_the_global_seed():
    torch.manual_seed(1)
    first = flat(drawn(0))
    torch.manual_seed(2)
    assert torch.equal(flat(drawn(0)), first)
    assert not torch.equal(flat(drawn(1)), first)


def test_moves_the_generator_on():
    generator = torch.Generator().manual_seed(0)
    first, second = build(CAE, generator), build(CAE, generator)
    assert not torch.equal(flat(first), flat(second))


@pytest.mark.parametrize("seed", range(1))
def test_weights_follow_the_default_distribution(seed):
    # PyTorch's default: weights and biases uniform in ±1/sqrt(fan_in). Its fan_in counts the
    # second axis of the weight, which is the input of a convolution but the output of a
    # transposed one.
    for layer in drawn(seed).modules():
        if not isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            continue
        bound = (layer.weight.shape[1] * 4 * 4) ** -0.5
        weight = layer.weight.detach().flatten()
        n = len(weight)  # at least 512
        assert weight.abs().max() <= bound
        assert weight.abs().max() > 0.95 * bound  # missed with probability 0.95^512 = 4e-12
        # five standard errors: of the mean (bound/sqrt(3n)) and of the mean square, whose
        # variance for a uniform number is bound^4 · (1/5 - 1/9)
        assert weight.mean().abs() < 5 * bound / (3 * n) ** 0.5
        spread = weight.square().mean() / bound**2
        assert spread.item() == pytest.approx(1 / 3, abs=5 * ((1 / 5 - 1 / 9) / n) ** 0.5)
        assert layer.bias.abs().max() <= bound


def test_count_leaves_frozen_parameters_out():
    layers = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    assert count_parameters(layers) == (3 * 2 + 2) + (2 * 1 + 1)
    layers[0].requires_grad_(False)
    assert count_parameters(layers) == 2 * 1 + 1
