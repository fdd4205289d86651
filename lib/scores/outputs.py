"""The outputs a network stands by: its classes' probabilities, scaled by its own confidence."""

from collections.abc import Callable

import torch
from torch import Tensor

from lib.data import check_range
from lib.models import Classifier, DenoisingClassifier
from lib.scores.confidence import check_weight, cool_log_outputs, log_confidence


def log_outputs(
    model: Classifier,
    x: Tensor,
    *,
    omega: int = 1,
    alpha: float = 0.0,
    squared: bool = False,
    known: int | None = None,
) -> Tensor:
    """Logarithm of each class's output `[n, classes]`, float64, at most 0; higher is more trusted.

    A network with a decoder has its softmax scaled by the confidence of weight `alpha`, one whose
    head has classes · `omega` units gives COOL's outputs, any other its softmax. `known` keeps the
    first classes only: those after them were trained on negative samples. Differentiable by `x`
    `[n, 1, 28, 28]`; float64, since float32 rounds sure images to one value. The curvature factor
    is left out: it is 1 on images (methods.md 5.3). Raises BadInput as `log_confidence` and
    `cool_log_outputs` do, and for images outside [0, 1].
    Source: spigler2019denoising, scaled outputs; kardan2017cool.
    """
    check_weight("alpha", alpha)
    log_y, errors = log_outputs_and_errors(model, x, omega=omega, known=known)
    lengths = x[0].numel() * errors.square() if squared else errors
    return log_y - alpha * lengths[:, None]


def log_outputs_and_errors(
    model: Classifier, x: Tensor, *, omega: int = 1, known: int | None = None
) -> tuple[Tensor, Tensor]:
    """Logarithm of the outputs before any confidence `[n, classes]`, and ||r(x) - x|| / D `[n]`.

    Arguments and direction as in `log_outputs`, of which these are the parts; float64. The error is
    0 for a network without decoder.
    """
    errors = torch.zeros(len(x), dtype=torch.float64, device=x.device)
    check_range(given=x)
    if isinstance(model, DenoisingClassifier):
        logits, pixels = model.both(x)
        errors = -log_confidence(x, pixels.sigmoid(), alpha=1.0).double()
        found: Tensor = torch.log_softmax(logits.double(), 1)
    elif omega > 1:
        found = cool_log_outputs(model(x).double(), omega=omega)
    else:
        found = torch.log_softmax(model(x).double(), 1)
    return found[:, :known], errors


def error_lengths(model: DenoisingClassifier, x: Tensor, *, squared: bool = False) -> Tensor:
    """||r(x) - x|| / D of each image, `[n]`, which alpha multiplies; higher is more anomalous.

    `x` `[n, 1, 28, 28]` in [0, 1]; with `squared` the square of the norm.
    Source: spigler2019denoising, proposed solution.
    """
    check_range(given=x)
    return -in_batches(
        lambda part: log_confidence(part, model.reconstruct(part), alpha=1.0, squared=squared), x
    )


@torch.no_grad()
def in_batches(function: Callable[[Tensor], Tensor], x: Tensor, *, batch_size: int = 500) -> Tensor:
    """`function` of `x`, a batch at a time and without gradients; the batch bounds memory only."""
    return torch.cat([function(part) for part in x.split(batch_size)])
