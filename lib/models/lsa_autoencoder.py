"""The MNIST autoencoder of latent space autoregression, without its density estimator."""

import torch
from torch import Tensor, nn

from lib.errors import BadInput

SIZE = 28
CODE = 64


class DownBlock(nn.Module):
    """Residual block that halves height and width: `[n, a, 2h, 2w]` to `[n, b, h, w]`."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(a, b, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(b),
            nn.LeakyReLU(),
            nn.Conv2d(b, b, 3, padding=1, bias=False),
            nn.BatchNorm2d(b),
        )
        self.shortcut = nn.Sequential(nn.Conv2d(a, b, 1, stride=2, bias=False), nn.BatchNorm2d(b))
        self.activation = nn.LeakyReLU()  # a module, so that guided back-propagation finds it

    def forward(self, x: Tensor) -> Tensor:
        """Both branches added, then LeakyReLU."""
        found: Tensor = self.activation(self.branch(x) + self.shortcut(x))
        return found


class UpBlock(nn.Module):
    """Residual block that doubles height and width: `[n, a, h, w]` to `[n, b, 2h, 2w]`."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.ConvTranspose2d(a, b, 5, stride=2, padding=2, output_padding=1, bias=False),
            nn.BatchNorm2d(b),
            nn.LeakyReLU(),
            nn.Conv2d(b, b, 3, padding=1, bias=False),
            nn.BatchNorm2d(b),
        )
        self.shortcut = nn.Sequential(
            nn.ConvTranspose2d(a, b, 1, stride=2, output_padding=1, bias=False),
            nn.BatchNorm2d(b),
        )
        self.activation = nn.LeakyReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Both branches added, then LeakyReLU."""
        found: Tensor = self.activation(self.branch(x) + self.shortcut(x))
        return found


class LSAAutoencoder(nn.Module):
    """LSA's MNIST autoencoder: 28×28 grey images, code of 64 numbers in (0, 1).

    Input `[n, 1, 28, 28]` in [0, 1]; output of the same shape and any range, since no activation
    ends the decoder. 565,296 parameters. Batch norm mixes the images of a batch in training mode:
    call `eval()` before scoring. Raises BadInput for images or codes of another shape.
    Source: abati2019lsa, layer list of the official code; used by feeney2021localization.
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(  # sizes 28 → 14 → 7
            DownBlock(1, 32),
            DownBlock(32, 64),
            nn.Flatten(),
            *_dense(64 * 7 * 7, 64),
            nn.Linear(64, CODE),
            nn.Sigmoid(),
        )
        self.decoder = nn.Sequential(  # sizes 7 → 14 → 28
            *_dense(CODE, 64),
            *_dense(64, 64 * 7 * 7),
            nn.Unflatten(1, (64, 7, 7)),
            UpBlock(64, 32),
            UpBlock(32, 16),
            nn.Conv2d(16, 1, 1, bias=False),
        )

    def encode(self, x: Tensor) -> Tensor:
        """Codes `[n, 64]` in (0, 1) of images `[n, 1, 28, 28]`."""
        _check("images", x, (1, SIZE, SIZE))
        z: Tensor = self.encoder(x)
        return z

    def decode(self, z: Tensor) -> Tensor:
        """Images `[n, 1, 28, 28]`, not held to any range, from codes `[n, 64]`."""
        _check("codes", z, (CODE,))
        x: Tensor = self.decoder(z)
        return x

    def forward(self, x: Tensor) -> Tensor:
        """Reconstruction of `x`, same shape."""
        return self.decode(self.encode(x))


def _dense(a: int, b: int) -> tuple[nn.Module, ...]:
    return nn.Linear(a, b), nn.BatchNorm1d(b), nn.LeakyReLU()


def _check(what: str, x: Tensor, shape: tuple[int, ...]) -> None:
    if x.ndim != 1 + len(shape) or x.shape[1:] != torch.Size(shape):
        wanted = ", ".join(str(size) for size in shape)
        raise BadInput(
            f"This autoencoder takes {what} [n, {wanted}]; it was given {list(x.shape)}."
        )
