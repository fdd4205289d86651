"""What auxiliary tasks show and ask: turned images, grey images and edges."""

import torch
import torch.nn.functional as F
from torch import Tensor

from lib.errors import BadInput

LUMA = (0.299, 0.587, 0.114)  # red, green and blue in the grey of ITU-R BT.601


def rotated(x: Tensor, turns: Tensor) -> Tensor:
    """Each image turned to the left by its number of quarter turns; same shape and values.

    `x` `[n, c, h, h]`; `turns` whole numbers `[n]` from 0 to 3, which are what the task asks for.
    Raises BadInput for images that are not square, and for other turns.
    Source: methods.md 4.8, rotation.
    """
    if x.ndim != 4 or x.shape[2] != x.shape[3]:
        raise BadInput(f"Only square images [n, c, h, h] can be turned, but {list(x.shape)} came.")
    if turns.shape != (len(x),) or not torch.isin(turns, torch.arange(4, device=x.device)).all():
        raise BadInput(f"Each of the {len(x)} images needs 0, 1, 2 or 3 turns.")
    found = x.clone()
    for k in range(1, 4):
        chosen = turns == k
        found[chosen] = torch.rot90(x[chosen], k, (2, 3))
    return found


def grey(x: Tensor) -> Tensor:
    """Images without colour, each channel their brightness; shape and range as `x`.

    `x` `[n, c, h, w]` in [0, 1] with one or three channels; one channel stays as it is. Raises
    BadInput for another number of channels.
    """
    return _brightness(x).expand_as(x).contiguous()


def sobel(x: Tensor) -> Tensor:
    """Strength of the edges, `[n, 1, h, w]` from 0 up; 1 is a straight step from black to white.

    Length of the gradient of the brightness by Sobel's two kernels, each divided by 4, with the
    border repeated. `x` `[n, c, h, w]` in [0, 1] with one or three channels. Raises BadInput for
    another number of channels. Source: methods.md 4.8, Sobel.
    """
    across = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]], device=x.device, dtype=x.dtype)
    kernels = torch.stack([across, across.T])[:, None] / 4
    found = F.conv2d(F.pad(_brightness(x), (1, 1, 1, 1), mode="replicate"), kernels)
    return found.square().sum(1, keepdim=True).sqrt()


def _brightness(x: Tensor) -> Tensor:
    if x.ndim != 4 or x.shape[1] not in (1, 3):
        raise BadInput(f"Images need one or three channels [n, c, h, w], but {list(x.shape)} came.")
    if x.shape[1] == 1:
        return x
    weights = torch.tensor(LUMA, device=x.device, dtype=x.dtype).view(1, 3, 1, 1)
    return (x * weights).sum(1, keepdim=True)
