"""The maps that could say where an image is novel, by name: a network's, and two without any."""

import torch
from torch import Tensor

from lib.scores.attribution import smooth_gradient
from lib.scores.maps import Network, error_map, product_map, saliency_map, squared
from lib.scores.trivial_maps import intensity_map, mean_difference_map


def network_maps(model: Network, x: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
    """Five maps of a network, `[n, h, w]` from 0 up; higher should be more novel.

    Reconstruction error, saliency, its square, the product of error and saliency, and the smoothed
    gradient, for which `generator` draws. Not scaled, so that images can be compared. `x`
    `[n, c, h, w]` in [0, 1]. Raises BadInput as `error_map` does.
    """
    error, saliency = error_map(model, x), saliency_map(model, x)
    return {
        "reconstruction error": error,
        "saliency": saliency,
        "squared saliency": squared(saliency),
        "product": product_map(error, saliency),
        "smoothed gradient": smooth_gradient(model, x, generator=generator),
    }


def trivial_maps(x: Tensor, train: Tensor) -> dict[str, Tensor]:
    """Two maps that know nothing of a network, `[n, h, w]`, higher by decree more novel.

    Of the images `x` `[n, c, h, w]` and the training images `[m, c, h, w]`, both in [0, 1]. Raises
    BadInput as `mean_difference_map` does.
    """
    return {
        "input intensity": intensity_map(x),
        "distance from the mean image": mean_difference_map(x, train),
    }
