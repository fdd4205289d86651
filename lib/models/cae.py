"""The convolutional autoencoder of GradCon."""

from torch import Tensor, nn

from lib.errors import BadInput

SIZE = 28


class CAE(nn.Module):
    """GradCon's convolutional autoencoder: 28×28 images, latent of 64×3×3 numbers.

    Input and output `[n, channels, 28, 28]` in [0, 1]. 230,721 parameters for one channel,
    232,771 for three. Raises BadInput for images of another shape.
    Source: kwon2020gradcon, layer list of the official code.
    """

    def __init__(self, channels: int = 1) -> None:
        super().__init__()
        self.channels = channels
        self.encoder = nn.Sequential(  # sizes 28 → 15 → 8 → 5 → 3
            nn.Conv2d(channels, 32, 4, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv2d(32, 32, 4, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv2d(32, 64, 4, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv2d(64, 64, 4, stride=2, padding=2),
            nn.ReLU(),
        )
        self.decoder = nn.Sequential(  # sizes 3 → 4 → 8 → 14 → 28
            nn.ConvTranspose2d(64, 64, 4, stride=2, padding=2),
            nn.ReLU(),
            nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(32, 32, 4, stride=2, padding=2),
            nn.ReLU(),
            nn.ConvTranspose2d(32, channels, 4, stride=2, padding=1),
            nn.Sigmoid(),
        )

    def encode(self, x: Tensor) -> Tensor:
        """Latent map `[n, 64, 3, 3]` of images `[n, channels, 28, 28]`."""
        # A 32×32 image would pass the encoder and come back as 28×28: refuse it here, in words.
        if x.ndim != 4 or x.shape[1:] != (self.channels, SIZE, SIZE):
            raise BadInput(
                f"This autoencoder takes images [n, {self.channels}, {SIZE}, {SIZE}]; "
                f"it was given {list(x.shape)}."
            )
        z: Tensor = self.encoder(x)
        return z

    def decode(self, z: Tensor) -> Tensor:
        """Images `[n, channels, 28, 28]` in (0, 1) from latent maps `[n, 64, 3, 3]`."""
        x: Tensor = self.decoder(z)
        return x

    def forward(self, x: Tensor) -> Tensor:
        """Reconstruction of `x`, same shape."""
        return self.decode(self.encode(x))


def decoder_weights(model: CAE) -> list[Tensor]:
    """The four decoder weights, biases left out: the phi_i of kwon2020gradcon."""
    return [layer.weight for layer in model.decoder if isinstance(layer, nn.ConvTranspose2d)]
