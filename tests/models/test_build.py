"""Initial weights come from the caller's generator and are distributed as PyTorch's own."""

import pytest
import torch
from torch import nn

from lib.models import CAE, build, count_parameters


def drawn(seed):
    return build(CAE, torch.Generator().manual_seed(seed))


def flat(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


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


def test_count_leaves_frozen_parameters_out():
    layers = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    assert count_parameters(layers) == (3 * 2 + 2) + (2 * 1 + 1)
    layers[0].requires_grad_(False)
    assert count_parameters(layers) == 2 * 1 + 1
