"""The VAE's own scores, by hand and by loops."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Normal, kl_divergence

from lib.errors import BadInput
from lib.models import build, decoder_weights
from lib.models.vae import LATENT, VAE
from lib.scores.vae import cross_entropy_error, elbo_score, latent_score

# Sums of up to 784 float32 numbers in another order, relative: a few roundings of 6e-8, measured
# 3e-7 or less.
FLOAT32 = 5e-6


@pytest.fixture
def vae():
    """A VAE from a seed, and a reference gradient of the right shapes drawn at random."""

    def make(channels=1, seed=0):
        g = torch.Generator().manual_seed(seed)
        model = build(lambda: VAE(channels), g)
        return model, [torch.randn(w.shape, generator=g) for w in decoder_weights(model)]

    return make


def both_kinds(bars, n):
    return torch.cat([bars(n, 0), bars(n, 1).transpose(2, 3)])


SCORES = {
    "latent": latent_score,
    "elbo squared": elbo_score,
    "elbo bce": lambda model, x: elbo_score(model, x, reconstruction="bce"),
    "cross-entropy": cross_entropy_error,
}


# --- values


def test_latent_score_by_hand(vae, bars):
    # one posterior for all images: 500 latents N(0, 1), 75 of mean 2, one of variance 4
    model, _ = vae()
    for layer in (model.to_mean, model.to_log_variance):
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    assert latent_score(model, bars(3, 0)).tolist() == [0, 0, 0]
    model.to_mean.bias.data[500:575] = 2.0
    model.to_log_variance.bias.data[575] = math.log(4)
    wanted = 75 * 4 / 2 + (4 - 1 - math.log(4)) / 2
    assert latent_score(model, bars(3, 0)).tolist() == [pytest.approx(wanted, rel=FLOAT32)] * 3


def test_latent_score_equals_the_divergence_of_torch(vae, bars):
    model, _ = vae(3)
    model.double()
    x = bars(4, 0, 3).double()
    found = latent_score(model, x)
    assert found.shape == (4,)
    mean, v = model.posterior(x)
    prior = Normal(torch.zeros(LATENT, dtype=x.dtype), torch.ones(LATENT, dtype=x.dtype))
    wanted = kl_divergence(Normal(mean, (v / 2).exp()), prior).sum(1)
    # float64; torch's own form loses some digits so near the prior
    torch.testing.assert_close(found, wanted.detach(), rtol=1e-10, atol=0)
    assert found.min() > 0


@pytest.mark.parametrize("channels", [1, 3])
def test_elbo_score_is_the_summed_error_plus_the_latent_score(vae, bars, channels):
    model, _ = vae(channels)
    x = bars(4, 0, channels)
    drawn = model(x).detach()
    wanted = {
        "squared": ((drawn - x) ** 2).sum((1, 2, 3)),
        "bce": -(x * drawn.log() + (1 - x) * (1 - drawn).log()).sum((1, 2, 3)),
    }
    for kind, error in wanted.items():
        found = elbo_score(model, x, reconstruction=kind)
        torch.testing.assert_close(found, error + latent_score(model, x), rtol=FLOAT32, atol=0)
    assert torch.equal(elbo_score(model, x), elbo_score(model, x, reconstruction="squared"))


def test_cross_entropy_error_equals_that_of_torch_image_by_image(bars):
    model, x = build(VAE, torch.Generator().manual_seed(0)), bars(4, 0)
    found = cross_entropy_error(model, x)
    with torch.no_grad():
        wanted = [F.binary_cross_entropy(model(one[None]), one[None]).item() for one in x]
    assert found.tolist() == [pytest.approx(value, rel=FLOAT32) for value in wanted]


def test_cross_entropy_error_by_hand(network):
    # the same logit l everywhere: log(1 + e^l) - x·l for a pixel of brightness x
    model, _ = network()
    last = model.decoder[-2]
    nn.init.zeros_(last.weight)
    x = torch.tensor([0.0, 0.25, 1.0]).view(3, 1, 1, 1).expand(3, 1, 28, 28)
    for logit in (0.0, math.log(3), -200.0):
        nn.init.constant_(last.bias, logit)
        wanted = [math.log1p(math.exp(logit)) - value * logit for value in (0, 0.25, 1)]
        # -200 is where the sigmoid has no digits left: a white pixel still costs 200, not 100
        near = [pytest.approx(value, rel=FLOAT32, abs=1e-30) for value in wanted]
        assert cross_entropy_error(model, x).tolist() == near


# --- invariances


@pytest.mark.parametrize("name", SCORES)
def test_order_and_neighbours_do_not_matter(vae, bars, name):
    model, _ = vae()
    x, score = both_kinds(bars, 4), SCORES[name]
    order = torch.randperm(8, generator=torch.Generator().manual_seed(0))
    together = score(model, x)
    torch.testing.assert_close(score(model, x[order]), together[order], rtol=FLOAT32, atol=0)
    alone = torch.cat([score(model, one[None]) for one in x])
    torch.testing.assert_close(alone, together, rtol=FLOAT32, atol=0)


@pytest.mark.parametrize("name", SCORES)
def test_scores_leave_no_trace(snapshot, vae, bars, name):
    model, _ = vae()
    x = bars(3, 0)
    model(x).sum().backward()
    model.train()
    x.requires_grad_()
    before = snapshot(model, x)
    found = SCORES[name](model, x)
    assert snapshot(model, x) == before
    assert not found.requires_grad


# --- bad input


def test_a_network_without_a_posterior_is_refused(network, bars):
    for score in [latent_score, elbo_score]:
        with pytest.raises(
            BadInput, match="posterior of a variational autoencoder; a CAE has none"
        ):
            score(network()[0], bars(2, 0))


def test_images_of_another_shape_are_refused(vae):
    for name in SCORES:
        with pytest.raises(BadInput, match=r"\[2, 1, 32, 32\]"):
            SCORES[name](vae()[0], torch.rand(2, 1, 32, 32))


def test_images_outside_the_range_of_the_cross_entropy_are_refused(vae, bars):
    for name in ["elbo bce", "cross-entropy"]:
        for value in [-0.01, 1.01, math.nan]:
            x = bars(2, 0)
            x[1, 0, 4, 4] = value
            with pytest.raises(BadInput, match=r"in \[0, 1\]"):
                SCORES[name](vae()[0], x)
