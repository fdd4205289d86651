"""The two networks that AnoGAN's published size counts: a plain DCGAN for 64×64 grey images."""

import torch
from torch import Tensor, nn

from lib.errors import BadInput

NOISE = 100
SIZE = 64
WIDTH = 64


class DCGANGenerator(nn.Module):
    """Images `[n, 1, 64, 64]` in (-1, 1) from noise `[n, 100]`; 3,574,656 parameters.

    Raises BadInput for noise of another shape.
    Source: kwon2020gradcon, size table, "AnoGAN"; the layers follow from the count.
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(  # sizes 1 → 4 → 8 → 16 → 32 → 64
            nn.Unflatten(1, (NOISE, 1, 1)),
            *_up(NOISE, 8 * WIDTH, stride=1, padding=0),
            *_up(8 * WIDTH, 4 * WIDTH),
            *_up(4 * WIDTH, 2 * WIDTH),
            *_up(2 * WIDTH, WIDTH),
            nn.ConvTranspose2d(WIDTH, 1, 4, stride=2, padding=1, bias=False),
            nn.Tanh(),
        )

    def forward(self, noise: Tensor) -> Tensor:
        """The images."""
        if noise.ndim != 2 or noise.shape[1] != NOISE:
            raise BadInput(
                f"This generator takes noise [n, {NOISE}]; it was given {list(noise.shape)}."
            )
        x: Tensor = self.layers(noise)
        return x


class DCGANDiscriminator(nn.Module):
    """Chance that each image `[n, 1, 64, 64]` is real, `[n]` in (0, 1); 2,763,520 parameters.

    Raises BadInput for images of another shape.
    Source: kwon2020gradcon, size table, "AnoGAN"; the layers follow from the count.
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(  # sizes 64 → 32 → 16 → 8 → 4 → 1
            nn.Conv2d(1, WIDTH, 4, stride=2, padding=1, bias=False),
            nn.LeakyReLU(0.2),
            *_down(WIDTH, 2 * WIDTH),
            *_down(2 * WIDTH, 4 * WIDTH),
            *_down(4 * WIDTH, 8 * WIDTH),
            nn.Conv2d(8 * WIDTH, 1, 4, bias=False),
            nn.Sigmoid(),
            nn.Flatten(0),
        )

    def forward(self, x: Tensor) -> Tensor:
        """The chances."""
        if x.ndim != 4 or x.shape[1:] != torch.Size((1, SIZE, SIZE)):
            raise BadInput(
                f"This discriminator takes images [n, 1, {SIZE}, {SIZE}]; "
                f"it was given {list(x.shape)}."
            )
        real: Tensor = self.layers(x)
        return real


def _up(a: int, b: int, *, stride: int = 2, padding: int = 1) -> tuple[nn.Module, ...]:
    layer = nn.ConvTranspose2d(a, b, 4, stride=stride, padding=padding, bias=False)
    return layer, nn.BatchNorm2d(b), nn.ReLU()


def _down(a: int, b: int) -> tuple[nn.Module, ...]:
    layer = nn.Conv2d(a, b, 4, stride=2, padding=1, bias=False)
    return layer, nn.BatchNorm2d(b), nn.LeakyReLU(0.2)
