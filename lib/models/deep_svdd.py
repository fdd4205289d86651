"""Deep SVDD's networks: small encoders that cannot learn a constant by a bias."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from lib.errors import BadInput

EPSILON = 1e-4  # of batch norm, as in the public code
CODE_SIDE = 4  # the decoder begins with maps of 4×4
SIZES = (28, 32)


class DeepSVDD(nn.Module):
    """Encoder of images `[n, channels, size, size]` to `[n, code]`, any values: nothing ends it.

    For each of `widths` a 5×5 convolution, batch norm, leaky ReLU (slope 0.01, as the code has it)
    and 2×2 max pooling, then a dense layer. No biases, and batch norm without weights: either could
    make every output the centre. Batch norm mixes the images of a batch in training mode: call
    `eval()` before scoring. Make it with `deep_svdd`. Raises BadInput for images of another shape.
    Source: ruff2018deep, public PyTorch code.
    """

    def __init__(self, channels: int, *, widths: tuple[int, ...], code: int, size: int) -> None:
        super().__init__()
        self.shape = (channels, size, size)
        self.widths, self.code = widths, code
        layers: list[nn.Module] = []
        for a, b in pairwise((channels, *widths)):
            layers += [nn.Conv2d(a, b, 5, padding=2, bias=False), *_norm(b), nn.MaxPool2d(2)]
        side = size // 2 ** len(widths)  # pooling rounds down
        dense = nn.Linear(widths[-1] * side**2, code, bias=False)
        self.layers = nn.Sequential(*layers, nn.Flatten(), dense)
        if channels == 3:
            _draw_anew(self)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs `[n, code]`."""
        if x.ndim != 4 or x.shape[1:] != torch.Size(self.shape):
            wanted = ", ".join(str(size) for size in self.shape)
            raise BadInput(f"This network takes [n, {wanted}]; it was given {list(x.shape)}.")
        z: Tensor = self.layers(x)
        return z

    def decoder(self) -> nn.Sequential:
        """A new decoder from `[n, code]` to images in (0, 1), for pre-training as an autoencoder.

        The code as maps of 4×4, then the encoder's widths backwards by transposed 5×5
        convolutions, between them batch norm, leaky ReLU and doubling of the side by repetition;
        a sigmoid at the end. Without biases. Parameters: 1200 with one channel, 284,000 with three.
        The layer before the last one crops by a pixel where the images have 28×28 pixels; that is
        the code's rule for MNIST, which we take for three channels too (the code has 32×32 only).
        """
        channels, size, _ = self.shape
        maps = (self.code // CODE_SIDE**2, *reversed(self.widths), channels)
        layers: list[nn.Module] = [nn.Unflatten(1, (maps[0], CODE_SIDE, CODE_SIDE)), nn.LeakyReLU()]
        if channels == 3:
            layers.insert(0, nn.BatchNorm1d(self.code, eps=EPSILON, affine=False))
        else:
            layers.append(nn.Upsample(scale_factor=2))
        for place, (a, b) in enumerate(pairwise(maps), start=1):
            before_last = place == len(self.widths)
            padding = 3 if before_last and size == 28 else 2
            layers.append(nn.ConvTranspose2d(a, b, 5, padding=padding, bias=False))
            if place <= len(self.widths):
                layers += [*_norm(b), nn.Upsample(scale_factor=2)]
        made = nn.Sequential(*layers, nn.Sigmoid())
        if channels == 3:
            _draw_anew(made)
        return made


def deep_svdd(channels: int, *, size: int = 28) -> DeepSVDD:
    """The encoder for images of one channel (MNIST) or three (CIFAR-10), of 28×28 or 32×32 pixels.

    One channel: widths 8 and 4, code of 32 numbers; 7272 parameters (32×32: 9192). Three channels:
    widths 32, 64 and 128, code of 128; 405,856 parameters (32×32: 520,544), with convolutions drawn
    by Xavier's uniform rule for leaky ReLU. The code has the first with 28×28 pixels and the last;
    in the others only the number of inputs of the dense layer differs.
    Raises BadInput for other channels or sizes. Source: ruff2018deep, public PyTorch code.
    """
    if channels not in (1, 3) or size not in SIZES:
        raise BadInput(
            "Deep SVDD's networks take 1 or 3 channels of 28 or 32 pixels a side, "
            f"but {channels} of {size} came."
        )
    if channels == 1:
        return DeepSVDD(1, widths=(8, 4), code=32, size=size)
    return DeepSVDD(3, widths=(32, 64, 128), code=128, size=size)


def _norm(maps: int) -> tuple[nn.Module, nn.Module]:
    return nn.BatchNorm2d(maps, eps=EPSILON, affine=False), nn.LeakyReLU()


def _draw_anew(network: nn.Module) -> None:
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.xavier_uniform_(layer.weight, gain=nn.init.calculate_gain("leaky_relu"))
