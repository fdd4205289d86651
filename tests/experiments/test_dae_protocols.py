"""The protocols of the denoising-autoencoder slides: alpha, open set, clutter and the plane."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from lib import data, experiments, models, scores
from lib.data import mixture, toy
from lib.errors import BadInput
from lib.experiments.open_set import keeping_threshold
from lib.experiments.plane import AGREEMENT

SIDE = 28


class Planted(models.DenoisingClassifier):
    """Says the class of an image's first pixel, and draws all its pixels too bright."""

    def both(self, x):
        return self.forward(x), self.reconstruct(x)

    def forward(self, x):
        place = (x[:, 0, 0, 0] * 10).round().long().clamp(max=self.classes - 1)
        return 8.0 * nn.functional.one_hot(place, self.classes).float()

    def reconstruct(self, x):
        return x + x[:, :, :1, 1:2]  # by the second pixel of the first row


def planted(classes=3):
    return models.build(lambda: Planted(classes), torch.Generator().manual_seed(0)).eval()


def images(places, errors):
    x = torch.zeros(len(places), 1, SIDE, SIDE)
    x[:, 0, 0, 0] = torch.tensor(places) / 10
    x[:, 0, 0, 1] = torch.tensor(errors)
    return x


# the last image is named wrongly and must not count, though its error is the largest
HELD = images([0, 1, 2, 0], [0.1, 0.2, 0.4, 0.8]), torch.tensor([0, 1, 2, 1])


def test_the_rule_for_alpha_looks_at_images_named_rightly():
    # norm of 784 equal errors e is 28 e; 99 of 100 of three images are all three
    found = experiments.chosen_alpha(planted(), HELD)
    assert found == pytest.approx(-math.log(0.9) / (28 * 0.4 / 784), rel=1e-5)  # float32 errors
    squared = experiments.chosen_alpha(planted(), HELD, squared=True)
    assert squared == pytest.approx(-math.log(0.9) / 0.4**2, rel=1e-5)
    with pytest.raises(BadInput, match="needs at least one image"):
        experiments.chosen_alpha(planted(), (HELD[0][3:], HELD[1][3:]))


def test_alpha_loses_what_it_is_to_lose():
    # the output without confidence is the same for all, so the largest error goes first
    output = 1 / (1 + 2 * math.exp(-8))
    reach = [math.log(output / 0.9) / (28 * e / 784) for e in (0.4, 0.2, 0.1)]
    for kept, wanted in ((1.0, reach[0]), (0.5, reach[1])):
        found = experiments.alpha_losing(planted(), HELD, threshold=0.9, kept=kept)
        assert found == pytest.approx(wanted, rel=1e-5)  # float32 errors
        least = scores.log_outputs(planted(), HELD[0][:3], alpha=found).amax(1).exp()
        assert int((least >= 0.9 - 1e-6).sum()) == {1.0: 3, 0.5: 2}[kept]
    # no alpha brings an output of 0.9993 to 0.9999
    assert experiments.alpha_losing(planted(), HELD, threshold=0.9999, kept=1.0) == 0.0
    with pytest.raises(BadInput, match="threshold and the share must lie above 0"):
        experiments.alpha_losing(planted(), HELD, threshold=0.9, kept=0.0)
    with pytest.raises(BadInput, match="needs an image that is named rightly"):
        experiments.alpha_losing(planted(), (HELD[0][3:], HELD[1][3:]), threshold=0.9, kept=0.5)


def test_curves_over_alpha_by_hand_and_by_a_slow_copy():
    def curves(alphas, squared=False):
        fixed = torch.Generator().manual_seed(3)
        options = {"threshold": 0.9, "squared": squared, "generator": fixed}
        model = models.build(lambda: models.DenoisingClassifier(3), torch.Generator())
        return experiments.alpha_curves(model, HELD, alphas, **options), model

    found, model = curves([0.0, 3.0, 1e9])
    assert all(len(values) == 3 for values in found.values())
    assert found["noise refused"][-1] == found["blends refused"][-1] == 1.0
    assert found["accuracy"][-1] == 0.0
    drawn = torch.Generator().manual_seed(3)
    noise = torch.rand(HELD[0].shape, generator=drawn)
    told = scores.log_outputs(model, noise, alpha=3.0).exp().amax(1)
    assert found["noise refused"][1] == float((told < 0.9).float().mean())

    # a planted network is sure of all; errors 0.1, 0.2, 0.4, 0.8 and c = exp(-alpha 28 e / 784)
    fixed = torch.Generator().manual_seed(3)
    by_hand = experiments.alpha_curves(planted(), HELD, [0.0, 10.0], threshold=0.9, generator=fixed)
    # log c = -0.36 e at alpha 10: 0.9 is reached up to e = 0.29, by the first two
    assert by_hand["accuracy"] == [0.75, 0.5]


def trained(classes=3, n=16):
    """A plain network of `classes` kinds of images, with those images, labels and others."""
    rng = torch.Generator().manual_seed(0)
    network = models.build(lambda: models.digit_classifier(classes), rng)
    labels = torch.arange(classes).repeat_interleave(n)
    x = torch.zeros(len(labels), 1, SIDE, SIDE)
    for place in range(classes):
        x[labels == place, :, :, 8 * place : 8 * place + 8] = 0.8
    x = (x + 0.2 * torch.rand(x.shape, generator=rng)).clamp(0, 1)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(10):
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(x), labels).backward()
        optimiser.step()
    return network.eval().requires_grad_(False), x, labels, rng


@pytest.fixture(scope="module")
def known():
    return trained()


def test_baselines_name_known_images_and_rank_strange_ones_behind(known):
    network, x, labels, rng = known
    strange = torch.rand(20, 1, SIDE, SIDE, generator=rng)
    asked = torch.cat([x[1::2], strange])
    found = experiments.baseline_opinions(network, (x[::2], labels[::2]), x[1::2], asked)
    names = ["OpenMax", "W-SVM", "1-vs-set machine", "k nearest neighbours"]
    assert list(found) == names
    for name, (outputs, score, threshold) in found.items():
        assert outputs.shape == (44, 3) and score.shape == (44,)
        assert (outputs >= 0).all() and (outputs <= 1 + 1e-9).all()
        right = outputs[:24].argmax(1) == labels[1::2].numpy()
        assert right.mean() > 0.6, name  # chance is a third, and OpenMax refuses some
        assert score[:24].mean() < score[24:].mean(), name
        assert (threshold is None) == (name == "OpenMax")
    assert found["1-vs-set machine"].threshold == 0.5
    # 95 of 100 held-out images, which come first here, reach the chosen threshold
    for name in ("W-SVM", "k nearest neighbours"):
        best = found[name].outputs[:24].max(1)
        assert (best >= found[name].threshold).sum() == math.floor(0.95 * 24)
        assert found[name].threshold == keeping_threshold(found[name].outputs[:24])


def test_open_max_is_left_out_where_a_class_has_no_tail(known):
    network, x, labels, _ = known
    wrong = torch.where(labels == 0, 1, labels)
    wrong[labels.tolist().index(1) :][:3] = 0  # class 0 has images, and the network names none so
    found = experiments.baseline_opinions(network, (x, wrong), x, x[:5])
    assert "OpenMax" not in found and len(found) == 3


def test_a_network_says_its_scaled_outputs():
    model = planted()
    outputs, score, threshold = experiments.network_opinion(model, HELD[0], alpha=5.0)
    told = scores.log_outputs(model, HELD[0], alpha=5.0)
    assert threshold is None
    assert np.array_equal(outputs, told.exp().numpy())
    assert np.array_equal(score, -told.amax(1).numpy())
    assert list(np.argsort(score)) == [0, 1, 2, 3]  # by their errors
    cool = models.build(lambda: models.digit_classifier(2, omega=4), torch.Generator())
    assert experiments.network_opinion(cool, HELD[0], omega=4).outputs.shape == (4, 2)


def test_the_threshold_that_most_images_keep():
    largest = np.linspace(0, 1, 101)
    outputs = np.column_stack([largest, np.zeros(101)])
    assert keeping_threshold(outputs) == pytest.approx(0.05, abs=1e-12)


def digits(n=6):
    x = torch.zeros(n, 1, SIDE, SIDE)
    for i in range(n):
        x[i, 0, 8:20, 6 + i : 10 + i] = 1.0
    return x


def test_errors_in_clutter_by_a_slow_copy():
    def reconstruct(x):
        return 0.5 * x

    x, others = digits(), torch.rand(4, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    fixed = torch.Generator().manual_seed(1)
    found, shown = experiments.clutter_errors(reconstruct, x, others, generator=fixed)
    cluttered, masks = data.cluttered(x, others, generator=torch.Generator().manual_seed(1))
    assert torch.equal(shown.cluttered, cluttered) and torch.equal(shown.masks, masks)
    assert torch.equal(shown.digits, x)
    close = {"rtol": 1e-5, "atol": 0}  # float32 sums of 784 numbers
    # half of each image is left over, so errors are half the norms
    half = {
        name: 0.5 * image.flatten(1).norm(dim=1)
        for name, image in {"clean": x, "cluttered": cluttered, "two": shown.pairs}.items()
    }
    torch.testing.assert_close(found["clean, whole"], half["clean"], **close)
    torch.testing.assert_close(found["cluttered, whole"], half["cluttered"], **close)
    torch.testing.assert_close(found["two digits, whole"], half["two"], **close)
    # all ink lies within the mask, and clutter outside it
    torch.testing.assert_close(found["clean, within the mask"], half["clean"], **close)
    torch.testing.assert_close(found["cluttered, within the mask"], half["clean"], **close)
    torch.testing.assert_close(found["clutter removed first, whole"], half["clean"], **close)
    assert (found["cluttered, whole"] > found["clean, whole"]).all()
    # the neighbour on the canvas is half of the list away
    pairs, _ = data.two_digits(x, x[[3, 4, 5, 0, 1, 2]])
    assert torch.equal(shown.pairs, pairs)
    left, right = (part.flatten(1).norm(dim=1) for part in pairs.split(14, 3))
    for what in ("two digits, sum of masked errors", "two digits, each drawn alone, sum"):
        torch.testing.assert_close(found[what], 0.5 * (left + right), **close)


class Optimal(nn.Module):
    """What a perfect denoiser of the mixture draws."""

    def __init__(self, noise):
        super().__init__()
        self.noise = noise

    def forward(self, x):
        smooth = mixture.MIXTURE.score(x.detach().numpy(), smoothing=self.noise)
        return x + self.noise**2 * torch.from_numpy(smooth)


def test_a_perfect_denoiser_moves_up_the_smoothed_density(monkeypatch):
    grid, noise = toy.plane(-2.0, 2.0, 11), 0.3
    model = Optimal(noise)
    slope = mixture.MIXTURE.score(grid, smoothing=noise)
    # float32 points: 1e-7 over a noise of 0.09
    assert experiments.moved(model, grid, noise=noise) == pytest.approx(slope, abs=1e-5)
    wanted = mixture.optimal_trace(mixture.MIXTURE, grid, sigma=noise)
    monkeypatch.setattr("lib.experiments.plane._trace", lambda *args: wanted)
    found = experiments.density_agreement(model, grid, noise=noise)
    assert len(found) == 7
    for metric in AGREEMENT.values():
        assert found["smoothed density", metric] == pytest.approx(1, abs=1e-5)
    assert found["trace of the Jacobian", "correlation"] == pytest.approx(1, abs=1e-9)
    assert 0 < found["clean density", "slope"] < 0.9  # smoothing makes slopes less steep


@pytest.mark.parametrize("kind", ["denoising", "contractive"])
def test_autoencoders_of_the_mixture_learn_its_slope(kind):
    grid = toy.plane(-2.0, 2.0, 11)
    before, after = (
        experiments.density_agreement(
            experiments.mixture_autoencoder(kind, noise=0.3, seed=0, steps=steps), grid, noise=0.3
        )
        for steps in (1, 150)
    )
    assert after["smoothed density", "R²"] > before["smoothed density", "R²"]
    assert after["smoothed density", "cosine"] > 0.7
    again = experiments.mixture_autoencoder(kind, noise=0.3, seed=0, steps=3)
    first = experiments.mixture_autoencoder(kind, noise=0.3, seed=0, steps=3)
    for a, b in zip(again.parameters(), first.parameters(), strict=True):
        assert torch.equal(a, b)


def test_functions_of_the_rings_are_products():
    points, labels = toy.rings(60, np.random.default_rng(0))
    network = experiments.ring_network(points, labels, noise=0.2, seed=0, steps=60)
    assert not network.training
    square = toy.plane(-2.0, 2.0, 9)
    found = experiments.ring_functions(network, square, alpha=30.0, beta=5.0)
    assert all(values.shape == (81,) for values in found.values())
    assert all(((values >= 0) & (values <= 1)).all() for values in found.values())
    plain, factor = found["confidence without Γ"], found["Γ"]
    assert np.array_equal(found["confidence"], plain * factor)
    assert np.array_equal(found["scaled output"], found["classifier"] * plain * factor)
    assert np.array_equal(found["scaled output without Γ"], found["classifier"] * plain)
    with torch.no_grad():
        x = torch.from_numpy(square)
        error = (network.reconstruct(x) - x).norm(dim=1)
    assert plain == pytest.approx(torch.exp(-30 / 2 * error).numpy(), rel=1e-4)  # float32, exp


def test_one_class_scores_rank_another_class_behind():
    rng = torch.Generator().manual_seed(0)
    train = (digits(1) + 0.05 * torch.rand(30, 1, SIDE, SIDE, generator=rng)).clamp(0, 1)
    same = (digits(1) + 0.05 * torch.rand(8, 1, SIDE, SIDE, generator=rng)).clamp(0, 1)
    strange = torch.rand(8, 1, SIDE, SIDE, generator=rng)
    x = torch.cat([same, strange])
    x[:8, 0, 0, 1], x[8:, 0, 0, 1] = 0.1, 0.9  # the planted error
    fresh = models.build(lambda: models.DenoisingClassifier(1), rng).eval()
    found = experiments.one_class_scores(planted(1), planted(1), fresh, train, x)
    assert len(found) == 6
    for (method, score), values in found.items():
        assert values.shape == (16,)
        if method != "untrained dAE sym":
            assert values[:8].max() < values[8:].min(), (method, score)
    lengths = scores.error_lengths(planted(1), x).numpy()
    assert np.array_equal(found["dAE sym", "confidence"], lengths)
    assert np.array_equal(found["autoencoder", "reconstruction error"], lengths)
    untrained = scores.error_lengths(fresh, x).numpy()
    assert np.array_equal(found["untrained dAE sym", "confidence"], untrained)
