"""The error of a digit among bits of others, whole and within the digit's known mask."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from lib.data import cluttered, two_digits
from lib.scores import in_batches


class ClutterImages(NamedTuple):
    """What was shown, on the CPU: digits, the same in clutter, their masks, and two on a canvas.

    Images `[n, 1, 28, 28]` in [0, 1], masks bool `[n, 28, 28]`.
    """

    digits: Tensor
    cluttered: Tensor
    masks: Tensor
    pairs: Tensor


def clutter_errors(
    reconstruct: Callable[[Tensor], Tensor],
    digits: Tensor,
    others: Tensor,
    *,
    generator: torch.Generator,
) -> tuple[dict[str, Tensor], ClutterImages]:
    """The norms ||a (r(x) - x)|| `[n]` of each image by what was measured, with a mask a or 1.

    `digits` `[n, 1, 28, 28]` and `others` as in `cluttered`, which takes the draws of `generator`;
    each digit shares a canvas with the one half of the list away. Raises BadInput as `cluttered`
    and `two_digits` do. Source: spigler2019denoising, supplementary slides.
    """

    def error(image: Tensor, mask: Tensor | None = None) -> Tensor:
        difference = in_batches(reconstruct, image) - image
        masked = difference if mask is None else difference * mask
        norms: Tensor = masked.flatten(1).norm(dim=1)
        return norms.cpu()

    x, masks = cluttered(digits, others, generator=generator)
    inside = masks[:, None].float()
    found = {
        "clean, whole": error(digits),
        "clean, within the mask": error(digits, inside),
        "cluttered, whole": error(x),
        "cluttered, within the mask": error(x, inside),
        "clutter removed first, whole": error(x * inside),
    }
    pair = torch.roll(digits, len(digits) // 2, 0)  # some sets are sorted by class
    two, masks_of_two = two_digits(digits, pair)
    halves = [masks_of_two[:, i, None].float() for i in (0, 1)]
    found["two digits, whole"] = error(two)
    left, right = (error(two, half) for half in halves)
    found["two digits, sum of masked errors"] = left + right
    left, right = (error(two * half, half) for half in halves)
    found["two digits, each drawn alone, sum"] = left + right
    return found, ClutterImages(*(part.cpu() for part in (digits, x, masks, two)))
