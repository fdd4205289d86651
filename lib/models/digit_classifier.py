"""The small classifier of the denoising-autoencoder slides, with or without a decoder."""

from torch import Tensor, nn

from lib.models.classifier import Classifier, check_whole

CODE, FLAT = 400, 64 * 4 * 4  # units of the last hidden layer; numbers below it


def digit_classifier(classes: int, *, omega: int = 1) -> Classifier:
    """The baseline network for images `[n, 1, 28, 28]` in [0, 1], logits `[n, classes · omega]`.

    Two convolutions of 5×5 without padding, max-pooling before each ReLU, 400 hidden units.
    `omega` above 1 gives COOL's output layer: units c · omega to (c + 1) · omega - 1 belong to
    class c. Raises BadInput for classes or omega below 1.
    Source: spigler2019denoising, fooling 1; padding of methods.md 5.1.
    """
    check_whole(classes=classes, omega=omega)
    return Classifier(
        _trunk(),
        nn.Linear(CODE, classes * omega),
        classes=classes,
        size=28,
        mean=[0],
        deviation=[1],
    )


class DenoisingClassifier(Classifier):
    """The baseline network with a decoder on its 400 hidden units.

    Images `[n, 1, 28, 28]` in [0, 1]; logits `[n, classes]`, reconstructions like the images.
    `mirrored` gives the decoder that undoes the encoder step by step ("sym"), else one dense layer
    is used ("asym", which the document does not define). Raises BadInput for classes below 1.
    Source: spigler2019denoising, fooling 1; decoders of methods.md 5.1.
    """

    def __init__(self, classes: int, *, mirrored: bool = True) -> None:
        super().__init__(
            _trunk(), nn.Linear(CODE, classes), classes=classes, size=28, mean=[0], deviation=[1]
        )
        self.decoder = _mirrored_decoder() if mirrored else _dense_decoder()

    def both(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits `[n, classes]` and reconstructions `[n, 1, 28, 28]`, from one pass."""
        z = self.features(x)
        logits: Tensor = self.head(z)
        drawn: Tensor = self.decoder(z)
        return logits, drawn

    def reconstruct(self, x: Tensor) -> Tensor:
        """Reconstructions r(x) `[n, 1, 28, 28]` in (0, 1)."""
        drawn: Tensor = self.decoder(self.features(x))
        return drawn


def _trunk() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 32, 5),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(32, 64, 5),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(FLAT, CODE),
        nn.ReLU(),
    )


def _mirrored_decoder() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(CODE, FLAT),
        nn.ReLU(),
        nn.Unflatten(1, (64, 4, 4)),
        nn.Upsample(scale_factor=2),
        nn.ConvTranspose2d(64, 32, 5),
        nn.ReLU(),
        nn.Upsample(scale_factor=2),
        nn.ConvTranspose2d(32, 1, 5),
        nn.Sigmoid(),
    )


def _dense_decoder() -> nn.Sequential:
    return nn.Sequential(nn.Linear(CODE, 28 * 28), nn.Unflatten(1, (1, 28, 28)), nn.Sigmoid())
