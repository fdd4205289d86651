"""The slides' claim on the Fisher kernel, measured on one network: K_out against K_in."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lib.models import CAE
from lib.scores import (
    fisher_diagonal,
    fisher_kernel,
    fisher_score,
    fisher_self,
    gradient_score,
    mean_fisher_score,
)
from lib.training import mean_gradient

KINDS = ("normal", "abnormal")


class KernelTest(NamedTuple):
    """What one network says of normal and abnormal test images.

    `means` has by kind of images and name the mean kernel with training images (absolute and
    signed) and the mean kernel of an image with itself; `pairs` how many kernels are behind the
    first two. `by_image` has the means of single test images, as (signed, absolute). `scores`
    of all test images, normal ones first, are higher for anomalies; `labels` are true for abnormal
    ones.
    """

    means: dict[tuple[str, str], float]
    pairs: dict[str, int]
    by_image: dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]
    scores: dict[str, NDArray[np.float64]]
    labels: NDArray[np.bool_]


def kernel_test(
    model: CAE, train: Tensor, some: Tensor, tested: Mapping[str, Tensor]
) -> KernelTest:
    """The Fisher kernel between training images and test images of either kind.

    All images are `[n, c, 28, 28]` in [0, 1]: `train` gives the Fisher information and the mean
    gradients, `some` of them are compared with those of `tested`, "normal" and "abnormal". Raises
    BadInput where all gradients are 0, as those of a network are that draws black for every image.
    Source: kwon2020gradcon, Fisher kernel of the slides; methods.md 1.9.
    """
    fisher = fisher_diagonal(model, train)
    means, pairs, by_image, own = {}, {}, {}, []
    for kind in KINDS:
        values = fisher_kernel(model, some, tested[kind], fisher).cpu()
        means[kind, "mean absolute kernel"] = float(values.abs().mean())
        means[kind, "mean signed kernel"] = float(values.mean())
        own.append(fisher_self(model, tested[kind], fisher))
        means[kind, "mean self term"] = float(own[-1].cpu().mean())
        pairs[kind] = values.numel()
        by_image[kind] = values.mean(0).numpy(), values.abs().mean(0).numpy()
    both = torch.cat([tested[kind] for kind in KINDS])
    scores = {
        "cosine in the Fisher metric": fisher_score(
            model, both, mean_fisher_score(model, train), fisher
        ),
        "plain cosine": gradient_score(model, both, mean_gradient(model, train).mean),
        "self term": torch.cat(own),
    }
    return KernelTest(
        means,
        pairs,
        by_image,
        {name: values.cpu().double().numpy() for name, values in scores.items()},
        np.arange(len(both)) >= len(tested["normal"]),
    )
