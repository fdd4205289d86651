"""The decoder's layers and the convolution that stands in for a transposed one."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lib.errors import BadInput
from lib.models import CAE
from lib.models.transposed import decoder_layers, subpixel_convolution

DOUBLE = {"dtype": torch.float64}


def test_one_input_pixel_is_spread_over_the_kernel():
    # one pixel of 2 in the middle of 3×3, stride 2, padding 1: output pixels 1 to 4 of 6 each way
    h, w = torch.zeros(1, 1, 3, 3), torch.arange(16.0).view(1, 1, 4, 4)
    h[0, 0, 1, 1] = 2
    found = subpixel_convolution(h, w, torch.tensor([0.5]), padding=1)
    wanted = torch.full((6, 6), 0.5)
    wanted[1:5, 1:5] += 2 * w[0, 0]
    assert torch.equal(found[0, 0], wanted)


@pytest.mark.parametrize(("padding", "with_bias"), [(1, True), (2, True), (2, False)])
def test_equals_the_transposed_convolution(padding, with_bias):
    c_in, c_out, draw = 3, 2, torch.Generator().manual_seed(3)
    h = torch.randn(2, c_in, 5, 7, generator=draw, **DOUBLE)
    w = torch.randn(c_in, c_out, 4, 4, generator=draw, **DOUBLE)
    bias = torch.randn(c_out, generator=draw, **DOUBLE) if with_bias else None
    found = subpixel_convolution(h, w, bias, padding=padding)
    wanted = F.conv_transpose2d(h, w, bias, stride=2, padding=padding)
    # sums of up to 21 float64 products of numbers near 1, in another order
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-13)


def test_other_decoders_are_refused():
    for decoder in [
        nn.Sequential(),
        nn.Sequential(nn.ConvTranspose2d(64, 1, 4, stride=2, padding=1), nn.Tanh()),
        nn.Sequential(nn.ConvTranspose2d(64, 1, 4, stride=2, padding=3), nn.Sigmoid()),
        nn.Sequential(nn.Conv2d(64, 1, 4, stride=2, padding=1), nn.Sigmoid()),
    ]:
        model = CAE()
        model.decoder = decoder
        with pytest.raises(BadInput, match="this decoder has"):
            decoder_layers(model)
