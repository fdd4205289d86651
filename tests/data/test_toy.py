"""Rings by hand, and a mixture whose derivatives a slow second way confirms."""

import math

import numpy as np
import pytest
import torch

from lib.data.mixture import MIXTURE, GaussianMixture, optimal_denoiser, optimal_trace
from lib.data.toy import RING_CENTRES, on_ring, plane, rings

ROUNDING = 1e-12  # float64 arithmetic of a few terms of the order of 1
SMOOTHINGS = pytest.mark.parametrize("smoothing", [0.0, 0.05, 0.4])


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def one_gaussian(
    mean: tuple[float, float] = (1.0, -2.0), *, xx: float = 4.0, xy: float = 0.0, yy: float = 1.0
) -> GaussianMixture:
    return GaussianMixture((1.0,), (mean,), (((xx, xy), (xy, yy)),))


# --- rings


def test_rings_lie_where_they_should() -> None:
    points, labels = rings(200, np.random.default_rng(0))
    assert points.shape == (600, 2) and points.dtype == np.float32
    assert labels.tolist() == [0] * 200 + [1] * 200 + [2] * 200 and labels.dtype == np.int64
    distance = np.linalg.norm(points - np.array(RING_CENTRES)[labels], axis=1)
    # float32 rounding of numbers below 2 is at most 1.2e-7 in either coordinate
    assert distance.min() >= 0.6 - 1e-6 and distance.max() <= 0.7 + 1e-6
    assert on_ring(points, margin=1e-6).all()


def test_on_ring_by_hand() -> None:
    # around (1, -1): at distance 0.65 inside, 0.5 and 0.8 outside unless 0.15 wider; its centre
    # never; (0, 1) is 1 away from two centres, (0, 0) is √2 away from all
    x = [[1.65, -1], [1, -0.5], [1.8, -1], [1, -1], [0, 1], [0, 0]]
    assert on_ring(x).tolist() == [True, False, False, False, False, False]
    assert on_ring(x, margin=0.15).tolist() == [True, True, True, False, False, False]
    assert on_ring(x, margin=0.35).tolist() == [True, True, True, False, True, False]
    assert on_ring(np.reshape(x, (2, 3, 2))).tolist() == [[True, False, False], [False] * 3]
    assert on_ring(x[0]).shape == ()


def test_the_borders_belong_to_the_ring() -> None:
    # powers of two, so that no rounding decides
    options = {"centres": ((0.0, 0.0),), "inner": 0.5, "thickness": 0.25}
    assert on_ring([[0.5, 0], [0, -0.75], [0.875, 0]], **options).tolist() == [True, True, False]
    assert on_ring([[0.375, 0], [0.875, 0]], margin=0.125, **options).all()


def test_plane_by_hand() -> None:
    found = plane(-1, 1, 3)
    assert found.dtype == np.float32
    rows = [[[x, y] for x in (-1, 0, 1)] for y in (-1, 0, 1)]
    assert found.reshape(3, 3, 2).tolist() == rows


# --- the mixture


def test_one_gaussian_by_hand() -> None:
    # variances 4 and 1 around (1, -2); at (3, -1) the distance is (2, 1)
    g, x = one_gaussian(), [[3.0, -1.0]]
    # -log(2π) - log(4 · 1)/2 - (2²/4 + 1²/1)/2
    wanted = -math.log(2 * math.pi) - math.log(4) / 2 - 1
    assert g.log_density(x).tolist() == pytest.approx([wanted], abs=ROUNDING)
    assert g.score(x).tolist()[0] == pytest.approx([-2 / 4, -1 / 1], abs=ROUNDING)
    assert g.laplacian(x).tolist() == pytest.approx([-1 / 4 - 1], abs=ROUNDING)
    # smoothed by 3: variances 13 and 10
    wanted = -math.log(2 * math.pi) - math.log(130) / 2 - (4 / 13 + 1 / 10) / 2
    assert g.log_density(x, 3).tolist() == pytest.approx([wanted], abs=ROUNDING)
    assert g.score(x, 3).tolist()[0] == pytest.approx([-2 / 13, -1 / 10], abs=ROUNDING)
    assert g.laplacian(x, 3).tolist() == pytest.approx([-1 / 13 - 1 / 10], abs=ROUNDING)


@SMOOTHINGS
def test_derivatives_equal_differences(smoothing: float) -> None:
    x, h = plane(-2, 2, 9).astype(np.float64), 1e-5
    score, laplacian = np.zeros_like(x), np.zeros(len(x))
    for i, step in enumerate(h * np.eye(2)):
        up, down = (MIXTURE.log_density(x + s, smoothing) for s in (step, -step))
        score[:, i] = (up - down) / (2 * h)
        up, down = (MIXTURE.score(x + s, smoothing) for s in (step, -step))
        laplacian += (up - down)[:, i] / (2 * h)
    # Central differences cut off h²/6 times the third derivative of what they differentiate, along
    # the ridge up to 3e4 for the log-density and 2e6 for its score: 5e-7 and 3e-5. Values up to 60
    # are rounded by 7e-15, which 1/h makes 7e-10.
    assert np.abs(MIXTURE.score(x, smoothing) - score).max() < 2e-6
    assert np.abs(MIXTURE.laplacian(x, smoothing) - laplacian).max() < 1e-4


def test_the_density_integrates_to_one() -> None:
    # the grid's step of 0.05 is an eighth of the smoothed deviation, and the border at 6 lies
    # 8 deviations away: the sum's error is far below 1e-9
    x = plane(-6, 6, 241).astype(np.float64)
    total = np.exp(MIXTURE.log_density(x, 0.4)).sum() * 0.05**2
    # the grid was made in float32, whose steps near 6 are 5e-7 wide, a 1e-5th part of 0.05
    assert total == pytest.approx(1, abs=2e-5)


def test_samples_have_the_mixtures_moments() -> None:
    n = 100_000
    x = MIXTURE.sample(n, seeded(1)).double().numpy()
    w, means, covariances = map(np.array, (MIXTURE.weights, MIXTURE.means, MIXTURE.covariances))
    mean = w @ means
    away = means - mean
    wanted = np.einsum("k,kij->ij", w, covariances + away[:, :, None] * away[:, None])
    # five standard errors of each mean, taken from the sample itself
    assert (np.abs(x.mean(0) - mean) < 5 * x.std(0) / n**0.5).all()
    products = (x - mean)[:, :, None] * (x - mean)[:, None]
    assert (np.abs(products.mean(0) - wanted) < 5 * products.std(0) / n**0.5).all()


def test_the_trace_is_that_of_the_denoisers_jacobian() -> None:
    x, h, sigma = plane(-2, 2, 9).astype(np.float64), 1e-5, 0.2
    found = np.zeros(len(x))
    for i, step in enumerate(h * np.eye(2)):
        up, down = (optimal_denoiser(MIXTURE, x + s, sigma=sigma) for s in (step, -step))
        found += (up - down)[:, i] / (2 * h)
    wanted = optimal_trace(MIXTURE, x, sigma=sigma)
    # rounding of 1e-16 over h is 1e-11; the cut-off term is 2e-11 times a third derivative that
    # stays below 1e4
    assert np.abs(found - wanted).max() < 1e-6
    assert (wanted > 0).all()


def test_draws_repeat_and_leave_the_global_state() -> None:
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    assert torch.equal(MIXTURE.sample(50, seeded()), MIXTURE.sample(50, seeded()))
    assert not torch.equal(MIXTURE.sample(50, seeded()), MIXTURE.sample(50, seeded(1)))
    first, second, other = (rings(5, np.random.default_rng(s))[0] for s in (0, 0, 1))
    assert np.array_equal(first, second) and not np.array_equal(first, other)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])
