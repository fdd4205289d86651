"""Toy training rules: one step by hand, against theory, repeatable, refusing nonsense."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from lib.data.mixture import MIXTURE
from lib.data.toy import rings
from lib.errors import BadInput
from lib.models import build
from lib.models.toy import ToyAutoencoder, ToyDenoisingClassifier
from lib.training.toy import fit_toy_autoencoder, fit_toy_denoising_classifier


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def network(hidden=100, activation="relu"):
    return build(lambda: ToyAutoencoder(hidden, activation=activation), seeded())


def classifier():
    return build(lambda: ToyDenoisingClassifier(3, 30), seeded())


def fit(model, draw=MIXTURE.sample, seed=0, **options):
    return fit_toy_autoencoder(model, draw, generator=seeded(seed), **{"noise": 0.1} | options)


class Linear(nn.Module):
    """r(x) = scale · x + shift, with a memory of what it was shown."""

    def __init__(self, scale=1.0, shift=0.0):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(scale))
        self.shift = nn.Parameter(torch.tensor(shift))
        self.shown = []

    def forward(self, x):
        self.shown.append(x.detach().clone())
        return self.scale * x + self.shift


@pytest.mark.parametrize("contractive", [False, True])
def test_both_rules_have_the_known_minimum_of_a_linear_reconstruction(contractive):
    # r = s·x on x of variance v: noise and contraction both cost (1 - s)² v + s² sigma² for each
    # coordinate, least at s = v / (v + sigma²) = 0.25 / (0.25 + 0.25)
    def draw(n, generator):
        return 0.5 * torch.randn((n, 2), generator=generator)

    model = Linear(0.7, 0.1)
    losses = fit(model, draw, seed=4, noise=0.5, contractive=contractive, steps=300)
    assert float(model.scale.detach()) == pytest.approx(0.5, abs=0.03)
    assert float(model.shift.detach()) == pytest.approx(0, abs=0.03)
    # two coordinates of 0.5² · 0.25 + 0.5² · 0.25; 100 batches of 512 have an error of 0.5 %
    assert losses[-1] == pytest.approx(0.25, rel=0.03)
    assert len(losses) == 3 and not model.training


def test_the_joint_loss_of_the_rings_by_a_slow_copy_and_what_it_learns():
    points, labels = map(torch.from_numpy, rings(200, np.random.default_rng(0)))
    model, copy, draw = classifier(), classifier(), seeded(3)
    options = {"noise": 0.2, "batch_size": 128}
    losses = fit_toy_denoising_classifier(
        model, points, labels, generator=seeded(3), steps=1, **options
    )
    rows = torch.randint(len(points), (128,), generator=draw)
    x = points[rows]
    logits, r = copy.both(x + 0.2 * torch.randn(x.shape, generator=draw))
    right = logits.softmax(1)[torch.arange(128), labels[rows]]
    wanted = float((-right.log() + ((r - x) ** 2).sum(1)).mean().detach())
    assert losses == pytest.approx([wanted], rel=1e-5)  # float32 rounding
    fit_toy_denoising_classifier(model, points, labels, generator=seeded(1), steps=200, **options)
    # rings lie 0.6 apart, so that no point is ambiguous
    assert (model(points).argmax(1) == labels).all()
    errors = [(net.reconstruct(points) - points).norm(dim=1).mean() for net in (copy, model)]
    assert errors[1] < 0.4 * errors[0]


def test_the_losses_and_the_first_step_by_hand():
    def draw(n, _):
        return torch.tensor([[1.0, 2.0]]).repeat(n, 1)

    # r(1, 2) = (1.5, 2): squared distance 0.25, gradients in scale 2 · 0.5 · 1 and shift 2 · 0.5,
    # both above 0: Adam's first step takes the rate off either
    model = Linear(0.5, 1.0)
    assert fit(model, draw, noise=0.0, steps=1, batch_size=4) == pytest.approx([0.25])
    assert [float(p.detach()) for p in model.parameters()] == pytest.approx([0.497, 0.997])
    # the Jacobian is 0.5 times the identity: a squared Frobenius norm of 0.5² + 0.5²
    losses = fit(Linear(0.5, 1.0), draw, noise=0.6, contractive=True, steps=1)
    assert losses == pytest.approx([0.25 + 0.36 * 0.5])


def test_the_jacobian_equals_pytorchs():
    model, x = network(hidden=9, activation="tanh"), MIXTURE.sample(6, seeded(5))
    jacobians = torch.stack([torch.func.jacrev(model)(p[None])[0, :, 0] for p in x])
    wanted = (model(x) - x).square().sum(1).mean() + 0.49 * jacobians.square().sum((1, 2)).mean()
    (found,) = fit(model, lambda *_: x, noise=0.7, contractive=True, steps=1)
    assert found == pytest.approx(wanted.item(), rel=1e-5)  # float32 sums of some dozen terms
    assert not x.requires_grad


def test_the_noise_is_gaussian_and_not_clipped():
    model = Linear()
    fit(model, lambda n, _: torch.full((n, 2), 3.0), noise=2.0, steps=40)
    shown = torch.cat(model.shown)
    assert len(shown) == 40 * 512
    # 40,960 numbers: five standard errors of mean and deviation, 2/√n and 2/√(2n)
    assert shown.mean().item() == pytest.approx(3, abs=0.05)
    assert shown.std().item() == pytest.approx(2, abs=0.035)
    assert shown.min() < -3 and shown.max() > 9


def test_the_learning_rate_falls_along_half_a_cosine():
    # Adam moves by its rate while the gradient stays as it is: here to parts in a million, since
    # the target is that far away and nothing but the shift can move
    model, path = Linear(0.0, 0.0), []
    model.scale.requires_grad_(False)

    def draw(*_):
        path.append(float(model.shift.detach()))
        return torch.full((4, 2), 1e6)

    fit(model, draw, noise=0.0, steps=5)
    path.append(float(model.shift.detach()))
    rates = [3e-3 * (1 + math.cos(math.pi * i / 5)) / 2 for i in range(5)]
    assert np.diff(path) == pytest.approx(rates, rel=1e-3)


def runs():
    points, labels = map(torch.from_numpy, rings(20, np.random.default_rng(0)))

    def autoencoder(seed, **options):
        model = network(hidden=9)
        return model, fit(model, seed=seed, steps=20, batch_size=16, **options)

    def rule(seed):
        model, options = classifier(), {"steps": 20, "batch_size": 16}
        losses = fit_toy_denoising_classifier(
            model, points, labels, generator=seeded(seed), **options
        )
        return model, losses

    return [autoencoder, lambda seed: autoencoder(seed, contractive=True), rule]


@pytest.mark.parametrize("run", runs(), ids=["dae", "cae", "classifier"])
def test_same_seed_same_training_and_no_trace(run):
    torch.manual_seed(7)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    (model, losses), (twin, again), (_, other) = run(0), run(0), run(1)
    assert losses == again and losses != other
    for a, b in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.equal(a, b)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])


def test_bad_input_is_refused_in_words():
    for options, words in (
        ({"steps": 0}, "steps must be a whole number of at least 1"),
        ({"batch_size": 2.5}, "batch_size must be a whole number"),
        ({"noise": math.nan}, "noise must be a number of at least 0"),
        ({"draw": lambda *_: torch.zeros(4)}, r"Points \[n, 2\] and as many"),
    ):
        with pytest.raises(BadInput, match=words):
            fit(Linear(), **options)
    with pytest.raises(BadInput, match=r"not \[512, 2\] and \[512, 1\]"):
        fit(nn.Linear(2, 1))
    for labels in ([0, 1], [0, 1, 3], [-1, 1, 2]):
        with pytest.raises(BadInput, match="Labels must be 3 numbers from 0 to 2"):
            fit_toy_denoising_classifier(
                classifier(), torch.zeros(3, 2), torch.tensor(labels), generator=seeded()
            )
