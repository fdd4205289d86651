"""Training of a plain autoencoder on normal images, with or without noise on its input."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lib.training import loop
from lib.training.checks import (
    check_counts,
    check_images,
    check_not_negative,
    check_positive,
    check_some,
)
from lib.training.loop import Progress, State
from lib.training.precision import Precision, autocast, check_precision


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

    def step(batch: Tensor) -> dict[str, Tensor]:
        x = given = train[batch]
        if noise:
            drawn = torch.randn(x.shape, generator=generator).to(x.device)
            given = (x + noise * drawn).clamp(0, 1)
        with autocast(x.device, precision):
            drawn_anew = model(given)
        return {"train_L": loop.backward(optimiser, F.mse_loss(drawn_anew.float(), x))}

    course = loop.train(
        model,
        optimiser,
        step,
        lambda: {"validation_L": mean_squared_error(model, validation, batch_size=batch_size)},
        images=train,
        generator=generator,
        epochs=epochs,
        batch_size=batch_size,
        keep=keep,
        progress=progress,
        checkpoint=checkpoint,
        fingerprint=fingerprint,
    )
    return TrainedAutoencoder(model, course.snapshots, course.history)


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
