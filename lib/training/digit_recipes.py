"""The networks of the denoising-autoencoder slides, by name: build them and train them."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lib.errors import BadInput, nearest
from lib.models import Classifier, DenoisingClassifier, build, digit_classifier
from lib.models.digit_classifier import Activation
from lib.training.checkpoint import fingerprint
from lib.training.checks import check_counts
from lib.training.digits import (
    Loss,
    PixelError,
    TrainedDigits,
    classification_loss,
    cool_loss,
    denoising_loss,
    fit_digits,
)
from lib.training.objective import Labelled
from lib.training.seeding import generator


@dataclass(frozen=True)
class DigitRecipe:
    """How a network of k classes is made and what it is trained for.

    `omega` is the number of units a class has, `negatives` tells that one more class stands for
    negative samples.
    """

    make: Callable[[int], Classifier]
    loss: Loss
    omega: int = 1
    negatives: bool = False


DIGIT_NETWORKS = ("CNN", "COOL", "dAE sym", "dAE asym", "CNN with negatives", "autoencoder")


def digit_recipe(
    name: str,
    *,
    omega: int = 10,
    noise: float = 0.2,
    weight: float = 1.0,
    error: PixelError = "cross-entropy",
    activation: Activation = "relu",
) -> DigitRecipe:
    """The recipe of that name, one of `DIGIT_NETWORKS`.

    `omega` is COOL's; `noise`, `weight` and `error` are those of `denoising_loss`; "autoencoder"
    is "dAE sym" without noise. Raises BadInput for another name and for numbers below their
    bounds. Source: spigler2019denoising, fooling 1; kardan2017cool; methods.md 5.1 to 5.5.
    """
    check_counts(omega=omega)
    noisy = denoising_loss(noise=noise, weight=weight, error=error)
    plain = denoising_loss(noise=0.0, weight=weight, error=error)

    def cnn(k: int, omega: int = 1) -> Classifier:
        return digit_classifier(k, omega=omega, activation=activation)

    def dae(k: int, tied: bool = True) -> Classifier:
        return DenoisingClassifier(k, tied=tied, activation=activation)

    recipes = {
        "CNN": DigitRecipe(cnn, classification_loss),
        "COOL": DigitRecipe(partial(cnn, omega=omega), cool_loss, omega=omega),
        "dAE sym": DigitRecipe(dae, noisy),
        "dAE asym": DigitRecipe(partial(dae, tied=False), noisy),
        "CNN with negatives": DigitRecipe(
            lambda k: cnn(k + 1), classification_loss, negatives=True
        ),
        "autoencoder": DigitRecipe(dae, plain),
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


def fit_digit_recipe(
    recipe: DigitRecipe,
    network: Classifier,
    train: Labelled,
    validation: Labelled,
    *,
    seed: int,
    identity: Mapping[str, Any],
    negatives: Tensor | None = None,
    epochs: int,
    learning_rate: float = 1e-3,
    batch_size: int = 128,
    l2: float = 0.0,
    keep: Collection[int] = (),
    progress: Callable[[dict[str, float]], None] | None = None,
    checkpoint: Path | None = None,
) -> TrainedDigits:
    """Train `network` by the recipe, going on from `checkpoint` where it is of the same training.

    `negatives` `[m, 1, 28, 28]` are images of no class, for a recipe that takes them and for no
    other; a tenth of them is held out. `identity` names the recipe and its numbers, images and
    classes: with the rest it decides what a checkpoint belongs to. Other arguments, result and
    errors as in `fit_digits`; BadInput also for missing or needless negatives.
    """
    if recipe.negatives != (negatives is not None):
        raise BadInput(
            "Negative samples go with the network that has a class for them, and no other."
        )
    if negatives is not None:
        cut, extra = len(negatives) // 10, network.classes - 1
        train = _with(train, negatives[cut:], extra)
        validation = _with(validation, negatives[:cut], extra)
    same = dict(identity) | {
        "seed": seed,
        "batch_size": batch_size,
        "rate": learning_rate,
        "l2": l2,
    }
    return fit_digits(
        network,
        recipe.loss,
        train,
        validation,
        generator=generator(seed, "batches"),
        epochs=epochs,
        learning_rate=learning_rate,
        batch_size=batch_size,
        l2=l2,
        keep=keep,
        progress=progress,
        checkpoint=checkpoint,
        fingerprint=fingerprint(same, fit_digits, DigitRecipe),
    )


def _with(known: Labelled, negatives: Tensor, label: int) -> Labelled:
    images, labels = known
    more = torch.full((len(negatives),), label, device=labels.device)
    return torch.cat([images, negatives.to(images.device)]), torch.cat([labels, more])
