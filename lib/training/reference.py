"""The reference gradient of GradCon: what the training images have asked of the decoder so far."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass
class ReferenceGradient:
    """Running mean of dJ/dw over every training step so far, one tensor per decoder weight.

    The slides show a sum over the same steps; the cosine cannot tell them apart.
    Source: kwon2020gradcon, gradient loss.
    """

    mean: list[Tensor] = field(default_factory=list)
    steps: int = 0
    device: torch.device | str = "cpu"

    def update(self, gradients: Sequence[Tensor]) -> None:
        """Take one more step's gradients into the mean."""
        self.steps += 1
        if not self.mean:
            self.mean = [g.detach().clone() for g in gradients]
            return
        for mean, gradient in zip(self.mean, gradients, strict=True):
            mean += (gradient.detach() - mean) / self.steps

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps: the mean and the number of steps."""
        return {"mean": self.mean, "steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take what `state_dict` gave, to `device`."""
        self.mean, self.steps = [m.to(self.device) for m in state["mean"]], state["steps"]

    def copy(self) -> "ReferenceGradient":
        """An independent copy."""
        means = [m.clone() for m in self.mean]
        return ReferenceGradient(means, self.steps, self.device)


def gradient_cosines(gradients: Sequence[Tensor], reference: Sequence[Tensor]) -> Tensor:
    """Cosine between gradient and reference for each layer: shape `[layers]`, range [-1, 1].

    Source: kwon2020gradcon, cosSIM of the gradient loss.
    """
    pairs = zip(gradients, reference, strict=True)
    return torch.stack([F.cosine_similarity(g.flatten(), r.flatten(), dim=0) for g, r in pairs])
