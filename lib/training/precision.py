"""Precision of the large products; weights, heads and losses always have float32."""

from typing import Literal, get_args

import torch

from lib.errors import BadInput

Precision = Literal["float32", "bfloat16"]


def autocast(device: torch.device, precision: Precision) -> torch.autocast:
    """PyTorch's context for that precision on that device; float32 changes nothing."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


def check_precision(precision: str) -> None:
    """Raise BadInput for a precision that is not known."""
    if precision not in get_args(Precision):
        raise BadInput(f"precision must be one of {get_args(Precision)}; it was {precision!r}.")
