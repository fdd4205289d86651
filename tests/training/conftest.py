"""Made images, small networks and the state of the switches."""

import os
import random

import numpy as np
import pytest
import torch

from lib.models import CAE, build
from lib.training import fit


def draw_bars(n, seed, *, vertical=False):
    """`n` images of one bright bar near the top (or the left) edge, on a dark noisy ground."""
    g = torch.Generator().manual_seed(seed)
    x = 0.1 * torch.rand((n, 1, 28, 28), generator=g)
    starts = torch.randint(2, 6, (n,), generator=g)
    for image, start in zip(x, starts, strict=True):
        image[0, start : start + 5] = 0.9
    return x.transpose(2, 3).contiguous() if vertical else x


@pytest.fixture
def bars():
    return draw_bars


@pytest.fixture
def network():
    """A CAE of one channel from a seed."""

    def make(seed=0):
        return build(CAE, torch.Generator().manual_seed(seed))

    return make


@pytest.fixture
def train(network, bars):
    """A small training: three batches per epoch."""

    def run(*, weights=0, batches=0, epochs=2, **options):
        return fit(
            network(weights),
            bars(24, 1),
            bars(12, 2),
            generator=torch.Generator().manual_seed(batches),
            epochs=epochs,
            **{"batch_size": 8} | options,
        )

    return run


@pytest.fixture
def same():
    """Whether two trainings ended alike to the last bit, the time they took aside."""

    def compare(a, b):
        weights = zip(a.model.state_dict().values(), b.model.state_dict().values(), strict=True)
        means = zip(a.reference.mean, b.reference.mean, strict=True)
        histories = [[e | {"seconds": 0.0} for e in found.history] for found in (a, b)]
        return (
            all(torch.equal(x, y) for x, y in weights)
            and all(torch.equal(x, y) for x, y in means)
            and (a.reference.steps, a.epoch) == (b.reference.steps, b.epoch)
            and histories[0] == histories[1]
        )

    return compare


@pytest.fixture
def killed_after():
    """A progress function that stops the training after an epoch, as Ctrl-C does."""

    def make(epoch):
        def progress(entry):
            if entry["epoch"] == epoch:
                raise KeyboardInterrupt

        return progress

    return make


@pytest.fixture
def switches(monkeypatch):
    """Puts determinism flags and global random states back after the test."""
    # first a value, then none: monkeypatch then knows what to restore
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")
    del os.environ["CUBLAS_WORKSPACE_CONFIG"]
    algorithms = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    benchmark = torch.backends.cudnn.benchmark
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    yield
    torch.use_deterministic_algorithms(algorithms, warn_only=warn_only)
    torch.backends.cudnn.benchmark = benchmark
    random.setstate(states[0])
    np.random.set_state(states[1])
    torch.set_rng_state(states[2])
