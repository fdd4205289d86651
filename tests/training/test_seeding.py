"""Streams by seed and purpose, and the switches read back."""

import os
import random

import numpy as np
import pytest
import torch

from lib.training import deterministic, generator, numpy_generator

NAMED = [(0,), (1,), (0, "weights"), (0, "batches"), (1, "weights"), (0, "weights", 1)]
NAMED += [(0, "weights", 2), (0, 1, "weights")]


def torch_draw(*name):
    return torch.rand(8, generator=generator(*name)).tolist()


def numpy_draw(*name):
    return numpy_generator(*name).random(8).tolist()


@pytest.mark.parametrize("draw", [torch_draw, numpy_draw])
def test_equal_names_give_equal_streams_and_others_give_others(draw):
    first = [draw(*name) for name in NAMED]
    torch.rand(3), np.random.default_rng().random(3)  # whatever ran before
    assert [draw(*name) for name in NAMED] == first
    assert len({tuple(values) for values in first}) == len(NAMED)


@pytest.mark.usefixtures("switches")
def test_deterministic_switches_read_back():
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.benchmark = True
    deterministic(3)
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.is_deterministic_algorithms_warn_only_enabled()
    assert torch.backends.cudnn.benchmark is False
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"


@pytest.mark.usefixtures("switches")
def test_deterministic_seeds_every_global_state():
    def draw(seed):
        deterministic(seed)
        return random.random(), np.random.random(), torch.rand(()).item()

    first, other = draw(3), draw(4)
    assert draw(3) == first
    assert all(a != b for a, b in zip(first, other, strict=True))
