"""GPND's score: Jacobians against differences and matrices, densities by hand, no trace."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.special import gammaln
from torch import nn

from lib.errors import BadInput
from lib.models import build
from lib.models.gpnd import GPNDEncoder, GPNDGenerator
from lib.scores.gpnd import (
    GPNDDensities,
    codes_and_distances,
    fit_gpnd,
    gpnd_score,
    log_determinant,
)

FLOAT64 = 1e-10  # a decomposition of matrices of 3×8 with singular values near 1


class Bent(nn.Module):
    """A dense layer with or without a tanh, from one shape to another."""

    def __init__(self, given, shape, *, straight):
        super().__init__()
        layer = nn.Linear(math.prod(given), math.prod(shape))
        bend = nn.Identity() if straight else nn.Tanh()
        self.layers = nn.Sequential(nn.Flatten(), layer, bend, nn.Unflatten(1, shape))

    def forward(self, x):
        return self.layers(x)


def pair(straight=False):
    """Encoder and generator between images of 2×4 pixels and three numbers."""

    def make():
        encoder = Bent((1, 2, 4), (3,), straight=straight)
        return nn.ModuleList([encoder, Bent((3,), (1, 2, 4), straight=straight)])

    return build(make, torch.Generator().manual_seed(0)).double().eval()


def images(n, seed=1):
    g = torch.Generator().manual_seed(seed)
    return torch.rand((n, 1, 2, 4), generator=g, dtype=torch.float64)


@pytest.fixture
def densities():
    """A Gaussian, a Laplacian and another Gaussian; distances in bins of 1/2, from 1 to 2.5."""
    return GPNDDensities(
        shape=np.array([2.0, 1.0, 2.0]),
        location=np.array([0.0, 0.5, -1.0]),
        scale=np.array([1.0, 2.0, 2.0**0.5]),
        edges=np.array([1.0, 1.5, 2.0, 2.5]),
        heights=np.array([1.2, 0.0, 0.8]),
    )


# --- the Jacobian


@pytest.mark.parametrize("at", [0, 1])
def test_log_determinant_of_a_linear_network(at):
    network = pair(straight=True)[at]
    x = images(1)[0] if at == 0 else torch.tensor([0.1, -0.4, 0.9], dtype=torch.float64)
    w = network.layers[1].weight.detach()
    # the product of the singular values is the root of the determinant of the smaller product
    small = w @ w.T if at == 0 else w.T @ w
    assert log_determinant(network, x) == pytest.approx(torch.logdet(small).item() / 2, rel=FLOAT64)


@pytest.mark.parametrize("at", [0, 1])
def test_log_determinant_against_finite_differences(at):
    network = pair()[at]
    x = images(1)[0] if at == 0 else torch.tensor([0.1, -0.4, 0.9], dtype=torch.float64)
    step, columns = 1e-5, []
    for i in range(x.numel()):
        moved = torch.zeros_like(x)
        moved.view(-1)[i] = step
        with torch.no_grad():
            ends = network(torch.stack([x + moved, x - moved])).flatten(1)
        columns.append((ends[0] - ends[1]) / (2 * step))
    values = np.linalg.svd(torch.stack(columns, 1).numpy(), compute_uv=False)
    # differences err by the step squared, 1e-10, and by rounding over the step, 1e-11
    assert log_determinant(network, x) == pytest.approx(np.log(values).sum(), abs=1e-7)
    # and it is not that of the matrix alone: the bend counts
    w = network.layers[1].weight.detach()
    assert log_determinant(network, x) < torch.linalg.svdvals(w).log().sum() - 0.01


def test_a_flat_network_has_a_finite_log_determinant():
    network = nn.Linear(2, 2).eval()
    nn.init.zeros_(network.weight)
    wanted = 2 * math.log(torch.finfo(torch.float32).tiny)
    assert log_determinant(network, torch.zeros(2)) == pytest.approx(wanted, rel=1e-6)  # float32


# --- densities


def test_latent_densities_by_hand(densities):
    # exp(-|t|^b) · b / (2 · scale · gamma(1/b)), t in units of the scale
    z = [[0.3, 0.1, -1.0], [0.0, 0.5, 1.0]]
    gaussian = -math.log(math.pi) / 2  # of scale 1: exp(-t²) / root of pi
    wanted = [
        gaussian - 0.3**2 - 0.4 / 2 - math.log(2 * 2) + gaussian - math.log(2) / 2,
        gaussian - math.log(2 * 2) + gaussian - math.log(2) / 2 - 2**2 / 2,
    ]
    assert densities.log_latent(z).tolist() == pytest.approx(wanted, rel=1e-12)  # float64


def test_far_latents_keep_a_finite_log_density(densities):
    # its density is 0 in float64
    assert densities.log_latent([[100.0, 0.5, -1.0]])[0] == pytest.approx(-10_000, abs=10)


def test_distance_densities_by_hand(densities):
    least = math.log(1e-308)
    wanted = {
        1.0: math.log(1.2),
        1.49: math.log(1.2),
        1.5: least,  # a bin begins with its lower edge; this one is empty
        1.75: least,
        2.0: math.log(0.8),
        2.5: math.log(0.8),  # the last bin holds both its edges
        2.51: least,
        9.0: least,
        0.5: math.log(1.2 / 2),  # halfway down to 0
        0.0: least,
    }
    found = densities.log_distance(list(wanted))
    assert found.tolist() == pytest.approx(list(wanted.values()), rel=1e-12)  # float64


def test_a_histogram_of_the_distances():
    d = [0.0, 0.1, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0]
    codes = np.random.default_rng(0).normal(size=(8, 1))
    found = fit_gpnd(codes, d, bins=2)
    assert found.edges.tolist() == [0, 0.5, 1]
    assert found.heights.tolist() == pytest.approx([4 / 8 / 0.5, 4 / 8 / 0.5])
    four = fit_gpnd(codes, d, bins=4)
    assert four.heights.tolist() == pytest.approx([3 / 2, 1 / 2, 2 / 2, 2 / 2])
    assert len(fit_gpnd(codes, d).heights) == 30
    # every training distance has a density, the largest and smallest too
    assert (four.log_distance(d) > math.log(0.4)).all()


def test_fitted_shapes_are_those_that_were_drawn():
    rng = np.random.default_rng(0)
    z = np.stack([rng.normal(1, 2, 2000), rng.laplace(-1, 0.5, 2000)], 1)
    found = fit_gpnd(z, rng.random(2000))
    # about four standard errors of 2000 draws: 0.1 in shape, 0.05 and 0.01 in location,
    # 4 % in scale (a Gaussian's scale here is its deviation times root two)
    assert found.shape == pytest.approx([2, 1], abs=0.4)
    assert found.location == pytest.approx([1, -1], abs=0.2)
    assert found.scale == pytest.approx([2 * 2**0.5, 0.5], rel=0.2)


def test_fitted_densities_are_at_a_maximum_of_the_likelihood():
    rng = np.random.default_rng(1)
    z = rng.normal(3, 0.1, (300, 1))
    found = fit_gpnd(z, rng.random(300))

    def likelihood(b, m, s):  # by its formula
        t = np.abs(z - m) / s
        return float((math.log(b / (2 * s)) - gammaln(1 / b) - t**b).sum())

    best = found.shape[0], found.location[0], found.scale[0]
    top = likelihood(*best)
    assert found.log_latent(z).sum() == pytest.approx(top, rel=1e-9)  # float64
    for i, factor in itertools.product(range(3), (0.97, 1.03)):
        moved = list(best)
        moved[i] *= factor
        assert likelihood(*moved) < top


# --- the score


def test_codes_and_distances_by_hand():
    encoder, generator = pair()
    x = images(5)
    with torch.no_grad():
        drawn = generator(encoder(x))
        wanted = [float(np.linalg.norm((a - b).numpy())) for a, b in zip(x, drawn, strict=True)]
    for batch_size in (1, 2, 256):
        codes, distances = codes_and_distances(encoder, generator, x, batch_size=batch_size)
        assert codes.shape == (5, 3)
        torch.testing.assert_close(codes, encoder(x).detach(), rtol=FLOAT64, atol=FLOAT64)
        assert distances.tolist() == pytest.approx(wanted, rel=FLOAT64)


@pytest.mark.parametrize("sign", ["plus", "minus"])
@pytest.mark.parametrize("jacobian_of", ["encoder", "generator"])
def test_the_score_is_minus_the_sum_of_its_parts(densities, sign, jacobian_of):
    encoder, generator = pair()
    x = images(4)
    codes, distances = codes_and_distances(encoder, generator, x)
    if jacobian_of == "encoder":
        volumes = [log_determinant(encoder, image) for image in x]
    else:
        volumes = [log_determinant(generator, z) for z in codes]
    signed = np.array(volumes) * (1 if sign == "plus" else -1)
    wanted = -(signed + densities.log_latent(codes) + densities.log_distance(distances))
    options = {"sign": sign, "jacobian_of": jacobian_of}
    found = gpnd_score(encoder, generator, x, densities, **options)
    assert found.dtype == torch.float64 and found.shape == (4,)
    assert found.tolist() == pytest.approx(wanted.tolist(), rel=FLOAT64)
    assert gpnd_score(encoder, generator, x.flip(0), densities, **options).flip(0).tolist() == (
        pytest.approx(wanted.tolist(), rel=FLOAT64)
    )


def test_the_defaults_are_those_of_the_code_of_2018(densities):
    encoder, generator = pair()
    x = images(3)
    found = gpnd_score(encoder, generator, x, densities)
    stated = gpnd_score(encoder, generator, x, densities, sign="plus", jacobian_of="encoder")
    assert torch.equal(found, stated)


def test_unlikely_latents_and_distances_are_anomalous():
    # a straight pair, so that the Jacobian is the same everywhere
    encoder, generator = pair(straight=True)
    train = images(200, seed=2)
    fitted = fit_gpnd(*codes_and_distances(encoder, generator, train))
    x = torch.cat([train[:20], 5 * images(20, seed=3)])
    found = gpnd_score(encoder, generator, x, fitted)
    assert found[20:].min() > found[:20].max()


def test_both_signs_with_the_published_networks():
    g = torch.Generator().manual_seed(0)
    encoder, generator = build(GPNDEncoder, g).eval(), build(GPNDGenerator, g).eval()
    x = torch.rand((12, 1, 32, 32), generator=g)
    codes, distances = codes_and_distances(encoder, generator, x)
    fitted = fit_gpnd(codes, distances, bins=3)
    plus = gpnd_score(encoder, generator, x[:1], fitted)
    minus = gpnd_score(encoder, generator, x[:1], fitted, sign="minus")
    volume = log_determinant(encoder, x[0])
    assert (minus - plus).item() == pytest.approx(2 * volume, rel=FLOAT64)
    assert math.isfinite(log_determinant(generator, codes[0]))


@pytest.mark.parametrize("jacobian_of", ["encoder", "generator"])
@pytest.mark.parametrize("state", ["with gradients", "frozen", "images with gradient"])
def test_scoring_leaves_no_trace(snapshot, densities, state, jacobian_of):
    networks, x = pair(), images(2)
    options = {"jacobian_of": jacobian_of}
    wanted = gpnd_score(*networks, x, densities, **options)
    if state == "with gradients":
        networks[1](networks[0](x)).sum().backward()
    if state == "frozen":
        networks.requires_grad_(False)
    if state == "images with gradient":
        x.requires_grad_()
    before = snapshot(networks, x)
    found = gpnd_score(*networks, x, densities, **options)
    assert snapshot(networks, x) == before
    assert torch.equal(found, wanted) and not found.requires_grad


# --- bad input


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"codes": np.zeros(5)}, r"codes \[n, z\]"),
        ({"codes": np.zeros((4, 2))}, r"codes \[n, z\]"),
        ({"codes": np.ones((1, 2)), "distances": [1.0]}, "at least two images"),
        ({"distances": [0.1, 0.2, math.nan, 0.3, 0.4]}, "must be finite"),
        ({"distances": [0.1, 0.2, -0.1, 0.3, 0.4]}, "at least 0"),
        ({"distances": [0.1] * 5}, "must vary"),
        ({"codes": np.stack([np.arange(5.0), np.ones(5)], 1)}, "must vary"),
        ({"bins": 0}, "at least one bin, but 0"),
    ],
)
def test_a_fit_to_nonsense_is_refused(change, words):
    given = {"codes": np.arange(10.0).reshape(5, 2) ** 1.5, "distances": [0.1, 0.2, 0.3, 0.4, 0.5]}
    given |= change
    with pytest.raises(BadInput, match=words):
        fit_gpnd(given.pop("codes"), given.pop("distances"), **given)


def test_nonsense_is_refused_in_words(densities):
    encoder, generator = pair()
    for shape in [(0, 1, 2, 4), (1, 2, 4)]:
        for function in (gpnd_score, codes_and_distances):
            rest = [densities] if function is gpnd_score else []
            with pytest.raises(BadInput, match=r"images \[n, c, h, w\]"):
                function(encoder, generator, torch.zeros(shape), *rest)
    x = images(2)
    with pytest.raises(BadInput, match="sign must be one of"):
        gpnd_score(encoder, generator, x, densities, sign="both")
    with pytest.raises(BadInput, match="jacobian_of must be one of"):
        gpnd_score(encoder, generator, x, densities, jacobian_of="decoder")
    with pytest.raises(BadInput, match="batch size must be at least 1, but 0"):
        codes_and_distances(encoder, generator, x, batch_size=0)
    with pytest.raises(BadInput, match=r"shape \[1, 1, 2, 4\] of the images"):
        gpnd_score(encoder, lambda z: z[:, None, None, :1], x, densities)  # would broadcast
    for network in (encoder, generator):
        network.train()
        with pytest.raises(BadInput, match=r"call eval\(\)"):
            gpnd_score(encoder, generator, x, densities)
        network.eval()
