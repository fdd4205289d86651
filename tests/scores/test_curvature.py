"""Traces of Jacobians: exact against a known matrix and autograd, estimates against the exact."""

import pytest
import torch
from torch import nn

from lib import models, scores
from lib.errors import BadInput

G = torch.Generator().manual_seed(0)
MATRIX = torch.randn(9, 9, generator=G)
X = torch.rand(5, 1, 3, 3, generator=G)


def linear(x):
    return (x.flatten(1) @ MATRIX.T).view_as(x)


def curved(x):
    return (linear(x).tanh() + x.square()).view_as(x)


def test_the_trace_of_a_linear_map_is_that_of_its_matrix():
    found = scores.jacobian_trace(linear, X)
    # nine float32 numbers near 1 are summed
    torch.testing.assert_close(found, MATRIX.trace().expand(5), rtol=0, atol=1e-5)


def test_the_trace_of_a_curved_map_by_the_full_jacobian():
    full = [torch.autograd.functional.jacobian(curved, image[None]).view(9, 9) for image in X]
    wanted = torch.stack([matrix.trace() for matrix in full])
    torch.testing.assert_close(scores.jacobian_trace(curved, X), wanted, rtol=0, atol=1e-5)
    torch.testing.assert_close(
        scores.jacobian_trace(curved, X, batch_size=2), wanted, rtol=0, atol=1e-5
    )


def test_the_estimate_is_exact_for_a_diagonal_jacobian():
    found = scores.hutchinson_trace(torch.sin, X, probes=3, generator=G)  # signs square to one
    torch.testing.assert_close(
        found, X.cos().flatten(1).sum(1)[:, None].expand(5, 3), rtol=0, atol=1e-5
    )


def test_the_estimate_is_unbiased():
    found = scores.hutchinson_trace(curved, X, probes=1000, generator=G)
    exact = scores.jacobian_trace(curved, X)
    spread = found.std(1) / 1000**0.5
    assert ((found.mean(1) - exact).abs() < 4 * spread).all()  # 1 in 3000 by chance, seed fixed


def test_nothing_is_left_behind():
    network = models.build(lambda: models.DenoisingClassifier(3), G).eval()
    x, state = torch.rand(2, 1, 28, 28, generator=G), torch.get_rng_state()
    before = {k: v.clone() for k, v in network.state_dict().items()}
    scores.hutchinson_trace(network.reconstruct, x, probes=2, generator=G)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(p.grad is None for p in network.parameters())
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())


def test_fewer_than_one_probe_is_refused():
    with pytest.raises(BadInput, match="at least one probe"):
        scores.hutchinson_trace(curved, X, probes=0, generator=G)


def test_other_bad_input_is_refused_in_words():
    with pytest.raises(BadInput, match="must have that shape too"):
        scores.jacobian_trace(nn.Flatten(), X)
    with pytest.raises(BadInput, match="at least one image"):
        scores.jacobian_trace(curved, X[:0])


def test_errors_of_the_trace_by_hand():
    exact = torch.tensor([2.0, -4.0])
    guesses = torch.tensor([[3.0, 1.0, 2.0], [-4.0, -2.0, 9.0]])
    # one probe: errors 1 and 0; means of two: 0 and 1; over the mean absolute trace of 3
    found = scores.trace_errors(guesses, exact)
    assert found == {1: pytest.approx(0.5**0.5 / 3), 2: pytest.approx(0.5**0.5 / 3)}
    assert scores.trace_errors(exact[:, None], exact) == {1: 0.0}
    assert list(scores.trace_errors(guesses.repeat(1, 11), exact)) == [1, 2, 4, 8, 16, 32]


def test_errors_of_the_trace_need_estimates_for_each_image():
    for estimates, exact in [((2,), (2,)), ((2, 3), (3,)), ((2, 0), (2,))]:
        with pytest.raises(BadInput, match=r"Estimates \[n, probes\] and traces \[n\] are wanted"):
            scores.trace_errors(torch.zeros(estimates), torch.ones(exact))
