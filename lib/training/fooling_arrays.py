"""Fooling with arrays in and out, so that its result can be kept and found again on disk."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from lib.training.fooling import LogOutputs, Objective, fool

Floats = NDArray[np.float32]
Arrays = tuple[NDArray[np.int64], Floats, Floats, dict[int, Floats]]


def fool_arrays(
    weights: Mapping[str, Floats],
    alpha: float,
    start: Floats,
    targets: NDArray[np.int64],
    rates: Floats,
    *,
    thresholds: Sequence[float],
    max_steps: int,
    objective: Objective = "clamped",
    function: LogOutputs,
    device: torch.device,
) -> Arrays:
    """`fool` on a device: its steps, images, outputs and gradients as arrays.

    `weights` and `alpha` only say whose log outputs `function` gives: with all else but these two
    and the device they are what a kept result belongs to (`workspace.remembered`).
    """
    found = fool(
        function,
        torch.from_numpy(start).to(device),
        torch.from_numpy(targets).to(device),
        thresholds=thresholds,
        max_steps=max_steps,
        learning_rate=torch.from_numpy(rates).to(device),
        objective=objective,
    )
    return (
        found.steps.numpy(),
        found.images.cpu().numpy(),
        found.outputs.numpy(),
        {step: norms.numpy() for step, norms in found.gradients.items()},
    )
