"""Digits among clutter, and two digits on one canvas, with the mask of each digit."""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, max_pool2d

from lib.data.images import check_ink
from lib.errors import BadInput

INK = 0.1  # low, so that the soft border of a stroke belongs to the digit
SIDE = 28  # pixels of a side of the canvas for two digits


def cluttered(
    digits: Tensor,
    others: Tensor,
    *,
    generator: torch.Generator,
    pieces: int = 4,
    window: int = 7,
) -> tuple[Tensor, Tensor]:
    """Copies of `digits` with bits of other images around them, and the digits' masks.

    `digits` `[n, 1, h, w]` and `others` `[m, 1, h, w]`, bright ink on dark ground in [0, 1]; the
    copies are float32 of the digits' shape, the masks bool `[n, h, w]`. A mask is the digit's ink
    (at least 0.1) and all pixels next to it, diagonally too; no pixel in it changes. `pieces`
    times a square of `window` pixels is cut around a random ink pixel of a random other image
    (moved inwards at the border), and added in a random place by pixelwise maximum outside the
    mask. So nothing gets darker, and a piece that falls on the mask leaves less or nothing.
    A digit that is itself among `others` may meet its own pieces. `generator` is on the CPU.
    Raises BadInput for empty sets, several channels, images of unequal size, values outside
    [0, 1], images without ink, a count below 1, and a window larger than the image.
    Source: spigler2019denoising, supplementary slides on clutter; the making is methods.md 5.9's.
    """
    check_ink("digit", digits, ink=INK)
    check_ink("other", others, ink=INK)
    if digits.shape[2:] != others.shape[2:]:
        raise BadInput(
            f"Digits and other images must have one size, but {list(digits.shape[2:])} and "
            f"{list(others.shape[2:])} came."
        )
    for name, value in {"pieces": pieces, "window": window}.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise BadInput(f"{name} must be a whole number of at least 1; it was {value!r}.")
    h, w = digits.shape[2:]
    if window > min(h, w):
        raise BadInput(f"A window of {window} pixels does not fit into images of {h}×{w} pixels.")
    given = digits.detach().cpu().float()
    sources = others.detach().cpu().float()[:, 0]
    masks = max_pool2d((given >= INK).float(), 3, stride=1, padding=1)[:, 0] > 0
    images = given[:, 0].clone()
    for image, mask in zip(images, masks, strict=True):
        clutter = torch.zeros(h, w)
        for _ in range(pieces):
            piece = _piece(sources[_below(len(sources), generator)], window, generator)
            row, column = _below(h - window + 1, generator), _below(w - window + 1, generator)
            there = clutter[row : row + window, column : column + window]
            there.copy_(torch.maximum(there, piece))
        image.copy_(torch.where(mask, image, torch.maximum(image, clutter)))
    return images[:, None].to(digits.device), masks.to(digits.device)


def two_digits(left: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
    """One canvas with two digits at half their size, and the mask of each.

    `left` and `right` `[n, 1, 28, 28]` in [0, 1] on one device. Images float32 `[n, 1, 28, 28]`:
    each digit averaged over 2×2 pixels, side by side in rows 7 to 20, black elsewhere. Masks bool
    `[n, 2, 28, 28]`: the left and the right half of the canvas, disjoint and covering it.
    Raises BadInput for other shapes, unequal numbers, no images and values outside [0, 1].
    Source: spigler2019denoising, supplementary slides: images of several independent objects.
    """
    for what, x in {"left": left, "right": right}.items():
        check_ink(what, x, ink=0.0)
        if x.shape[2:] != (SIDE, SIDE):
            raise BadInput(f"The {what} images must be [n, 1, 28, 28], but {list(x.shape)} came.")
    if len(left) != len(right):
        raise BadInput(
            f"There must be as many left as right images, but {len(left)} and {len(right)} came."
        )
    half, quarter = SIDE // 2, SIDE // 4
    small = [avg_pool2d(x.detach().float(), 2) for x in (left, right)]  # [n, 1, 14, 14]
    images = torch.zeros(left.shape, device=left.device)
    images[:, :, quarter : quarter + half] = torch.cat(small, 3)
    masks = torch.zeros((len(left), 2, SIDE, SIDE), dtype=torch.bool, device=left.device)
    masks[:, 0, :, :half] = True
    masks[:, 1, :, half:] = True
    return images, masks


def _piece(source: Tensor, window: int, generator: torch.Generator) -> Tensor:
    """A square around a random ink pixel: squares from anywhere would often be empty."""
    ink = (source >= INK).nonzero()
    pixel = ink[_below(len(ink), generator)].tolist()
    row, column = (
        min(max(at - window // 2, 0), side - window)
        for at, side in zip(pixel, source.shape, strict=True)
    )
    return source[row : row + window, column : column + window]


def _below(end: int, generator: torch.Generator) -> int:
    return int(torch.randint(end, (), generator=generator))
