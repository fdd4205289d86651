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

    `pretraining` has one entry per epoch: epoch, train_L, validation_L (mean squared error) and
    seconds; `history` too: epoch, train_distance and validation_distance (mean squared distance to
    the centre) and seconds.
    """

    network: DeepSVDD
    centre: Tensor
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
    milestone says, never with None. `generator` draws the decoder and the batches. The last epoch's
    network counts. `checkpoint` as in `loop.train`; that of pre-training lies beside it and ends in
    ".pretraining".
    Raises BadInput for epochs, milestones, batch size or learning rate not above 0 (pre-training
    epochs: below 0), a weight decay below 0, no images, or one image in a batch or for training;
    DataCorrupt for a damaged checkpoint.
    Source: ruff2018deep, one-class Deep SVDD; settings of the public PyTorch code. The weight decay
    is its default; its MNIST example has 5e-7, and 5e-4 in pre-training.
    """
    check_counts(epochs=epochs, batch_size=batch_size)
    optional = {"milestone": milestone, "pretrain_milestone": pretrain_milestone}
    optional |= {"pretrain_epochs": pretrain_epochs or None}
    check_counts(**{name: count for name, count in optional.items() if count is not None})
    check_positive(learning_rate=learning_rate)
    check_not_negative(weight_decay=weight_decay)
    check_some(training=train, validation=validation)
    if max(float(x.abs().max()) for x in (train, validation)) > LARGEST:
        raise BadInput("Deep SVDD's images must be contrast normalised and scaled to about [0, 1].")
    if min(len(train), batch_size) < 2:
        raise BadInput("Batch norm needs at least two images in a batch and in training.")

    def stage(
        model: nn.Module,
        name: str,
        loss: Callable[[Tensor], Tensor],
        held_out: Callable[[], dict[str, float]],
        epochs: int,
        milestone: int | None,
        *place: Any,
    ) -> History:
        """Adam on `loss` of a batch, epoch by epoch; `place` is the checkpoint's."""
        weights = model.parameters()
        optimiser = torch.optim.Adam(weights, lr=learning_rate, weight_decay=weight_decay)

        def rate(epoch: int, _: int) -> float:
            late = milestone is not None and epoch > milestone
            return learning_rate / 10 if late else learning_rate

        return loop.train(
            model,
            optimiser,
            lambda batch: {name: loop.backward(optimiser, loss(train[batch]))},
            held_out,
            images=train,
            generator=generator,
            epochs=epochs,
            batch_size=batch_size,
            rate=rate,
            progress=progress,
            checkpoint=place[0],
            fingerprint=place[1],
        ).history

    pair = nn.Sequential(network, build(network.decoder, generator).to(train.device))
    pretraining = stage(
        pair,
        "train_L",
        lambda x: F.mse_loss(pair(x), x),
        lambda: {"validation_L": mean_squared_error(pair, validation, batch_size=batch_size)},
        pretrain_epochs,
        pretrain_milestone,
        checkpoint and checkpoint.with_name(checkpoint.name + ".pretraining"),
        fingerprint,
    )
    ball = _Ball(network, centre_of(_outputs(network, train, batch_size)))
    history = stage(
        ball,
        "train_distance",
        lambda x: ball(x).mean(),
        lambda: {"validation_distance": float(_outputs(ball, validation, batch_size).mean())},
        epochs,
        milestone,
        checkpoint,
        f"{fingerprint} after {pretrain_epochs}",
    )
    return TrainedDeepSVDD(network, ball.centre, pretraining, history)


@torch.no_grad()
def _outputs(network: nn.Module, images: Tensor, batch_size: int) -> Tensor:
    """The outputs of a network in evaluation mode, which stays on."""
    network.eval()
    return torch.cat([network(x) for x in images.split(batch_size)])


def centre_of(outputs: Tensor) -> Tensor:
    """Mean of the outputs `[n, code]`, its coordinates nearer to 0 than 0.1 moved to ±0.1.

    A coordinate at 0 would be reached by weights of 0. The sign is kept; an exact 0, which the code
    leaves where it is, becomes 0.1. Source: ruff2018deep, public PyTorch code.
    """
    mean = outputs.mean(0)
    away = torch.where(mean < 0, -CLEARANCE, CLEARANCE).to(mean.dtype)
    return torch.where(mean.abs() < CLEARANCE, away, mean)


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
