"""The toy training rules: one step by hand, against theory, repeatable, refusing nonsense."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from lib.data.mixture import MIXTURE, optimal_denoiser
from lib.data.toy import plane, rings
from lib.errors import BadInput
from lib.metrics.fields import field_agreement
from lib.models import build
from lib.models.toy import ToyAutoencoder, ToyDenoisingClassifier
from lib.training.toy import drawn_from, fit_toy_cae, fit_toy_dae, fit_toy_denoising_classifier

BOTH = pytest.mark.parametrize("fit", [fit_toy_dae, fit_toy_cae])


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def network(seed=0, hidden=100, activation="relu"):
    return build(lambda: ToyAutoencoder(hidden, activation=activation), seeded(seed))


def classifier(seed=0):
    return build(lambda: ToyDenoisingClassifier(3, 30), seeded(seed))


def strength(fit, value):
    return {"noise" if fit is fit_toy_dae else "contraction": value}


def two_points():
    return torch.tensor([[1.0, 2.0], [1.0, 2.0]])


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


# --- training


def test_the_dae_finds_the_score_of_the_smoothed_density():
    noise, model = 0.3, network()
    losses = fit_toy_dae(model, MIXTURE.sample, generator=seeded(1), noise=noise, steps=1500)
    grid = plane(-2.5, 2.5, 40)
    with torch.no_grad():
        r = model(torch.from_numpy(grid)).double().numpy()
    weights = np.exp(MIXTURE.log_density(grid, noise))
    estimated = (r - grid) / noise**2
    found = field_agreement(estimated, MIXTURE.score(grid, noise), weights)
    # five seeds gave slopes from 0.991 to 0.993, R² from 0.996 and cosines from 0.997 on; what they
    # leave to 1 may here be about three times as much
    assert found.slope == pytest.approx(1, abs=0.03)
    assert found.r2 > 0.985 and found.cosine > 0.99
    # what is learned is the smoothed score, not the clean one, which is three times as steep
    clean = field_agreement(estimated, MIXTURE.score(grid), np.exp(MIXTURE.log_density(grid)))
    best = (optimal_denoiser(MIXTURE, grid, sigma=noise) - grid) / noise**2
    wanted = field_agreement(best, MIXTURE.score(grid), np.exp(MIXTURE.log_density(grid)))
    assert wanted.slope < 1 / 3
    assert clean.slope == pytest.approx(wanted.slope, abs=0.01)  # five seeds: within 0.002
    # the loss that remains is the optimal denoiser's
    x = MIXTURE.sample(100_000, seeded(2)).double()
    y = x + noise * torch.randn(x.shape, generator=seeded(3), dtype=torch.float64)
    least = ((optimal_denoiser(MIXTURE, y, sigma=noise) - x.numpy()) ** 2).sum(1).mean()
    # each mean, over 51,200 and 100,000 points, has a standard error below 0.5 %; five of them
    assert losses[-1] == pytest.approx(least, rel=0.025)
    assert losses[-1] < 0.8 * losses[0]


def test_the_untrained_network_finds_no_score():
    grid = plane(-2.5, 2.5, 40)
    with torch.no_grad():
        r = network()(torch.from_numpy(grid)).double().numpy()
    weights = np.exp(MIXTURE.log_density(grid, 0.3))
    # r is about 0, so that r - x points to the origin: cosines of 0.5 by chance, R² far below 0
    assert field_agreement((r - grid) / 0.09, MIXTURE.score(grid, 0.3), weights).r2 < 0


def test_the_cae_is_a_small_noise_dae():
    """For a linear reconstruction of one Gaussian both losses have one known minimum."""

    # r = s·x on x of variance v: noise and contraction both cost (1 - s)² v + s² sigma² for each
    # coordinate, least at s = v / (v + sigma²) = 0.25 / (0.25 + 0.25)
    def draw(n, generator):
        return 0.5 * torch.randn((n, 2), generator=generator)

    for fit, value in ((fit_toy_dae, 0.5), (fit_toy_cae, 0.25)):
        model = Linear()
        losses = fit(
            model, draw, generator=seeded(4), steps=600, learning_rate=0.02, **strength(fit, value)
        )
        # measured spread over seeds: below 0.01, since the last steps average over many batches
        assert float(model.scale.detach()) == pytest.approx(0.5, abs=0.03)
        assert float(model.shift.detach()) == pytest.approx(0, abs=0.03)
        # two coordinates of 0.5² · 0.25 + 0.5² · 0.25; 100 batches of 512 have an error of 0.5 %
        assert losses[-1] == pytest.approx(0.25, rel=0.03)


@BOTH
def test_training_trains(fit):
    model, start = network(hidden=30), network(hidden=30)
    losses = fit(
        model, MIXTURE.sample, generator=seeded(1), steps=300, batch_size=64, **strength(fit, 0.05)
    )
    for a, b in zip(model.parameters(), start.parameters(), strict=True):
        assert (a - b).abs().max() > 1e-3  # every tensor moved, by more than rounding
    assert losses[-1] < 0.5 * losses[0]
    assert not model.training


def test_the_ring_network_learns_classes_and_a_reconstruction():
    points, labels = map(torch.from_numpy, rings(200, np.random.default_rng(0)))
    model, start = classifier(), classifier()
    losses = fit_toy_denoising_classifier(
        model, points, labels, generator=seeded(1), steps=300, batch_size=128
    )
    for a, b in zip(model.parameters(), start.parameters(), strict=True):
        assert (a - b).abs().max() > 1e-3
    assert losses[-1] < 0.3 * losses[0]
    # rings lie 0.6 apart, so that no point is ambiguous
    assert (model(points).argmax(1) == labels).all()
    errors = [(net.reconstruct(points) - points).norm(dim=1).mean() for net in (start, model)]
    assert errors[1] < 0.3 * errors[0]
    assert not model.training


def test_the_joint_loss_of_the_rings_by_a_slow_copy():
    points, labels = map(torch.from_numpy, rings(10, np.random.default_rng(0)))
    model, copy, draw = classifier(), classifier(), seeded(3)
    options = {"generator": seeded(3), "noise": 0.2, "steps": 1, "batch_size": 8}
    losses = fit_toy_denoising_classifier(model, points, labels, **options)
    rows = torch.randint(len(points), (8,), generator=draw)
    x = points[rows]
    logits, r = copy.both(x + 0.2 * torch.randn(x.shape, generator=draw))
    chosen = logits.softmax(1)[torch.arange(8), labels[rows]]
    wanted = float((-chosen.log() + ((r - x) ** 2).sum(1)).mean().detach())
    assert losses == pytest.approx([wanted], rel=1e-5)  # float32 rounding


# --- by hand


def test_the_dae_loss_and_its_first_step_by_hand():
    model = Linear(0.5, 1.0)
    losses = fit_toy_dae(
        model,
        lambda n, _: two_points().repeat(n // 2, 1),
        generator=seeded(),
        noise=0.0,
        steps=1,
        batch_size=4,
        learning_rate=0.01,
    )
    # r(1, 2) = (1.5, 2): squared distance 0.25, gradients in scale 2 · 0.5 · 1 and shift 2 · 0.5,
    # both above 0: Adam's first step takes the rate off either
    assert losses == pytest.approx([0.25])
    assert [float(p.detach()) for p in model.parameters()] == pytest.approx([0.49, 0.99])


def test_the_cae_loss_by_hand():
    options = {"generator": seeded(), "steps": 1, "batch_size": 2, "learning_rate": 0.01}
    model = Linear(0.5, 1.0)
    losses = fit_toy_cae(model, lambda *_: two_points(), contraction=0.3, **options)
    # the Jacobian is 0.5 times the identity: a squared Frobenius norm of 0.5² + 0.5²
    assert losses == pytest.approx([0.25 + 0.3 * 0.5])
    # without the error's gradient (it is 0 at the identity) the contraction alone moves the scale
    model = Linear(1.0, 0.0)
    fit_toy_cae(model, lambda *_: two_points(), contraction=0.3, **options)
    assert [float(p.detach()) for p in model.parameters()] == pytest.approx([0.99, 0.0])


def test_the_jacobian_equals_pytorchs():
    model, x = network(hidden=9, activation="tanh"), MIXTURE.sample(6, seeded(5))
    jacobians = torch.stack([torch.func.jacrev(model)(p[None])[0, :, 0] for p in x])
    wanted = (model(x) - x).square().sum(1).mean() + 0.7 * jacobians.square().sum((1, 2)).mean()
    (found,) = fit_toy_cae(
        model, lambda *_: x, generator=seeded(), contraction=0.7, steps=1, batch_size=6
    )
    assert found == pytest.approx(wanted.item(), rel=1e-5)  # float32 sums of some dozen terms
    assert not x.requires_grad


def test_the_noise_is_gaussian_and_not_clipped():
    model = Linear()
    fit_toy_dae(
        model, lambda n, _: torch.full((n, 2), 3.0), generator=seeded(), noise=2.0, steps=40
    )
    shown = torch.cat(model.shown)
    assert len(shown) == 40 * 512
    # 40,960 numbers: five standard errors of mean and deviation, 2/√n and 2/√(2n)
    assert shown.mean().item() == pytest.approx(3, abs=0.05)
    assert shown.std().item() == pytest.approx(2, abs=0.035)
    assert shown.min() < -3 and shown.max() > 9
    # one draw for each coordinate of each step
    assert len(torch.unique(shown)) > 0.99 * shown.numel()


def test_the_learning_rate_falls_along_half_a_cosine():
    # Adam moves by its rate while the gradient stays as it is: here to parts in a million, since
    # the target is that far away and nothing but the shift can move
    far = torch.full((4, 2), 1e6)
    for anneal in (True, False):
        model, path = Linear(0.0, 0.0), []
        model.scale.requires_grad_(False)

        def draw(*_, path=path, model=model):
            path.append(float(model.shift.detach()))
            return far

        options = {"steps": 5, "batch_size": 4, "learning_rate": 1.0, "anneal": anneal}
        fit_toy_dae(model, draw, generator=seeded(), noise=0.0, **options)
        path.append(float(model.shift.detach()))
        rates = [(1 + math.cos(math.pi * i / 5)) / 2 if anneal else 1 for i in range(5)]
        assert np.diff(path) == pytest.approx(rates, rel=1e-4)


@pytest.mark.parametrize(("steps", "entries"), [(1, 1), (100, 1), (101, 2), (250, 3)])
def test_losses_are_means_over_each_hundred_steps(steps, entries):
    seen = []

    def draw(n, generator):
        x = torch.rand((n, 2), generator=generator)
        seen.append(x)
        return x

    class Nothing(Linear):
        def forward(self, x):
            return 0 * self.scale * x

    losses = fit_toy_dae(Nothing(), draw, generator=seeded(), noise=0.1, steps=steps, batch_size=3)
    each = [x.square().sum(1).mean().item() for x in seen]
    assert len(losses) == entries
    wanted = [np.mean(each[i : i + 100]) for i in range(0, steps, 100)]
    assert losses == pytest.approx(wanted, rel=1e-5)  # float32 means of a hundred terms


def test_drawn_from_takes_rows_with_replacement():
    points = torch.arange(10.0).view(5, 2)
    x = drawn_from(points)(2000, seeded())
    rows, counts = torch.unique(x, dim=0, return_counts=True)
    assert torch.equal(rows, points)
    # 400 each; five standard deviations √(2000 · 0.2 · 0.8) = 18
    assert (counts - 400).abs().max() < 90


# --- repeatable, no trace


def runs():
    points, labels = map(torch.from_numpy, rings(20, np.random.default_rng(0)))

    def dae(seed):
        model = network(hidden=9)
        options = {"generator": seeded(seed), "steps": 20, "batch_size": 16}
        return model, fit_toy_dae(model, MIXTURE.sample, noise=0.1, **options)

    def cae(seed):
        model = network(hidden=9)
        options = {"generator": seeded(seed), "steps": 20, "batch_size": 16}
        return model, fit_toy_cae(model, drawn_from(points), contraction=0.01, **options)

    def rule(seed):
        model = classifier()
        options = {"generator": seeded(seed), "steps": 20, "batch_size": 16}
        return model, fit_toy_denoising_classifier(model, points, labels, **options)

    return [dae, cae, rule]


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


# --- bad input


@BOTH
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"steps": 0}, "steps must be a whole number of at least 1; it was 0"),
        ({"batch_size": 2.5}, r"batch_size must be a whole number of at least 1; it was 2\.5"),
        ({"learning_rate": 0.0}, r"learning_rate must be a number above 0; it was 0\.0"),
    ],
)
def test_bad_options_are_refused_in_words(fit, options, words):
    with pytest.raises(BadInput, match=words):
        fit(network(), MIXTURE.sample, generator=seeded(), **strength(fit, 0.1) | options)
    points, labels = torch.zeros(4, 2), torch.zeros(4, dtype=torch.int64)
    with pytest.raises(BadInput, match=words):
        fit_toy_denoising_classifier(classifier(), points, labels, generator=seeded(), **options)


@BOTH
@pytest.mark.parametrize("value", [-0.1, math.nan, True])
def test_noise_and_contraction_are_not_negative(fit, value):
    with pytest.raises(BadInput, match=f"must be a number of at least 0; it was {value}"):
        fit(network(), MIXTURE.sample, generator=seeded(), **strength(fit, value))


@BOTH
def test_bad_points_and_reconstructions_are_refused_in_words(fit):
    for shape in ((4, 3), (4,), (0, 2)):
        with pytest.raises(BadInput, match=r"What was drawn must be points \[n, 2\]"):
            fit(
                network(),
                lambda *_, shape=shape: torch.zeros(shape),
                generator=seeded(),
                **strength(fit, 0.1),
            )
    with pytest.raises(BadInput, match=r"return points \[512, 2\], but \[512, 1\] came"):
        fit(nn.Linear(2, 1), MIXTURE.sample, generator=seeded(), **strength(fit, 0.1))
    with pytest.raises(BadInput, match=r"training set must be points \[n, 2\].*\[0, 2\] came"):
        drawn_from(torch.zeros(0, 2))


def test_bad_training_sets_are_refused_in_words():
    for points, labels, words in [
        (torch.zeros(0, 2), torch.zeros(0).long(), "training set must be points.*at least one"),
        (torch.zeros(3, 3), torch.zeros(3).long(), r"\[3, 3\] came"),
        (torch.zeros(3, 2), torch.zeros(2).long(), r"int64 of shape \[3\].*of shape \[2\]"),
        (torch.zeros(3, 2), torch.zeros(3), "int64 of shape.*but are torch.float32"),
        (torch.zeros(3, 2), torch.tensor([0, 1, 3]), "between 0 and 2, but reach from 0 to 3"),
        (torch.zeros(3, 2), torch.tensor([-1, 1, 2]), "reach from -1 to 2"),
    ]:
        with pytest.raises(BadInput, match=words):
            fit_toy_denoising_classifier(classifier(), points, labels, generator=seeded())
