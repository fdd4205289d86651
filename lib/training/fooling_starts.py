"""Where a stronger attack than the document's starts from: real images of other classes."""

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from lib.errors import BadInput

BORDER = 0.02  # images as logits: no pixel is quite black or white
IMAGE_RATE = 0.1  # of Adam on logits between -4 and 4


def class_targets(classes: int, attempts: int) -> NDArray[np.int64]:
    """The wished class of each attempt, `[attempts]` ascending, every class equally often.

    Raises BadInput unless the attempts are a multiple of the classes.
    """
    if classes < 1 or attempts < classes or attempts % classes:
        raise BadInput(f"{attempts} attempts are no multiple of {classes} classes.")
    return np.arange(classes).repeat(attempts // classes)


def images_of_others(
    x: Tensor, labels: ArrayLike, targets: ArrayLike, rng: np.random.Generator
) -> Tensor:
    """For each target a random image of another class, `[len(targets), ...]` on the CPU.

    `x` `[n, ...]` with labels `[n]`. Raises BadInput where all images are of one target's class.
    """
    truth, picked = np.asarray(labels), []
    for target in np.asarray(targets):
        others = np.flatnonzero(truth != target)
        if not len(others):
            raise BadInput(f"There is no image of another class than {target}.")
        picked.append(rng.choice(others))
    return x[picked].cpu()


def image_start(x: Tensor) -> Tensor:
    """The logits of images in [0, 1], for `fool`, with pixels held within BORDER of both ends."""
    return x.clamp(BORDER, 1 - BORDER).logit()


def image_rates(n: int) -> Tensor:
    """The learning rate of `n` attempts that start from images, `[n]`."""
    return torch.full((n,), IMAGE_RATE)
