"""The slides' claim on the Fisher kernel, measured on one network: K_out against K_in."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lib import scores, training
from lib.models import CAE

KINDS = ("normal", "abnormal")


@dataclass(frozen=True)
class Kernels:
    """What one network says of normal and abnormal test images.

    `kernel` `[train, test]` by kind of test images is between training and test images, of either
    sign. `scores` of all test images, normal ones first, are higher for anomalies.
    """

    kernel: dict[str, Tensor]
    scores: dict[str, NDArray[np.float64]]

    @property
    def labels(self) -> NDArray[np.bool_]:
        """True for abnormal images, in the order of the scores."""
        return np.repeat([False, True], [self.kernel[kind].shape[1] for kind in KINDS])

    def means(self, kind: str) -> dict[str, float]:
        """The mean kernel of these images, by reading."""
        kernel = self.kernel[kind]
        means = {"absolute": kernel.abs().mean(), "signed": kernel.mean()}
        return {f"mean {reading} kernel": float(value) for reading, value in means.items()}


def fisher_kernels(
    model: CAE, train: Tensor, some: Tensor, tested: Mapping[str, Tensor]
) -> Kernels:
    """The Fisher kernel between training images and test images of either kind.

    All images are `[n, c, 28, 28]` in [0, 1]: `train` gives the Fisher information and the mean
    gradients, `some` of them are compared with those of `tested`, "normal" and "abnormal". Raises
    BadInput where all gradients are 0, as those of a dead network are.
    Source: kwon2020gradcon, Fisher kernel of the slides; methods.md 1.9.
    """
    fisher = scores.fisher_diagonal(model, train)
    kernel = {kind: scores.fisher_kernel(model, some, tested[kind], fisher).cpu() for kind in KINDS}
    both = torch.cat([tested[kind] for kind in KINDS])
    mean = scores.mean_fisher_score(model, train)
    plain = training.mean_gradient(model, train).mean
    found = {
        "cosine in the Fisher metric": scores.fisher_score(model, both, mean, fisher),
        "plain cosine": scores.gradient_score(model, both, plain),
    }
    return Kernels(kernel, {k: values.cpu().double().numpy() for k, values in found.items()})
