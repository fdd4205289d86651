"""Which input pixel moves which pixel of the error map."""

import torch
from torch import Tensor

from lib.scores.maps import Network, check_map_inputs, squared_errors


def error_jacobian(model: Network, x: Tensor, *, batch_size: int = 256) -> Tensor:
    """d r_i / d x_j of the squared error map, signed, `[n, p, p]` with i before j.

    r = (x - model(x))², through both places where x stands; p = c·h·w numbers, channels first.
    `x` `[n, c, h, w]` in [0, 1], a few images only: each costs p backward passes, of which
    `batch_size` are made at once, and p² numbers in memory (2.5 MB for 784 pixels). The mean over
    i is `input_gradient`. Parameters, their `.grad`, the mode and the random state stay as they
    were. Raises BadInput as `error_map` does.
    Source: feeney2021localization, section 3, after equation 3.
    """
    check_map_inputs(model, x, batch_size)

    def errors(image: Tensor) -> Tensor:
        return squared_errors(model, image[None]).flatten()

    rows = torch.func.jacrev(errors, chunk_size=batch_size)
    with torch.no_grad():  # no outer graph that would lead to the parameters
        return torch.stack([rows(image).flatten(1) for image in x.detach()])
