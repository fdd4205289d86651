"""Scores that know nothing: what every table must be compared with."""

import math
from functools import partial

import torch
from torch import Tensor

from lib.data import check_range
from lib.errors import BadInput


@torch.no_grad()
def mean_brightness(x: Tensor) -> Tensor:
    """Mean pixel value, `[n]` in [0, 1]; higher counts as more anomalous, by decree.

    A trivial row of the tables; no reason stands behind its direction. BadInput outside [0, 1].
    """
    check_range(given=x)
    return x.flatten(1).mean(1)


@torch.no_grad()
def distance_to_mean(x: Tensor, train: Tensor) -> Tensor:
    """Mean squared distance to the mean training image, `[n]`; higher is more anomalous.

    `x` `[n, c, h, w]` and `train` `[m, c, h, w]`, both in [0, 1]. Raises BadInput where their
    images differ in shape or leave [0, 1], or there are no training images.
    """
    _check_alike(x, train)
    return (x - train.mean(0)).square().flatten(1).mean(1)


@torch.no_grad()
def distance_to_nearest(x: Tensor, train: Tensor, *, batch_size: int = 50) -> Tensor:
    """Root mean squared difference of pixels to the nearest training image, `[n]` from 0 up.

    Higher is more anomalous; exactly 0 for a copy. `x` `[n, c, h, w]` and `train` `[m, c, h, w]` on
    one device; the batch bounds memory only. Raises BadInput as `distance_to_mean` does.
    """
    _check_alike(x, train)
    flat = train.flatten(1)
    # never by matrix products: a difference of squares rounds away small distances
    exact = partial(torch.cdist, x2=flat, compute_mode="donot_use_mm_for_euclid_dist")
    nearest = [exact(part).amin(1) for part in x.flatten(1).split(batch_size)]
    return torch.cat(nearest) / math.sqrt(flat.shape[1])


def _check_alike(x: Tensor, train: Tensor) -> None:
    if len(train) == 0 or x.shape[1:] != train.shape[1:]:
        raise BadInput(
            f"Images {list(x.shape)} cannot be compared with training images {list(train.shape)}."
        )
    check_range(given=x, training=train)
