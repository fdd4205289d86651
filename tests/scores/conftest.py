"""A small trained network with its reference gradient, and images with a planted anomaly."""

import random
import warnings

import numpy as np
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


def all_that_can_be_touched(model, *tensors):
    """What a score must leave as it was, as plain values: two such snapshots compare with ==."""

    def bits(tensor):
        if tensor is None:
            return None
        return tuple(tensor.shape), tensor.detach().cpu().numpy().tobytes()

    parameters, modules = list(model.parameters()), list(model.modules())
    return {
        "parameters and buffers": {name: bits(t) for name, t in model.state_dict().items()},
        "identity": [id(p) for p in parameters],
        "tensors": [bits(t) for t in tensors],
        "gradients": [bits(t.grad) for t in [*parameters, *tensors]],
        "requires_grad": [t.requires_grad for t in [*parameters, *tensors]],
        "modules": [(type(m), m.training) for m in modules],
        "hooks": [
            (len(m._forward_hooks), len(m._forward_pre_hooks), len(m._backward_hooks))
            for m in modules
        ],
        "random": (
            *(bits(torch.get_rng_state()), np.random.get_state()[1].tolist()),
            random.getstate(),
        ),
        "grad mode": torch.is_grad_enabled(),
        "filters": list(warnings.filters),
    }


@pytest.fixture
def snapshot():
    return all_that_can_be_touched


@pytest.fixture
def leaves_no_trace(snapshot):
    """Hold a map of a model's images to change nothing, whatever state it finds, or its values."""

    def check(found_by, model, x, state):
        wanted = found_by(model, x)
        if state == "with gradients":
            model(x).sum().backward()
        if state == "frozen":
            model.requires_grad_(False)
        if state == "images with gradient":
            x.requires_grad_()
        before = snapshot(model, x)
        with torch.set_grad_enabled(state != "no grad"):
            found = found_by(model, x)
        assert snapshot(model, x) == before
        assert found.grad_fn is None and not found.requires_grad
        assert torch.equal(found, wanted)

    return check


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
