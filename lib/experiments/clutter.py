"""The error of a digit among bits of others, whole and within the digit's known mask."""

from collections.abc import Callable

import torch
from torch import Tensor

from lib.data import cluttered, two_digits
from lib.scores import in_batches


def clutter_errors(
    reconstruct: Callable[[Tensor], Tensor],
    digits: Tensor,
    others: Tensor,
    *,
    generator: torch.Generator,
) -> dict[str, Tensor]:
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
    two, halves = two_digits(digits, digits.roll(len(digits) // 2, 0))  # some sets are sorted
    left, right = (error(two, halves[:, i, None].float()) for i in (0, 1))
    return {
        "clean, whole": error(digits),
        "clean, within the mask": error(digits, inside),
        "cluttered, whole": error(x),
        "cluttered, within the mask": error(x, inside),
        "two digits, whole": error(two),
        "two digits, sum of masked errors": left + right,
    }
