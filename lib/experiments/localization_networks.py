"""The networks of the localization page: settings, images, training, and their maps."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from lib import data, models, scores, training
from lib.errors import BadInput
from lib.experiments.settings import Count, Once, Places
from lib.experiments.settings import Settings as Base
from lib.run import parameters, workspace

DOCUMENT = [0, 1, 2, 3, 4]  # the document's normal digits
SIDE = 28
Pixels = Annotated[int, Field(ge=1, le=SIDE**2)]
Key = tuple[str, int]  # the classes trained on, in words, and the seed
Maps = tuple[NDArray[np.float32], NDArray[np.float32]]


class Settings(Base):
    """The parameters of the chapter localization, whose first cell explains each."""

    profile: str
    dataset: str
    data_root: str
    weights: str
    normal_classes: Places
    controls: bool
    seeds: Places
    epochs: Count
    watch: Annotated[list[Count], Once]
    last: Annotated[int, Field(ge=0)]
    learning_rate: float = Field(gt=0)
    noise: float = Field(ge=0)
    batch_size: int = Field(ge=2)  # batch normalisation needs two images
    k: Annotated[list[Pixels], Field(min_length=1), Once]
    sample: Count
    attributed: Count
    trust: bool
    device: str

    @property
    def changed(self) -> dict[str, Any]:
        """What sets a run apart from its profile, by the variant's key."""
        keys = {"learning_rate": "lr", "noise": "noise"}
        return parameters.changed("localization", self.model_dump(), keys)

    @property
    def shown(self) -> set[int]:
        """The epochs after which the maps are compared."""
        last = range(max(1, self.epochs - self.last + 1), self.epochs + 1)
        return {epoch for epoch in self.watch if epoch <= self.epochs} | set(last)


def arm(classes: list[int]) -> str:
    """The name of a set of training classes: 0-4, or 0+2+5."""
    ordered = sorted(classes)
    whole = ordered == list(range(ordered[0], ordered[-1] + 1))
    return f"{ordered[0]}-{ordered[-1]}" if whole else "+".join(map(str, ordered))


def network(seed: int, device: str, purpose: str = "weights") -> nn.Module:
    """The untrained network of a seed, in evaluation mode; every one of a seed starts from it."""
    fresh = models.build(models.LSAAutoencoder, training.generator(seed, purpose))
    # convolutions on a CPU are a third faster in this order of memory
    return fresh.to(device).to(memory_format=torch.channels_last).eval()


def maps_of(model: nn.Module, x: Tensor) -> Maps:
    """Saliency and error map of each image `[n, 1, 28, 28]`, both `[n, 28, 28]`."""
    return scores.saliency_map(model, x).cpu().numpy(), scores.error_map(model, x).cpu().numpy()


@dataclass(frozen=True, eq=False)
class Study:
    """What a run is about: images, the classes that each network is trained on, and test images.

    `pixels` `[n, 1, 28, 28]` of all images; `x` and `labels` of the test images.
    """

    settings: Settings
    images: data.ImageSet
    pixels: Tensor
    trained_on: dict[str, list[int]]
    device: str

    @property
    def first(self) -> str:
        """The name of the run's own classes."""
        return arm(self.settings.normal_classes)

    @cached_property
    def x(self) -> Tensor:
        return self.pixels[np.flatnonzero(self.images.is_test)].to(self.device)

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        return self.images.labels[self.images.is_test]

    @cached_property
    def kinds(self) -> dict[str, dict[str, NDArray[np.bool_]]]:
        """Masks `[n]` of normal and novel test images, by the classes trained on."""
        return {n: data.normal_and_novel(self.labels, c) for n, c in self.trained_on.items()}

    @cached_property
    def splits(self) -> dict[Key, dict[str, NDArray[np.int64]]]:
        return {
            (name, seed): data.several_classes(
                self.images, classes, training.numpy_generator(seed, "split")
            )
            for seed in self.settings.seeds
            for name, classes in self.trained_on.items()
        }

    def part(self, key: Key, word: str) -> Tensor:
        """The images of one part of a split, on the device."""
        return self.pixels[self.splits[key][word]].to(self.device)


def prepare(settings: Settings, device: str) -> Study:
    """The images and classes of a run; nothing is trained.

    Raises UnknownName, DataMissing or DataCorrupt for the images, BadInput for images of several
    channels and for a class that they lack.
    """
    images = data.load(settings.dataset, data_root=settings.data_root or None, trust=settings.trust)
    if images.images.shape[1] != 1:
        raise BadInput(f"This network takes grey images, but those of {images.title} have colours.")
    every, normal = list(range(len(images.class_names))), sorted(settings.normal_classes)
    swapped = [c for c in every if c not in normal]
    # with every class normal the run is itself a control
    controls = [swapped, every] if settings.controls and swapped else []
    trained_on = {arm(classes): classes for classes in [normal, *controls]}
    pixels = data.to_float(data.resize(images.images, SIDE))
    return Study(settings, images, pixels, trained_on, device)


def train(study: Study, key: Key, report: Callable[[str], None]) -> training.TrainedAutoencoder:
    """One trained network; goes on from its checkpoint where the work folder has one."""
    asked, (name, seed) = study.settings, key

    def tell(entry: dict[str, float]) -> None:
        if entry["epoch"] % max(1, asked.epochs // 5) == 0 or entry["epoch"] == asked.epochs:
            epoch = f"seed {seed} epoch {entry['epoch']:.0f}/{asked.epochs}"
            report(f"trained on {name} {epoch} validation {entry['validation_L']:.5f}")

    fit = partial(
        training.fit_autoencoder,
        learning_rate=asked.learning_rate,
        batch_size=asked.batch_size,
        noise=asked.noise,
    )
    same = {"data": study.images.sha256, "normal": study.trained_on[name], "seed": seed}
    same |= fit.keywords
    length = {"epochs": asked.epochs, "shown": sorted(asked.shown)}
    return fit(
        network(seed, study.device),
        study.part(key, "train"),
        study.part(key, "validation"),
        generator=training.generator(seed, "batches"),
        epochs=asked.epochs,
        keep=asked.shown,
        progress=tell,
        checkpoint=workspace.checkpoint_path(name, seed, identity={**same, **length}),
        fingerprint=training.fingerprint(same, training.fit_autoencoder, models.LSAAutoencoder),
    )
