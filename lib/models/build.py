"""Networks with initial weights drawn from a generator that the caller passes in."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def build(make: Callable[[], Network], generator: torch.Generator) -> Network:
    """The network that `make` returns, with PyTorch's default initial weights drawn from
    `generator`; the global random state stays as it was.
    """
    # PyTorch's layers initialise from the global state only: lend it a seed of ours, then restore.
    seed = int(torch.randint(2**62, (), generator=generator))
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return make()


def count_parameters(network: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)
