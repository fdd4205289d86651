"""Deep SVDD's networks: counts by hand, no way to a constant, and the decoder's sizes."""

import pytest
import torch
from torch import nn

from lib.errors import BadInput
from lib.models import build, count_parameters
from lib.models.deep_svdd import deep_svdd

# Other orders of summation for another batch size, on outputs near 1; measured 5e-7.
ROUNDING = 1e-5

KINDS = [(1, 28), (1, 32), (3, 28), (3, 32)]
each = pytest.mark.parametrize(("channels", "size"), KINDS)


def network(channels, size, seed=0):
    return build(lambda: deep_svdd(channels, size=size), torch.Generator().manual_seed(seed))


def decoder(made, seed=1):
    return build(made.decoder, torch.Generator().manual_seed(seed))


def images(n, channels, size, seed=1):
    return torch.rand((n, channels, size, size), generator=torch.Generator().manual_seed(seed))


# 5×5 kernels; the dense layer from what is left of the side: 7, 8, 3 (28 → 14 → 7 → 3), 4
COUNTS = {
    (1, 28): 25 * (1 * 8 + 8 * 4) + 4 * 7**2 * 32,
    (1, 32): 25 * (1 * 8 + 8 * 4) + 4 * 8**2 * 32,
    (3, 28): 25 * (3 * 32 + 32 * 64 + 64 * 128) + 128 * 3**2 * 128,
    (3, 32): 25 * (3 * 32 + 32 * 64 + 64 * 128) + 128 * 4**2 * 128,
}


def test_parameter_counts():
    assert list(COUNTS.values()) == [7272, 9192, 405_856, 520_544]
    for (channels, size), wanted in COUNTS.items():
        made = network(channels, size)
        assert count_parameters(made) == wanted
        # 2 maps → 4 → 8 → 1, and 8 → 128 → 64 → 32 → 3
        pairs = [2 * 4, 4 * 8, 8] if channels == 1 else [8 * 128, 128 * 64, 64 * 32, 32 * 3]
        assert count_parameters(made.decoder()) == 25 * sum(pairs)
    assert [25 * (8 + 32 + 8), 25 * (1024 + 8192 + 2048 + 96)] == [1200, 284_000]


@each
def test_outputs_have_the_code_and_the_decoder_gives_images_back(channels, size):
    made, x = network(channels, size), images(3, channels, size)
    z = made(x)
    assert z.shape == (3, made.code) and made.code == {1: 32, 3: 128}[channels]
    drawn = decoder(made)(z)
    assert drawn.shape == x.shape
    assert drawn.min() > 0 and drawn.max() < 1


def test_nothing_can_make_a_constant_output():
    channels, size = 3, 32
    made = network(channels, size)
    for part in (made, made.decoder()):
        for layer in part.modules():
            assert getattr(layer, "bias", None) is None
            if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
                assert layer.weight is None and layer.eps == 1e-4  # the code's
            if isinstance(layer, nn.LeakyReLU):
                assert layer.negative_slope == 0.01
    # with the statistics of the start, an image of zeros has the output 0
    assert not made.eval()(torch.zeros(1, channels, size, size)).any()


def test_evaluation_mode_does_not_mix_the_images_of_a_batch():
    made, x = network(1, 28), images(4, 1, 28)
    other = torch.cat([x[:1], 1 - x[1:]])
    assert (made(x)[0] - made(other)[0]).abs().max() > 100 * ROUNDING  # training mode does
    made.eval()
    alone = torch.cat([made(image[None]) for image in x])
    torch.testing.assert_close(made(x), alone, rtol=0, atol=ROUNDING)


def test_the_first_convolutions_of_three_channels_are_drawn_by_xaviers_rule():
    # uniform within gain · sqrt(6 / (in + out)), gain² = 2 / (1 + 0.01²), over 25 places a map
    made = network(3, 28)
    for layer, a, b in ((made.layers[0], 3, 32), (made.layers[4], 32, 64)):
        bound = (2 / 1.0001 * 6 / (25 * (a + b))) ** 0.5
        assert layer.weight.abs().max() <= bound
        # n uniform draws: the largest is within 10/n of the bound but for one case in e^10
        assert layer.weight.abs().max() > bound * (1 - 10 / layer.weight.numel())
    # PyTorch's own rule for one channel: within 1 / sqrt(in), in = 25
    assert network(1, 28).layers[0].weight.abs().max() <= 1 / 5


def test_other_networks_are_refused():
    for channels, size in [(2, 28), (0, 28), (1, 30), (3, 64)]:
        with pytest.raises(BadInput, match=f"1 or 3 channels.*but {channels} of {size} came"):
            deep_svdd(channels, size=size)
