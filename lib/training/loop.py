"""The one training loop: batches, epochs, checkpoint, choice of an epoch, watched epochs, progress.

A method brings its step (what one batch asks of the weights), what it measures on held-out images,
and, where not the last epoch counts, the rule that chooses one.
"""

import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from lib.training.checkpoint import load_checkpoint, save_checkpoint

State = dict[str, Tensor]
Entry = dict[str, float]
History = list[Entry]
Progress = Callable[[Entry], None]
Step = Callable[[Tensor], Mapping[str, Tensor | float]]


class Stateful(Protocol):
    """What a checkpoint keeps and brings back, such as a network or an optimiser."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any], /) -> Any: ...


@dataclass
class Course:
    """What a training left: one entry per epoch, what was kept by epoch, and the chosen epoch.

    `chosen` has "epoch" and "kept", what `snapshot` gave then; it is empty without `choose`.
    """

    history: History
    snapshots: dict[int, Any]
    chosen: dict[str, Any]


def train(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    step: Step,
    validate: Callable[[], Mapping[str, float]],
    *,
    images: Tensor,
    generator: torch.Generator | Sequence[torch.Generator],
    epochs: int,
    batch_size: int,
    leave_one_out: bool = True,
    by_step: Collection[str] = (),
    rate: Callable[[int, int], float] | None = None,
    choose: Callable[[History], bool] | None = None,
    keep: Collection[int] = (),
    snapshot: Callable[[], Any] | None = None,
    beside: Mapping[str, Stateful] | None = None,
    progress: Progress | None = None,
    checkpoint: Path | None = None,
    fingerprint: str = "",
) -> Course:
    """Train `model` in place for `epochs` epochs; it ends in evaluation mode.

    `step` takes the places `[n]` of a batch among the `images` (with K generators `[n, K]`, an
    order of each), leaves gradients in the parameters (see `backward`) and returns figures, which
    the epoch's entry has the means of: over images, or over steps for those named in `by_step`.
    `leave_one_out` drops a last batch of one image, with
    which batch norm cannot do. `rate` gives the learning rate by epoch (from 1) and step (from 0).
    `choose` says of the history whether its last epoch is the best so far (see `best_so_far`);
    until one is, the latest epoch stands in. After the epochs in `keep`, and of the chosen one,
    `snapshot` is kept, by default the weights on the CPU. `beside` is further state by name.
    With `checkpoint` each epoch is written there and an interrupted training goes on from it; a
    file with another `fingerprint`, with more epochs, or without a snapshot that is to be kept, is
    ignored. Raises DataCorrupt for a damaged one.
    """
    take = snapshot or (lambda: weights_of(model))
    parts: dict[str, Stateful] = {"model": model, "optimiser": optimiser, **(beside or {})}
    drawn = [generator] if isinstance(generator, torch.Generator) else list(generator)
    course = _resume(checkpoint, parts, drawn, fingerprint, epochs, keep)
    for epoch in range(len(course.history) + 1, epochs + 1):
        start = time.monotonic()
        rows: list[tuple[int, Mapping[str, Tensor | float]]] = []
        model.train()
        orders = [torch.randperm(len(images), generator=g).to(images.device) for g in drawn]
        order = orders[0] if isinstance(generator, torch.Generator) else torch.stack(orders, 1)
        for i, batch in enumerate(order.split(batch_size)):
            if leave_one_out and len(batch) == 1 < batch_size and rows:
                break
            if rate is not None:
                for group in optimiser.param_groups:
                    group["lr"] = rate(epoch, i)
            rows.append((len(batch), step(batch)))
            optimiser.step()
        model.eval()
        entry = {"epoch": float(epoch)} | _means(rows, by_step) | dict(validate())
        course.history.append(entry | {"seconds": time.monotonic() - start})
        if choose is not None:
            hit = choose(course.history)
            if hit or not course.chosen.get("hit"):
                course.chosen = {"hit": hit, "epoch": epoch, "kept": take()}
        if epoch in keep:
            course.snapshots[epoch] = take()
        if checkpoint is not None:
            _leave(checkpoint, parts, drawn, fingerprint, course)
        if progress is not None:
            progress(course.history[-1])
    model.eval()
    return course


def backward(optimiser: torch.optim.Optimizer, loss: Tensor) -> Tensor:
    """Leave the gradients of `loss` in the parameters; return its value."""
    optimiser.zero_grad()
    loss.backward()
    return loss.detach()


def best_so_far(history: History, name: str, *, highest: bool = False) -> bool:
    """Whether the last entry's figure is below all earlier ones, or with `highest` above them.

    NaN never counts as an improvement, and any number improves on NaN.
    """
    *earlier, last = (-entry[name] if highest else entry[name] for entry in history)
    return last < min((value for value in earlier if not math.isnan(value)), default=math.inf)


def weights_of(model: nn.Module) -> State:
    """A copy of the model's weights and buffers on the CPU."""
    return {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}


def _means(rows: list[tuple[int, Mapping[str, Tensor | float]]], by_step: Collection[str]) -> Entry:
    """Means of an epoch's figures; of one that some step has not, over the other steps."""
    means = {}
    for name in dict.fromkeys(name for _, figures in rows for name in figures):
        having = [(n, figures[name]) for n, figures in rows if name in figures]
        # stacked first, so that a GPU need not wait for each step
        values = torch.stack([torch.as_tensor(v, dtype=torch.float64) for _, v in having]).cpu()
        if name in by_step:
            means[name] = float(values.mean())
        else:
            sizes = torch.tensor([n for n, _ in having], dtype=torch.float64)
            means[name] = float((values * sizes).sum() / sizes.sum())
    return means


def _resume(
    checkpoint: Path | None,
    parts: Mapping[str, Stateful],
    generators: list[torch.Generator],
    fingerprint: str,
    epochs: int,
    keep: Collection[int],
) -> Course:
    if checkpoint is None or not checkpoint.exists():
        return Course([], {}, {})
    state = load_checkpoint(checkpoint)
    past, snapshots = len(state["history"]), state.get("snapshots", {})
    missed = {epoch for epoch in keep if epoch <= past} - set(snapshots)
    if state.get("fingerprint") != fingerprint or past > epochs or missed:
        return Course([], {}, {})
    for name, part in parts.items():
        part.load_state_dict(state[name])
    for generator, drawn in zip(generators, state["generators"], strict=True):
        generator.set_state(drawn)
    return Course(state["history"], snapshots, state.get("chosen", {}))


def _leave(
    checkpoint: Path,
    parts: Mapping[str, Stateful],
    generators: list[torch.Generator],
    fingerprint: str,
    course: Course,
) -> None:
    """Write what `_resume` reads, whole or not at all."""
    state: dict[str, Any] = {name: part.state_dict() for name, part in parts.items()}
    state |= {"generators": [g.get_state() for g in generators], "fingerprint": fingerprint}
    save_checkpoint(checkpoint, state | vars(course))
