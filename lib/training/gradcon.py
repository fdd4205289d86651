"""Training of GradCon's autoencoders, with or without the constraint on their gradients."""

import copy
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Literal, TypeVar, get_args

import torch
from torch import Tensor

from lib.errors import BadInput
from lib.models import CAE, decoder_weights
from lib.models.vae import LATENT, VAE, Reconstruction
from lib.training import loop
from lib.training.checks import check_counts, check_images, check_not_negative, check_positive
from lib.training.constraint import objective_backward
from lib.training.loop import Progress
from lib.training.reconstruction import check_choice, reconstruction_losses
from lib.training.reference import ReferenceGradient, gradient_cosines

Network = TypeVar("Network", bound=CAE)
Selection = Literal["best", "last", "official"]


@dataclass(frozen=True)
class Fitted(Generic[Network]):
    """A trained network with the reference gradient of the same epoch and its learning curve.

    `history` has one entry per epoch: epoch, J, L and cosine on training and validation images,
    and for a VAE the KL divergence per validation image. `snapshots` holds the weights and the
    reference of the epochs that were to be kept.
    """

    model: Network
    reference: ReferenceGradient
    epoch: int
    history: list[dict[str, float]]
    snapshots: dict[int, tuple[dict[str, Tensor], list[Tensor]]] = field(default_factory=dict)

    def at(self, epoch: int) -> tuple[Network, list[Tensor]]:
        """The network after a kept epoch, a copy, and its reference gradient of that time."""
        if epoch not in self.snapshots:
            kept = ", ".join(map(str, self.snapshots)) or "none"
            raise BadInput(f"Epoch {epoch} was not kept; kept were {kept}.")
        weights, mean = self.snapshots[epoch]
        model = copy.deepcopy(self.model)
        model.load_state_dict(weights)
        return model, mean


def fit(
    model: Network,
    train: Tensor,
    validation: Tensor,
    *,
    generator: torch.Generator,
    epochs: int,
    alpha: float = 0.03,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    selection: Selection = "best",
    reconstruction: Reconstruction = "squared",
    keep: Collection[int] = (),
    progress: Progress | None = None,
    checkpoint: Path | None = None,
    fingerprint: str = "",
) -> Fitted[Network]:
    """Train `model` in place on `train` and return the selected epoch's network.

    J = L + alpha · (minus the mean over decoder layers of cos(reference, dL/dw)), where L is the
    error averaged over pixels, channels and batch: squared, or with "bce" the cross-entropy. For a
    VAE L has the KL divergence too, divided by pixels times channels: minus the ELBO over that
    number, so that alpha weighs as it does for the CAE. `alpha=0` is the plain autoencoder; its
    reference gradient is stored as well, so that both can be scored alike.
    Images `[n, c, 28, 28]` in [0, 1] on the model's device. `generator` draws the batches, and the
    noise of a VAE in training; it is validated at the mean.
    `selection`: "best" takes the epoch of smallest validation J, "last" the last one, and
    "official" follows the official code, which looks only at epochs 1, 6, 11, … and the last, and
    takes one of them only if it beats all earlier epochs.
    `keep` and `checkpoint` as in `loop.train`.
    Raises BadInput for epochs, batch size or learning rate not above 0, an alpha below 0, an
    unknown selection or reconstruction, no images, or images outside [0, 1]; DataCorrupt for a
    damaged checkpoint.
    Source: kwon2020gradcon, objective J; alpha, optimiser and batch of the official code; loss of
    the VAE of methods.md 1.7.
    """
    check_counts(epochs=epochs, batch_size=batch_size)
    check_positive(learning_rate=learning_rate)
    check_not_negative(alpha=alpha)
    check_images(train=train, validation=validation)
    check_choice("selection", selection, get_args(Selection))
    check_choice("reconstruction", reconstruction, get_args(Reconstruction))
    # fused: one pass over the weights, a tenth of the VAE's step otherwise
    optimiser = torch.optim.Adam(model.parameters(), lr=learning_rate, fused=True)
    running = ReferenceGradient(device=train.device)

    def one_step(batch: Tensor) -> dict[str, float]:
        x, noise = train[batch], None
        if isinstance(model, VAE):
            drawn = torch.randn((len(x), LATENT), generator=generator, dtype=x.dtype)
            noise = drawn.to(x.device)
        first = not running.mean
        objective, loss, cosine = gradients(
            model, x, running, alpha, reconstruction=reconstruction, noise=noise
        )
        figures = {"train_J": objective, "train_L": loss}
        return figures if first else figures | {"train_cosine": cosine}

    def choose(history: loop.History) -> bool:
        looked_at = len(history) % 5 == 1 or len(history) == epochs
        return (selection == "best" or looked_at) and loop.best_so_far(history, "validation_J")

    course = loop.train(
        model,
        optimiser,
        one_step,
        lambda: _validate(model, validation, running, alpha, batch_size, reconstruction),
        images=train,
        generator=generator,
        epochs=epochs,
        batch_size=batch_size,
        leave_one_out=False,
        by_step=("train_cosine",),
        choose=None if selection == "last" else choose,
        keep=keep,
        snapshot=lambda: (loop.weights_of(model), running.copy().state_dict()),
        beside={"reference": running},
        progress=progress,
        checkpoint=checkpoint,
        fingerprint=fingerprint,
    )
    epoch = epochs
    if course.chosen:
        epoch, (weights, state) = course.chosen["epoch"], course.chosen["kept"]
        model.load_state_dict(weights)
        running.load_state_dict(state)
    snapshots = {
        at: (weights, [m.to(train.device) for m in state["mean"]])
        for at, (weights, state) in course.snapshots.items()
    }
    return Fitted(model, running, epoch, course.history, snapshots)


def gradients(
    model: CAE,
    x: Tensor,
    reference: ReferenceGradient,
    alpha: float,
    *,
    reconstruction: Reconstruction = "squared",
    noise: Tensor | None = None,
) -> tuple[float, float, float]:
    """Leave dJ/dw of the batch `x` in the weights, update `reference`; J, L and the mean cosine.

    The very first step has no reference, so its gradient loss is 0 and its cosine NaN.
    `noise` `[n, 576]` is a VAE's; without it the latents are the posterior's means.
    """
    loss, cosine = objective_backward(
        model, x, reference.mean, alpha=alpha, reconstruction=reconstruction, noise=noise
    )
    objective = loss - alpha * cosine if alpha != 0 and reference.mean else loss
    # dJ/dw and not dL/dw, so the reference contains the second-order part
    reference.update([w.grad for w in decoder_weights(model) if w.grad is not None])
    return objective, loss, cosine


def mean_gradient(
    model: CAE,
    images: Tensor,
    *,
    batch_size: int = 64,
    reconstruction: Reconstruction = "squared",
) -> ReferenceGradient:
    """Mean of dL/dw over batches of `images` with the weights held still, a VAE at its mean.

    The reference for a network that was never trained, the table's untrained row; or, of the
    trained network, what its final weights alone would ask for.
    Raises BadInput where there are no images, for an unknown reconstruction, and for "bce" images
    outside [0, 1].
    """
    check_images(training=images)
    check_choice("reconstruction", reconstruction, get_args(Reconstruction))
    reference = ReferenceGradient()
    for x in images.split(batch_size):
        _, error, _ = reconstruction_losses(model, x, reconstruction)
        reference.update(torch.autograd.grad(error, decoder_weights(model)))
    return reference


def _validate(
    model: CAE,
    validation: Tensor,
    reference: ReferenceGradient,
    alpha: float,
    batch_size: int,
    reconstruction: Reconstruction,
) -> dict[str, float]:
    # as in the official code the cosine is that of a batch's gradient, not of an image's
    loss = cosine = divergence = 0.0
    for x in validation.split(batch_size):
        batch_loss, error, batch_divergence = reconstruction_losses(model, x, reconstruction)
        gradients = torch.autograd.grad(error, decoder_weights(model))
        share = len(x) / len(validation)
        loss += share * float(batch_loss.detach())
        cosine += share * float(gradient_cosines(gradients, reference.mean).mean())
        if batch_divergence is not None:
            divergence += share * float(batch_divergence.detach())
    entry = {"validation_L": loss, "validation_cosine": cosine}
    if isinstance(model, VAE):
        entry["validation_KL"] = divergence
    return entry | {"validation_J": loss - alpha * cosine}
