"""Maps that know nothing of a network: what every localization must be compared with."""

import torch
from torch import Tensor

from lib.errors import BadInput


@torch.no_grad()
def trivial_maps(x: Tensor, train: Tensor) -> dict[str, Tensor]:
    """Two maps by name, `[n, h, w]` in [0, 1]; higher counts as more anomalous, by decree.

    "input intensity" is the image itself, "distance from the mean image" the squared difference
    from the mean of `train`. `x` `[n, c, h, w]` and `train` `[m, c, h, w]` in [0, 1]; of several
    channels the largest value counts. Raises BadInput for other dimensions, no images, and images
    of unequal shape.
    """
    if x.ndim != 4 or 0 in x.shape or len(train) == 0 or x.shape[1:] != train.shape[1:]:
        raise BadInput(
            f"Images {list(x.shape)} cannot be compared with training images {list(train.shape)}."
        )
    distance = (x - train.mean(0)).square()
    return {"input intensity": x.amax(1), "distance from the mean image": distance.amax(1)}
