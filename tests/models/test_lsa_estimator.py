"""LSA's estimator: what the masks leave, who sees whom, and log-likelihoods by hand."""

import itertools
import math

import pytest
import torch
from torch import nn

from lib.errors import BadInput
from lib.models import LSAAutoencoder, build, count_parameters
from lib.models.lsa_cifar import LSACifarAutoencoder
from lib.models.lsa_estimator import LSAEstimator, MaskedDense, count_unmasked

LENGTH, WIDTH, BINS = 5, 3, 4  # of the small estimator
FLOAT64 = 1e-12  # sums of up to 15 terms of size 1, in another order


@pytest.fixture(scope="module")
def full():
    """The published estimator; no test may change it."""
    return build(LSAEstimator, torch.Generator().manual_seed(0)).eval()


@pytest.fixture
def small():
    def make():
        return LSAEstimator(length=LENGTH, width=WIDTH, bins=BINS)

    return build(make, torch.Generator().manual_seed(0)).double()


def codes(n, length=LENGTH, seed=1, dtype=torch.float64):
    return torch.rand((n, length), generator=torch.Generator().manual_seed(seed), dtype=dtype)


# --- sizes


def test_the_masks_leave_the_published_counts(full):
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


@pytest.mark.parametrize(
    ("autoencoder", "counted", "stored"),
    [
        (LSAAutoencoder, 13_690_160, 26_401_072),  # 13,690,160 is the size table's
        (LSACifarAutoencoder, 17_826_752, 30_537_664),
    ],
)
def test_the_whole_models_have_the_published_counts(full, autoencoder, counted, stored):
    both = nn.ModuleList([autoencoder(), full])
    assert count_unmasked(both) == counted
    assert count_parameters(both) == stored


def test_unmasked_weights_are_those_that_matter(small):
    # a second count: set all to 1, and those not masked are the ones with a gradient
    for p in small.parameters():
        nn.init.ones_(p)
    small(codes(2) + 0.1).sum().backward()
    assert count_unmasked(small) == sum(int((p.grad != 0).sum()) for p in small.parameters())


def test_frozen_layers_and_plain_networks_are_counted_as_elsewhere(small):
    first = small.layers[0]
    before, mine = count_unmasked(small), count_unmasked(first)
    assert mine == 10 * WIDTH + LENGTH * WIDTH  # 4 + 3 + 2 + 1 pairs, and the biases
    first.requires_grad_(False)
    assert (count_unmasked(first), count_unmasked(small)) == (0, before - mine)
    assert count_unmasked(nn.Linear(3, 2)) == 3 * 2 + 2


def test_layers_and_channels(full):
    kinds = [type(layer) for layer in full.layers]
    assert kinds == [MaskedDense, nn.LeakyReLU] * 4 + [MaskedDense]
    shapes = [tuple(m.weight.shape) for m in full.layers if isinstance(m, MaskedDense)]
    assert shapes == [(2048, 64), *[(2048, 2048)] * 3, (6400, 2048)]
    assert {m.negative_slope for m in full.layers if isinstance(m, nn.LeakyReLU)} == {0.01}


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


@torch.no_grad()
def test_only_later_outputs_move_when_a_number_of_the_published_size_does(full):
    z = codes(1, 64, dtype=torch.float32).expand(65, -1).clone()
    z[:64].diagonal().add_(5.0)  # row i: number i moved, far enough to beat rounding
    logits = full(z)
    assert logits.shape == (65, 100, 64)
    moved = (logits[:64] - logits[64]).abs().amax(1)  # [which moved, which answers]
    later = torch.ones(64, 64, dtype=torch.bool).triu(1)
    # logits below 0.1 in sums of 2048 terms: a few roundings of 1e-8; rows may sum in another
    # order, so not exactly 0
    assert moved[~later].max() < 1e-7
    assert moved[later].min() > 3e-7


def test_the_first_numbers_distribution_is_the_same_for_all_codes(small):
    logits = small(codes(6)).detach()
    spread = (logits - logits[:1]).abs().amax((0, 1))
    assert spread[0] < FLOAT64 and spread[1:].min() > 1e-5


def test_masked_weights_neither_matter_nor_move(small):
    z = codes(3)
    with torch.no_grad():
        before = small(z)
        for m in small.layers[::2]:
            m.weight[~m.mask] = 1e6
        assert torch.equal(small(z), before)
    optimiser = torch.optim.Adam(small.parameters(), lr=0.1)
    (-small.log_likelihood(z).mean()).backward()
    optimiser.step()
    assert all((m.weight[~m.mask] == 1e6).all() for m in small.layers[::2])
    assert not torch.equal(small(z), before)


def test_the_state_holds_weights_and_biases_only(small):
    assert len(small.state_dict()) == 2 * 5
    other = LSAEstimator(length=LENGTH, width=WIDTH, bins=BINS).double()
    other.load_state_dict(small.state_dict())
    assert torch.equal(other(codes(2)), small(codes(2)))


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
        ((0.5, 0.0), 2 / 4 * 1 / 8),
        ((0.34, 0.66), 2 / 4 * 1 / 8),  # bins end at 1/3 and 2/3
        ((0.32, 0.67), 1 / 4 * 6 / 8),
        ((1.0, 1.0), 1 / 4 * 6 / 8),  # 1 itself belongs to the last bin
    ],
)
def test_log_likelihood_by_hand(constant, code, chance):
    found = constant.log_likelihood(torch.tensor([code, (0.5, 0.9)], dtype=torch.float64))
    wanted = torch.tensor([chance, 2 / 4 * 6 / 8], dtype=torch.float64).log()
    torch.testing.assert_close(found.detach(), wanted, rtol=1e-6, atol=0)  # a float32 bias


def test_the_untrained_published_estimator_is_close_to_uniform(full):
    with torch.no_grad():
        found = full.log_likelihood(codes(3, 64, dtype=torch.float32))
    assert found.shape == (3,)
    # its logits lie below 0.1 in size, so each of 64 terms is within 0.2 of log 1/100
    assert (found + 64 * math.log(100)).abs().max() < 64 * 0.2


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


def test_gradients_reach_the_code_through_the_logits_alone(small):
    z = codes(2).requires_grad_()
    small.log_likelihood(z).sum().backward()
    assert (z.grad[:, :-1] != 0).all()
    assert (z.grad[:, -1] == 0).all()  # its own distribution does not see it, and no other


@pytest.mark.parametrize("shape", [(2, LENGTH - 1), (LENGTH,), (2, 1, LENGTH)])
def test_codes_of_another_shape_are_refused(small, shape):
    for function in (small, small.log_likelihood):
        with pytest.raises(BadInput, match=rf"codes \[n, {LENGTH}\]") as caught:
            function(torch.zeros(shape))
        assert str(list(shape)) in str(caught.value)


def test_numbers_outside_the_unit_interval_have_no_bin(small):
    for value in [-0.01, 1.01, math.nan, math.inf]:
        z = codes(2)
        z[1, 3] = value
        with pytest.raises(BadInput, match=r"lie in \[0, 1\]"):
            small.log_likelihood(z)
