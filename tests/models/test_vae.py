"""The variational autoencoder: sizes, what it draws from, and its divergence from the prior."""

import math

import pytest
import torch
from torch import nn

from lib.errors import BadInput
from lib.models import CAE, build, count_parameters
from lib.models.vae import LATENT, VAE, pixel_logits, prior_divergence


@pytest.fixture
def model():
    return build(VAE, torch.Generator().manual_seed(0))


def images(n, channels=1, seed=1):
    return torch.rand((n, channels, 28, 28), generator=torch.Generator().manual_seed(seed))


def noise(n, seed=2):
    return torch.randn((n, LATENT), generator=torch.Generator().manual_seed(seed))


def pin(model, *, mean=None, deviation=1.0):
    """Makes the posterior the same for all images, and the layer before the decoder do nothing."""
    values = {"to_mean": mean, "to_log_variance": torch.full((LATENT,), 2 * math.log(deviation))}
    for name, value in values.items():
        nn.init.zeros_(getattr(model, name).weight)
        getattr(model, name).bias.data[:] = torch.zeros(LATENT) if value is None else value
    nn.init.eye_(model.to_map.weight)
    nn.init.zeros_(model.to_map.bias)
    return model


@pytest.mark.parametrize(("channels", "expected"), [(1, 1_227_777), (3, 1_229_827)])
def test_parameter_count_is_the_published_one(channels, expected):
    # three dense layers of 576×576 weights and 576 biases beside the CAE's 230,721 and 232,771
    assert expected == {1: 230_721, 3: 232_771}[channels] + 3 * (576 * 576 + 576)
    assert count_parameters(VAE(channels)) == expected


def test_the_posterior_is_two_dense_layers_on_the_encoder(model):
    x = images(3)
    code = model.encoder(x).flatten(1)
    for found, layer in zip(
        model.posterior(x), (model.to_mean, model.to_log_variance), strict=True
    ):
        assert found.shape == (3, 576)
        # sums of 576 products of numbers below 1, in another order
        torch.testing.assert_close(found, code @ layer.weight.T + layer.bias, rtol=0, atol=1e-5)
    assert not torch.equal(*model.posterior(x))


def test_it_draws_from_the_mean_and_at_random_from_nothing(model):
    x = images(2)
    before = torch.get_rng_state()
    found = model.train()(x)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(found, model.eval()(x))
    assert torch.equal(found, model.decode(model.encode(x)))
    assert found.shape == x.shape
    assert found.min() > 0 and found.max() < 1
    mean, log_variance = model.posterior(x)
    drawn = model.sample(x, torch.zeros(2, LATENT))
    assert all(map(torch.equal, drawn, (found, mean, log_variance)))


def test_a_sample_by_hand(model):
    # z = m + s·e for one posterior of mean m and deviation s, and nothing between it and the map
    m, e = torch.linspace(-2, 2, LATENT), noise(3)
    pin(model, mean=m, deviation=3.0)
    h, mean, log_variance = model.latents(images(3), e)
    torch.testing.assert_close(h.flatten(1), m + 3 * e)  # float32's own tolerance
    assert torch.equal(mean, m.expand(3, -1))
    torch.testing.assert_close(log_variance, torch.full((3, LATENT), math.log(9.0)))
    drawn, *rest = model.sample(images(3), e)
    assert torch.equal(drawn, model.decode(h))
    assert all(map(torch.equal, rest, (mean, log_variance)))


def test_logits_are_what_the_last_sigmoid_is_given(model):
    x = images(2)
    for network in (model, CAE()):
        h = network.encode(x)
        assert torch.equal(pixel_logits(network, h).sigmoid(), network(x))


# --- divergence


def test_divergence_by_hand():
    # N(1, 1) and N(0, 4) against N(0, 1): 1²/2, and (4 - 1 - log 4)/2
    mean = torch.tensor([[1.0, 0.0], [0.0, 0.0], [3.0, 0.0]], dtype=torch.float64)
    log_variance = torch.tensor([[0.0, math.log(4)], [0.0, 0.0], [0.0, 0.0]], dtype=torch.float64)
    found = prior_divergence(mean, log_variance)
    wanted = [0.5 + (3 - math.log(4)) / 2, 0, 4.5]
    assert found.tolist() == pytest.approx(wanted, rel=1e-14)  # float64


@pytest.mark.parametrize("v", [-1e-3, 1e-5])
def test_divergence_near_the_prior_keeps_its_digits(v):
    # exp(v) - 1 - v = v²/2 + v³/6 + …; float32 rounds exp(v) to 6e-8, which v²/2 hardly exceeds,
    # but exp(v) - 1 to 6e-8 of v
    found = prior_divergence(torch.zeros(1, 1), torch.tensor([[v]]))
    assert found.item() == pytest.approx((v * v / 2 + v**3 / 6) / 2, rel=1e-6, abs=6e-8 * abs(v))
    assert found.item() >= 0


# --- bad input


def test_refuses_images_of_another_shape(model):
    x = torch.rand(shape := (2, 3, 28, 28))
    for call in (model, model.encode, model.posterior, lambda x: model.sample(x, noise(2))):
        with pytest.raises(BadInput, match=r"\[n, 1, 28, 28\]") as caught:
            call(x)
        assert str(list(shape)) in str(caught.value)


def test_refuses_noise_of_another_shape(model):
    for shape in [(1, 576), (2, 575)]:
        # one row for all images would broadcast without a word
        with pytest.raises(BadInput, match=r"\[2, 576\]; it has") as caught:
            model.sample(images(2), torch.zeros(shape))
        assert str(list(shape)) in str(caught.value)
