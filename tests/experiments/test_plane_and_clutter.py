"""The plane and clutter of the denoising-autoencoder document, by hand and by slow copies."""

import numpy as np
import pytest
import torch
from torch import nn

from lib import data
from lib.data import mixture, toy
from lib.experiments import plane
from lib.experiments.clutter import clutter_errors

SIDE = 28


def digits(n=6):
    x = torch.zeros(n, 1, SIDE, SIDE)
    for i in range(n):
        x[i, 0, 8:20, 6 + i : 10 + i] = 1.0
    return x


def test_errors_in_clutter_by_a_slow_copy():
    def reconstruct(x):
        return 0.5 * x

    x, others = digits(), torch.rand(4, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    found = clutter_errors(reconstruct, x, others, generator=torch.Generator().manual_seed(1))
    cluttered, _ = data.cluttered(x, others, generator=torch.Generator().manual_seed(1))
    # the neighbour on the canvas is half of the list away
    two, _ = data.two_digits(x, x[[3, 4, 5, 0, 1, 2]])

    def half(image):  # half of each image is left over
        return 0.5 * image.flatten(1).norm(dim=1)

    wanted = {
        "clean, whole": half(x),
        "cluttered, whole": half(cluttered),
        # all ink lies within the mask, and clutter outside it
        "clean, within the mask": half(x),
        "cluttered, within the mask": half(x),
        "two digits, whole": half(two),
        "two digits, sum of masked errors": sum(half(part) for part in two.split(14, 3)),
    }
    assert set(found) == set(wanted)
    for what, norms in wanted.items():  # float32 sums of 784 numbers
        torch.testing.assert_close(found[what], norms, rtol=1e-5, atol=0)
    assert (found["cluttered, whole"] > found["clean, whole"]).all()


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
    assert plane.moved(model, grid, noise=noise) == pytest.approx(slope, abs=1e-5)
    wanted = mixture.optimal_trace(mixture.MIXTURE, grid, sigma=noise)
    trace = torch.from_numpy(wanted)
    monkeypatch.setattr("lib.scores.jacobian_trace", lambda *args, **options: trace)
    found = plane.density_agreement(model, grid, noise=noise)
    assert len(found) == 5
    for metric in plane.AGREEMENT:
        assert found["smoothed density", metric] == pytest.approx(1, abs=1e-5)
    assert found["trace of the Jacobian", "correlation"] == pytest.approx(1, abs=1e-9)
    assert 0 < found["clean density", "slope"] < 0.9  # smoothing makes slopes less steep


@pytest.mark.parametrize("kind", ["denoising", "contractive"])
def test_autoencoders_of_the_mixture_learn_its_slope(kind):
    grid = toy.plane(-2.0, 2.0, 11)
    before, after = (
        plane.density_agreement(
            plane.mixture_autoencoder(kind, noise=0.3, seed=0, steps=steps), grid, noise=0.3
        )
        for steps in (1, 150)
    )
    assert after["smoothed density", "cosine"] > before["smoothed density", "cosine"]
    assert after["smoothed density", "cosine"] > 0.7
    again = plane.mixture_autoencoder(kind, noise=0.3, seed=0, steps=3)
    first = plane.mixture_autoencoder(kind, noise=0.3, seed=0, steps=3)
    for a, b in zip(again.parameters(), first.parameters(), strict=True):
        assert torch.equal(a, b)


def test_functions_of_the_rings_are_products():
    points, labels = toy.rings(60, np.random.default_rng(0))
    network = plane.ring_network(points, labels, noise=0.2, seed=0, steps=60)
    assert not network.training
    square = toy.plane(-2.0, 2.0, 9)
    found = plane.ring_functions(network, square, alpha=30.0, beta=5.0)
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
