"""What both autoencoders of latent space autoregression are made of."""

import torch
from torch import Tensor, nn

from lib.errors import BadInput

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


class LSANetwork(nn.Module):
    """An encoder to a code of 64 numbers in (0, 1) and a decoder back to images of `shape`.

    Raises BadInput for images or codes of another shape. Source: abati2019lsa, official code.
    """

    shape: tuple[int, int, int]  # channels, height, width
    encoder: nn.Sequential
    decoder: nn.Sequential

    def encode(self, x: Tensor) -> Tensor:
        """Codes `[n, 64]` in (0, 1) of images `[n, c, h, w]`."""
        _check("images", x, self.shape)
        z: Tensor = self.encoder(x)
        return z

    def decode(self, z: Tensor) -> Tensor:
        """Images `[n, c, h, w]`, not held to any range, from codes `[n, 64]`."""
        _check("codes", z, (CODE,))
        x: Tensor = self.decoder(z)
        return x

    def forward(self, x: Tensor) -> Tensor:
        """Reconstruction of `x`, same shape."""
        return self.decode(self.encode(x))


def dense(a: int, b: int) -> tuple[nn.Module, ...]:
    """A dense layer from `a` to `b` numbers, batch norm and LeakyReLU."""
    return nn.Linear(a, b), nn.BatchNorm1d(b), nn.LeakyReLU()


def _check(what: str, x: Tensor, shape: tuple[int, ...]) -> None:
    if x.ndim != 1 + len(shape) or x.shape[1:] != torch.Size(shape):
        wanted = ", ".join(str(size) for size in shape)
        raise BadInput(
            f"This autoencoder takes {what} [n, {wanted}]; it was given {list(x.shape)}."
        )
