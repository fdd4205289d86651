"""Training of a classifier, alone or with an auxiliary task beside it."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import get_args

import torch
from torch import Tensor, nn

from lib.errors import BadInput
from lib.models import Classifier, parameter_groups
from lib.training import loop
from lib.training.augment import as_float, crop_and_flip
from lib.training.auxiliary import Auxiliary, draw_turns
from lib.training.checks import check_counts, check_images, check_not_negative, check_positive
from lib.training.loop import Progress, State
from lib.training.objective import Labelled, batch_errors, held_out_errors
from lib.training.precision import Precision, check_precision
from lib.training.rates import Schedule, rate_at

MOMENTUM = 0.9


@dataclass(frozen=True)
class TrainedClassifier:
    """The chosen epoch's network, in evaluation mode, and what led there.

    `snapshots` holds the network's weights after each epoch that was to be kept, on the CPU.
    `history` has one entry per epoch: epoch, train_loss, train_accuracy, gradient_norm (mean over
    the steps), validation_loss, validation_accuracy, seconds, and with an auxiliary task its
    unweighted errors train_auxiliary and validation_auxiliary.
    """

    model: Classifier
    epoch: int
    snapshots: dict[int, State]
    history: list[dict[str, float]]


def fit_classifier(
    model: Classifier,
    train: Labelled,
    validation: Labelled,
    *,
    generator: torch.Generator,
    epochs: int,
    learning_rate: float = 0.1,
    schedule: Schedule = "steps",
    batch_size: int = 128,
    weight_decay: float = 1e-4,
    augment: bool = True,
    flip: bool = True,
    classification: float = 1.0,
    auxiliary: Auxiliary | None = None,
    precision: Precision = "float32",
    keep: Collection[int] = (),
    progress: Progress | None = None,
    checkpoint: Path | None = None,
    fingerprint: str = "",
) -> TrainedClassifier:
    """Train `model`, and the auxiliary head, in place with SGD of momentum 0.9.

    Loss = `classification` · cross-entropy + lambda · auxiliary error, averaged over the batch.
    `train` and `validation` are images `[n, c, h, w]`, uint8 or float in [0, 1], and labels int64
    `[n]` from 0 to classes - 1, all on the model's device. `generator` draws batches, crops, flips
    and turns; `augment` is crop and flip, of which `flip` can be off. Training figures are those of
    the augmented batches in training mode. A task that changes the image sends plain and changed
    images through the network as one batch, at twice the price.
    The epoch of best validation accuracy is chosen, the earliest if tied; with `classification` 0
    that of smallest validation error of the task, and the class head stays as it was. A last batch
    of one image is left out, since batch norm cannot do with it. With `checkpoint` each epoch is
    written there and an interrupted training goes on from it; a file with another `fingerprint`,
    another number of epochs, on which the learning rates depend, or without a snapshot that is to
    be kept, is ignored.
    Raises BadInput for counts, rates or weights out of range, an unknown schedule or precision,
    images or labels that do not fit, and nothing to train on; DataCorrupt for a damaged checkpoint.
    Source: dietterich2021representation, methods and hybrid network; rates of methods.md 4.2.
    """
    check_counts(epochs=epochs, batch_size=batch_size)
    check_positive(learning_rate=learning_rate)
    check_not_negative(weight_decay=weight_decay, classification=classification)
    check_precision(precision)
    if schedule not in get_args(Schedule):
        raise BadInput(f"schedule must be one of {get_args(Schedule)}; it was {schedule!r}.")
    if not classification and (auxiliary is None or not auxiliary.weight):
        raise BadInput("There is nothing to train for: classification and auxiliary weigh nothing.")
    _check_labelled(model, train=train, validation=validation)
    parts = nn.ModuleList([model] if auxiliary is None else [model, auxiliary.head])
    groups = parameter_groups(parts, weight_decay=weight_decay)
    optimiser = torch.optim.SGD(groups, lr=learning_rate, momentum=MOMENTUM)
    errors = partial(
        batch_errors, model, auxiliary, classification=classification, precision=precision
    )
    n = len(train[0])
    steps = max(n // batch_size + (n % batch_size > 1), 1)  # less a last batch of one image

    def rate(epoch: int, i: int) -> float:
        at = (epoch - 1) * steps + i
        return rate_at(schedule, at, peak=learning_rate, epochs=epochs, steps_per_epoch=steps)

    def step(batch: Tensor) -> dict[str, Tensor]:
        x, labels = train[0][batch], train[1][batch]
        if augment:
            x = crop_and_flip(x, generator=generator, flip=flip)
        turns = draw_turns(auxiliary, len(x), generator).to(x.device)
        batch_error = errors(as_float(x), labels, turns)
        figures = {
            "train_loss": loop.backward(optimiser, batch_error.objective),
            "train_accuracy": batch_error.correct.double() / len(x),
            "gradient_norm": torch.nn.utils.get_total_norm(
                [p.grad for p in parts.parameters() if p.grad is not None]
            ),
        }
        return (
            figures if auxiliary is None else figures | {"train_auxiliary": batch_error.auxiliary}
        )

    def validate() -> dict[str, float]:
        loss, accuracy, error = held_out_errors(errors, validation, batch_size=batch_size)
        entry = {"validation_loss": loss, "validation_accuracy": accuracy}
        return entry if auxiliary is None else entry | {"validation_auxiliary": error}

    merit = "validation_accuracy" if classification else "validation_auxiliary"
    course = loop.train(
        parts,
        optimiser,
        step,
        validate,
        images=train[0],
        generator=generator,
        epochs=epochs,
        batch_size=batch_size,
        by_step=("gradient_norm",),
        rate=rate,
        choose=partial(loop.best_so_far, name=merit, highest=bool(classification)),
        keep=keep,
        snapshot=lambda: [loop.weights_of(part) for part in parts],
        progress=progress,
        checkpoint=checkpoint,
        fingerprint=f"{fingerprint} of {epochs} epochs",  # on which the learning rates depend
    )
    for part, weights in zip(parts, course.chosen["kept"], strict=True):
        part.load_state_dict(weights)
    snapshots = {epoch: weights[0] for epoch, weights in course.snapshots.items()}
    return TrainedClassifier(model, course.chosen["epoch"], snapshots, course.history)


def _check_labelled(model: Classifier, **sets: Labelled) -> None:
    for word, (images, labels) in sets.items():
        check_images(**{word: images})
        if images.dtype not in (torch.uint8, torch.float32):
            raise BadInput(f"The {word} images must be uint8 or float32, not {images.dtype}.")
        if labels.shape != (len(images),) or labels.dtype != torch.int64:
            raise BadInput(
                f"The {word} labels must be int64 of shape [{len(images)}], one for each image, "
                f"but are {labels.dtype} of shape {list(labels.shape)}."
            )
        low, high = int(labels.min()), int(labels.max())
        if low < 0 or high >= model.classes:
            raise BadInput(
                f"The {word} labels must lie between 0 and {model.classes - 1}, "
                f"but reach from {low} to {high}."
            )
