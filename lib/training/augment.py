"""Random crops and flips of a whole batch at once, and pixels as numbers in [0, 1]."""

import torch
import torch.nn.functional as F
from torch import Tensor


def crop_and_flip(
    x: Tensor, *, generator: torch.Generator, padding: int = 4, flip: bool = True
) -> Tensor:
    """Each image cut at random from its black-padded self and, if `flip`, mirrored half the time.

    `x` `[n, c, h, w]` of any type; same shape and type. Every one of the (2·padding + 1)² places
    is equally likely. `generator` draws all places, then all flips; without `flip` none of those.
    Leave `flip` off for digits and letters. Source: methods.md 4.2.
    """
    n, _, h, w = x.shape
    places = torch.randint(2 * padding + 1, (2, n), generator=generator).to(x.device)
    # views of all places; the index then copies one of them per image, with no loop over images
    windows = F.pad(x, (padding,) * 4).unfold(2, h, 1).unfold(3, w, 1)
    cut = windows[torch.arange(n, device=x.device), :, places[0], places[1]]
    if not flip:
        return cut
    mirrored = torch.randint(2, (n, 1, 1, 1), generator=generator).to(x.device)
    return torch.where(mirrored == 1, cut.flip(3), cut)


def as_float(x: Tensor) -> Tensor:
    """Images as float32 in [0, 1]: uint8 divided by 255, floats as they are."""
    return x.float().div_(255) if x.dtype == torch.uint8 else x
