"""The oracle's settings, images and networks: what is trained, and the z and logits it gives."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator

from lib import data, models, numbers, training
from lib.errors import BadInput
from lib.experiments import settings as base
from lib.experiments.settings import Count, Counts, Names, Once, Places
from lib.numbers import latent_store
from lib.run import parameters, workspace
from lib.training.precision import Precision
from lib.training.rates import Schedule

Pair = tuple[int, int]  # split of the classes and seed
Key = tuple[str, int, int]  # network, split and seed
SHOWN_EPOCHS = (1, 2, 3, 4, 6, 8, 10, 12, 15, 20, 30, 50, 100, 200)  # read over a training


class Settings(base.Settings):
    """The oracle chapter's parameters; what they mean stands in its parameters cell."""

    profile: str
    dataset: str
    data_root: str
    networks: Names
    extra: Names
    splits: Places
    seeds: Places
    latents: bool
    store: Names
    width: Count
    epochs: Count
    learning_rate: Annotated[float, Field(gt=0)]
    schedule: Schedule
    batch_size: Annotated[int, Field(ge=2)]
    precision: Precision
    trees: Count
    curve_trees: Count
    labelled: Counts
    far: Names
    temperatures: Annotated[list[Annotated[float, Field(gt=0)]], Once]
    epsilons: Annotated[list[Annotated[float, Field(ge=0)]], Once]
    sample: Count
    trust: bool
    device: str

    @model_validator(mode="after")
    def _names_and_grids(self) -> Self:
        trained = [*self.networks, *self.extra]
        for name in trained:
            try:
                training.recipe(name)
            except BadInput as problem:
                raise ValueError(f"networks and extra: {problem}") from None
        if "base" not in self.networks or len(set(trained)) < len(trained):
            raise ValueError(f"networks and extra name base, and each network once, not {trained}")
        if strange := sorted(set(self.store) - set(trained)):
            raise ValueError(f"store can name trained networks only, not {strange[0]!r}")
        if self.dataset in self.far:
            raise ValueError(f"far must name other images than dataset, not {self.dataset!r}")
        if 1 not in self.temperatures or 0 not in self.epsilons:
            grids = f"{self.temperatures} and {self.epsilons}"
            raise ValueError(
                f"temperatures must hold 1 and epsilons 0, to compare with, not {grids}"
            )
        return self

    @property
    def changed(self) -> dict[str, Any]:
        """What sets a run apart from its profile, by the variant's key; it is in every row.

        Other images than the profile's have epochs of their own.
        """
        keys = {"width": "width", "learning_rate": "lr", "schedule": "schedule", "epochs": "epochs"}
        if self.dataset != parameters.own_values("oracle", self.profile)["dataset"]:
            del keys["epochs"]
        return parameters.changed("oracle", self.model_dump(), keys)


class Network(NamedTuple):
    """A network's z and logits, and its training unless these were stored."""

    latents: numbers.Latents
    trained: training.TrainedClassifier | None = None


@dataclass(frozen=True, eq=False)
class Study:
    """Images, divided for every split and seed, and how networks and detectors see them.

    `pixels` are uint8 `[n, c, 32, 32]`; `parts` the index arrays of `data.open_set`; `far` images
    from elsewhere, as these networks take them.
    """

    settings: Settings
    device: str
    images: data.ImageSet
    pixels: torch.Tensor
    parts: Mapping[Pair, Mapping[str, NDArray[np.int64]]]
    far: Mapping[str, torch.Tensor]

    @property
    def first(self) -> Pair:
        return next(iter(self.parts))

    def nominal(self, split: int) -> tuple[int, ...]:
        """The nominal classes of a split, ascending."""
        return nominal_classes(split, len(self.images.class_names))

    def key(self, name: str, pair: Pair) -> Key:
        """What names a network: one of all classes serves every split of a seed."""
        every = training.recipe(name).classes == "all"
        return name, self.settings.splits[0] if every else pair[0], pair[1]

    def classes(self, name: str, pair: Pair) -> tuple[int, ...]:
        """The classes that a network is trained on."""
        every = training.recipe(name).classes == "all"
        return tuple(range(len(self.images.class_names))) if every else self.nominal(pair[0])

    def width(self, name: str) -> int:
        """A network's width: its recipe's own, or the run's."""
        return training.recipe(name).width or self.settings.width

    def asked_for(self) -> Iterator[tuple[str, Pair]]:
        """Each network of each experiment; those of `extra` in the first alone."""
        for pair in self.parts:
            extra = self.settings.extra if pair == self.first else []
            yield from ((name, pair) for name in [*self.settings.networks, *extra])

    def untrained(self, name: str, pair: Pair) -> models.ResNet34:
        """The network before training."""
        colours: dict[str, Any] = {"mean": models.CIFAR_MEAN, "deviation": models.CIFAR_DEVIATION}
        if self.pixels.shape[1] == 1:
            levels = self.pixels[self.parts[self.first]["train_all"]].double() / 255
            colours = {"mean": [round(float(levels.mean()), 4)]}
            colours["deviation"] = [round(float(levels.std()), 4)]
        fresh = training.untrained_network(
            training.recipe(name),
            seed=pair[1],
            classes=len(self.classes(name, pair)),
            width=self.settings.width,
            channels=self.pixels.shape[1],
            **colours,
        )
        return fresh.to(self.device)

    def read(self, network: models.ResNet34, pair: Pair) -> numbers.Latents:
        """z and logits of validation and test images, rounded as they are stored."""
        indices = np.concatenate([self.parts[pair]["validation_all"], self.parts[pair]["test"]])
        logits, z = (
            part.numpy().astype(np.float16).astype(np.float32)
            for part in training.predict(network, self.pixels[indices])
        )
        labels = self.images.labels[indices]
        return numbers.Latents(z=z, logits=logits, labels=labels, indices=indices)

    def sides(self, latents: numbers.Latents, pair: Pair) -> data.Sides:
        """The labelled validation images, and the test images that are asked about."""
        test = self.parts[pair]["test"]
        return data.sides(**vars(latents), test=test, nominal=self.nominal(pair[0]))


def nominal_classes(split: int, count: int) -> tuple[int, ...]:
    """The nominal classes of a split of `count` classes, ascending; as `data.nominal_split`."""
    return data.nominal_split(split, count, training.numpy_generator(split, "anomaly classes"))


def prepare(settings: Settings, device: str) -> Study:
    """Load and divide the images. Raises BadInput for settings that do not fit them."""
    load: dict[str, Any] = {"data_root": settings.data_root or None, "trust": settings.trust}
    images = data.load(settings.dataset, **load)
    count, channels = len(images.class_names), images.images.shape[1]
    parts = {}
    for seed in settings.seeds:
        for split in settings.splits:
            anomalies = data.remaining_classes(nominal_classes(split, count), count)
            rng = training.numpy_generator(seed, "division")
            part = parts[split, seed] = data.open_set(images, anomalies, rng)
            known = int(np.isin(images.labels[part["oracle_train"]], anomalies).sum())
            if max(settings.labelled) > known:
                raise BadInput(
                    f"labelled can reach the {known} labelled anomalies of split {split}; "
                    f"it was {settings.labelled}."
                )
    far = {}
    for name in [] if settings.latents else settings.far:
        shape = (settings.sample, channels, 32, 32)
        if name == "noise":
            drawing = training.generator(settings.seeds[0], "noise")
            far[name] = torch.randint(256, shape, generator=drawing, dtype=torch.uint8)
            continue
        other = data.load(name, **load).images
        some = other[data.evenly_spaced(np.ones(len(other), bool), settings.sample)]
        far[name] = torch.from_numpy(data.with_channels(data.pad(some, 32), channels).copy())
    pixels = torch.from_numpy(data.pad(images.images, 32).copy())  # digits get a black frame
    return Study(settings, device, images, pixels, parts, far)


def networks(study: Study, progress: Callable[[str], None]) -> dict[Key, Network]:
    """Train every network, or take the z that is stored of it; without any it is left out.

    Raises BadInput where no z of the base network is stored, or z of another budget.
    """
    settings = study.settings
    ready: dict[Key, Network] = {}
    for name, pair in study.asked_for():
        key = study.key(name, pair)
        if key in ready:
            continue
        if settings.latents:
            ready |= {key: Network(z)} if (z := _stored(study, key)) else {}
            continue
        done = _train(study, name, pair, progress)
        ready[key] = Network(study.read(done.model, pair), done)  # type: ignore[arg-type]
        if name in settings.store and (folder := workspace.work_folder()):
            entry: dict[str, Any] = dict(
                zip(latent_store.KEYS, (study.images.title, *key), strict=True)
            )
            entry |= {"data_sha256": study.images.sha256, "width": study.width(name)}
            accuracy = round(done.history[done.epoch - 1]["validation_accuracy"], 6)
            entry |= {"epochs": settings.epochs, "epoch": done.epoch}
            entry["validation_accuracy"] = accuracy
            latent_store.keep_latents(folder / "latents", ready[key].latents, entry)
    if missing := [pair for pair in study.parts if study.key("base", pair) not in ready]:
        raise BadInput(
            f"No z of the base network is stored for {study.images.title}, split {missing[0][0]}."
        )
    return ready


def _stored(study: Study, key: Key) -> numbers.Latents | None:
    """The z that is stored of a network, None without any; BadInput for another budget."""
    name, split, seed = key
    every = training.recipe(name).classes == "all"  # stored with any split
    stored = latent_store.find_latents(
        dataset=study.images.title,
        network=name,
        split=None if every else split,
        seed=seed,
        folder=latent_store.LATENTS,
    )
    if stored is None or stored[1]["data_sha256"] != study.images.sha256:
        return None
    latents, line = stored
    if (line["width"], line["epochs"]) != (study.width(name), study.settings.epochs):
        raise BadInput(
            f"The stored z of {name!r} are of width {line['width']} and {line['epochs']} "
            "epochs: set width and epochs to these."
        )
    return latents


def _train(
    study: Study, name: str, pair: Pair, progress: Callable[[str], None]
) -> training.TrainedClassifier:
    """One trained network; goes on from its checkpoint where there is one."""
    settings, (split, seed) = study.settings, pair
    recipe, classes = training.recipe(name), study.classes(name, pair)

    def labelled(part: str) -> tuple[torch.Tensor, torch.Tensor]:
        indices = study.parts[pair][part + ("_all" if recipe.classes == "all" else "")]
        targets = torch.from_numpy(data.class_positions(study.images.labels[indices], classes))
        return study.pixels[indices].to(study.device), targets.to(study.device)

    def report(entry: dict[str, float]) -> None:
        epoch, accuracy = int(entry["epoch"]), entry["validation_accuracy"]
        if epoch % max(1, settings.epochs // 3) == 0 or epoch == settings.epochs:
            progress(f"{name}, split {split}, epoch {epoch}, validation accuracy {accuracy:.3f}")

    budget = ("epochs", "learning_rate", "schedule", "batch_size", "precision")
    images = {"data": study.images.sha256, "nominal": list(study.nominal(split))}
    shown = [*(epoch for epoch in SHOWN_EPOCHS if epoch < settings.epochs), settings.epochs]
    return training.fit_recipe(
        recipe,
        study.untrained(name, pair),
        labelled("train"),
        labelled("validation"),
        seed=seed,
        identity=images,
        **settings.model_dump(include=set(budget)),
        flip=not study.images.name.startswith("mnist"),
        keep=shown if name == "base" else (),
        progress=report,
        checkpoint=workspace.checkpoint_path(
            *(name.replace(" ", "-"), split, seed),
            identity=images | settings.model_dump(include={*budget, "width"}),
        ),
    )
