"""Training of Deep SVDD: as an autoencoder first, then towards one centre."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lib.errors import BadInput
from lib.models import build
from lib.models.deep_svdd import DeepSVDD
from lib.training import loop
from lib.training.autoencoder import mean_squared_error
from lib.training.checks import check_counts, check_not_negative, check_positive, check_some
from lib.training.loop import History, Progress

LARGEST = 10.0  # of a pixel after contrast normalisation: other images may leave [0, 1] by a bit
CLEARANCE = 0.1  # of the centre's coordinates from 0, as in the public code


@dataclass(frozen=True)
class TrainedDeepSVDD:
    """The network after its last epoch, in evaluation mode, its centre `[code]`, and the way there.

    `spread` is how far the outputs of training images lie from their own mean (root of the mean
    squared distance) over the length of the centre; 0 where every image has the same output, the
    collapse. `first_spread` is the same after pre-training. It shrinks in any training: what tells
    a collapse is a spread near float32's rounding (1e-7). `pretraining` has one entry per epoch:
    epoch, train_L, validation_L (mean squared error) and seconds; `history` too: epoch,
    train_distance (mean squared distance to the centre over the epoch's batches),
    validation_distance, spread (of validation images) and seconds.
    """

    network: DeepSVDD
    centre: Tensor
    spread: float
    first_spread: float
    pretraining: list[dict[str, float]]
    history: list[dict[str, float]]


def fit_deep_svdd(
    network: DeepSVDD,
    train: Tensor,
    validation: Tensor,
    *,
    generator: torch.Generator,
    epochs: int,
    pretrain_epochs: int,
    learning_rate: float = 1e-4,
    milestone: int | None = 50,
    pretrain_milestone: int | None = 50,
    batch_size: int = 200,
    weight_decay: float = 1e-6,
    progress: Progress | None = None,
    checkpoint: Path | None = None,
    fingerprint: str = "",
) -> TrainedDeepSVDD:
    """Train `network` in place, all images being normal: first with a decoder, then one-class.

    Images `[n, c, h, w]` on the network's device, contrast normalised and scaled to about [0, 1].
    Pre-training minimises the squared error averaged over pixels, with a decoder that is thrown
    away; 0 epochs leave it out. The centre is `centre_of` the outputs then, and stays. After that
    the objective is the mean squared distance to it. Both with a new Adam of `weight_decay` (added
    to the gradient, as there), both divide the learning rate by ten after so many epochs as their
    milestone says, never with None. `generator` draws the decoder and the batches; a last batch of
    one image is left out, since batch norm cannot do with it. The last epoch's network counts.
    With `checkpoint` each epoch is written, of pre-training to a second file beside it that ends in
    ".pretraining", and an interrupted training goes on from there; a file with another
    `fingerprint` or with more epochs than asked for is ignored, and with another number of
    pre-training epochs so is the main one.
    Raises BadInput for epochs, milestones, batch size or learning rate not above 0 (pre-training
    epochs: below 0), a weight decay below 0, no images, or one image in a batch or for training;
    DataCorrupt for a damaged checkpoint.
    Source: ruff2018deep, one-class Deep SVDD; settings of the public PyTorch code. The weight decay
    is its default; its MNIST example has 5e-7, and 5e-4 in pre-training.
    """
    check_counts(epochs=epochs, batch_size=batch_size)
    if pretrain_epochs != 0:
        check_counts(pretrain_epochs=pretrain_epochs)
    for name, value in (("milestone", milestone), ("pretrain_milestone", pretrain_milestone)):
        if value is not None:
            check_counts(**{name: value})
    check_positive(learning_rate=learning_rate)
    check_not_negative(weight_decay=weight_decay)
    check_some(training=train, validation=validation)
    if max(float(x.abs().max()) for x in (train, validation)) > LARGEST:
        raise BadInput("Deep SVDD's images must be contrast normalised and scaled to about [0, 1].")
    if min(len(train), batch_size) < 2:
        raise BadInput("Batch norm needs at least two images in a batch and in training.")
    shared: dict[str, Any] = {
        "batch_size": batch_size,
        "generator": generator,
        "learning_rate": learning_rate,
        "progress": progress,
        "weight_decay": weight_decay,
    }

    decoder = build(network.decoder, generator).to(train.device)
    autoencoder = nn.Sequential(network, decoder)
    pretraining = _fit(
        autoencoder,
        train,
        name="train_L",
        loss=lambda x: F.mse_loss(autoencoder(x), x),
        measure=lambda: {
            "validation_L": mean_squared_error(autoencoder, validation, batch_size=batch_size)
        },
        epochs=pretrain_epochs,
        milestone=pretrain_milestone,
        checkpoint=checkpoint and checkpoint.with_name(checkpoint.name + ".pretraining"),
        fingerprint=fingerprint,
        **shared,
    )

    first = _outputs(network, train, batch_size)
    ball = _Ball(network, centre_of(first))
    first_spread = output_spread(first, ball.centre)

    def measure() -> dict[str, float]:
        z = _outputs(network, validation, batch_size)
        distance = float((z - ball.centre).square().sum(1).mean())
        return {"validation_distance": distance, "spread": output_spread(z, ball.centre)}

    history = _fit(
        ball,
        train,
        name="train_distance",
        loss=lambda x: ball(x).mean(),
        measure=measure,
        epochs=epochs,
        milestone=milestone,
        checkpoint=checkpoint,
        fingerprint=f"{fingerprint} after {pretrain_epochs}",
        **shared,
    )
    spread = output_spread(_outputs(network, train, batch_size), ball.centre)
    return TrainedDeepSVDD(network, ball.centre, spread, first_spread, pretraining, history)


def centre_of(outputs: Tensor) -> Tensor:
    """Mean of the outputs `[n, code]`, its coordinates nearer to 0 than 0.1 moved to ±0.1.

    A coordinate at 0 would be reached by weights of 0. The sign is kept; an exact 0, which the code
    leaves where it is, becomes 0.1. Source: ruff2018deep, public PyTorch code.
    """
    mean = outputs.mean(0)
    away = torch.where(mean < 0, -CLEARANCE, CLEARANCE).to(mean.dtype)
    return torch.where(mean.abs() < CLEARANCE, away, mean)


def output_spread(outputs: Tensor, centre: Tensor) -> float:
    """Root mean squared distance of outputs `[n, code]` to their own mean, over the centre's norm.

    At least 0; 0 where all outputs are equal.
    """
    about = outputs.double() - outputs.double().mean(0)
    return float(about.square().sum(1).mean().sqrt() / centre.double().norm())


class _Ball(nn.Module):
    """Squared distances to a centre, which a checkpoint keeps as a buffer beside the weights."""

    centre: Tensor

    def __init__(self, network: nn.Module, centre: Tensor) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("centre", centre)

    def forward(self, x: Tensor) -> Tensor:
        distance: Tensor = (self.network(x) - self.centre).square().sum(1)
        return distance


def _fit(
    model: nn.Module,
    train: Tensor,
    *,
    name: str,
    loss: Callable[[Tensor], Tensor],
    measure: Callable[[], dict[str, float]],
    epochs: int,
    milestone: int | None,
    learning_rate: float,
    weight_decay: float,
    batch_size: int,
    generator: torch.Generator,
    progress: Progress | None,
    checkpoint: Path | None,
    fingerprint: str,
) -> History:
    """One stage: Adam on `loss` of a batch, then `measure` in evaluation mode, epoch by epoch."""
    optimiser = torch.optim.Adam(model.parameters(), lr=learning_rate, weight_decay=weight_decay)

    def rate(epoch: int, _: int) -> float:
        return learning_rate / 10 if milestone is not None and epoch > milestone else learning_rate

    return loop.train(
        model,
        optimiser,
        lambda batch: {name: loop.backward(optimiser, loss(train[batch]))},
        measure,
        images=train,
        generator=generator,
        epochs=epochs,
        batch_size=batch_size,
        rate=rate,
        progress=progress,
        checkpoint=checkpoint,
        fingerprint=fingerprint,
    ).history


@torch.no_grad()
def _outputs(network: nn.Module, images: Tensor, batch_size: int) -> Tensor:
    network.eval()
    return torch.cat([network(x) for x in images.split(batch_size)])
