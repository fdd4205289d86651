"""Fooling: images made by gradient descent until a classifier is sure of a wished class."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from lib.errors import BadInput
from lib.training.checkpoint import load_checkpoint, save_checkpoint
from lib.training.checks import check_counts

Evidence = Callable[[Tensor], tuple[Tensor, Tensor]]
CLAMP = 1e-7  # smallest probability the clamped objective sees, as in common float32 code
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8  # of Adam, PyTorch's defaults
NEVER = -1
SAVED_EVERY = 250  # steps between two checkpoints
BORDER = 0.02  # images as logits: no pixel is quite black or white


class Criterion(NamedTuple):
    """An attempt has succeeded when y · exp(-alpha · error) of its target is at the threshold."""

    threshold: float
    alpha: float = 0.0


class Fooling(NamedTuple):
    """What n attempts came to, on the CPU.

    `steps` `[n, criteria]`: updates made when each criterion was first met, 0 if it was from the
    start, -1 if never. `images` `[n, 1, h, w]` in (0, 1): the image at the last criterion's first
    success, else the last one. `outputs` and `errors` `[n]`: the target's unscaled output y and the
    error of that image. `reach` `[n, criteria]`: the largest alpha at which the attempt met the
    criterion's threshold at any step, -1 if not even at 0; past the success only `to_the_end`.
    """

    steps: Tensor
    images: Tensor
    outputs: Tensor
    errors: Tensor
    reach: Tensor


def fool(
    evidence: Evidence,
    start: Tensor,
    targets: Tensor,
    *,
    criteria: Sequence[Criterion],
    max_steps: int,
    learning_rate: float | Tensor,
    descend_on: Literal["unscaled", "scaled"] = "unscaled",
    objective: Literal["log", "clamped"] = "log",
    to_the_end: bool = False,
    checkpoint: Path | None = None,
    fingerprint: str = "",
) -> Fooling:
    """Change the images' logits by Adam until the target's output meets all criteria.

    `start` `[n, 1, h, w]` are logits, the image is their sigmoid. `evidence` maps images to the
    logarithm of the unscaled outputs y `[n, classes]` and the errors ||r(x) - x|| / D `[n]` (0
    without decoder), and must keep images apart. All attempts advance in one batch, each with its
    own Adam, and leave it when they succeed (unless `to_the_end`), or when their first gradient is
    exactly zero: Adam then never moves them.

    What descends is -log y of the target ("unscaled", the document's attack: only the judging sees
    the confidence), or -log of y · c with the one alpha of the criteria ("scaled"). "clamped" holds
    the probability to 1e-7 from below in the precision of `start`, as common float32 code does:
    there its gradient is zero. `learning_rate` is one number or one for each attempt; with
    `generator_rate` the steps are those of the generator's weights. With a `checkpoint` an attack
    of the same `fingerprint` goes on where the file was written last. Raises BadInput for criteria
    that make no sense, a target outside the classes, and steps or rates not above 0.
    Source: spigler2019denoising, fooling 1; methods.md 5.6.
    """
    check_counts(max_steps=max_steps)
    if not criteria or not all(0 < c.threshold <= 1 and c.alpha >= 0 for c in criteria):
        raise BadInput(
            f"Criteria need thresholds in (0, 1] and alphas of at least 0; {list(criteria)} came."
        )
    if descend_on == "scaled" and len({c.alpha for c in criteria}) > 1:
        raise BadInput("An attack on the scaled output can descend on one alpha only.")
    n, device = len(start), start.device
    rate = torch.as_tensor(learning_rate, dtype=start.dtype, device=device)
    rate = rate.expand(n).reshape(n, 1, 1, 1)
    if not (rate > 0).all():
        raise BadInput("The learning rate must be above 0.")
    double: dict[str, Any] = {"dtype": torch.float64, "device": device}
    limits = torch.tensor([math.log(c.threshold) for c in criteria], **double)
    alphas = torch.tensor([c.alpha for c in criteria], **double)
    weight = criteria[0].alpha if descend_on == "scaled" else 0.0

    state = _resumed(checkpoint, fingerprint) or _beginning(start, len(criteria))
    state = {key: v.to(device) if isinstance(v, Tensor) else v for key, v in state.items()}
    for step in range(state["step"], max_steps + 1):
        state["step"] = step
        if checkpoint is not None and step % SAVED_EVERY == 0 and step:
            save_checkpoint(checkpoint, state | {"fingerprint": fingerprint})
        active = state["active"]
        leaf = state["logits"].detach().requires_grad_()
        shown = leaf.sigmoid()
        log_y, error = evidence(shown)
        if step == 0 and not 0 <= int(targets.min()) <= int(targets.max()) < log_y.shape[1]:
            raise BadInput(f"Targets must lie between 0 and {log_y.shape[1] - 1}.")
        wished = log_y.gather(1, targets[active, None])[:, 0]
        goal = wished - weight * error if weight else wished
        loss = -goal.to(start.dtype)
        if objective == "clamped":
            loss = -(-loss).exp().clamp(min=CLAMP).log()
        (gradient,) = torch.autograd.grad(loss.sum(), leaf)
        with torch.no_grad():
            y, error = wished.double()[:, None], error.double()[:, None]
            met = y - alphas * error >= limits
            new = met & (state["steps"][active] == NEVER)
            state["steps"][active] = torch.where(new, step, state["steps"][active])
            # an image redrawn without error is let through at any alpha
            largest = ((y - limits) / error.clamp(min=1e-12)).where(y >= limits, -1.0)
            state["reach"][active] = torch.maximum(state["reach"][active], largest)
            # the shown image is that of the last criterion's success, once there is one
            late = (state["steps"][active, -1] == NEVER) | new[:, -1]
            state["images"][active[late]] = shown.detach()[late]
            state["outputs"][active[late]] = y[late, 0].exp()
            state["errors"][active[late]] = error[late, 0]
            going = (state["steps"][active] == NEVER).any(1) | to_the_end
            if step == 0:
                going &= gradient.flatten(1).any(1)
            if step == max_steps or not going.any():
                break
            _update(state, gradient, going, rate)
    return Fooling(*(state[name].detach().cpu() for name in Fooling._fields))


def generator_start(n: int, *, side: int = 28, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Start of n fooling generators: logits `[n, 1, side, side]` and inputs `[n, side²]`.

    Inputs are uniform in [0, 1]; weights and biases as PyTorch's dense layer begins, uniform
    within one over the root of its inputs. The weights themselves are not returned.
    """
    check_counts(n=n, side=side)
    size = side**2
    given = torch.rand(n, size, generator=generator)
    bound, logits = size**-0.5, torch.empty(n, size)
    for i in range(n):
        weights = torch.rand(size, size, generator=generator).mul_(2 * bound).sub_(bound)
        bias = torch.rand(size, generator=generator).mul_(2 * bound).sub_(bound)
        logits[i] = weights @ given[i] + bias
    return logits.view(n, 1, side, side), given


def generator_rate(given: Tensor, *, learning_rate: float = 1e-5) -> Tensor:
    """The step on the logits that equals a step of Adam on the weights and the bias, `[n]`.

    The gradient of a weight is that of its logit times a fixed input, and Adam does not see the
    factor, so the logit moves sum(input) + 1 times as far. `given` `[n, size]`, at least 0.
    Source: methods.md 5.6.
    """
    return learning_rate * (given.abs().sum(1) + 1)


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


def _beginning(start: Tensor, criteria: int) -> dict[str, Any]:
    n = len(start)
    double = torch.float64
    return {
        "step": 0,
        "active": torch.arange(n),
        "logits": start.detach().clone(),
        "mean": torch.zeros_like(start),
        "square": torch.zeros_like(start),
        "steps": torch.full((n, criteria), NEVER, dtype=torch.int64),
        "images": torch.zeros_like(start),
        "outputs": torch.zeros(n, dtype=double),
        "errors": torch.zeros(n, dtype=double),
        "reach": torch.full((n, criteria), -1.0, dtype=double),
    }


def _resumed(checkpoint: Path | None, fingerprint: str) -> dict[str, Any] | None:
    if checkpoint is None or not checkpoint.exists():
        return None
    state = load_checkpoint(checkpoint)
    return state if state.pop("fingerprint", None) == fingerprint else None


def _update(state: dict[str, Any], gradient: Tensor, going: Tensor, rate: Tensor) -> None:
    """One step of Adam for the attempts that go on; the others leave the batch."""
    if not going.all():
        gradient = gradient[going]
        for name in ("active", "logits", "mean", "square"):
            state[name] = state[name][going]
    step, mean, square = state["step"] + 1, state["mean"], state["square"]
    mean.mul_(BETA1).add_(gradient, alpha=1 - BETA1)
    square.mul_(BETA2).addcmul_(gradient, gradient, value=1 - BETA2)
    root = (square / (1 - BETA2**step)).sqrt_().add_(EPSILON)
    state["logits"] = state["logits"] - rate[state["active"]] / (1 - BETA1**step) * mean / root
