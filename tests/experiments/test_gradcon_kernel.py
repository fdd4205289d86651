"""The kernel test: its numbers are those of the scores it is made of."""

import pytest
import torch

from lib import scores
from lib.errors import BadInput
from lib.experiments.gradcon_kernel import fisher_kernels
from lib.models import CAE, build
from lib.training import generator, mean_gradient


@pytest.fixture(scope="module")
def network():
    return build(lambda: CAE(1), generator(0, "kernel test")).eval()


@pytest.fixture(scope="module")
def images():
    draw = torch.Generator().manual_seed(0)
    return torch.rand(14, 1, 28, 28, generator=draw)


@pytest.fixture(scope="module")
def found(network, images):
    tested = {"normal": images[6:9], "abnormal": images[9:]}
    return fisher_kernels(network, images[:6], images[:4], tested)


def test_means_are_of_all_pairs(network, images, found):
    fisher = scores.fisher_diagonal(network, images[:6])
    for kind, part in (("normal", images[6:9]), ("abnormal", images[9:])):
        pairs = [
            [scores.fisher_kernel(network, a[None], b[None], fisher) for b in part]
            for a in images[:4]
        ]
        single = torch.tensor(pairs)
        # float32 sums of 200,000 products, in another order
        torch.testing.assert_close(found.kernel[kind], single, rtol=1e-3, atol=1e-3)
        wanted = single.abs().mean(), single.mean()
        assert list(found.means(kind).values()) == pytest.approx(
            [float(value) for value in wanted], rel=1e-3
        )


def test_scores_are_of_normal_images_first(network, images, found):
    assert found.labels.tolist() == [False] * 3 + [True] * 5
    reference = mean_gradient(network, images[:6]).mean
    plain = torch.cat([scores.gradient_score(network, x[None], reference) for x in images[6:]])
    # float32 rounding of a cosine
    assert found.scores["plain cosine"] == pytest.approx(plain.double().numpy(), abs=1e-5)


def test_a_network_without_gradients_is_refused(images):
    white = build(lambda: CAE(1), generator(0, "white")).eval()
    with torch.no_grad():
        white.decoder[6].bias.fill_(1000.0)  # all pixels are 1, whatever the weights
    tested = {"normal": images[6:9], "abnormal": images[9:]}
    with pytest.raises(BadInput, match="not all 0"):
        fisher_kernels(white, images[:6], images[:4], tested)
