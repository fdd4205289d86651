"""Contrast normalisation: each image by its own contrast, then all by the training images' range.

Nothing here is drawn, and no image looks at another test image.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from lib.errors import BadInput


class ContrastRange(NamedTuple):
    """Least and largest value that the normalised training images take."""

    low: float
    high: float


@torch.no_grad()
def contrast_normalised(x: Tensor) -> Tensor:
    """Copies of `x` `[n, c, h, w]` with mean 0 and mean absolute value 1, each image for itself.

    Over pixels and channels; images of one value become 0. Raises BadInput for another number of
    dimensions and for values that are not finite. Source: ruff2018deep, public code ("L1" there).
    """
    _check(x)
    low, high = x.amin((1, 2, 3), keepdim=True), x.amax((1, 2, 3), keepdim=True)
    moved = x - x.mean((1, 2, 3), keepdim=True)
    scale = moved.abs().mean((1, 2, 3), keepdim=True)
    # by the values themselves: the mean of equal floats is rounded, and rounding is no contrast
    flat = (low == high) | (scale == 0)
    return torch.where(flat, 0.0, moved / torch.where(flat, 1.0, scale))


@torch.no_grad()
def fit_contrast_range(train: Tensor) -> ContrastRange:
    """Range of the training images `[m, c, h, w]` in [0, 1] after `contrast_normalised`.

    One range for all pixels and channels. Raises BadInput as that does, for no images, and where
    no image has any contrast.
    """
    if len(train) == 0:
        raise BadInput("There are no training images to take the range of.")
    normalised = contrast_normalised(train)
    low, high = float(normalised.min()), float(normalised.max())
    if low == high:
        raise BadInput("The training images have no contrast: each holds one value only.")
    return ContrastRange(low, high)


@torch.no_grad()
def contrast_scaled(x: Tensor, fitted: ContrastRange) -> Tensor:
    """Copies of `x` `[n, c, h, w]`: contrast normalised, then the fitted range moved to [0, 1].

    Training images lie in [0, 1]; others may leave it on both sides, as in the authors' code.
    Raises BadInput as `contrast_normalised` does, and for a range that does not rise.
    """
    low, high = fitted
    if not low < high:
        raise BadInput(f"The range must rise, but {low} to {high} came.")
    return (contrast_normalised(x) - low) / (high - low)


def _check(x: Tensor) -> None:
    if x.ndim != 4 or 0 in x.shape[1:] or not x.is_floating_point():
        raise BadInput(
            f"Images must be floats [n, c, h, w], but {x.dtype} of shape {list(x.shape)} came."
        )
    if not x.isfinite().all():
        raise BadInput("Images must be finite, but NaN or infinity came.")
