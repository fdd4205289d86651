"""The four networks of GPND as of 2018: 32×32 grey images, a latent of 32 numbers."""

import torch
from torch import Tensor, nn

from lib.errors import BadInput

LATENT = 32
SIZE = 32
WIDTH = 128


class GPNDGenerator(nn.Module):
    """Images `[n, 1, 32, 32]` in (0, 1) from latents `[n, 32]`; 1,749,633 parameters.

    41,728 of them belong to a transposed convolution of ten class numbers that is never called;
    the published count holds it. Raises BadInput for latents of another shape.
    Source: pidhorskyi2018gpnd, layer list of the official code of 2018.
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(  # sizes 1 → 4 → 8 → 16 → 32
            nn.Unflatten(1, (LATENT, 1, 1)),
            *_up(LATENT, 2 * WIDTH, stride=1, padding=0),
            *_up(2 * WIDTH, 2 * WIDTH),
            *_up(2 * WIDTH, WIDTH),
            nn.ConvTranspose2d(WIDTH, 1, 4, stride=2, padding=1),
            nn.Tanh(),
        )
        classes, norm, _ = _up(10, 2 * WIDTH, stride=1, padding=0)
        self.unused = nn.Sequential(classes, norm)

    def forward(self, z: Tensor) -> Tensor:
        """The images."""
        _check("generator", "latents", z, (LATENT,))
        x: Tensor = self.layers(z)
        return x / 2 + 0.5


class GPNDEncoder(nn.Module):
    """Latents `[n, 32]` of images `[n, 1, 32, 32]` in [0, 1]; 2,624,864 parameters.

    Raises BadInput for images of another shape.
    Source: pidhorskyi2018gpnd, layer list of the official code of 2018.
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(*_trunk(), nn.Conv2d(4 * WIDTH, LATENT, 4), nn.Flatten())

    def forward(self, x: Tensor) -> Tensor:
        """The latents."""
        _check("encoder", "images", x, (1, SIZE, SIZE))
        z: Tensor = self.layers(x)
        return z


class GPNDImageDiscriminator(nn.Module):
    """Chance that each image `[n, 1, 32, 32]` is real, `[n]` in (0, 1); 2,370,881 parameters.

    Raises BadInput for images of another shape.
    Source: pidhorskyi2018gpnd, layer list of the official code of 2018.
    """

    def __init__(self) -> None:
        super().__init__()
        last = nn.Conv2d(4 * WIDTH, 1, 4)
        self.layers = nn.Sequential(*_trunk(), last, nn.Sigmoid(), nn.Flatten(0))

    def forward(self, x: Tensor) -> Tensor:
        """The chances."""
        _check("discriminator", "images", x, (1, SIZE, SIZE))
        real: Tensor = self.layers(x)
        return real


class GPNDLatentDiscriminator(nn.Module):
    """Chance that each latent `[n, 32]` was drawn from the prior, `[n]`; 20,865 parameters.

    Raises BadInput for latents of another shape.
    Source: pidhorskyi2018gpnd, layer list of the official code of 2018.
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(LATENT, WIDTH),
            nn.LeakyReLU(0.2),
            nn.Linear(WIDTH, WIDTH),
            nn.LeakyReLU(0.2),
            nn.Linear(WIDTH, 1),
            nn.Sigmoid(),
            nn.Flatten(0),
        )

    def forward(self, z: Tensor) -> Tensor:
        """The chances."""
        _check("discriminator", "latents", z, (LATENT,))
        drawn: Tensor = self.layers(z)
        return drawn


def _trunk() -> tuple[nn.Module, ...]:
    """What encoder and image discriminator share: `[n, 1, 32, 32]` to `[n, 512, 4, 4]`."""
    first = nn.Conv2d(1, WIDTH // 2, 4, stride=2, padding=1)
    deeper = (*_down(WIDTH // 2, 2 * WIDTH), *_down(2 * WIDTH, 4 * WIDTH))
    return first, nn.LeakyReLU(0.2), *deeper


def _up(a: int, b: int, *, stride: int = 2, padding: int = 1) -> tuple[nn.Module, ...]:
    layer = nn.ConvTranspose2d(a, b, 4, stride=stride, padding=padding)
    return layer, nn.BatchNorm2d(b), nn.ReLU()


def _down(a: int, b: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(a, b, 4, stride=2, padding=1), nn.BatchNorm2d(b), nn.LeakyReLU(0.2)


def _check(network: str, what: str, x: Tensor, shape: tuple[int, ...]) -> None:
    if x.ndim != 1 + len(shape) or x.shape[1:] != torch.Size(shape):
        wanted = ", ".join(str(size) for size in shape)
        raise BadInput(f"This {network} takes {what} [n, {wanted}]; it was given {list(x.shape)}.")
