"""GradCon as its formulas read, one quantity after the other: what the bench compares with.

Written from the formulas of the objective and of the score, not from the official code: one image
at a time in scoring, and one call for each decoder layer's gradient in scoring and training.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Scored(NamedTuple):
    """Mean squared error, minus the mean cosine, and their weighted sum, each `[n]`."""

    recon: Tensor
    grad: Tensor
    both: Tensor


def weights_of(model: nn.Module) -> list[Tensor]:
    return [p for name, p in model.decoder.named_parameters() if name.endswith("weight")]


def literal_scores(model: nn.Module, x: Tensor, reference: list[Tensor], beta: float) -> Scored:
    rows = []
    for i in range(len(x)):
        image = x[i : i + 1]
        loss = F.mse_loss(model(image), image)
        total = torch.zeros((), dtype=x.dtype)
        for w, r in zip(weights_of(model), reference, strict=True):
            (g,) = torch.autograd.grad(loss, w, retain_graph=True)
            total = total + F.cosine_similarity(g.flatten(), r.flatten(), dim=0)
        recon, grad = loss.detach(), -total / len(reference)
        rows.append(torch.stack([recon, grad, recon + beta * grad]))
    return Scored(*torch.stack(rows).unbind(1))


def literal_step(
    model: nn.Module,
    x: Tensor,
    means: list[Tensor],
    steps: int,
    optimiser: torch.optim.Optimizer,
    alpha: float,
) -> float:
    """One update of the model; `means` of the `steps` gradients before take this one in. J."""
    loss = F.mse_loss(model(x), x)
    objective = loss
    if steps > 0:
        total = torch.zeros((), dtype=x.dtype)
        for w, mean in zip(weights_of(model), means, strict=True):
            (g,) = torch.autograd.grad(loss, w, create_graph=True, retain_graph=True)
            total = total + F.cosine_similarity(g.flatten(), mean.flatten(), dim=0)
        objective = loss + alpha * (-total / len(means))
    optimiser.zero_grad()
    objective.backward()
    for w, mean in zip(weights_of(model), means, strict=True):
        mean.mul_(steps / (steps + 1)).add_(w.grad / (steps + 1))
    optimiser.step()
    return objective.item()
