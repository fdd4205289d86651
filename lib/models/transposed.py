"""GradCon's decoder layer by layer, for what autograd would not keep apart."""

import torch.nn.functional as F
from torch import Tensor, nn

from lib.errors import BadInput
from lib.models.cae import CAE

SHORTEST = 1e-8  # what `torch.cosine_similarity` takes a shorter vector's length to be


def decoder_layers(model: CAE) -> list[nn.ConvTranspose2d]:
    """The decoder's transposed convolutions, from the latent map to the pixels.

    Raises BadInput for a decoder built of other layers than CAE's.
    """
    layers = list(model.decoder)
    between = [type(layer) for layer in layers[1::2]]
    fits = between == [nn.ReLU] * (len(between) - 1) + [nn.Sigmoid]
    if not (fits and len(layers) % 2 == 0 and all(map(_is_known, layers[::2]))):
        raise BadInput(
            "Gradients are taken through 4×4 transposed convolutions of stride 2, padding 1 or 2, "
            "with ReLUs between and a sigmoid at the end; this decoder has "
            f"{', '.join(type(layer).__name__ for layer in layers)}."
        )
    return [layer for layer in layers if isinstance(layer, nn.ConvTranspose2d)]


def subpixel_convolution(h: Tensor, w: Tensor, bias: Tensor | None, *, padding: int) -> Tensor:
    """A 4×4 transposed convolution of stride 2 as a convolution, `[n, c_in, s, s]` to pixels.

    The same numbers but for rounding: each 2×2 block of the output is made of 2×2 inputs. A CPU is
    slow at transposed convolutions to so few channels.
    """
    c_in, c_out = w.shape[:2]
    split = w.view(c_in, c_out, 2, 2, 2, 2).flip(2, 4).permute(1, 3, 5, 0, 2, 4)
    spread = None if bias is None else bias.repeat_interleave(4)
    blocks = F.conv2d(h, split.reshape(4 * c_out, c_in, 2, 2), spread, padding=1)
    pixels = F.pixel_shuffle(blocks, 2)
    return pixels[:, :, padding : pixels.shape[2] - padding, padding : pixels.shape[3] - padding]


def _is_known(layer: nn.Module) -> bool:
    if not isinstance(layer, nn.ConvTranspose2d):
        return False
    shape = (layer.kernel_size, layer.stride, layer.output_padding, layer.dilation, layer.groups)
    return shape == ((4, 4), (2, 2), (0, 0), (1, 1), 1) and layer.padding in ((1, 1), (2, 2))
