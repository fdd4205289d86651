"""Confidence and COOL's outputs: by hand, by a slow copy, at their limits."""

import math

import pytest
import torch

from lib import models, scores
from lib.errors import BadInput

G = torch.Generator().manual_seed(0)
X = torch.rand(6, 1, 4, 4, generator=G)
DRAWN = torch.rand(6, 1, 4, 4, generator=G)
# eight roundings of float32 in sums of 16 numbers below 1
CLOSE = {"rtol": 0, "atol": 1e-6}


def test_confidence_of_a_hand_computed_image():
    x, drawn = torch.zeros(1, 1, 2, 2), torch.tensor([3.0, 0.0, 0.0, 4.0]).view(1, 1, 2, 2)
    # norm 5 over D = 4, alpha 2: exp(-2/4 · 5)
    assert float(scores.log_confidence(x, drawn, alpha=2.0)) == pytest.approx(-2.5, abs=1e-6)


def test_confidence_is_one_for_a_perfect_drawing_and_its_gradient_is_finite():
    x = X.clone().requires_grad_()
    found = scores.log_confidence(x, x * 1.0, alpha=5.0)
    assert torch.equal(found, torch.zeros(6))
    (gradient,) = torch.autograd.grad(found.sum(), x)
    assert torch.isfinite(gradient).all()


def test_the_curvature_factor_of_a_hand_computed_gamma():
    found = scores.log_curvature_factor(torch.tensor([0.25, 0.5, 0.0, -3.0]), beta=10.0)
    # one where the density curves down
    assert found.tolist() == [-2.5, -5.0, 0.0, 0.0]


def test_cool_outputs_by_a_slow_copy():
    logits = 3 * torch.randn(5, 3 * 4, generator=G)
    units = logits.double().softmax(1)
    wanted = torch.ones(5, 3, dtype=torch.float64)
    for c in range(3):
        for unit in range(4):
            wanted[:, c] *= 4 * units[:, 4 * c + unit]
    found = scores.cool_log_outputs(logits, omega=4)
    # logarithms of products of four float32 numbers
    torch.testing.assert_close(found.double(), wanted.log(), rtol=1e-5, atol=1e-5)


def test_the_cool_output_is_one_at_the_target_and_never_above():
    sure = torch.full((1, 6), -30.0)
    sure[0, 2:4] = 30.0  # both units of the second class
    found = scores.cool_log_outputs(sure, omega=2).exp()
    torch.testing.assert_close(found, torch.tensor([[0.0, 1.0, 0.0]]), **CLOSE)
    lonely = torch.full((1, 6), -30.0)
    lonely[0, 2] = 30.0  # one unit alone takes everything: the other stays away from 1/2
    assert float(scores.cool_log_outputs(lonely, omega=2).exp().max()) < 1e-6
    drawn = scores.cool_log_outputs(5 * torch.randn(200, 6, generator=G), omega=2)
    assert float(drawn.max()) <= 1e-6


def test_outputs_of_each_kind_of_network():
    g = torch.Generator().manual_seed(1)
    x = torch.rand(4, 1, 28, 28, generator=g)
    plain = models.build(lambda: models.digit_classifier(5), g).eval()
    wanted = plain(x).double().log_softmax(1)
    assert torch.equal(scores.log_outputs(plain, x), wanted)
    cool = models.build(lambda: models.digit_classifier(5, omega=2), g).eval()
    wanted = scores.cool_log_outputs(cool(x).double(), omega=2)
    assert torch.equal(scores.log_outputs(cool, x, omega=2), wanted)
    dae = models.build(lambda: models.DenoisingClassifier(5), g).eval()
    logits, pixels = dae.both(x)
    drawn = pixels.sigmoid()
    wanted = logits.double().softmax(1) * scores.log_confidence(x, drawn, alpha=7.0).exp()[:, None]
    # a logarithm and back: a few roundings of float32
    torch.testing.assert_close(scores.log_outputs(dae, x, alpha=7.0).exp(), wanted, **CLOSE)
    found = scores.in_batches(
        lambda part: scores.log_outputs(dae, part, alpha=7.0), x, batch_size=3
    )
    torch.testing.assert_close(found.exp(), wanted, **CLOSE)
    assert not found.requires_grad


def test_a_negative_alpha_is_refused():
    for alpha in [-1.0, math.nan, math.inf]:
        with pytest.raises(BadInput, match="alpha must be a number of at least 0"):
            scores.log_confidence(X, DRAWN, alpha=alpha)


def test_other_bad_input_is_refused_in_words():
    with pytest.raises(BadInput, match="must have one shape"):
        scores.log_confidence(X, DRAWN[:3], alpha=1.0)
    with pytest.raises(BadInput, match="beta must be a number of at least 0"):
        scores.log_curvature_factor(torch.zeros(1), beta=-0.1)
    for omega in (0, 1.5, True):
        with pytest.raises(BadInput, match="omega must be a whole number of at least 1"):
            scores.cool_log_outputs(torch.zeros(1, 4), omega=omega)
    with pytest.raises(BadInput, match="With omega 3 logits must be"):
        scores.cool_log_outputs(torch.zeros(1, 4), omega=3)
