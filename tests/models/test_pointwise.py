"""A strided 1×1 convolution that picks its pixels first: the same numbers as PyTorch's."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from lib.models.pointwise import PointwiseConv2d
from lib.paths import ROOT


@pytest.mark.parametrize(("size", "stride"), [(8, 2), (7, 2), (7, 3)])
def test_it_is_the_strided_convolution(size: int, stride: int) -> None:
    g = torch.Generator().manual_seed(0)
    ours = PointwiseConv2d(3, 5, stride=stride).double()
    theirs = nn.Conv2d(3, 5, 1, stride=stride, bias=False).double()
    theirs.load_state_dict(ours.state_dict())
    x = torch.rand((2, 3, size, size), generator=g, dtype=torch.float64, requires_grad=True)
    found, wanted = ours(x), theirs(x)
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=0)  # sums of three products
    weights = torch.rand(wanted.shape, generator=g, dtype=torch.float64)
    pairs = zip(
        torch.autograd.grad((found * weights).sum(), [x, ours.weight]),
        torch.autograd.grad((wanted * weights).sum(), [x, theirs.weight]),
        strict=True,
    )
    for one, other in pairs:  # sums of positive products, 128 at most
        torch.testing.assert_close(one, other, rtol=1e-12, atol=0)


# In a process of its own, with an end: were the layer PyTorch's, some CPUs would crash or hang.
SECONDS = 200  # it takes 5; a busy machine imports PyTorch slowly
NARROW = """\
import torch

from lib.models import ResNet34

for width in (1, 3):
    network = ResNet34(4, width=width, channels=1, mean=[0], deviation=[1])
    network.to(memory_format=torch.channels_last).train()
    for _ in range(2):
        network(torch.rand(16, 1, 32, 32)).square().mean().backward()
"""


def test_narrow_networks_train_on_every_cpu() -> None:
    line = [sys.executable, "-c", NARROW]
    done = subprocess.run(
        line, cwd=ROOT, capture_output=True, text=True, check=False, timeout=SECONDS
    )
    assert done.returncode == 0, done.stderr
