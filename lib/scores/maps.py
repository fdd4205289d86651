"""Maps of one image: where the network errs, and which pixels the error depends on."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from lib.data import check_range
from lib.errors import BadInput

Network = Callable[[Tensor], Tensor]


def error_map(model: Network, x: Tensor, *, batch_size: int = 256) -> Tensor:
    """Squared error of each pixel, `[n, h, w]`; higher is worse reconstructed.

    `x` `[n, c, h, w]` in [0, 1]; of several channels the largest value counts. `batch_size`
    bounds the memory only. Raises BadInput for a model in training mode, an empty set of images,
    images outside [0, 1], and a reconstruction of another shape.
    Source: feeney2021localization, equation 1.
    """
    check_map_inputs(model, x, batch_size)
    with torch.no_grad():
        return torch.cat([squared_errors(model, part).amax(1) for part in x.split(batch_size)])


def input_gradient(model: Network, x: Tensor, *, batch_size: int = 256) -> Tensor:
    """Gradient of each image's mean squared error by its own pixels, signed, `[n, c, h, w]`.

    It runs through both places where x stands, the network's input and the target. `x`
    `[n, c, h, w]` in [0, 1]. Costs one backward pass per batch, exact as long as the model keeps
    images apart. Parameters, their `.grad`, the mode and the random state stay as they were.
    Raises BadInput as `error_map` does.
    """
    check_map_inputs(model, x, batch_size)
    return gradient_in_batches(model, x, batch_size)


def gradient_in_batches(model: Network, x: Tensor, batch_size: int) -> Tensor:
    """`input_gradient` of inputs that may leave [0, 1]."""
    parts = []
    for part in x.split(batch_size):
        with torch.enable_grad():
            leaf = part.detach().clone().requires_grad_()
            # the sum keeps each image's own gradient: image i appears in its own term alone
            loss = mean_errors(model, leaf).sum()
            parts.append(torch.autograd.grad(loss, leaf)[0])
    return torch.cat(parts)


def saliency_map(model: Network, x: Tensor, *, batch_size: int = 256) -> Tensor:
    """How much each pixel moves the image's mean squared error, `[n, h, w]`, from 0 up.

    The absolute value of `input_gradient`; of several channels the largest value counts. High
    says that the error depends on the pixel, not that the pixel is anomalous. `x` `[n, c, h, w]`
    in [0, 1]. Raises BadInput as `error_map` does.
    Source: feeney2021localization, equation 3.
    """
    return input_gradient(model, x, batch_size=batch_size).abs().amax(1)


def scaled(maps: Tensor) -> Tensor:
    """Each map divided by its own maximum, `[n, h, w]` in [0, 1]; maps of zeros stay zero.

    Differences in strength between images are lost: never rank images by scaled maps. Raises
    BadInput for maps of another dimension, without pixels, or with a value below 0 or not finite.
    Source: feeney2021localization, section 3.1.
    """
    if maps.ndim != 3 or 0 in maps.shape[1:]:
        raise BadInput(f"Maps must have the shape [n, h, w], but {list(maps.shape)} came.")
    if not (maps.isfinite() & (maps >= 0)).all():
        raise BadInput("Maps must be finite and nowhere below 0, but another value came.")
    largest = maps.amax((1, 2), keepdim=True)
    return maps / largest.where(largest > 0, 1.0)


def squared_errors(model: Network, x: Tensor) -> Tensor:
    """(x - model(x))², `[n, c, h, w]`, with gradients; BadInput for an output of another shape."""
    drawn = model(x)
    if drawn.shape != x.shape:  # broadcasting would go on without a word
        raise BadInput(
            f"The reconstruction must have the shape {list(x.shape)} of the images, "
            f"but {list(drawn.shape)} came."
        )
    return (x - drawn).square()


def mean_errors(model: Network, x: Tensor) -> Tensor:
    """Mean squared error of each image, `[n]`, with gradients."""
    return squared_errors(model, x).flatten(1).mean(1)


def check_map_inputs(model: Network, x: Tensor, batch_size: int) -> None:
    """Raise BadInput for a model in training mode, no images `[n, c, h, w]` or some outside
    [0, 1], and a batch size below 1.

    What every map of a model refuses.
    """
    # batch norm in training mode mixes the images of a batch and moves its running averages
    if isinstance(model, nn.Module) and any(m.training for m in model.modules()):
        raise BadInput("Maps need the model in evaluation mode: call model.eval() first.")
    if x.ndim != 4 or 0 in x.shape:
        raise BadInput(
            f"Maps need images [n, c, h, w], at least one of them, but {list(x.shape)} came."
        )
    if batch_size < 1:
        raise BadInput(f"The batch size must be at least 1, but {batch_size} came.")
    check_range(given=x)
