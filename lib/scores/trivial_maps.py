"""Maps that know nothing of a network: what every localization must be compared with."""

import torch
from torch import Tensor

from lib.errors import BadInput


@torch.no_grad()
def intensity_map(x: Tensor) -> Tensor:
    """The image itself, `[n, h, w]` in [0, 1]; higher counts as more anomalous, by decree.

    `x` `[n, c, h, w]` in [0, 1]; of several channels the largest value counts. Raises BadInput
    for other dimensions or an empty set of images.
    """
    _check(x)
    return x.amax(1)


@torch.no_grad()
def mean_difference_map(x: Tensor, train: Tensor) -> Tensor:
    """Squared difference from the mean training image, `[n, h, w]`; higher is more anomalous.

    `x` `[n, c, h, w]` and `train` `[m, c, h, w]`, both in [0, 1]; of several channels the largest
    value counts. Raises BadInput as `intensity_map` does, where the images differ in shape and
    where there are no training images.
    """
    _check(x)
    if len(train) == 0 or x.shape[1:] != train.shape[1:]:
        raise BadInput(
            f"Images {list(x.shape)} cannot be compared with training images {list(train.shape)}."
        )
    return (x - train.mean(0)).square().amax(1)


def _check(x: Tensor) -> None:
    if x.ndim != 4 or 0 in x.shape:
        raise BadInput(
            f"Maps need images [n, c, h, w], at least one of them, but {list(x.shape)} came."
        )
