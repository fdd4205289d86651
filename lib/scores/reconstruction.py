"""Reconstruction error: how much of an image the network did not learn to draw."""

from collections.abc import Callable

import torch
from torch import Tensor

from lib.data import check_range


@torch.no_grad()
def reconstruction_error(model: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Squared error averaged over pixels and channels, `[n]`; higher is more anomalous.

    `x` `[n, c, h, w]` in [0, 1]; `model` maps it to its reconstruction. Raises BadInput for images
    that leave that range.
    Source: kwon2020gradcon, "Recon".
    """
    check_range(given=x)
    error: Tensor = (model(x) - x).square().flatten(1).mean(1)
    return error
