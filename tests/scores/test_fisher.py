"""The Fisher kernel against sums over explicit gradients, and what it must not depend on."""

import copy

import pytest
import torch

from lib.errors import BadInput
from lib.models import decoder_weights
from lib.scores import fisher as module
from lib.scores.fisher import (
    fisher_diagonal,
    fisher_kernel,
    fisher_score,
    mean_fisher_score,
)

# Sums of 115,200 products of numbers with fifteen digits, in another order; measured 4e-15.
ROUNDING = 1e-12
# The same in float32: measured 7e-7.
SINGLE = 1e-5


@pytest.fixture
def double(network):
    """A network in float64, for one or three channels."""

    def make(channels=1, seed=0):
        return network(channels, seed)[0].double()

    return make


@pytest.fixture
def images(bars):
    def make(n, seed, channels=1):
        return bars(n, seed, channels=channels).double()

    return make


def explicit(model, x):
    """u of each image by autograd, `[n, weights]`: the gradient of -|x - model(x)|²/2."""
    rows = []
    for image in x.split(1):
        log_density = -((image - model(image)) ** 2).sum() / 2
        gradients = torch.autograd.grad(log_density, decoder_weights(model))
        rows.append(torch.cat([g.flatten() for g in gradients]))
    return torch.stack(rows)


def flat(parts):
    return torch.cat([p.flatten() for p in parts])


def close(a, b, tolerance=ROUNDING):
    assert a.shape == b.shape
    assert (a - b).abs().max() <= tolerance * b.abs().max()


@pytest.mark.parametrize(("channels", "damping"), [(1, 1e-3), (3, 0.5)])
def test_diagonal_is_the_mean_square_and_a_share_of_its_mean(double, images, channels, damping):
    model, train = double(channels), images(5, 0, channels)
    squares = explicit(model, train).square().mean(0)
    found = fisher_diagonal(model, train, damping=damping)
    assert [f.shape for f in found] == [w.shape for w in decoder_weights(model)]
    close(flat(found), squares + damping * squares.mean())
    if damping == 1e-3:
        close(flat(fisher_diagonal(model, train)), flat(found))


def test_mean_score_is_the_mean_of_u(double, images):
    model, train = double(), images(5, 0)
    found = mean_fisher_score(model, train)
    assert [f.shape for f in found] == [w.shape for w in decoder_weights(model)]
    close(flat(found), explicit(model, train).mean(0))


def test_the_kernel_is_a_sum_over_all_weights(double, images):
    model = double()
    train, a, b = (images(n, seed) for n, seed in ((5, 0), (2, 1), (3, 2)))
    fisher = fisher_diagonal(model, train)
    u, v, f = explicit(model, a), explicit(model, b), flat(fisher)
    wanted = torch.stack([torch.stack([(p * q / f).sum() for q in v]) for p in u])
    close(fisher_kernel(model, a, b, fisher), wanted)


def test_score_by_its_definition(double, images):
    model = double()
    train, x = images(5, 0), torch.cat([images(2, 1), images(2, 2).transpose(2, 3)])
    fisher, mean = fisher_diagonal(model, train), mean_fisher_score(model, train)
    u, m, f = explicit(model, x), explicit(model, train).mean(0), flat(fisher)
    lengths = ((u * u / f).sum(1) * (m * m / f).sum()).sqrt()
    found = fisher_score(model, x, mean, fisher)
    close(found, -(u * m / f).sum(1) / lengths)
    assert found.abs().max() <= 1


def test_one_training_image_by_hand(double, images):
    # F = u² + damping · mean(u²), and the mean score is the image's own: cosine 1
    model, x = double(), images(1, 0)
    fisher, mean = fisher_diagonal(model, x), mean_fisher_score(model, x)
    squares = explicit(model, x)[0].square()
    wanted = (squares / (squares + 1e-3 * squares.mean())).sum()
    close(fisher_kernel(model, x, x, fisher), wanted[None, None])
    assert fisher_score(model, x, mean, fisher).item() == pytest.approx(-1, abs=ROUNDING)
    opposite = fisher_score(model, x, [-m for m in mean], fisher)
    assert opposite.item() == pytest.approx(1, abs=ROUNDING)


def test_neither_chunks_nor_what_is_held_at_once_can_be_seen(double, images, monkeypatch):
    model, a, b, train = double(), images(7, 1), images(5, 2), images(5, 0)

    def everything():
        fisher, mean = fisher_diagonal(model, train), mean_fisher_score(model, train)
        rest = [fisher_kernel(model, a, b, fisher)]
        return [flat(fisher), flat(mean), *rest, fisher_score(model, a, mean, fisher)]

    whole = everything()
    monkeypatch.setattr(module, "CHUNK", 2)
    monkeypatch.setattr(module, "STORED", 3)
    for found, wanted in zip(everything(), whole, strict=True):
        close(found, wanted)


def test_single_precision_is_enough(network, bars):
    model, a, b, train = network()[0], bars(3, 1), bars(4, 2), bars(6, 0)
    results = []
    for network, dtype in ((model, torch.float32), (copy.deepcopy(model).double(), torch.float64)):
        x, y, z = (t.to(dtype) for t in (a, b, train))
        fisher, mean = fisher_diagonal(network, z), mean_fisher_score(network, z)
        found = [fisher_kernel(network, x, y, fisher)]
        results.append([*found, fisher_score(network, x, mean, fisher)])
    for single, wanted in zip(*results, strict=True):
        assert single.dtype == torch.float32
        close(single.double(), wanted, SINGLE)


def test_nothing_is_left_behind(network, bars):
    model, x = network()[0], bars(3, 0)
    before, state = copy.deepcopy(model), torch.random.get_rng_state()
    fisher, mean = fisher_diagonal(model, x), mean_fisher_score(model, x)
    found = [fisher_kernel(model, x, x, fisher), fisher_score(model, x, mean, fisher)]
    assert not any(t.requires_grad for t in (*fisher, *mean, *found))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(p.grad is None for p in model.parameters())
    for p, q in zip(model.parameters(), before.parameters(), strict=True):
        assert torch.equal(p, q)


# --- refusals


@pytest.fixture
def ready(network, bars):
    model, x = network()[0], bars(2, 0)
    return model, x, mean_fisher_score(model, x), fisher_diagonal(model, x)


def test_damping_not_above_zero_is_refused(ready):
    for damping in [0.0, -1.0, float("nan"), float("inf")]:
        model, x, _, _ = ready
        with pytest.raises(BadInput, match="damping must be a number above 0"):
            fisher_diagonal(model, x, damping=damping)


def test_no_images_are_refused(ready):
    model, x, mean, fisher = ready
    calls = [
        lambda: fisher_diagonal(model, x[:0]),
        lambda: mean_fisher_score(model, x[:0]),
        lambda: fisher_kernel(model, x[:0], x, fisher),
        lambda: fisher_kernel(model, x, x[:0], fisher),
        lambda: fisher_score(model, x[:0], mean, fisher),
    ]
    for call in calls:
        with pytest.raises(BadInput, match="no image"):
            call()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: f[::-1], "Fisher diagonal must have the shapes"),
        (lambda f: [*f[:3], torch.zeros_like(f[3])], "finite and above 0"),
        (lambda f: [*f[:3], f[3] * float("nan")], "finite and above 0"),
    ],
)
def test_a_diagonal_that_does_not_fit_is_refused(ready, spoil, message):
    model, x, mean, fisher = ready
    for call in (
        lambda f: fisher_kernel(model, x, x, f),
        lambda f: fisher_score(model, x, mean, f),
    ):
        with pytest.raises(BadInput, match=message):
            call(spoil(fisher))
