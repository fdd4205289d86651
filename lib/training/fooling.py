"""Fooling: images made by gradient descent until a classifier is sure of a wished class."""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from lib.errors import BadInput
from lib.models import FoolingGenerator
from lib.training.checks import check_counts, check_positive

LogOutputs = Callable[[Tensor], Tensor]
Objective = Literal["clamped", "log"]
CLAMP = 1e-7  # smallest probability the clamped objective sees, as in common float32 code
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8  # of Adam, PyTorch's defaults
NEVER = -1


class Fooling(NamedTuple):
    """What n attempts came to.

    `steps` `[n, thresholds]`: updates made when the target's output first reached each threshold,
    0 if it did from the start, -1 if never. `images` `[n, 1, h, w]` in (0, 1): the image at the
    last threshold's first success, else the last one. `outputs` `[n]`: the target's output there.
    `gradients` `{step: [n]}`: norm of the objective's gradient with respect to the image's logits
    at some steps; NaN for attempts that had succeeded before.
    """

    steps: Tensor
    images: Tensor
    outputs: Tensor
    gradients: dict[int, Tensor]


def fool(
    log_outputs: LogOutputs,
    start: Tensor,
    targets: Tensor,
    *,
    thresholds: Sequence[float],
    max_steps: int,
    learning_rate: float | Tensor,
    objective: Objective = "clamped",
    record: Sequence[int] = (0, 1, 10, 100, 1000, 10_000),
) -> Fooling:
    """Change the images' logits by Adam until the target's output reaches all thresholds.

    `start` `[n, 1, h, w]` are logits, the image is their sigmoid. `log_outputs` maps images to the
    logarithm of the (scaled) outputs `[n, classes]` and must keep images apart; its parameters
    get no gradient. All attempts advance in one batch, each with its own Adam, and leave it when
    they succeed, or when their first gradient is exactly zero: Adam then never moves them. The
    objective is -log of the target's output: "clamped" as common code has it, from
    a probability of at least 1e-7, below which its gradient is zero, in the precision of `start`;
    "log" from the logarithm, with no such floor. `learning_rate` is one number or one for each
    attempt; with `generator_rate` the steps are those of the fooling generator's weights.
    Raises BadInput for thresholds outside [0, 1] or not ascending, a target outside the classes,
    an unknown objective, and steps or rates not above 0.
    Source: spigler2019denoising, fooling 1; short cut and defaults of methods.md 5.6.
    """
    check_counts(max_steps=max_steps)
    limits = _checked_thresholds(thresholds).to(start.device)
    if objective not in get_args(Objective):
        raise BadInput(f"objective must be one of {get_args(Objective)}; it was {objective!r}.")
    n = len(start)
    rate = torch.as_tensor(learning_rate, dtype=start.dtype, device=start.device)
    rate = rate.expand(n).reshape(n, 1, 1, 1)
    if not (rate > 0).all():
        raise BadInput("The learning rate must be above 0.")
    steps = torch.full((n, len(limits)), NEVER, dtype=torch.int64)
    images, outputs = torch.zeros_like(start), torch.zeros(n)
    gradients: dict[int, Tensor] = {}
    active = torch.arange(n, device=start.device)
    stuck = torch.zeros(n, dtype=torch.bool)
    logits, mean, square = start.detach().clone(), *(torch.zeros_like(start) for _ in range(2))
    for step in range(max_steps + 1):
        leaf = logits.requires_grad_()
        shown = leaf.sigmoid()
        found = log_outputs(shown)
        _check_targets(targets, found.shape[1])
        told = found.gather(1, targets[active, None])[:, 0].to(start.dtype)
        (gradient,) = torch.autograd.grad(_objective(told, objective).sum(), leaf)
        with torch.no_grad():
            output = told.exp()
            reached = output[:, None] >= limits
            new = reached.cpu() & (steps[active.cpu()] == NEVER)
            steps[active.cpu()] = torch.where(new, step, steps[active.cpu()])
            images[active], outputs[active.cpu()] = shown.detach(), output.detach().float().cpu()
            if step in record:
                norms = torch.where(stuck, 0.0, torch.nan)
                norms[active.cpu()] = gradient.flatten(1).norm(dim=1).float().cpu()
                gradients[step] = norms
            going = (steps[active.cpu()] == NEVER).any(1).to(start.device)
            if step == 0:
                still = going & (gradient.flatten(1) == 0).all(1)
                stuck[active.cpu()] = still.cpu()
                going &= ~still
            if step == max_steps or not going.any():
                break
            if not going.all():  # those that ended leave the batch
                active, gradient = active[going], gradient[going]
                logits, mean, square = logits[going], mean[going], square[going]
            logits = logits.detach()
            mean.mul_(BETA1).add_(gradient, alpha=1 - BETA1)
            square.mul_(BETA2).addcmul_(gradient, gradient, value=1 - BETA2)
            root = (square / (1 - BETA2 ** (step + 1))).sqrt_().add_(EPSILON)
            logits -= rate[active] / (1 - BETA1 ** (step + 1)) * mean / root
    return Fooling(steps, images.detach(), outputs, gradients)


def fool_with_generator(
    log_outputs: LogOutputs,
    generator_network: FoolingGenerator,
    target: int,
    *,
    thresholds: Sequence[float],
    max_steps: int,
    learning_rate: float = 1e-3,
    objective: Objective = "clamped",
) -> Fooling:
    """One attempt as the document writes it: the generator's weights are trained by Adam.

    Changes the generator. All else as in `fool`, which takes the same steps up to Adam's epsilon
    and rounding, at a small part of the cost; norms of gradients are not kept.
    Source: spigler2019denoising, fooling 1.
    """
    check_counts(max_steps=max_steps)
    check_positive(learning_rate=learning_rate)
    limits = _checked_thresholds(thresholds)
    optimiser = torch.optim.Adam(generator_network.parameters(), lr=learning_rate)
    steps = torch.full((1, len(limits)), NEVER, dtype=torch.int64)
    for step in range(max_steps + 1):
        image = generator_network()
        found = log_outputs(image)
        _check_targets(torch.tensor([target]), found.shape[1])
        told = found[:, target]
        output = told.detach().exp().cpu()
        steps[0][(steps[0] == NEVER) & (output >= limits)] = step
        if step == max_steps or (steps != NEVER).all():
            break
        optimiser.zero_grad()
        _objective(told, objective).sum().backward()
        optimiser.step()
    return Fooling(steps, image.detach(), output.float(), {})


def generator_start(n: int, *, side: int = 28, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Start of n fooling generators: logits `[n, 1, side, side]` and inputs `[n, side²]`.

    Inputs are uniform in [0, 1]; weights and biases as PyTorch's dense layer begins, uniform
    within one over the root of its inputs. The weights themselves are not kept.
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


def generator_rate(given: Tensor, *, learning_rate: float = 1e-3) -> Tensor:
    """The step on the logits that equals a step of Adam on the weights and the bias, `[n]`.

    The gradient of a weight is that of its logit times a fixed input, and Adam does not see the
    factor, so the logit moves sum(input) + 1 times as far. `given` `[n, size]`, at least 0.
    Source: methods.md 5.6.
    """
    return learning_rate * (given.abs().sum(1) + 1)


def _objective(told: Tensor, objective: Objective) -> Tensor:
    if objective == "log":
        return -told
    return -told.exp().clamp(min=CLAMP).log()


def _checked_thresholds(thresholds: Sequence[float]) -> Tensor:
    if not thresholds or not all(0 <= t <= 1 for t in thresholds):
        raise BadInput(f"Each threshold must lie between 0 and 1; they were {list(thresholds)}.")
    if sorted(set(thresholds)) != list(thresholds):
        raise BadInput(f"Thresholds must ascend; they were {list(thresholds)}.")
    return torch.tensor(thresholds)


def _check_targets(targets: Tensor, classes: int) -> None:
    if len(targets) and not 0 <= int(targets.min()) <= int(targets.max()) < classes:
        raise BadInput(
            f"Targets must lie between 0 and {classes - 1}; they reach from "
            f"{int(targets.min())} to {int(targets.max())}."
        )
