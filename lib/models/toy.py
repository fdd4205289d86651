"""Small dense networks for points in the plane."""

import torch
from torch import Tensor, nn

from lib.errors import BadInput
from lib.models.classifier import check_whole

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh}


class ToyAutoencoder(nn.Module):
    """Reconstructions r(x) `[n, 2]` of points x `[n, 2]`, dense 2-hidden-hidden-2, linear output.

    Over-complete, so noise or contraction, not a narrow code, keeps it from being the identity.
    `activation` is "relu" or the smooth "tanh". Raises BadInput for a `hidden` below 1 and points
    of another shape. Source: spigler2019denoising, "Results"; the network is methods.md 5.8's.
    """

    def __init__(self, hidden: int = 100, *, activation: str = "relu") -> None:
        super().__init__()
        check_whole(hidden=hidden)
        kind = ACTIVATIONS[activation]
        self.layers = nn.Sequential(
            nn.Linear(2, hidden), kind(), nn.Linear(hidden, hidden), kind(), nn.Linear(hidden, 2)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Reconstructions `[n, 2]`, not held to any range."""
        _check_points(x)
        r: Tensor = self.layers(x)
        return r


class ToyDenoisingClassifier(nn.Module):
    """Autoencoder 2-hidden-hidden with a mirrored decoder and class logits on its top layer.

    Points `[n, 2]`; logits `[n, classes]`, reconstructions `[n, 2]` with linear output. The decoder
    has weights of its own. Raises BadInput for `classes` or `hidden` below 1 and points of another
    shape. Source: spigler2019denoising, "Results"; sizes of its final paper (methods.md 5.8).
    """

    def __init__(self, classes: int = 3, hidden: int = 200) -> None:
        super().__init__()
        check_whole(classes=classes, hidden=hidden)
        self.classes = classes
        self.trunk = nn.Sequential(
            nn.Linear(2, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU()
        )
        self.head = nn.Linear(hidden, classes)
        self.decoder = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 2))

    def both(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits `[n, classes]` and reconstructions `[n, 2]`, from one pass."""
        _check_points(x)
        z = self.trunk(x)
        return self.head(z), self.decoder(z)

    def forward(self, x: Tensor) -> Tensor:
        """Logits `[n, classes]`."""
        return self.both(x)[0]

    def reconstruct(self, x: Tensor) -> Tensor:
        """Reconstructions r(x) `[n, 2]`."""
        return self.both(x)[1]

    def probabilities(self, x: Tensor) -> Tensor:
        """Softmax of the logits, `[n, classes]` in [0, 1], each row with sum 1."""
        return torch.softmax(self(x), 1)


def _check_points(x: Tensor) -> None:
    if x.ndim != 2 or x.shape[1] != 2:
        raise BadInput(f"This network takes points [n, 2]; it was given {list(x.shape)}.")
