"""Training of GradCon's autoencoder, with or without the constraint on its gradients."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from lib.errors import BadInput
from lib.models import CAE, decoder_weights
from lib.training.checkpoint import load_checkpoint, save_checkpoint
from lib.training.checks import check_counts, check_images, check_not_negative, check_positive
from lib.training.reference import ReferenceGradient, gradient_cosines

Selection = Literal["best", "last", "official"]
Progress = Callable[[dict[str, float]], None]


@dataclass(frozen=True)
class Fitted:
    """A trained network with the reference gradient of the same epoch and its learning curve.

    `history` has one entry per epoch: epoch, J, L and cosine on training and validation images.
    """

    model: CAE
    reference: ReferenceGradient
    epoch: int
    history: list[dict[str, float]]


def fit(
    model: CAE,
    train: Tensor,
    validation: Tensor,
    *,
    generator: torch.Generator,
    epochs: int,
    alpha: float = 0.03,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    selection: Selection = "best",
    progress: Progress | None = None,
    checkpoint: Path | None = None,
    fingerprint: str = "",
) -> Fitted:
    """Train `model` in place on `train` and return the selected epoch's network.

    J = L + alpha · (minus the mean over decoder layers of cos(reference, dL/dw)), where L is the
    squared error averaged over pixels, channels and batch. `alpha=0` is the plain autoencoder; its
    reference gradient is kept as well, so that both can be scored alike.
    Images `[n, c, 28, 28]` in [0, 1] on the model's device. `generator` draws the batches.
    `selection`: "best" takes the epoch of smallest validation J, "last" the last one, and
    "official" follows the official code, which looks only at epochs 1, 6, 11, … and the last, and
    keeps one of them only if it beats all earlier epochs.
    With `checkpoint` each epoch is written there and an interrupted training goes on from it;
    a file with another `fingerprint`, or with more epochs than asked for, is ignored.
    Raises BadInput for epochs, batch size or learning rate not above 0, an alpha below 0, an
    unknown selection, or no images; DataCorrupt for a damaged checkpoint.
    Source: kwon2020gradcon, objective J; alpha, optimiser and batch of the official code.
    """
    check_counts(epochs=epochs, batch_size=batch_size)
    check_positive(learning_rate=learning_rate)
    check_not_negative(alpha=alpha)
    check_images(train=train, validation=validation)
    if selection not in get_args(Selection):
        raise BadInput(f"selection must be one of {get_args(Selection)}; it was {selection!r}.")
    optimiser = torch.optim.Adam(model.parameters(), lr=learning_rate)
    reference = ReferenceGradient()
    history: list[dict[str, float]] = []
    chosen: dict[str, Any] = {}
    if checkpoint is not None and checkpoint.exists():
        state = load_checkpoint(checkpoint)
        if state.get("fingerprint") == fingerprint and len(state["history"]) <= epochs:
            model.load_state_dict(state["model"])
            optimiser.load_state_dict(state["optimiser"])
            device = train.device
            reference = ReferenceGradient([m.to(device) for m in state["mean"]], state["steps"])
            generator.set_state(state["generator"])
            history, chosen = state["history"], state["chosen"]

    for epoch in range(len(history) + 1, epochs + 1):
        entry = {"epoch": float(epoch)}
        entry |= _train_epoch(model, train, reference, optimiser, alpha, batch_size, generator)
        entry |= _validate(model, validation, reference, alpha, batch_size)
        earlier = min((past["validation_J"] for past in history), default=float("inf"))
        history.append(entry)
        looked_at = selection != "official" or epoch % 5 == 1 or epoch == epochs
        hit = selection == "last" or (looked_at and entry["validation_J"] < earlier)
        if hit or not chosen.get("hit"):  # where J was never a number the last epoch stands in
            chosen = {"hit": hit, "epoch": epoch, "model": _copy(model)}
            chosen |= {"mean": reference.copy().mean, "steps": reference.steps}
        if checkpoint is not None:
            save_checkpoint(
                checkpoint,
                {
                    "fingerprint": fingerprint,
                    "model": model.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "mean": reference.mean,
                    "steps": reference.steps,
                    "generator": generator.get_state(),
                    "history": history,
                    "chosen": chosen,
                },
            )
        if progress is not None:
            progress(entry)

    model.load_state_dict(chosen["model"])
    means = [m.to(train.device) for m in chosen["mean"]]
    return Fitted(model, ReferenceGradient(means, chosen["steps"]), chosen["epoch"], history)


def step(
    model: CAE,
    x: Tensor,
    reference: ReferenceGradient,
    optimiser: torch.optim.Optimizer,
    alpha: float,
) -> tuple[float, float, float]:
    """One update of `model` and `reference` on the batch `x`; returns J, L and the mean cosine.

    The very first step has no reference, so its gradient loss is 0 and its cosine NaN.
    """
    weights = decoder_weights(model)
    constrained = alpha != 0 and reference.steps > 0
    loss = F.mse_loss(model(x), x)
    objective, cosine = loss, float("nan")
    if constrained:
        # create_graph: the update must see how the weights move the gradient (second order)
        gradients = torch.autograd.grad(loss, weights, create_graph=True)
        cosines = gradient_cosines(gradients, reference.mean)
        objective = loss - alpha * cosines.mean()
        cosine = float(cosines.mean().detach())
    optimiser.zero_grad()
    objective.backward()
    taken = [w.grad for w in weights if w.grad is not None]
    if not constrained and reference.steps > 0:
        cosine = float(gradient_cosines(taken, reference.mean).mean())
    reference.update(taken)  # dJ/dw, so the reference contains the second-order part
    optimiser.step()
    return float(objective.detach()), float(loss.detach()), cosine


def mean_gradient(model: CAE, images: Tensor, *, batch_size: int = 64) -> ReferenceGradient:
    """Mean of dL/dw over batches of `images` with the weights held still.

    The reference for a network that was never trained: the table's untrained row.
    Raises BadInput where there are no images.
    """
    check_images(training=images)
    reference = ReferenceGradient()
    for x in images.split(batch_size):
        loss = F.mse_loss(model(x), x)
        reference.update(torch.autograd.grad(loss, decoder_weights(model)))
    return reference


def _train_epoch(
    model: CAE,
    train: Tensor,
    reference: ReferenceGradient,
    optimiser: torch.optim.Optimizer,
    alpha: float,
    batch_size: int,
    generator: torch.Generator,
) -> dict[str, float]:
    order = torch.randperm(len(train), generator=generator).to(train.device)
    batches = order.split(batch_size)
    sums, cosines = torch.zeros(2, dtype=torch.float64), []
    for batch in batches:
        objective, loss, cosine = step(model, train[batch], reference, optimiser, alpha)
        sums += torch.tensor([objective, loss], dtype=torch.float64) * len(batch)
        cosines.append(cosine)
    objective, loss = (sums / len(train)).tolist()
    cosine = float(torch.tensor(cosines).nanmean())
    return {"train_J": objective, "train_L": loss, "train_cosine": cosine}


def _validate(
    model: CAE, validation: Tensor, reference: ReferenceGradient, alpha: float, batch_size: int
) -> dict[str, float]:
    # as in the official code the cosine is that of a batch's gradient, not of an image's
    loss = cosine = 0.0
    for x in validation.split(batch_size):
        batch_loss = F.mse_loss(model(x), x)
        gradients = torch.autograd.grad(batch_loss, decoder_weights(model))
        share = len(x) / len(validation)
        loss += share * float(batch_loss.detach())
        cosine += share * float(gradient_cosines(gradients, reference.mean).mean())
    entry = {"validation_L": loss, "validation_cosine": cosine}
    return entry | {"validation_J": loss - alpha * cosine}


def _copy(model: CAE) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}
