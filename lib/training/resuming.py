"""What a plain training loop leaves after each epoch, and how it goes on from there."""

from collections.abc import Collection
from pathlib import Path

import torch
from torch import Tensor, nn

from lib.training.checkpoint import load_checkpoint, save_checkpoint

State = dict[str, Tensor]
History = list[dict[str, float]]


def resume(
    checkpoint: Path | None,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    generator: torch.Generator,
    *,
    fingerprint: str,
    epochs: int,
    keep: Collection[int],
) -> tuple[History, dict[int, State]]:
    """Bring a training to where its checkpoint left it: its history and kept weights by epoch.

    Both are empty, and nothing is changed, without a checkpoint that counts: one of the same
    `fingerprint`, with no more than `epochs` epochs and with all weights that are to be kept.
    Raises DataCorrupt for a damaged file.
    """
    if checkpoint is None or not checkpoint.exists():
        return [], {}
    state = load_checkpoint(checkpoint)
    past = len(state["history"])
    missed = {epoch for epoch in keep if epoch <= past} - set(state["snapshots"])
    if state.get("fingerprint") != fingerprint or past > epochs or missed:
        return [], {}
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    generator.set_state(state["generator"])
    return state["history"], state["snapshots"]


def leave_epoch(
    checkpoint: Path | None,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    generator: torch.Generator,
    *,
    fingerprint: str,
    history: History,
    snapshots: dict[int, State],
) -> None:
    """Write what `resume` reads, whole or not at all; nothing without a `checkpoint`."""
    if checkpoint is not None:
        state = {"fingerprint": fingerprint, "history": history, "snapshots": snapshots}
        state |= {"model": model.state_dict(), "optimiser": optimiser.state_dict()}
        save_checkpoint(checkpoint, state | {"generator": generator.get_state()})


def weights_of(model: nn.Module) -> State:
    """A copy of the model's weights and buffers on the CPU."""
    return {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}
