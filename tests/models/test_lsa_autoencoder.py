"""LSA's autoencoder: sizes against the published counts, and what batch norm does to a batch."""

import pytest
import torch
from torch import nn

from lib.models import LSAAutoencoder, build, count_parameters


@pytest.fixture
def model():
    return build(LSAAutoencoder, torch.Generator().manual_seed(0))


def images(n, seed=1):
    return torch.rand((n, 1, 28, 28), generator=torch.Generator().manual_seed(seed))


def block(a, b, size):
    """A size×size and a 3×3 convolution, the 1×1 shortcut, three batch norms."""
    return size * size * a * b + 9 * b * b + a * b + 3 * 2 * b


def test_parameter_count_of_each_half(model):
    code = 64 * 64 + 64
    norm = 2 * 64
    wide = 3136 * 64
    encoder = block(1, 32, 3) + block(32, 64, 3) + (wide + 64) + norm + code
    decoder = code + norm + (wide + 3136) + 2 * 3136 + block(64, 32, 5) + block(32, 16, 5) + 16
    assert (encoder, decoder) == (272_512, 292_784)  # counted from the authors' weights
    assert count_parameters(model.encoder) == encoder
    assert count_parameters(model.decoder) == decoder
    assert count_parameters(model) == 565_296


def test_layer_sizes(model):
    sizes, h = [], images(2)
    for layer in [*model.encoder, *model.decoder]:
        h = layer(h)
        sizes.append(tuple(h.shape[1:]))
    assert sizes == [
        (32, 14, 14),
        (64, 7, 7),
        (3136,),
        *[(64,)] * 3,  # dense, batch norm, LeakyReLU
        *[(64,)] * 2,  # dense, sigmoid
        *[(64,)] * 3,
        *[(3136,)] * 3,
        (64, 7, 7),
        (32, 14, 14),
        (16, 28, 28),
        (1, 28, 28),
    ]


def test_every_leaky_relu_has_the_published_slope(model):
    slopes = [m.negative_slope for m in model.modules() if isinstance(m, nn.LeakyReLU)]
    assert slopes == [0.01] * 11  # two in each of four blocks, three in the dense parts
    # the one after the sum: with the last norm of each branch at -1, a block answers 0.01 · -2
    down = model.encoder[0].eval()
    for norm in (down.branch[-1], down.shortcut[-1]):
        nn.init.zeros_(norm.weight)
        nn.init.constant_(norm.bias, -1.0)
    assert torch.allclose(down(images(1)), torch.tensor(-0.02))
