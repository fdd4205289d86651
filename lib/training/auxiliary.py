"""Auxiliary tasks: what z is asked for beside the class, and what a wrong answer costs."""

from dataclasses import dataclass
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lib.data import grey, rotated, sobel
from lib.errors import BadInput
from lib.models import Classifier
from lib.training.checks import check_not_negative

Task = Literal["reconstruction", "recolouring", "sobel", "rotation"]


@dataclass(frozen=True, eq=False)
class Auxiliary:
    """A task with its head on z and its weight lambda in the loss; the head is trained in place.

    "reconstruction" draws the normalised image, "recolouring" the same from a grey one, "sobel"
    the edges (one channel), and "rotation" names the quarter turns. Errors of pictures are means
    over pixels and channels: a lambda meant for their sum over 3·32·32 is 3072 times as large
    here. Raises BadInput for another task and a weight below 0.
    Source: dietterich2021representation, hybrid network and "other things".
    """

    task: Task
    head: nn.Module
    weight: float

    def __post_init__(self) -> None:
        if self.task not in get_args(Task):
            raise BadInput(f"task must be one of {get_args(Task)}; it was {self.task!r}.")
        check_not_negative(weight=self.weight)

    @property
    def changes_image(self) -> bool:
        """Whether the network sees another image for the task than for the class."""
        return self.task in ("recolouring", "rotation")


def draw_turns(auxiliary: Auxiliary | None, n: int, generator: torch.Generator) -> Tensor:
    """Quarter turns `[n]` from 0 to 3 for "rotation", each equally likely; else zeros, undrawn."""
    if auxiliary is None or auxiliary.task != "rotation":
        return torch.zeros(n, dtype=torch.int64)
    return torch.randint(4, (n,), generator=generator)


def shown(auxiliary: Auxiliary, x: Tensor, turns: Tensor) -> Tensor:
    """What the network is shown for the task, from images `[n, c, h, w]` in [0, 1]; same shape."""
    if auxiliary.task == "rotation":
        return rotated(x, turns)
    return grey(x) if auxiliary.task == "recolouring" else x


def auxiliary_error(
    auxiliary: Auxiliary, answer: Tensor, model: Classifier, x: Tensor, turns: Tensor
) -> Tensor:
    """The unweighted error of the head's `answer` on images `x`, one number with its gradient.

    Cross-entropy for "rotation", else the squared error averaged over pixels, channels and batch.
    Raises BadInput where the answer does not have the shape of what is asked for.
    """
    if auxiliary.task == "rotation":
        _check_shape(answer, torch.Size([len(x), 4]))
        return F.cross_entropy(answer.float(), turns)
    with torch.no_grad():
        wanted = sobel(x) if auxiliary.task == "sobel" else model.normalise(x)
    _check_shape(answer, wanted.shape)  # broadcasting would go on without a word
    return F.mse_loss(answer.float(), wanted)


def _check_shape(answer: Tensor, wanted: torch.Size) -> None:
    if answer.shape != wanted:
        raise BadInput(
            f"The auxiliary head must answer with the shape {list(wanted)}, "
            f"but {list(answer.shape)} came."
        )
