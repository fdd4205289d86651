"""What the chapters on spigler2019denoising share: settings, images, networks, measured rows."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator
from torch import Tensor

from lib import data, metrics, scores, training
from lib.data import ImageSet, to_float
from lib.errors import BadInput
from lib.experiments.settings import Settings
from lib.models import Classifier, DenoisingClassifier
from lib.numbers import collector
from lib.paths import ROOT
from lib.run import workspace

Add = Callable[..., None]  # see `lib.numbers.collector`
Values = NDArray[np.float64]
CLASSES = 10  # output units, also of networks that are trained on fewer classes
TRAINED = "COMPANION_TRAINED"  # environment variable: the folder of finished trainings
PROTOCOL = 2  # raise it when the same settings come to mean another training
D = 28 * 28


class NetworkSettings(Settings):
    """What the three chapters on this document share: images, networks, training, thresholds.

    A network's name may end in an L2 weight of its own, as "dAE sym, L2 10".
    """

    profile: str
    dataset: str
    data_root: str
    trust: bool
    networks: list[str] = Field(min_length=1)
    noise: float = Field(ge=0)
    l2: float = Field(ge=0)
    reconstruction: float = Field(gt=0)
    pixel_error: Literal["cross-entropy", "squared"]
    omega: int = Field(ge=2)
    thresholds: list[float]
    alphas: list[float]
    seeds: list[int] = Field(min_length=1)
    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    class_images: int = Field(ge=0)
    missing: Literal["train", "skip"]
    device: Literal["auto", "cpu", "cuda"]

    @field_validator("networks")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        return check_names(value)

    @model_validator(mode="after")
    def _one_alpha_a_threshold(self) -> "NetworkSettings":
        levels = self.thresholds
        if not levels or sorted(set(levels)) != levels or not 0 < levels[0] <= levels[-1] <= 1:
            raise ValueError("thresholds must ascend, above 0 and up to 1")
        if len(self.alphas) != len(levels) or min(self.alphas) < 0:
            raise ValueError("alphas needs one number of at least 0 for each of the thresholds")
        return self

    @property
    def pairs(self) -> list[tuple[float, float]]:
        """Each threshold with its alpha."""
        return list(zip(self.thresholds, self.alphas, strict=True))


def check_names(names: list[str]) -> list[str]:
    """The names themselves. Raises ValueError for one that comes twice or is no network's."""
    if len(set(names)) < len(names):
        raise ValueError("must name each network once")
    for name in names:
        try:
            described(name)
        except BadInput as problem:
            raise ValueError(f"holds a name of no network ({problem})") from None
    return names


def each_once(value: list[Any], low: float, high: float) -> list[Any]:
    """The numbers themselves. Raises ValueError for one that comes twice or is out of bounds."""
    if len(set(value)) < len(value) or not all(low <= n <= high for n in value):
        raise ValueError(f"needs numbers from {low:g} to {high:g}, each once")
    return value


def described(name: str) -> tuple[str, float | None]:
    """The network of a name and the L2 weight that the name adds. Raises BadInput for others."""
    base, _, weight = name.partition(", L2 ")
    training.digit_recipe(base)
    try:
        return base, float(weight) if weight else None
    except ValueError:
        raise BadInput(f"{weight!r} in {name!r} is no weight.") from None


class Digits(NamedTuple):
    """An image set on a device: pixels `[n, 1, 28, 28]` in [0, 1] of all, and the test images."""

    images: ImageSet
    pixels: Tensor
    test_x: Tensor
    test_y: NDArray[np.int64]


@dataclass(frozen=True)
class Network:
    """A trained network in evaluation mode with the name and seed of its rows."""

    name: str
    seed: int
    model: Classifier
    omega: int
    history: list[dict[str, float]]

    @property
    def cells(self) -> dict[str, Any]:
        """What its rows share."""
        return {"method": self.name, "seed": self.seed}

    @property
    def has_decoder(self) -> bool:
        """Whether it has a confidence at all."""
        return isinstance(self.model, DenoisingClassifier)

    @property
    def reconstruct(self) -> Callable[[Tensor], Tensor]:
        """r(x) of a network that has a decoder."""
        assert isinstance(self.model, DenoisingClassifier)
        return self.model.reconstruct

    def evidence(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Log outputs y `[n, 10]` and errors ||r(x) - x|| / D `[n]`, as `training.fool` wants."""
        return scores.log_outputs_and_errors(self.model, x, omega=self.omega)

    def seen(self, x: Tensor) -> tuple[Values, Values]:
        """`evidence` of many images, without gradients, as arrays."""
        both = scores.in_batches(lambda part: torch.column_stack(self.evidence(part)), x)
        table = both.cpu().numpy()
        return table[:, :-1], table[:, -1]

    def accuracies(self, digits: Digits, pairs: Iterable[tuple[float, float]]) -> list[float]:
        """Share of test images named rightly by an output y · c that reaches the threshold.

        One for each pair of a threshold and the alpha of c.
        """
        log_y, error = self.seen(digits.test_x)
        return [
            metrics.thresholded_accuracy(
                np.exp(log_y - alpha * error[:, None]), digits.test_y, threshold
            )
            for threshold, alpha in pairs
        ]


@dataclass
class Measured:
    """The rows, the images they were made on and the networks, by name, seed and known classes.

    `example` is a network with a confidence for a page's open lines: the first that was trained,
    else an untrained one.
    """

    rows: pd.DataFrame
    digits: Digits
    networks: dict[tuple[Any, ...], Network]
    example: Network

    @property
    def images(self) -> ImageSet:
        """The image set."""
        return self.digits.images

    @property
    def seconds(self) -> float:
        """What all trainings took, also those that were read from files."""
        return sum(e["seconds"] for n in self.networks.values() for e in n.history)


def prepared(chapter: str, settings: NetworkSettings, device: str) -> tuple[Digits, Add, list[Any]]:
    """The settings' images, and a collector of rows with their list.

    Raises BadInput for other than grey images of 28×28 in ten classes.
    """
    images = data.load(settings.dataset, data_root=settings.data_root or None, trust=settings.trust)
    pixels = to_float(images.images)
    if pixels.shape[1:] != (1, 28, 28) or len(images.class_names) != CLASSES:
        raise BadInput(f"These networks take ten classes of 28×28, unlike {images.title}.")
    test = np.flatnonzero(images.is_test)
    digits = Digits(images, pixels, pixels[test].to(device), images.labels[test])
    run = workspace.run_name(chapter, settings.model_dump())
    return digits, *collector(run=run, dataset=images.title)


def labelled(
    digits: Digits, part: str, *, seed: int, most: int, classes: list[int] | None = None
) -> tuple[Tensor, Tensor]:
    """Images and labels of a part of the seed's split, "train" or "validation".

    Of the `classes` only (all without), with at most `most` images of each (0: all).
    """
    every = list(range(CLASSES))
    members = data.several_classes(digits.images, every, training.numpy_generator(seed, "split"))
    places = data.first_of_each(
        digits.images.labels, members[part], classes or every, most or len(members[part])
    )
    device = digits.test_x.device
    labels = torch.from_numpy(digits.images.labels[places])
    return digits.pixels[places].to(device), labels.to(device)


def identity(
    settings: NetworkSettings,
    name: str,
    seed: int,
    images: ImageSet,
    classes: list[int] | None = None,
) -> dict[str, Any]:
    """All that the trained network depends on but the code, by which its file is found."""
    base, own = described(name)
    same: dict[str, Any] = {
        "protocol": PROTOCOL,
        "network": name,
        "dataset": images.title,
        "data": images.sha256,
        "classes": sorted(classes) if classes else list(range(CLASSES)),
        "class_images": settings.class_images,
        "seed": seed,
        "epochs": settings.epochs,
        "batch_size": settings.batch_size,
        "learning_rate": settings.learning_rate,
        "l2": settings.l2 if own is None else own,
    }
    if base == "COOL":
        same["omega"] = settings.omega
    elif base != "CNN":
        same |= {"noise": settings.noise, "weight": settings.reconstruction}
        same["error"] = settings.pixel_error
    return same


def digit_network(
    settings: NetworkSettings,
    name: str,
    seed: int,
    digits: Digits,
    *,
    classes: list[int] | None = None,
    trained: bool = True,
) -> Network | None:
    """The network of this name, trained on `classes` (all without); None where it is to be skipped.

    It is read from `trained_folder` where it is there; otherwise it is trained, going on from an
    unfinished training's checkpoint, and left there. Not `trained`, it is the one before training.
    """
    same = identity(settings, name, seed, digits.images, classes)
    recipe = training.digit_recipe(
        described(name)[0],
        omega=settings.omega,
        noise=settings.noise,
        weight=settings.reconstruction,
        error=settings.pixel_error,
    )
    model = training.untrained_digits(recipe, seed=seed, classes=CLASSES)
    model.to(digits.test_x.device)
    history: list[dict[str, float]] = []
    path = training.trained_path(trained_folder(), same)
    if not trained:
        name = f"untrained {name}"
    elif finished := training.load_trained(path, same):
        model.load_state_dict(finished.weights)
        history = finished.history
    elif settings.missing == "skip":
        return None
    else:
        options = {"seed": seed, "most": settings.class_images, "classes": same["classes"]}
        unfinished = path.parent / "unfinished" / path.name
        history = training.fit_digits(
            recipe.loss,
            model,
            labelled(digits, "train", **options),
            labelled(digits, "validation", **options),
            seed=seed,
            identity=same,
            epochs=settings.epochs,
            batch_size=settings.batch_size,
            learning_rate=settings.learning_rate,
            l2=same["l2"],
            checkpoint=unfinished,
        )
        training.save_trained(path, same, weights=model.state_dict(), history=history)
        unfinished.unlink(missing_ok=True)
    model.requires_grad_(False)  # attacks differentiate by the image alone
    return Network(name, seed, model.eval(), recipe.omega, history)


def untrained_network(settings: NetworkSettings, name: str, seed: int, digits: Digits) -> Network:
    """The network of this name before training."""
    network = digit_network(settings, name, seed, digits, trained=False)
    assert network is not None
    return network


def trained_networks(
    settings: NetworkSettings, digits: Digits
) -> tuple[dict[tuple[Any, ...], Network], Network]:
    """The settings' networks by name and seed, without skipped ones, and `Measured.example`."""
    networks: dict[tuple[Any, ...], Network] = {}
    for seed in settings.seeds:
        for name in settings.networks:
            if network := digit_network(settings, name, seed, digits):
                networks[name, seed] = network
    untrained = untrained_network(settings, "dAE sym", settings.seeds[0], digits)
    return networks, next((n for n in networks.values() if n.has_decoder), untrained)


def trained_folder() -> Path:
    """Where finished trainings lie: $COMPANION_TRAINED, else _build/trained."""
    given = os.environ.get(TRAINED)
    return Path(given) if given else ROOT / "_build/trained"


def at(threshold: float) -> str:
    """A threshold as the published tables write it, `threshold=90%`."""
    return f"threshold={100 * threshold:g}%"
