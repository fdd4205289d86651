"""The small digit networks of spigler2019denoising: made and trained by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from lib.errors import BadInput, nearest
from lib.models import Classifier, DenoisingClassifier, build, digit_classifier
from lib.training import loop
from lib.training.checkpoint import fingerprint
from lib.training.checks import check_counts, check_images, check_not_negative, check_positive
from lib.training.objective import Labelled
from lib.training.seeding import generator

Loss = Callable[[Classifier, Tensor, Tensor, torch.Generator], Tensor]
PixelError = Literal["cross-entropy", "squared"]


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
    Raises BadInput for a noise or weight below 0, or another error.
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


@dataclass(frozen=True)
class DigitRecipe:
    """How a network of k classes is made and trained; `omega` is the units that a class has."""

    make: Callable[[int], Classifier]
    loss: Loss
    omega: int = 1


def digit_recipe(
    name: str,
    *,
    omega: int = 10,
    noise: float = 0.2,
    weight: float = 1.0,
    error: PixelError = "cross-entropy",
) -> DigitRecipe:
    """The recipe of that name: CNN, COOL, dAE sym or dAE asym.

    `omega` is COOL's; `noise`, `weight` and `error` are those of `denoising_loss`. Raises BadInput
    for another name and for numbers below their bounds.
    Source: spigler2019denoising, fooling 1; kardan2017cool; methods.md 5.1 to 5.5.
    """
    check_counts(omega=omega)
    noisy = denoising_loss(noise=noise, weight=weight, error=error)
    recipes = {
        "CNN": DigitRecipe(digit_classifier, classification_loss),
        "COOL": DigitRecipe(partial(digit_classifier, omega=omega), cool_loss, omega),
        "dAE sym": DigitRecipe(DenoisingClassifier, noisy),
        "dAE asym": DigitRecipe(partial(DenoisingClassifier, tied=False), noisy),
    }
    if name not in recipes:
        raise BadInput(
            f"There is no network {name!r}; known are {', '.join(recipes)}."
            + nearest(name, recipes)
        )
    return recipes[name]


def untrained_digits(recipe: DigitRecipe, *, seed: int, classes: int) -> Classifier:
    """The recipe's network before training, in evaluation mode.

    Equal seeds give equal layers up to the first in which two recipes differ.
    """
    network = build(lambda: recipe.make(classes), generator(seed, "weights"))
    # convolutions on a CPU are up to twice as fast in this order of memory
    network.to(memory_format=torch.channels_last)
    return network.eval()


def fit_digits(
    loss: Loss,
    model: Classifier,
    train: Labelled,
    validation: Labelled,
    *,
    seed: int,
    identity: Mapping[str, Any],
    epochs: int,
    learning_rate: float = 1e-3,
    batch_size: int = 128,
    l2: float = 0.0,
    checkpoint: Path | None = None,
) -> loop.History:
    """Train `model` in place with Adam and return its history; the last epoch's network counts.

    `l2` adds l2 / (2 · n) times the sum of squared weights, biases aside, for n training images.

    Images `[n, 1, 28, 28]` in [0, 1] with labels `[n]` int64, on the model's device; held-out
    images get the same draws in each epoch. With `checkpoint` each epoch is written there and an
    interrupted training goes on from it; `identity` names the loss and its numbers, images and
    classes, which with the rest decides what a checkpoint belongs to. Each epoch's entry has epoch,
    train_loss, validation_loss, validation_accuracy and seconds. Raises BadInput for epochs, batch
    size or learning rate not above 0, no images, and labels that do not fit; DataCorrupt for a
    damaged checkpoint. Source: methods.md 5.2 (the scale of l2 is a default).
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
    draw = generator(seed, "batches")
    matrices = [p for p in model.parameters() if p.ndim > 1]
    biases = [p for p in model.parameters() if p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": l2 / len(train[0])},  # the gradient of the sum
        {"params": biases, "weight_decay": 0.0},
    ]
    optimiser = torch.optim.Adam(groups, lr=learning_rate, fused=True)
    settings = {"seed": seed, "batch_size": batch_size, "rate": learning_rate, "l2": l2}

    def step(batch: Tensor) -> dict[str, Tensor]:
        error = loss(model, train[0][batch], train[1][batch], draw)
        return {"train_loss": loop.backward(optimiser, error)}

    return loop.train(
        model,
        optimiser,
        step,
        lambda: _held_out(model, loss, validation, batch_size=batch_size),
        images=train[0],
        generator=draw,
        epochs=epochs,
        batch_size=batch_size,
        leave_one_out=False,
        checkpoint=checkpoint,
        fingerprint=fingerprint(dict(identity) | settings, fit_digits),
    ).history


@torch.no_grad()
def _held_out(
    model: Classifier, loss: Loss, held_out: Labelled, *, batch_size: int
) -> dict[str, float]:
    draw = torch.Generator().manual_seed(0)  # the same noise in each epoch
    total, correct = 0.0, 0
    for x, labels in zip(*(part.split(batch_size) for part in held_out), strict=True):
        total += float(loss(model, x, labels, draw)) * len(x)
        # one number per class, the mean of its units
        evidence = model(x).unflatten(1, (model.classes, -1)).mean(2)
        correct += int((evidence.argmax(1) == labels).sum())
    n = len(held_out[0])
    return {"validation_loss": total / n, "validation_accuracy": correct / n}
