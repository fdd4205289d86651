"""The MNIST autoencoder of latent space autoregression, without its density estimator."""

from torch import nn

from lib.models.lsa_network import CODE, DownBlock, LSANetwork, UpBlock, dense


class LSAAutoencoder(LSANetwork):
    """LSA's MNIST autoencoder: 28×28 grey images, code of 64 numbers in (0, 1).

    Input `[n, 1, 28, 28]` in [0, 1]; output of the same shape and any range, since no activation
    ends the decoder. 565,296 parameters. Batch norm mixes the images of a batch in training mode:
    call `eval()` before scoring. Raises BadInput for images or codes of another shape.
    Source: abati2019lsa, layer list of the official code; used by feeney2021localization.
    """

    shape = (1, 28, 28)

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(  # sizes 28 → 14 → 7
            DownBlock(1, 32),
            DownBlock(32, 64),
            nn.Flatten(),
            *dense(64 * 7 * 7, 64),
            nn.Linear(64, CODE),
            nn.Sigmoid(),
        )
        self.decoder = nn.Sequential(  # sizes 7 → 14 → 28
            *dense(CODE, 64),
            *dense(64, 64 * 7 * 7),
            nn.Unflatten(1, (64, 7, 7)),
            UpBlock(64, 32),
            UpBlock(32, 16),
            nn.Conv2d(16, 1, 1, bias=False),
        )
