"""The small classifier of the denoising-autoencoder paper, with or without a decoder."""

from collections.abc import Callable, Sequence
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lib.errors import BadInput
from lib.models.classifier import Classifier, check_whole

CODE, FLAT = 400, 64 * 7 * 7  # units of the last hidden layer; numbers below it
Activation = Literal["relu", "sigmoid"]
FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {"relu": F.relu, "sigmoid": torch.sigmoid}

# Nearest un-pooling by 2 and a 5×5 filter are four 3×3 filters on the small map, one for each
# place in a 2×2 block: row p says which of the five taps fall on which of the three pixels.
PHASES = torch.tensor(
    [
        [[1, 1, 0, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 0, 1]],
        [[1, 0, 0, 0, 0], [0, 1, 1, 0, 0], [0, 0, 0, 1, 1]],
    ],
    dtype=torch.float32,
)


def digit_classifier(
    classes: int, *, omega: int = 1, activation: Activation = "relu"
) -> Classifier:
    """The baseline network for images `[n, 1, 28, 28]` in [0, 1], logits `[n, classes · omega]`.

    Two 5×5 convolutions of equal padding, max-pooling before each activation, 400 hidden units:
    1,310,906 parameters for ten classes. `omega` above 1 gives COOL's output layer: units
    c · omega to (c + 1) · omega - 1 belong to class c.
    Raises BadInput for classes or omega below 1, or another activation.
    Source: spigler2019denoising, fooling 1; padding follows from the printed size (methods.md 5.1).
    """
    check_whole(classes=classes, omega=omega)
    return Classifier(
        _trunk(activation),
        nn.Linear(CODE, classes * omega),
        classes=classes,
        size=28,
        mean=[0],
        deviation=[1],
    )


class DenoisingClassifier(Classifier):
    """The baseline network with a decoder on its 400 hidden units.

    Images `[n, 1, 28, 28]` in [0, 1]; logits `[n, classes]`, reconstructions like the images.
    The decoder is the transpose of the encoder, nearest un-pooling in place of max-pooling.
    `tied` shares the encoder's weights and adds biases alone ("dAE sym"); otherwise its weights
    are its own ("dAE asym"). Raises BadInput for classes below 1 or another activation.
    Source: spigler2019denoising, fooling 1; un-pooling and last sigmoid of methods.md 5.1.
    """

    def __init__(self, classes: int, *, tied: bool = True, activation: Activation = "relu") -> None:
        super().__init__(
            _trunk(activation),
            nn.Linear(CODE, classes),
            classes=classes,
            size=28,
            mean=[0],
            deviation=[1],
        )
        self.activation = FUNCTIONS[activation]
        self.decoder_biases = nn.ParameterList(
            [nn.Parameter(torch.zeros(size)) for size in (FLAT, 32, 1)]
        )
        self.decoder_weights = nn.ParameterList()
        if not tied:
            for weight in self._encoder_weights():
                bound = weight[0].numel() ** -0.5  # as PyTorch begins the layer it transposes
                own = torch.empty_like(weight).uniform_(-bound, bound)
                self.decoder_weights.append(nn.Parameter(own))

    def both(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits `[n, classes]` and logits of the pixels `[n, 1, 28, 28]`, from one pass."""
        z = self.features(x)
        logits: Tensor = self.head(z)
        return logits, self.decode(z)

    def reconstruct(self, x: Tensor) -> Tensor:
        """Reconstructions r(x) `[n, 1, 28, 28]` in (0, 1)."""
        return self.decode(self.features(x)).sigmoid()

    def decode(self, z: Tensor) -> Tensor:
        """Logits of the pixels `[n, 1, 28, 28]` of hidden units `[n, 400]`."""
        dense, second, first = self.decoder_weights or self._encoder_weights()
        b_dense, b_second, b_first = self.decoder_biases
        maps = self.activation(F.linear(z, dense.T, b_dense)).unflatten(1, (64, 7, 7))
        maps = self.activation(unpooled_convolution(maps, second, b_second))
        return unpooled_convolution(maps, first, b_first)

    def _encoder_weights(self) -> Sequence[Tensor]:
        """From the hidden units down to the image."""
        trunk = self.trunk
        return [trunk[7].weight, trunk[3].weight, trunk[0].weight]  # type: ignore[index]


def unpooled_convolution(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Nearest un-pooling by 2, then a transposed 5×5 convolution of padding 2, in one step.

    `x` `[n, a, h, w]`, `weight` `[a, b, 5, 5]` as `F.conv_transpose2d` takes it, `bias` `[b]`;
    result `[n, b, 2h, 2w]`. Costs 36 in place of 100 multiplications a weight and pixel.
    """
    phases = PHASES.to(weight)
    kernel = weight.transpose(0, 1).flip(2, 3)  # as an ordinary convolution
    small = torch.einsum("pit,bats,qjs->bpqaij", phases, kernel, phases).flatten(0, 2)
    return F.pixel_shuffle(F.conv2d(x, small, padding=1), 2) + bias.view(-1, 1, 1)


def _trunk(activation: Activation) -> nn.Sequential:
    if activation not in get_args(Activation):
        raise BadInput(f"activation must be one of {get_args(Activation)}; it was {activation!r}.")
    unit = nn.ReLU if activation == "relu" else nn.Sigmoid
    return nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2),
        nn.MaxPool2d(2),
        unit(),
        nn.Conv2d(32, 64, 5, padding=2),
        nn.MaxPool2d(2),
        unit(),
        nn.Flatten(),
        nn.Linear(FLAT, CODE),
        unit(),
    )
