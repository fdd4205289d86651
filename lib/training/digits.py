"""Training of the small digit networks: the loss of each kind of network."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from lib.errors import BadInput
from lib.models import Classifier, DenoisingClassifier
from lib.training import loop
from lib.training.checks import check_counts, check_images, check_not_negative, check_positive
from lib.training.loop import Progress, State
from lib.training.objective import Labelled

Loss = Callable[[Classifier, Tensor, Tensor, torch.Generator], Tensor]
PixelError = Literal["cross-entropy", "squared"]


@dataclass(frozen=True)
class TrainedDigits:
    """The network after its last epoch, in evaluation mode, and what led there.

    `snapshots` holds the weights after each epoch that was to be kept, on the CPU. `history` has
    one entry per epoch: epoch, train_loss, validation_loss, validation_accuracy and seconds.
    """

    model: Classifier
    snapshots: dict[int, State]
    history: list[dict[str, float]]


def classification_loss(
    model: Classifier, x: Tensor, labels: Tensor, generator: torch.Generator
) -> Tensor:
    """Cross-entropy of the softmax, averaged over the batch; draws nothing."""
    return F.cross_entropy(model(x), labels)


def cool_loss(model: Classifier, x: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
    """Cross-entropy with the target 1/omega on each unit of the true class; draws nothing.

    One softmax runs over all classes · omega units. Source: kardan2017cool; methods.md 5.5.
    """
    units = F.log_softmax(model(x), dim=1).unflatten(1, (model.classes, -1))
    return F.nll_loss(units.mean(2), labels)


def denoising_loss(
    *, noise: float = 0.2, weight: float = 1.0, error: PixelError = "cross-entropy"
) -> Loss:
    """Cross-entropy of the classes + `weight` · reconstruction error averaged over pixels.

    Both heads see the same noisy image, x plus Gaussian noise of standard deviation `noise`; the
    target is the clean one. `error` is the binary cross-entropy of each pixel or the squared one.
    Noise 0 gives a plain autoencoder beside the classifier. Raises BadInput for a noise or weight
    below 0, or another error.
    Source: spigler2019denoising, proposed solution; what it leaves open: methods.md 5.2.
    """
    check_not_negative(noise=noise, weight=weight)
    if error not in get_args(PixelError):
        raise BadInput(f"error must be one of {get_args(PixelError)}; it was {error!r}.")

    def loss(model: Classifier, x: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        if not isinstance(model, DenoisingClassifier):
            raise BadInput("This loss needs a network with a decoder.")
        given = x
        if noise:
            given = x + noise * torch.randn(x.shape, generator=generator).to(x.device)
        logits, pixels = model.both(given)
        if error == "squared":
            wrong = F.mse_loss(pixels.sigmoid(), x)
        else:
            wrong = F.binary_cross_entropy_with_logits(pixels, x)
        return F.cross_entropy(logits, labels) + weight * wrong

    return loss


def fit_digits(
    model: Classifier,
    loss: Loss,
    train: Labelled,
    validation: Labelled,
    *,
    generator: torch.Generator,
    epochs: int,
    learning_rate: float = 1e-3,
    batch_size: int = 128,
    l2: float = 0.0,
    keep: Collection[int] = (),
    progress: Progress | None = None,
    checkpoint: Path | None = None,
    fingerprint: str = "",
) -> TrainedDigits:
    """Train `model` in place with Adam; the last epoch's network counts.

    `l2` adds l2 / (2 · n) times the sum of squared weights, biases aside, for n training images.

    Images `[n, 1, 28, 28]` in [0, 1] with labels `[n]` int64, on the model's device. `generator`
    draws batches and whatever `loss` draws; held-out images get the same draws in each epoch. The
    weights after the epochs in `keep` are kept. With `checkpoint` each epoch is written there and
    an interrupted training goes on from it; a file with another `fingerprint`, with more epochs
    than asked for, or without a snapshot that is to be kept, is ignored.
    Raises BadInput for epochs, batch size or learning rate not above 0, no images, and labels that
    do not fit; DataCorrupt for a damaged checkpoint. Source: methods.md 5.2 (the scale
    of l2 is a default).
    """
    check_counts(epochs=epochs, batch_size=batch_size)
    check_positive(learning_rate=learning_rate)
    check_not_negative(l2=l2)
    for word, (images, labels) in (("training", train), ("validation", validation)):
        check_images(**{word: images})
        if labels.shape != (len(images),) or not 0 <= labels.min() <= labels.max() < model.classes:
            raise BadInput(
                f"The {word} labels must be {len(images)} numbers from 0 to {model.classes - 1}."
            )
    matrices = [p for p in model.parameters() if p.ndim > 1]
    biases = [p for p in model.parameters() if p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": l2 / len(train[0])},  # the gradient of the sum
        {"params": biases, "weight_decay": 0.0},
    ]
    optimiser = torch.optim.Adam(groups, lr=learning_rate, fused=True)

    def step(batch: Tensor) -> dict[str, Tensor]:
        found = loss(model, train[0][batch], train[1][batch], generator)
        return {"train_loss": loop.backward(optimiser, found)}

    course = loop.train(
        model,
        optimiser,
        step,
        lambda: _held_out(model, loss, validation, batch_size=batch_size),
        images=train[0],
        generator=generator,
        epochs=epochs,
        batch_size=batch_size,
        leave_one_out=False,
        keep=keep,
        progress=progress,
        checkpoint=checkpoint,
        fingerprint=fingerprint,
    )
    return TrainedDigits(model, course.snapshots, course.history)


@torch.no_grad()
def _held_out(
    model: Classifier, loss: Loss, held_out: Labelled, *, batch_size: int
) -> dict[str, float]:
    generator = torch.Generator().manual_seed(0)  # the same noise in each epoch
    total, correct = 0.0, 0
    for x, labels in zip(*(part.split(batch_size) for part in held_out), strict=True):
        total += float(loss(model, x, labels, generator)) * len(x)
        correct += int((class_evidence(model, x).argmax(1) == labels).sum())
    n = len(held_out[0])
    return {"validation_loss": total / n, "validation_accuracy": correct / n}


def class_evidence(model: Classifier, x: Tensor) -> Tensor:
    """One number per class `[n, classes]`, highest for the predicted one: mean of its units."""
    evidence: Tensor = model(x).unflatten(1, (model.classes, -1)).mean(2)
    return evidence
