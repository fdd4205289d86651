"""The networks of the representation oracle, by name: what sets each apart from the base."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from lib.errors import BadInput, nearest
from lib.models import (
    Classifier,
    GeneralizedOdinHead,
    ReconstructionDecoder,
    ResNet34,
    build,
    rotation_head,
)
from lib.training.auxiliary import Auxiliary, Task
from lib.training.checkpoint import fingerprint
from lib.training.classifier import TrainedClassifier, fit_classifier
from lib.training.objective import Labelled
from lib.training.precision import Precision
from lib.training.rates import Schedule
from lib.training.seeding import generator

DECODER_WIDTH = 4  # times the network's: 256 maps at the document's width of 64
ROTATION_WEIGHT = 0.5  # methods.md 4.8; the talk prints none


@dataclass(frozen=True)
class Recipe:
    """What a network is trained for; the defaults are the talk's ResNet-34 classifier.

    `classes` are those it is trained on, `weight` is lambda of the auxiliary `task`, `width` that
    of the network where it is not the run's, and `member` numbers networks that differ in nothing
    but what is drawn.
    """

    classes: Literal["nominal", "all"] = "nominal"
    head: Callable[[int, int], nn.Module] = nn.Linear
    task: Task | None = None
    weight: float = 0.0
    classification: float = 1.0
    augment: bool = True
    width: int | None = None
    member: int = 0


NAMED = {
    "base": Recipe(),
    "all classes": Recipe(classes="all"),
    "generalized odin": Recipe(head=GeneralizedOdinHead),
    "reconstruction": Recipe(task="reconstruction", weight=1.0, classification=0.0),
    "no augmentation": Recipe(augment=False),
    "rotation": Recipe(task="rotation", weight=ROTATION_WEIGHT),
    "recolouring": Recipe(task="recolouring", weight=1.0),
    "sobel": Recipe(task="sobel", weight=1.0),
}
PATTERNS: dict[str, Callable[[str], Recipe]] = {
    r"hybrid ([0-9]{1,9}(?:\.[0-9]+)?)": lambda found: Recipe(
        task="reconstruction", weight=float(found)
    ),
    r"member ([1-9][0-9]{0,8})": lambda found: Recipe(member=int(found)),
    r"width ([1-9][0-9]{0,8})": lambda found: Recipe(width=int(found)),
}


def recipe(name: str) -> Recipe:
    """The recipe of that name: one of `NAMED`, "hybrid 0.9", "member 2" or "width 24".

    The number is lambda for the per-pixel squared error averaged over pixels, the number of an
    ensemble's further member, or a width. Raises BadInput for another name.
    Source: dietterich2021representation.
    """
    if name in NAMED:
        return NAMED[name]
    for pattern, make in PATTERNS.items():
        if found := re.fullmatch(pattern, name):
            return make(found[1])
    known = [*NAMED, "hybrid 0.9", "member 1", "width 24"]
    raise BadInput(
        f"There is no network {name!r}; known are {', '.join(known)}, with any number in the last "
        f"three.{nearest(name, known)}"
    )


def untrained_network(
    chosen: Recipe,
    *,
    seed: int,
    classes: int,
    width: int,
    channels: int,
    mean: Sequence[float] | None = None,
    deviation: Sequence[float] | None = None,
) -> ResNet34:
    """The network before training, in evaluation mode; equal for all recipes of one seed and shape.

    `width` is the run's, which the recipe's own takes the place of; `classes`, `channels`, `mean`
    and `deviation` as in `ResNet34`. Raises BadInput as `ResNet34` does.
    """
    own = width if chosen.width is None else chosen.width
    shape = {"width": own, "channels": channels, "mean": mean, "deviation": deviation}
    drawn = generator(seed, "weights", chosen.member)
    network = build(lambda: ResNet34(classes, head=chosen.head, **shape), drawn)  # type: ignore[arg-type]
    network.to(memory_format=torch.channels_last)
    return network.eval()


def fit_recipe(
    chosen: Recipe,
    network: ResNet34,
    train: Labelled,
    validation: Labelled,
    *,
    seed: int,
    identity: Mapping[str, Any],
    epochs: int,
    learning_rate: float = 0.1,
    schedule: Schedule = "one-cycle",
    batch_size: int = 128,
    flip: bool = True,
    precision: Precision = "float32",
    keep: Sequence[int] = (),
    progress: Callable[[dict[str, float]], None] | None = None,
    checkpoint: Path | None = None,
) -> TrainedClassifier:
    """Train `network` by the recipe, going on from `checkpoint` where it is of the same training.

    Its weights come from `untrained_network`. Where lambda is above 1 the whole loss is divided by
    it: only the terms' proportion is the talk's, and SGD at one rate would diverge. `identity` says
    which images, classes and split they are; with the rest it decides what a checkpoint belongs to.
    Other arguments, result and errors as in `fit_classifier`.
    Source: dietterich2021representation; defaults of methods.md 4.2, 4.5 and 4.8.
    """
    scale = max(1.0, chosen.weight)
    settings: dict[str, Any] = {
        "epochs": epochs,
        "learning_rate": learning_rate,
        "schedule": schedule,
        "batch_size": batch_size,
        "flip": flip,
        "precision": precision,
        "augment": chosen.augment,
        "classification": chosen.classification / scale,
    }
    same = dict(identity) | settings
    same |= {"task": chosen.task, "weight": chosen.weight, "width": network.trunk[0].out_channels}  # type: ignore[index]
    same |= {"head": chosen.head.__name__, "member": chosen.member, "seed": seed}
    return fit_classifier(
        network,
        train,
        validation,
        generator=generator(seed, "batches", chosen.member),
        auxiliary=_auxiliary(chosen, network, scale=scale, seed=seed, like=train[0]),
        keep=keep,
        progress=progress,
        checkpoint=checkpoint,
        fingerprint=fingerprint(same, fit_recipe),
        **settings,
    )


def _auxiliary(
    chosen: Recipe, network: Classifier, *, scale: float, seed: int, like: Tensor
) -> Auxiliary | None:
    if chosen.task is None:
        return None
    first = network.trunk[0]  # type: ignore[index]
    own, channels = first.out_channels, len(network.mean)
    k, width = 8 * own, DECODER_WIDTH * own

    def make() -> nn.Module:
        if chosen.task == "rotation":
            return rotation_head(k)
        drawn = 1 if chosen.task == "sobel" else channels
        return ReconstructionDecoder(k, channels=drawn, width=width)

    head = build(make, generator(seed, "auxiliary", chosen.member)).to(like.device)
    return Auxiliary(chosen.task, head, chosen.weight / scale)
