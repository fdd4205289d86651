"""LSA's scores by hand, in a slow second way, and without a trace."""

import math

import pytest
import torch
from torch import nn

from lib.errors import BadInput
from lib.models import LSAAutoencoder, build
from lib.models.lsa_estimator import LSAEstimator
from lib.scores import lsa_scores, reconstruction_error

FLOAT32 = 1e-5  # scaled values of about 1; a float32 error divided by a range a hundred times less


class Half(nn.Module):
    """The two pixels are the code; the picture is half the code."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(0.5))

    def encode(self, x):
        return x.flatten(1)

    def decode(self, z):
        return (self.scale * z).view(-1, 1, 1, 2)

    def forward(self, x):
        return self.decode(self.encode(x))


@pytest.fixture
def by_hand():
    """`Half`, and the distributions (1, 3)/4 and (1, 7)/8 over two bins each."""
    second = LSAEstimator(length=2, width=1, bins=2)
    for p in second.parameters():
        nn.init.zeros_(p)
    second.layers[-1].bias.data.copy_(torch.tensor([1.0, 3.0, 1.0, 7.0]).log())
    return Half().eval(), second.eval()


@pytest.fixture
def networks():
    """The MNIST autoencoder after one batch, and a narrow estimator."""
    g = torch.Generator().manual_seed(0)
    first = build(LSAAutoencoder, g)
    for m in first.modules():
        if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d):
            m.momentum = None  # the one batch's own averages
    with torch.no_grad():
        first(images(16, seed=9))
    return first.eval(), build(lambda: LSAEstimator(width=2, bins=10), g).eval()


def images(n, seed=1):
    return torch.rand((n, 1, 28, 28), generator=torch.Generator().manual_seed(seed))


def lsa_score(autoencoder, estimator, x, **options):
    found = lsa_scores(autoencoder, estimator, x, **options)
    return found["recon" if estimator is None else "novelty"]


def pixels(*pairs):
    return torch.tensor(pairs).view(-1, 1, 1, 2)


def test_scores_by_hand(by_hand):
    # recon: (a² + b²) / 8; likelihood: minus the logs of the two bins' chances
    x = pixels((0.2, 0.8), (0.8, 0.0))
    validation = pixels((0.8, 0.8), (0.4, 0.4), (0.6, 0.2))
    found = lsa_scores(*by_hand, x, validation=validation)
    recon = [0.68 / 8, 0.64 / 8]
    likelihood = [-math.log(1 / 4 * 7 / 8), -math.log(3 / 4 * 1 / 8)]
    assert found["recon"].tolist() == pytest.approx(recon, rel=FLOAT32)
    assert found["likelihood"].tolist() == pytest.approx(likelihood, rel=FLOAT32)
    # the validation images' recon is 0.16, 0.04, 0.05; their chances 21/32, 1/32, 3/32
    low, high = math.log(1 / 32), math.log(21 / 32)
    novelty = [
        -(-r + 0.16) / (0.16 - 0.04) - (-s - low) / (high - low)
        for r, s in zip(recon, likelihood, strict=True)
    ]
    assert found["novelty"].tolist() == pytest.approx(novelty, rel=FLOAT32)


def test_without_an_estimator_it_is_the_reconstruction_error_alone(networks):
    first, _ = networks
    x = images(5)
    wanted = reconstruction_error(first, x)
    for validation in (None, images(3, seed=2)):
        assert torch.equal(lsa_score(first, None, x, validation=validation), wanted)
        found = lsa_scores(first, None, x, validation=validation)
        assert list(found) == ["recon"]
        assert torch.equal(found["recon"], wanted)


def one_by_one(first, second, x, validation):
    """The official order of things: high is normal, one image at a time, then the sign turned."""

    def normality(image):
        z = first.encode(image[None])
        logs = second(z)[0].log_softmax(0)
        bins = [min(int(value * second.bins), second.bins - 1) for value in z[0]]
        chance = sum(float(logs[b, i]) for i, b in enumerate(bins))
        return chance, -float((first.decode(z) - image).square().sum())

    def scaled(value, others):
        return (value - min(others)) / (max(others) - min(others))

    with torch.no_grad():
        seen = list(zip(*map(normality, validation), strict=True))
        return [-sum(map(scaled, normality(image), seen)) for image in x]


def test_the_novelty_score_by_loops(networks):
    x, validation = images(4), images(6, seed=2)
    found = lsa_score(*networks, x, validation=validation)
    # errors of about 300 in float32 and their range of about 30: rounding grows tenfold
    assert found.tolist() == pytest.approx(one_by_one(*networks, x, validation), abs=1e-3)


def test_neither_batch_size_nor_order_matters(networks):
    x, validation = images(5), images(6, seed=2)
    wanted = lsa_scores(*networks, x, validation=validation)
    assert list(wanted) == ["recon", "likelihood", "novelty"]
    backwards = lsa_scores(*networks, x.flip(0), validation=validation.flip(0), batch_size=2)
    for name, values in wanted.items():
        assert values.shape == (5,)
        # another order of sums in float32, scaled as above
        torch.testing.assert_close(backwards[name].flip(0), values, rtol=1e-3, atol=1e-3)
    assert wanted["novelty"].std() > 0.01


def test_scoring_leaves_no_trace(snapshot, networks):
    x = images(2).requires_grad_()
    for m in networks:
        m.requires_grad_()
    both = torch.nn.ModuleList(networks)
    before = snapshot(both, x)
    found = lsa_scores(*networks, x, validation=images(3, seed=2))
    assert snapshot(both, x) == before
    assert not any(v.requires_grad for v in found.values())
    assert not any(part.training for m in networks for part in m.modules())


def test_nonsense_is_refused_in_words(by_hand):
    x = pixels((0.2, 0.8), (0.8, 0.0))
    for validation in (None, x[:0]):
        with pytest.raises(BadInput, match="needs validation images"):
            lsa_score(*by_hand, x, validation=validation)
    with pytest.raises(BadInput, match='"recon" must vary'):
        lsa_score(*by_hand, x, validation=x[:1])
    with pytest.raises(BadInput, match='"likelihood" must vary'):
        lsa_score(*by_hand, x, validation=pixels((0.9, 0.8), (0.6, 0.7)))
    with pytest.raises(BadInput, match="batch size must be at least 1, but 0"):
        lsa_score(*by_hand, x, validation=x, batch_size=0)
    for network in by_hand:
        network.train()
        with pytest.raises(BadInput, match=r"call eval\(\)"):
            lsa_score(*by_hand, x, validation=x)
        network.eval()
