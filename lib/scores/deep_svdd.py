"""Deep SVDD's score: how far the network takes an image from the centre of the normal ones."""

import torch
from torch import Tensor, nn

from lib.errors import BadInput

LARGEST = 10.0  # of a pixel after contrast normalisation


@torch.no_grad()
def deep_svdd_score(network: nn.Module, x: Tensor, centre: Tensor) -> Tensor:
    """Squared distance of the network's output to the centre, `[n]`; higher is more anomalous.

    Images `x` `[n, c, h, w]`, contrast normalised as those of training; `centre` `[code]`, from
    `fit_deep_svdd`. Not below 0, in the unit of the outputs, so numbers of two networks cannot be
    compared. Raises BadInput for a network in training mode, where batch norm would mix the
    images, and for a centre that does not fit. Source: ruff2018deep, one-class Deep SVDD.
    """
    if any(module.training for module in network.modules()):
        raise BadInput("The network must be in evaluation mode to score images one by one.")
    if x.numel() and x.abs().max() > LARGEST:
        raise BadInput("Deep SVDD's images must be contrast normalised and scaled to about [0, 1].")
    z = network(x)
    if centre.ndim != 1 or z.shape[1:] != centre.shape:
        raise BadInput(
            f"Outputs {list(z.shape)} need a centre of as many numbers, "
            f"but {list(centre.shape)} came."
        )
    distance: Tensor = (z - centre).square().sum(1)
    return distance
