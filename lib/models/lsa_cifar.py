"""The CIFAR-10 autoencoder of latent space autoregression, without its density estimator."""

from torch import Tensor, nn

from lib.models.lsa_network import CODE, DownBlock, LSANetwork, UpBlock, dense


class ResidualBlock(nn.Module):
    """Residual block that keeps the shape: `[n, a, h, w]` to the same."""

    def __init__(self, a: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(a, a, 3, padding=1, bias=False),
            nn.BatchNorm2d(a),
            nn.LeakyReLU(),
            nn.Conv2d(a, a, 3, padding=1, bias=False),
            nn.BatchNorm2d(a),
        )
        self.activation = nn.LeakyReLU()

    def forward(self, x: Tensor) -> Tensor:
        """The branch added to the input, then LeakyReLU."""
        found: Tensor = self.activation(self.branch(x) + x)
        return found


class LSACifarAutoencoder(LSANetwork):
    """LSA's CIFAR-10 autoencoder: 32×32 colour images, code of 64 numbers in (0, 1).

    Input `[n, 3, 32, 32]` in [0, 1]; output of the same shape and any range, since no activation
    ends the decoder. 4,701,888 parameters. Batch norm mixes the images of a batch in training
    mode: call `eval()` before scoring. Raises BadInput for images or codes of another shape.
    Source: abati2019lsa, layer list of the official code.
    """

    shape = (3, 32, 32)

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(  # sizes 32 → 30 → 15 → 8 → 4
            nn.Conv2d(3, 32, 3, bias=False),  # no padding, as in the official code
            nn.LeakyReLU(),
            ResidualBlock(32),
            DownBlock(32, 64),
            DownBlock(64, 128),
            DownBlock(128, 256),
            nn.Flatten(),
            *dense(256 * 4 * 4, 256),
            nn.Linear(256, CODE),
            nn.Sigmoid(),
        )
        self.decoder = nn.Sequential(  # sizes 4 → 8 → 16 → 32
            *dense(CODE, 256),
            *dense(256, 256 * 4 * 4),
            nn.Unflatten(1, (256, 4, 4)),
            UpBlock(256, 128),
            UpBlock(128, 64),
            UpBlock(64, 32),
            ResidualBlock(32),
            nn.Conv2d(32, 3, 1, bias=False),
        )
