"""LSA's estimator: what the masks leave, who sees whom, and log-likelihoods by hand."""

import itertools
import math

import pytest
import torch
from torch import nn

from lib.errors import BadInput
from lib.models import build, count_parameters
from lib.models.lsa_estimator import LSAEstimator, MaskedDense, count_unmasked

LENGTH, WIDTH, BINS = 5, 3, 4  # of the small estimator
FLOAT64 = 1e-12  # sums of up to 15 terms of size 1, in another order


@pytest.fixture
def small():
    def make():
        return LSAEstimator(length=LENGTH, width=WIDTH, bins=BINS)

    return build(make, torch.Generator().manual_seed(0)).double()


def codes(n, length=LENGTH, seed=1, dtype=torch.float64):
    return torch.rand((n, length), generator=torch.Generator().manual_seed(seed), dtype=dtype)


# --- sizes


def test_the_masks_leave_the_published_counts():
    full = LSAEstimator()
    strict, inclusive = 64 * 63 // 2, 64 * 65 // 2  # pairs of numbers that may see each other
    sizes = [
        (strict * 32 + 64 * 32, 64 * 64 * 32 + 64 * 32),
        *[(inclusive * 32 * 32 + 64 * 32, (64 * 32) ** 2 + 64 * 32)] * 3,
        (inclusive * 32 * 100 + 64 * 100, 64 * 32 * 64 * 100 + 64 * 100),
    ]
    layers = [layer for layer in full.layers if isinstance(layer, MaskedDense)]
    assert [(count_unmasked(m), count_parameters(m)) for m in layers] == sizes
    assert count_unmasked(full) == sum(counted for counted, _ in sizes) == 13_124_864
    assert count_parameters(full) == sum(stored for _, stored in sizes) == 25_835_776


def test_unmasked_weights_are_those_that_matter(small):
    # a second count: set all to 1, and those not masked are the ones with a gradient
    for p in small.parameters():
        nn.init.ones_(p)
    small(codes(2) + 0.1).sum().backward()
    assert count_unmasked(small) == sum(int((p.grad != 0).sum()) for p in small.parameters())


# --- who sees whom


@pytest.mark.parametrize("strict", [True, False])
def test_a_masked_layer_by_loops(strict):
    length, a, b = 3, 2, 4
    layer = MaskedDense(length, a, b, strict=strict).double()
    x = codes(1, length * a)[0]
    wanted = torch.zeros(length, b, dtype=torch.float64)
    for i, q in itertools.product(range(length), range(b)):
        wanted[i, q] = layer.bias[i * b + q].detach()
        for j, p in itertools.product(range(i if strict else i + 1), range(a)):
            wanted[i, q] += (layer.weight[i * b + q, j * a + p] * x[j * a + p]).detach()
    found = layer(x[None])[0].view(length, b)
    torch.testing.assert_close(found.detach(), wanted, rtol=FLOAT64, atol=FLOAT64)


def test_a_distribution_depends_on_all_earlier_numbers_and_no_other(small):
    z = codes(1)[0]
    jacobian = torch.autograd.functional.jacobian(lambda z: small(z[None])[0], z)
    assert jacobian.shape == (BINS, LENGTH, LENGTH)
    seer, seen = torch.arange(LENGTH)[:, None], torch.arange(LENGTH)
    # exact: a masked weight is a product with 0
    assert torch.equal(jacobian != 0, (seen < seer).expand(BINS, -1, -1))


# --- log-likelihood


@pytest.fixture
def constant():
    """Two numbers in three bins, whose distributions hang on nothing: (1, 2, 1)/4, (1, 1, 6)/8."""
    made = LSAEstimator(length=2, width=1, bins=3).double()
    for p in made.parameters():
        nn.init.zeros_(p)
    bias = torch.tensor([1.0, 2.0, 1.0, 1.0, 1.0, 6.0]).log()
    made.layers[-1].bias.data.copy_(bias)
    return made


@pytest.mark.parametrize(
    ("code", "chance"),
    [
        ((0.1, 0.9), 1 / 4 * 6 / 8),
        ((0.34, 0.66), 2 / 4 * 1 / 8),  # bins end at 1/3 and 2/3
        ((1.0, 1.0), 1 / 4 * 6 / 8),  # 1 itself belongs to the last bin
    ],
)
def test_log_likelihood_by_hand(constant, code, chance):
    found = constant.log_likelihood(torch.tensor([code, (0.5, 0.9)], dtype=torch.float64))
    wanted = torch.tensor([chance, 2 / 4 * 6 / 8], dtype=torch.float64).log()
    torch.testing.assert_close(found.detach(), wanted, rtol=1e-6, atol=0)  # a float32 bias


def test_chances_of_all_bins_sum_to_one(small):
    # a walk through all bins, each met at its middle: a chain of conditional distributions
    grid = [(i + 0.5) / BINS for i in range(BINS)]
    every = torch.tensor(list(itertools.product(grid, repeat=LENGTH)), dtype=torch.float64)
    chances = small.log_likelihood(every).exp()
    assert chances.sum().item() == pytest.approx(1, rel=1e-9)  # 1024 terms in float64
    assert chances.min() != chances.max()


def test_no_number_counts_below_the_floor(constant):
    constant.layers[-1].bias.data[:3] = torch.tensor([0.0, 500.0, 0.0])
    found = constant.log_likelihood(torch.tensor([[0.1, 0.9]], dtype=torch.float64))
    wanted = -52 * math.log(2) + math.log(6 / 8)
    assert found.item() == pytest.approx(wanted, rel=1e-6)  # a float32 bias


def test_codes_of_another_shape_are_refused(small):
    for function in (small, small.log_likelihood):
        with pytest.raises(BadInput, match=rf"codes \[n, {LENGTH}\]"):
            function(torch.zeros(2, LENGTH - 1))


def test_numbers_outside_the_unit_interval_have_no_bin(small):
    for value in [-0.01, 1.01, math.nan, math.inf]:
        z = codes(2)
        z[1, 3] = value
        with pytest.raises(BadInput, match=r"lie in \[0, 1\]"):
            small.log_likelihood(z)
