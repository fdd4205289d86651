"""Training of latent space autoregression: autoencoder and density estimator in one loss."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from lib.models import LSANetwork
from lib.models.lsa_estimator import LSAEstimator
from lib.training.checks import check_counts, check_images, check_not_negative, check_positive
from lib.training.precision import Precision, autocast, check_precision
from lib.training.resuming import leave_epoch, resume

Progress = Callable[[dict[str, float]], None]


@dataclass(frozen=True)
class TrainedLSA:
    """Both networks after the last epoch, in evaluation mode, and what led there.

    `history` has one entry per epoch: epoch, train_L and validation_L (the loss), train_error and
    validation_error (its squared error), with an estimator train_nll and validation_nll (the
    code's negative log-likelihood in nats), and seconds; all means over images.
    """

    autoencoder: LSANetwork
    estimator: LSAEstimator | None
    history: list[dict[str, float]]


def fit_lsa(
    autoencoder: LSANetwork,
    estimator: LSAEstimator | None,
    train: Tensor,
    validation: Tensor,
    *,
    generator: torch.Generator,
    epochs: int,
    weight: float = 1.0,
    learning_rate: float = 1e-4,
    batch_size: int = 256,
    precision: Precision = "float32",
    progress: Progress | None = None,
    checkpoint: Path | None = None,
    fingerprint: str = "",
) -> TrainedLSA:
    """Train both networks in place with Adam on squared error + `weight` · -log p(code).

    The error is summed over pixels, both terms are averaged over the batch. The code's bins are a
    target without gradient; as input of the estimator the code has one, so both terms shape the
    encoder. With None as `estimator` the autoencoder learns from the error alone. With `precision`
    "bfloat16" the autoencoder's large products in training are taken in it, the density's never.
    Images `[n, c, h, w]` in [0, 1] on the networks' device. `generator` draws the batches. The last
    epoch counts; validation images are only reported on. A last batch of one image is left out,
    since batch norm cannot do with it. With `checkpoint` each epoch is written there and an
    interrupted training goes on from it; a file with another `fingerprint`, or with more epochs
    than asked for, is ignored.
    Raises BadInput for epochs, batch size or learning rate not above 0, a weight below 0, another
    precision, no images, or codes that are no longer numbers; DataCorrupt for a damaged checkpoint.
    Source: abati2019lsa; weight, optimiser, batch and rate as methods.md 2.5 quotes its supplement.
    """
    check_counts(epochs=epochs, batch_size=batch_size)
    check_positive(learning_rate=learning_rate)
    check_not_negative(weight=weight)
    check_precision(precision)
    check_images(training=train, validation=validation)
    both = nn.ModuleDict({"autoencoder": autoencoder})
    if estimator is not None:
        both["estimator"] = estimator
    optimiser = torch.optim.Adam(both.parameters(), lr=learning_rate)
    parts = (checkpoint, both, optimiser, generator)
    history, _ = resume(*parts, fingerprint=fingerprint, epochs=epochs, keep=())

    for epoch in range(len(history) + 1, epochs + 1):
        start = time.monotonic()
        entry = {"epoch": float(epoch)}
        order = torch.randperm(len(train), generator=generator).to(train.device)
        both.train()
        found = _train_epoch(
            autoencoder, estimator, train, order, optimiser, weight, batch_size, precision
        )
        entry |= _named("train", found, weight, estimator)
        both.eval()
        found = _held_out(autoencoder, estimator, validation, batch_size)
        entry |= _named("validation", found, weight, estimator)
        entry["seconds"] = time.monotonic() - start
        history.append(entry)
        leave_epoch(*parts, fingerprint=fingerprint, history=history, snapshots={})
        if progress is not None:
            progress(entry)
    both.eval()
    return TrainedLSA(autoencoder, estimator, history)


def _terms(
    autoencoder: LSANetwork,
    estimator: LSAEstimator | None,
    x: Tensor,
    precision: Precision = "float32",
) -> tuple[Tensor, Tensor]:
    """Squared error and negative log-likelihood, means over the batch; 0 for one not there."""
    with autocast(x.device, precision):
        code = autoencoder.encode(x).float()
        found = autoencoder.decode(code).float()
    error = (found - x).square().flatten(1).sum(1).mean()
    if estimator is None:
        return error, torch.zeros_like(error)
    return error, -estimator.log_likelihood(code).mean()


def _train_epoch(
    autoencoder: LSANetwork,
    estimator: LSAEstimator | None,
    train: Tensor,
    order: Tensor,
    optimiser: torch.optim.Optimizer,
    weight: float,
    batch_size: int,
    precision: Precision,
) -> tuple[float, float]:
    errors, nlls, seen = 0.0, 0.0, 0
    for batch in order.split(batch_size):
        if len(batch) == 1 < batch_size and seen:
            break
        error, nll = _terms(autoencoder, estimator, train[batch], precision)
        loss = error + weight * nll
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        errors += float(error.detach()) * len(batch)
        nlls += float(nll.detach()) * len(batch)
        seen += len(batch)
    return errors / seen, nlls / seen


@torch.no_grad()
def _held_out(
    autoencoder: LSANetwork, estimator: LSAEstimator | None, images: Tensor, batch_size: int
) -> tuple[float, float]:
    errors, nlls = 0.0, 0.0
    for x in images.split(batch_size):
        error, nll = _terms(autoencoder, estimator, x)
        errors += float(error) * len(x)
        nlls += float(nll) * len(x)
    return errors / len(images), nlls / len(images)


def _named(
    name: str, found: tuple[float, float], weight: float, estimator: LSAEstimator | None
) -> dict[str, float]:
    error, nll = found
    entry = {f"{name}_L": error + weight * nll, f"{name}_error": error}
    return entry if estimator is None else entry | {f"{name}_nll": nll}
