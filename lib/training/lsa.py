"""Training of latent space autoregression: autoencoder and density estimator in one loss."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from lib.models import LSANetwork
from lib.models.lsa_estimator import LSAEstimator
from lib.training import loop
from lib.training.checks import check_counts, check_images, check_not_negative, check_positive
from lib.training.loop import Progress
from lib.training.precision import Precision, autocast, check_precision

Number = TypeVar("Number", Tensor, float)


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

    def step(batch: Tensor) -> dict[str, Tensor]:
        error, nll = _terms(autoencoder, estimator, train[batch], precision)
        loss = loop.backward(optimiser, error + weight * nll)
        return _named("train", loss, error.detach(), nll.detach(), estimator)

    course = loop.train(
        both,
        optimiser,
        step,
        lambda: _held_out(autoencoder, estimator, validation, weight, batch_size),
        images=train,
        generator=generator,
        epochs=epochs,
        batch_size=batch_size,
        progress=progress,
        checkpoint=checkpoint,
        fingerprint=fingerprint,
    )
    return TrainedLSA(autoencoder, estimator, course.history)


def _terms(
    autoencoder: LSANetwork,
    estimator: LSAEstimator | None,
    x: Tensor,
    precision: Precision = "float32",
) -> tuple[Tensor, Tensor]:
    """Squared error and negative log-likelihood, means over the batch; 0 for one not there."""
    with autocast(x.device, precision):
        code = autoencoder.encode(x).float()
        drawn = autoencoder.decode(code).float()
    error = (drawn - x).square().flatten(1).sum(1).mean()
    if estimator is None:
        return error, torch.zeros_like(error)
    return error, -estimator.log_likelihood(code).mean()


@torch.no_grad()
def _held_out(
    autoencoder: LSANetwork,
    estimator: LSAEstimator | None,
    images: Tensor,
    weight: float,
    batch_size: int,
) -> dict[str, float]:
    errors, nlls = 0.0, 0.0
    for x in images.split(batch_size):
        error, nll = _terms(autoencoder, estimator, x)
        errors += float(error) * len(x)
        nlls += float(nll) * len(x)
    errors, nlls = errors / len(images), nlls / len(images)
    return _named("validation", errors + weight * nlls, errors, nlls, estimator)


def _named(
    name: str, loss: Number, error: Number, nll: Number, estimator: LSAEstimator | None
) -> dict[str, Number]:
    entry = {f"{name}_L": loss, f"{name}_error": error}
    return entry if estimator is None else entry | {f"{name}_nll": nll}
