"""A small trained network with its reference gradient, and images with a planted anomaly."""

import pytest
import torch

from lib.models import CAE, build, decoder_weights
from lib.training import fit


def draw_bars(n, seed, channels=1):
    """`n` images of one bright horizontal bar near the top, on a dark noisy ground."""
    g = torch.Generator().manual_seed(seed)
    x = 0.1 * torch.rand((n, channels, 28, 28), generator=g)
    starts = torch.randint(2, 6, (n,), generator=g)
    for image, start in zip(x, starts, strict=True):
        image[:, start : start + 5] = 0.9
    return x


@pytest.fixture
def bars():
    return draw_bars


@pytest.fixture
def network():
    """A CAE from a seed, and a reference gradient of the right shapes drawn at random."""

    def make(channels=1, seed=0):
        g = torch.Generator().manual_seed(seed)
        model = build(lambda: CAE(channels), g)
        return model, [torch.randn(w.shape, generator=g) for w in decoder_weights(model)]

    return make


@pytest.fixture(scope="session")
def trained():
    """CAE+Grad after six epochs of bars: model, reference gradient, training images."""
    model, train = build(CAE, torch.Generator().manual_seed(0)), draw_bars(96, 1)
    g = torch.Generator().manual_seed(0)
    found = fit(model, train, draw_bars(16, 2), generator=g, epochs=6, batch_size=8)
    return found.model, found.reference.mean, train
