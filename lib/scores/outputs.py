"""The outputs a network stands by: its classes' probabilities, scaled by its own confidence."""

from collections.abc import Callable

import torch
from torch import Tensor

from lib.data import check_range
from lib.models import Classifier, DenoisingClassifier
from lib.scores.confidence import check_weight, cool_log_outputs, log_confidence


def log_outputs(model: Classifier, x: Tensor, *, omega: int = 1, alpha: float = 0.0) -> Tensor:
    """Logarithm of each class's output `[n, classes]`, float64, at most 0; higher is more trusted.

    A network with a decoder has its softmax scaled by the confidence of weight `alpha`, one whose
    head has classes · `omega` units gives COOL's outputs, any other its softmax. Differentiable by
    `x` `[n, 1, 28, 28]`; float64, since float32 rounds sure images to one value. The curvature
    factor is left out: it is 1 on images (methods.md 5.3). Raises BadInput as `log_confidence` and
    `cool_log_outputs` do, and for images outside [0, 1].
    Source: spigler2019denoising, scaled outputs; kardan2017cool.
    """
    check_weight("alpha", alpha)
    log_y, errors = log_outputs_and_errors(model, x, omega=omega)
    return log_y - alpha * errors[:, None]


def log_outputs_and_errors(
    model: Classifier, x: Tensor, *, omega: int = 1
) -> tuple[Tensor, Tensor]:
    """Logarithm of the outputs before any confidence `[n, classes]`, and ||r(x) - x|| / D `[n]`.

    Arguments and direction as in `log_outputs`, of which these are the parts; float64. The error is
    0 for a network without decoder.
    """
    check_range(given=x)
    errors = torch.zeros(len(x), dtype=torch.float64, device=x.device)
    if isinstance(model, DenoisingClassifier):
        logits, pixels = model.both(x)
        errors = -log_confidence(x, pixels.sigmoid(), alpha=1.0).double()
    else:
        logits = model(x)
    # with one unit a class COOL's output is the softmax
    return cool_log_outputs(logits.double(), omega=omega), errors


@torch.no_grad()
def in_batches(function: Callable[[Tensor], Tensor], x: Tensor, *, batch_size: int = 500) -> Tensor:
    """`function` of `x`, a batch at a time and without gradients; the batch bounds memory only."""
    return torch.cat([function(part) for part in x.split(batch_size)])
