"""Training of a plain autoencoder on normal images, with or without noise on its input."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lib.training.checks import (
    check_counts,
    check_images,
    check_not_negative,
    check_positive,
    check_some,
)
from lib.training.precision import Precision, autocast, check_precision
from lib.training.resuming import State, leave_epoch, resume, weights_of

Progress = Callable[[dict[str, float]], None]


@dataclass(frozen=True)
class TrainedAutoencoder:
    """The network after its last epoch, in evaluation mode, and what led there.

    `snapshots` holds the weights after each epoch that was to be kept, on the CPU. `history` has
    one entry per epoch: epoch, train_L, validation_L (mean squared error) and seconds.
    """

    model: nn.Module
    snapshots: dict[int, State]
    history: list[dict[str, float]]


def fit_autoencoder(
    model: nn.Module,
    train: Tensor,
    validation: Tensor,
    *,
    generator: torch.Generator,
    epochs: int,
    learning_rate: float = 1e-2,
    batch_size: int = 256,
    noise: float = 0.0,
    precision: Precision = "float32",
    keep: Collection[int] = (),
    progress: Progress | None = None,
    checkpoint: Path | None = None,
    fingerprint: str = "",
) -> TrainedAutoencoder:
    """Train `model` in place with Adam on the squared error averaged over pixels and batch.

    Images `[n, c, h, w]` in [0, 1] on the model's device. With `noise` above 0 the input, not the
    target, gets Gaussian noise of that standard deviation and is clipped to [0, 1].
    With `precision` "bfloat16" the large products of training are taken in it; validation never is.
    `generator` draws batches and noise. The last epoch's network counts; the weights after the
    epochs in `keep` are kept beside it. A last batch of one image is left out, since batch norm
    cannot do with it. With `checkpoint` each epoch is written there and an interrupted training
    goes on from it; a file with another `fingerprint`, with more epochs than asked for, or without
    a snapshot that is to be kept, is ignored.
    Raises BadInput for epochs, batch size or learning rate not above 0, a noise below 0, an unknown
    precision, or no images; DataCorrupt for a damaged checkpoint.
    Source: feeney2021localization, section 3.2; optimiser, batch and noise of the author's code.
    """
    check_counts(epochs=epochs, batch_size=batch_size)
    check_positive(learning_rate=learning_rate)
    check_not_negative(noise=noise)
    check_precision(precision)
    check_images(training=train, validation=validation)
    optimiser = torch.optim.Adam(model.parameters(), lr=learning_rate)
    parts = (checkpoint, model, optimiser, generator)
    history, snapshots = resume(*parts, fingerprint=fingerprint, epochs=epochs, keep=keep)

    for epoch in range(len(history) + 1, epochs + 1):
        start = time.monotonic()
        trained = _train_epoch(
            model, train, optimiser, batch_size, noise=noise, precision=precision, draw=generator
        )
        held_out = mean_squared_error(model, validation, batch_size=batch_size)
        entry = {"epoch": float(epoch), "train_L": trained, "validation_L": held_out}
        entry["seconds"] = time.monotonic() - start
        history.append(entry)
        if epoch in keep:
            snapshots[epoch] = weights_of(model)
        leave_epoch(*parts, fingerprint=fingerprint, history=history, snapshots=snapshots)
        if progress is not None:
            progress(entry)
    return TrainedAutoencoder(model.eval(), snapshots, history)


def mean_squared_error(model: nn.Module, images: Tensor, *, batch_size: int = 256) -> float:
    """Mean squared error over all pixels of `images` `[n, c, h, w]`; leaves evaluation mode on.

    Raises BadInput where there are no images.
    """
    check_counts(batch_size=batch_size)
    check_some(given=images)
    model.eval()
    total = 0.0
    with torch.no_grad():
        for x in images.split(batch_size):
            total += float(F.mse_loss(model(x), x)) * len(x)
    return total / len(images)


def _train_epoch(
    model: nn.Module,
    train: Tensor,
    optimiser: torch.optim.Optimizer,
    batch_size: int,
    *,
    noise: float,
    precision: Precision,
    draw: torch.Generator,
) -> float:
    model.train()
    order = torch.randperm(len(train), generator=draw).to(train.device)
    total, seen = 0.0, 0
    for batch in order.split(batch_size):
        if len(batch) == 1 < batch_size and seen:
            break
        x = given = train[batch]
        if noise:
            drawn = torch.randn(x.shape, generator=draw).to(x.device)
            given = (x + noise * drawn).clamp(0, 1)
        with autocast(x.device, precision):
            found = model(given)
        loss = F.mse_loss(found.float(), x)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        total, seen = total + float(loss.detach()) * len(batch), seen + len(batch)
    return total / seen
