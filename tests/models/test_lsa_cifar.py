"""LSA's CIFAR-10 autoencoder: sizes against the published counts, and shapes layer by layer."""

import pytest
import torch
from torch import nn

from lib.errors import BadInput
from lib.models import build, count_parameters
from lib.models.lsa_cifar import LSACifarAutoencoder, ResidualBlock

# Other orders of summation for another batch size, on outputs below 10; the norms stretch the
# small differences of noise images and their roundings with them. Measured 3e-5.
ROUNDING = 2e-4


@pytest.fixture(scope="module")
def model():
    """In evaluation mode, with averages of a few batches; no test may change it."""
    made = build(LSACifarAutoencoder, torch.Generator().manual_seed(0))
    for m in made.modules():
        if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d):
            m.momentum = None  # plain means, so that a few batches are enough
    with torch.no_grad():  # without them the image hardly reaches the output
        for seed in range(3):
            made(images(8, seed))
    return made.eval()


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


def test_convolutions_have_no_bias_and_slopes_are_the_published_ones(model):
    kinds = nn.Conv2d | nn.ConvTranspose2d
    convolutions = [m for m in model.modules() if isinstance(m, kinds)]
    assert len(convolutions) == 1 + 2 + 3 * 3 + 3 * 3 + 2 + 1
    assert all(m.bias is None for m in convolutions)
    slopes = [m.negative_slope for m in model.modules() if isinstance(m, nn.LeakyReLU)]
    assert slopes == [0.01] * (1 + 2 * 8 + 3)  # the first, two in each block, the dense parts


def test_a_residual_block_adds_its_input_before_the_activation():
    made = ResidualBlock(4).eval()
    nn.init.zeros_(made.branch[-1].weight)  # the branch is then its last bias alone
    nn.init.constant_(made.branch[-1].bias, -1.0)
    x = torch.full((1, 4, 3, 3), 3.0)
    x[:, 2] = 0.5
    found = made(x)
    assert torch.allclose(found[:, 0], torch.tensor(3.0 - 1))
    assert torch.allclose(found[:, 2], torch.tensor(0.01 * (0.5 - 1)))


def test_forward_is_decode_after_encode(model):
    x = images(3)
    with torch.no_grad():
        z = model.encode(x)
        assert z.shape == (3, 64)
        assert z.min() > 0 and z.max() < 1
        found = model(x)
        assert torch.equal(found, model.decode(z))
    assert found.shape == x.shape
    assert found.min() < 0  # no activation ends the decoder


@torch.no_grad()
def test_evaluation_mode_does_not_mix_the_images_of_a_batch(model):
    x = images(4)
    alone = torch.cat([model(image[None]) for image in x])
    assert (model(x) - alone).abs().max() < ROUNDING
    assert (alone[0] - alone[1]).abs().max() > 100 * ROUNDING


@pytest.mark.parametrize(
    "shape", [(2, 1, 32, 32), (2, 3, 28, 28), (2, 3, 32, 31), (3, 32, 32), (2, 3072)]
)
def test_refuses_images_of_another_shape(model, shape):
    with pytest.raises(BadInput, match=r"images \[n, 3, 32, 32\]") as caught:
        model(torch.rand(shape))
    assert str(list(shape)) in str(caught.value)


@pytest.mark.parametrize("shape", [(2, 63), (64,), (2, 64, 1)])
def test_refuses_codes_of_another_shape(model, shape):
    with pytest.raises(BadInput, match=r"codes \[n, 64\]"):
        model.decode(torch.rand(shape))
