"""A classifier in two parts: from images to z, and from z to logits."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lib.errors import BadInput


class Classifier(nn.Module):
    """Network that turns images into numbers z (`features`) and z into logits (`head`).

    Images `[n, c, size, size]` in [0, 1]. They are normalised per channel inside, by `mean` and
    `deviation`, which are buffers and saved with the weights: stored images and perturbations of
    the input stay in image units. z `[n, k]`, logits `[n, classes]`. Raises BadInput for images of
    another shape, a number of classes below 1, and a mean and deviation that do not fit.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        trunk: nn.Module,
        head: nn.Module,
        *,
        classes: int,
        size: int,
        mean: Sequence[float],
        deviation: Sequence[float],
    ) -> None:
        super().__init__()
        check_whole(classes=classes)
        if not mean or len(mean) != len(deviation) or not all(d > 0 for d in deviation):
            raise BadInput(
                "Mean and deviation need one number for each channel, deviations above 0, "
                f"but {list(mean)} and {list(deviation)} came."
            )
        self.trunk, self.head = trunk, head
        self.classes, self.size = classes, size
        self.register_buffer("mean", torch.tensor(mean).view(-1, 1, 1))
        self.register_buffer("deviation", torch.tensor(deviation).view(-1, 1, 1))

    def normalise(self, x: Tensor) -> Tensor:
        """Images less the mean, divided by the deviation of their channel; same shape."""
        return (x - self.mean) / self.deviation

    def features(self, x: Tensor) -> Tensor:
        """Numbers z `[n, k]` of images `[n, c, size, size]` in [0, 1]."""
        wanted = (len(self.mean), self.size, self.size)
        if x.ndim != 4 or x.shape[1:] != wanted:
            raise BadInput(
                f"This classifier takes images [n, {', '.join(map(str, wanted))}]; "
                f"it was given {list(x.shape)}."
            )
        z: Tensor = self.trunk(self.normalise(x))
        return z

    def forward(self, x: Tensor) -> Tensor:
        """Logits `[n, classes]` of images `[n, c, size, size]` in [0, 1]."""
        logits: Tensor = self.head(self.features(x))
        return logits


def check_whole(**numbers: object) -> None:
    """Raise BadInput unless each is a whole number of at least 1."""
    for name, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise BadInput(f"{name} must be a whole number of at least 1; it was {value!r}.")
