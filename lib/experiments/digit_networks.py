"""Networks of spigler2019denoising: found among finished trainings, or trained where they lack."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator
from torch import Tensor

from lib import data, scores, training
from lib.data import ImageSet, to_float
from lib.errors import BadInput
from lib.experiments.settings import Settings
from lib.models import Classifier, DenoisingClassifier
from lib.paths import ROOT

CLASSES = 10  # output units, also of networks that are trained on fewer classes
TRAINED = "COMPANION_TRAINED"  # environment variable: the folder of finished trainings
PROTOCOL = 2  # raise it when the same settings come to mean another training
D = 28 * 28


class NetworkSettings(Settings):
    """What the three chapters on this document share: images, networks, training, thresholds.

    A network's name may end in settings of its own, as "dAE sym, L2 10", "CNN, sigmoid" or
    "COOL, omega 5".
    """

    profile: str
    dataset: str
    data_root: str
    trust: bool
    networks: list[str]
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

    @field_validator("networks")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        if not value:
            raise ValueError("must name at least one network")
        return check_names(value)

    @field_validator("thresholds")
    @classmethod
    def _ascending(cls, value: list[float]) -> list[float]:
        if not value or sorted(set(value)) != value or not all(0 < t <= 1 for t in value):
            raise ValueError("must ascend, above 0 and up to 1")
        return value

    @field_validator("alphas")
    @classmethod
    def _not_negative(cls, value: list[float]) -> list[float]:
        if any(a < 0 for a in value):
            raise ValueError("must be numbers of at least 0")
        return value

    @model_validator(mode="after")
    def _one_alpha_a_threshold(self) -> "NetworkSettings":
        if len(self.alphas) != len(self.thresholds):
            raise ValueError("alphas needs one number for each of the thresholds")
        return self


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
    def has_decoder(self) -> bool:
        """Whether it has a confidence at all."""
        return isinstance(self.model, DenoisingClassifier)

    @property
    def denoiser(self) -> DenoisingClassifier:
        """The model of a network that has a decoder."""
        assert isinstance(self.model, DenoisingClassifier)
        return self.model

    def evidence(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Log outputs y `[n, 10]` and errors ||r(x) - x|| / D `[n]`, as `training.fool` wants."""
        return scores.log_outputs_and_errors(self.model, x, omega=self.omega)

    def seen(self, x: Tensor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """`evidence` of many images, without gradients, as arrays."""
        found = scores.in_batches(lambda part: torch.column_stack(self.evidence(part)), x)
        table = found.cpu().numpy()
        return table[:, :-1], table[:, -1]


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


def described(name: str) -> tuple[str, dict[str, Any]]:
    """The network of a name and the settings that the name adds. Raises BadInput for others."""
    base, *words = name.split(", ")
    found: dict[str, Any] = {}
    for word in words:
        key, _, number = word.partition(" ")
        try:
            if word == "sigmoid":
                found["activation"] = "sigmoid"
            elif key in ("L2", "omega"):
                found[key.lower()] = {"L2": float, "omega": int}[key](number)
            else:
                raise ValueError
        except ValueError:
            raise BadInput(f"{word!r} in {name!r} is no setting of a network.") from None
    training.digit_recipe(base)
    return base, found


def load_digits(settings: NetworkSettings, device: torch.device) -> Digits:
    """The settings' images. Raises BadInput for other than grey images of 28×28 in ten classes."""
    images = data.load(settings.dataset, data_root=settings.data_root or None, trust=settings.trust)
    pixels = to_float(images.images)
    if pixels.shape[1:] != (1, 28, 28) or len(images.class_names) != CLASSES:
        raise BadInput(f"These networks take ten classes of 28×28, unlike {images.title}.")
    test = np.flatnonzero(images.is_test)
    return Digits(images, pixels, pixels[test].to(device), images.labels[test])


def labelled(
    digits: Digits, part: str, *, seed: int, classes: list[int], most: int
) -> tuple[Tensor, Tensor]:
    """Images and labels of a part of the seed's split, "train" or "validation".

    Of the `classes` only, with at most `most` images of each (0: all).
    """
    rng = training.numpy_generator(seed, "split")
    members = data.several_classes(digits.images, list(range(CLASSES)), rng)[part]
    most = most or len(members)
    chosen = data.first_of_each(digits.images.labels, members, classes, most)
    device = digits.test_x.device
    labels = torch.from_numpy(digits.images.labels[chosen])
    return digits.pixels[chosen].to(device), labels.to(device)


def identity(
    settings: NetworkSettings,
    name: str,
    seed: int,
    images: ImageSet,
    *,
    classes: list[int] | None = None,
) -> dict[str, Any]:
    """All that the trained network depends on but the code, by which its file is found."""
    base, own = described(name)
    found: dict[str, Any] = {
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
        "l2": own.get("l2", settings.l2),
    }
    if base == "COOL":
        found["omega"] = own.get("omega", settings.omega)
    if base not in ("CNN", "COOL"):
        found["noise"] = 0.0 if base == "autoencoder" else settings.noise
        found |= {"weight": settings.reconstruction, "error": settings.pixel_error}
    return found


def digit_network(
    settings: NetworkSettings,
    name: str,
    seed: int,
    digits: Digits,
    *,
    classes: list[int] | None = None,
) -> Network | None:
    """The network of this name, trained on `classes` (all without); None where it is to be skipped.

    It is read from `trained_folder` where it is there; otherwise it is trained, going on from an
    unfinished training's checkpoint, and left there.
    """
    base, own = described(name)
    same = identity(settings, name, seed, digits.images, classes=classes)
    omega = same.get("omega", 1)
    recipe = training.digit_recipe(
        base,
        omega=max(omega, 1),
        noise=settings.noise,
        weight=settings.reconstruction,
        error=settings.pixel_error,
        activation=own.get("activation", "relu"),
    )
    model = training.untrained_digits(recipe, seed=seed, classes=CLASSES)
    model.to(digits.test_x.device)
    folder = trained_folder()
    finished = training.load_trained(folder, same)
    if finished is not None:
        model.load_state_dict(finished.weights)
        history = finished.history
    elif settings.missing == "skip":
        return None
    else:
        most = settings.class_images
        parts = (
            labelled(digits, part, seed=seed, classes=same["classes"], most=most)
            for part in ("train", "validation")
        )
        fitted = training.fit_digit_recipe(
            recipe,
            model,
            *parts,
            seed=seed,
            identity=same,
            epochs=settings.epochs,
            batch_size=settings.batch_size,
            learning_rate=settings.learning_rate,
            l2=same["l2"],
            checkpoint=folder / "unfinished" / training.trained_path(folder, same).name,
        )
        history = fitted.history
        training.save_trained(folder, same, weights=model.state_dict(), history=history)
        (folder / "unfinished" / training.trained_path(folder, same).name).unlink(missing_ok=True)
    model.requires_grad_(False)  # attacks differentiate by the image alone
    return Network(name, seed, model.eval(), omega, history)


def untrained_network(settings: NetworkSettings, name: str, seed: int, digits: Digits) -> Network:
    """The network of this name before training."""
    base, own = described(name)
    omega = own.get("omega", settings.omega) if base == "COOL" else 1
    recipe = training.digit_recipe(base, omega=omega)
    model = training.untrained_digits(recipe, seed=seed, classes=CLASSES)
    model.to(digits.test_x.device).requires_grad_(False)
    return Network(f"untrained {name}", seed, model, omega, [])


def trained_folder() -> Path:
    """Where finished trainings lie: $COMPANION_TRAINED, else _build/trained."""
    given = os.environ.get(TRAINED)
    return Path(given) if given else ROOT / "_build/trained"


def scaled(
    log_y: NDArray[np.float64], error: NDArray[np.float64], alpha: float, *, squared: bool = False
) -> NDArray[np.float64]:
    """Outputs y · c `[n, classes]` of logarithms and errors of `Network.seen`, in [0, 1]."""
    length = D * error**2 if squared else error
    return np.exp(log_y - alpha * length[:, None])
