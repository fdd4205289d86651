"""Maps of a network whose weights are randomised part by part, to see what the maps know of it."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from lib.models import cascade, randomised
from lib.scores import scaled


def cascading_maps(
    attribute: Callable[[nn.Module, Tensor], Tensor], model: nn.Module, fresh: nn.Module, x: Tensor
) -> list[NDArray[np.float32]]:
    """The maps of `model`, then of it with one, two, … all of its parts from `fresh`.

    `attribute` gives maps `[n, h, w]` from 0 up of images `x` `[n, c, h, w]`; each map is scaled to
    a maximum of 1. Parts are those of `models.cascade`, from the output back. Neither network is
    changed. Raises BadInput as `models.randomised` does.
    Source: adebayo2018sanity, cascading randomization.
    """
    parts = cascade(model)
    networks = (randomised(model, fresh, parts[:stage]) for stage in range(1, len(parts) + 1))
    return [scaled(attribute(network, x)).cpu().numpy() for network in (model, *networks)]
