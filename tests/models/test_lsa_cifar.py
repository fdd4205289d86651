"""LSA's CIFAR-10 autoencoder: sizes against the published counts, and shapes layer by layer."""

import pytest
import torch
from torch import nn

from lib.models import build, count_parameters
from lib.models.lsa_cifar import LSACifarAutoencoder, ResidualBlock


@pytest.fixture(scope="module")
def model():
    """In evaluation mode; no test may change it."""
    return build(LSACifarAutoencoder, torch.Generator().manual_seed(0)).eval()


def images(n, seed=1):
    return torch.rand((n, 3, 32, 32), generator=torch.Generator().manual_seed(seed))


def block(a, b, size):
    """A size×size and a 3×3 convolution, the 1×1 shortcut, three batch norms."""
    return size * size * a * b + 9 * b * b + a * b + 3 * 2 * b


def test_parameter_count_of_each_half(model):
    residual = 2 * 9 * 32 * 32 + 2 * 2 * 32
    downs = block(32, 64, 3) + block(64, 128, 3) + block(128, 256, 3)
    ups = block(256, 128, 5) + block(128, 64, 5) + block(64, 32, 5)
    wide, code = 4096 * 256, 256 * 64
    encoder = 9 * 3 * 32 + residual + downs + (wide + 256) + 2 * 256 + (code + 64)
    decoder = (code + 256) + 2 * 256 + (wide + 4096) + 2 * 4096 + ups + residual + 32 * 3
    assert count_parameters(model.encoder) == encoder
    assert count_parameters(model.decoder) == decoder
    assert count_parameters(model) == 17_826_752 - 13_124_864  # published, without the estimator


def test_layer_sizes(model):
    sizes, h = [], images(2)
    for layer in [*model.encoder, *model.decoder]:
        h = layer(h)
        sizes.append(tuple(h.shape[1:]))
    assert sizes == [
        *[(32, 30, 30)] * 3,  # convolution without padding, LeakyReLU, residual block
        (64, 15, 15),
        (128, 8, 8),
        (256, 4, 4),
        (4096,),
        *[(256,)] * 3,  # dense, batch norm, LeakyReLU
        *[(64,)] * 2,  # dense, sigmoid
        *[(256,)] * 3,
        *[(4096,)] * 3,
        (256, 4, 4),
        (128, 8, 8),
        (64, 16, 16),
        *[(32, 32, 32)] * 2,  # up block, residual block
        (3, 32, 32),
    ]


def test_a_residual_block_adds_its_input_before_the_activation():
    made = ResidualBlock(4).eval()
    nn.init.zeros_(made.branch[-1].weight)  # the branch is then its last bias alone
    nn.init.constant_(made.branch[-1].bias, -1.0)
    x = torch.full((1, 4, 3, 3), 3.0)
    x[:, 2] = 0.5
    found = made(x)
    assert torch.allclose(found[:, 0], torch.tensor(3.0 - 1))
    assert torch.allclose(found[:, 2], torch.tensor(0.01 * (0.5 - 1)))
