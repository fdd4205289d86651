"""Outputs scaled by a confidence: what a denoising autoencoder or COOL lets through.

Outputs are kept as logarithms, so that their order survives where their values round to 0 or 1.
"""

import math

import torch
from torch import Tensor

from lib.errors import BadInput


def log_confidence(x: Tensor, reconstruction: Tensor, *, alpha: float) -> Tensor:
    """Logarithm of c = exp(-(alpha/D) · ||r(x) - x||), `[n]`, at most 0; higher is more trusted.

    `x` and its `reconstruction` `[n, ...]` of D numbers each. Differentiable but for r(x) = x,
    where the norm's gradient is set to 0. Raises BadInput for unequal shapes and an alpha that is
    negative or not finite. Source: spigler2019denoising, proposed solution.
    """
    if x.shape != reconstruction.shape or x.ndim < 2:
        raise BadInput(
            "Images and reconstructions must have one shape [n, ...], but "
            f"{list(x.shape)} and {list(reconstruction.shape)} came."
        )
    check_weight("alpha", alpha)
    difference = (reconstruction - x).flatten(1)
    length: Tensor = torch.linalg.vector_norm(difference, dim=1)
    return -(alpha / difference.shape[1]) * length


def log_curvature_factor(gamma: Tensor, *, beta: float) -> Tensor:
    """Logarithm of Gamma, -beta · max(gamma, 0), shape of `gamma`; at most 0.

    `gamma` is the mean of dr_i/dx_i - 1 (see `curvature`); where it is at most 0, as at a maximum
    of the density, Gamma is 1. Raises BadInput for a beta that is negative or not finite.
    Source: spigler2019denoising, local maxima of p(x).
    """
    check_weight("beta", beta)
    return -beta * gamma.clamp(min=0)


def cool_log_outputs(logits: Tensor, *, omega: int) -> Tensor:
    """Logarithm of each class's COOL output `[n, classes]`, at most 0; higher is more trusted.

    Logits `[n, classes · omega]`, units of a class side by side. The output is the product of the
    class's softmax units times omega^omega, so that its maximum is 1. Raises BadInput for an omega
    below 1 or one that does not divide the logits.
    Source: kardan2017cool; scale of methods.md 5.5.
    """
    if isinstance(omega, bool) or not isinstance(omega, int) or omega < 1:
        raise BadInput(f"omega must be a whole number of at least 1; it was {omega!r}.")
    if logits.ndim != 2 or logits.shape[1] == 0 or logits.shape[1] % omega:
        raise BadInput(
            f"With omega {omega} logits must be [n, classes · {omega}], but "
            f"{list(logits.shape)} came."
        )
    units: Tensor = torch.log_softmax(logits, dim=1).unflatten(1, (-1, omega))
    return omega * (units.mean(2) + math.log(omega))


def check_weight(name: str, value: float) -> None:
    """Raise BadInput unless the weight is a finite number of at least 0."""
    if isinstance(value, bool) or not 0 <= value < math.inf:
        raise BadInput(f"{name} must be a number of at least 0; it was {value!r}.")
