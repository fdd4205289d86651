"""Heads that stand on the z of a classifier: for classes, for images and for rotations."""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from lib.errors import BadInput
from lib.models.classifier import check_whole

SMALL = 1e-4  # added to norms, as in the author's code: a z of zeros has no direction


class GeneralizedOdinHead(nn.Module):
    """Logits h/g `[n, classes]` of z `[n, k]`: cosines h in [-1, 1] over a divisor g in (0, 1).

    h is the cosine between z and a direction for each class, g the sigmoid of batch norm of one
    linear unit. `parameter_groups` keeps weight decay away from the directions.
    Source: hsu2020generalized, cosine h and linear g; start and norms of the author's code
    (methods.md 4.6).
    """

    def __init__(self, k: int, classes: int) -> None:
        super().__init__()
        check_whole(k=k, classes=classes)
        self.directions = nn.Parameter(torch.empty(classes, k))
        nn.init.kaiming_normal_(self.directions, nonlinearity="relu")
        self.gate = nn.Sequential(nn.Linear(k, 1), nn.BatchNorm1d(1), nn.Sigmoid())

    def cosines(self, z: Tensor) -> Tensor:
        """h: cosine of each z with each class's direction, `[n, classes]` in [-1, 1]."""
        return _direction(z) @ _direction(self.directions).T

    def divisor(self, z: Tensor) -> Tensor:
        """g: one number in (0, 1) for each z, `[n, 1]`."""
        g: Tensor = self.gate(z)
        return g

    def forward(self, z: Tensor) -> Tensor:
        """Logits h/g `[n, classes]`."""
        return self.cosines(z) / self.divisor(z)


class ReconstructionDecoder(nn.Module):
    """Pictures `[n, channels, 32, 32]`, not held to any range, from z `[n, k]`.

    Three channels draw the normalised image, one its Sobel edges. `width` is the number of maps at
    4×4 pixels, halved at each of three doublings. The document does not print a decoder; this one
    is methods.md 4.5's. Raises BadInput for a `width` that cannot be halved three times.
    """

    def __init__(self, k: int, *, channels: int = 3, width: int = 256) -> None:
        super().__init__()
        check_whole(k=k, channels=channels, width=width)
        if width % 8:
            raise BadInput(f"The decoder's width must be divisible by 8, but {width} came.")
        maps = [width, width // 2, width // 4, width // 8]
        self.layers = nn.Sequential(nn.Linear(k, width * 16), nn.Unflatten(1, (width, 4, 4)))
        for a, b in pairwise(maps):  # sizes 4 → 8 → 16 → 32
            self.layers.extend(
                [
                    nn.ConvTranspose2d(a, b, 4, stride=2, padding=1, bias=False),
                    nn.BatchNorm2d(b),
                    nn.ReLU(inplace=True),
                ]
            )
        self.layers.append(nn.Conv2d(maps[-1], channels, 3, padding=1))

    def forward(self, z: Tensor) -> Tensor:
        """Pictures `[n, channels, 32, 32]`."""
        x: Tensor = self.layers(z)
        return x


def rotation_head(k: int) -> nn.Linear:
    """The linear head from z `[n, k]` to the logits `[n, 4]` of no, one, two or three turns."""
    check_whole(k=k)
    return nn.Linear(k, 4)


def parameter_groups(network: nn.Module, *, weight_decay: float) -> list[dict[str, Any]]:
    """The network's trainable parameters for an optimiser, each with its weight decay.

    It is `weight_decay` for all but the directions of Generalized ODIN heads, whose length plays
    no part in the cosine. Source: methods.md 4.6.
    """
    heads = [m for m in network.modules() if isinstance(m, GeneralizedOdinHead)]
    free = {id(head.directions) for head in heads}
    trainable = [p for p in network.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trainable if id(p) not in free], "weight_decay": weight_decay},
        {"params": [p for p in trainable if id(p) in free], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def _direction(x: Tensor) -> Tensor:
    length: Tensor = x.norm(dim=1, keepdim=True)
    return x / (length + SMALL)
