"""What a classifier with an auxiliary task is trained for, on one batch and on many images."""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from lib.models import Classifier
from lib.training.augment import as_float
from lib.training.auxiliary import Auxiliary, auxiliary_error, shown
from lib.training.precision import Precision, autocast

Labelled = tuple[Tensor, Tensor]


class Errors(NamedTuple):
    """Loss of a batch with its gradient, number of right classes, error of the auxiliary task."""

    objective: Tensor
    correct: Tensor
    auxiliary: Tensor


def batch_errors(
    model: Classifier,
    auxiliary: Auxiliary | None,
    x: Tensor,
    labels: Tensor,
    turns: Tensor,
    *,
    classification: float,
    precision: Precision,
) -> Errors:
    """The errors on images `x` `[n, c, h, w]` in [0, 1] with labels and quarter turns `[n]`.

    Objective: `classification` · cross-entropy + lambda · auxiliary error. A term of weight 0 is
    left out, so that its head gets no gradient at all. The auxiliary error is 0 without a task.
    """
    n = len(x)
    seen = x
    if auxiliary is not None and auxiliary.changes_image:
        seen = torch.cat([x, shown(auxiliary, x, turns)])
    with autocast(x.device, precision):
        z = model.features(seen)
        answer = auxiliary.head(z[-n:]) if auxiliary else None
    logits = model.head(z[:n].float())
    objective, error = logits.new_zeros(()), logits.new_zeros(())
    if classification:
        objective = objective + classification * F.cross_entropy(logits, labels)
    if auxiliary and answer is not None:
        error = auxiliary_error(auxiliary, answer, model, x, turns)
        if auxiliary.weight:
            objective = objective + auxiliary.weight * error
    return Errors(objective, (logits.argmax(1) == labels).sum(), error.detach())


@torch.no_grad()
def held_out_errors(
    errors: Callable[[Tensor, Tensor, Tensor], Errors], held_out: Labelled, *, batch_size: int
) -> tuple[float, float, float]:
    """Mean objective, accuracy and mean auxiliary error of images that are not trained on.

    `errors` is `batch_errors` of images, labels and turns, in evaluation mode. Image i is turned
    i mod 4 times, so that nothing is drawn.
    """
    images, labels = held_out
    turns = torch.arange(len(images), device=images.device) % 4
    total = torch.zeros(3, dtype=torch.float64)
    batches = zip(*(part.split(batch_size) for part in (images, labels, turns)), strict=True)
    for x, y, t in batches:
        objective, correct, auxiliary = errors(as_float(x), y, t)
        found = torch.stack([objective * len(x), correct.float(), auxiliary * len(x)])
        total += found.double().cpu()
    objective, accuracy, error = (total / len(images)).tolist()
    return objective, accuracy, error
