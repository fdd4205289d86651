"""Abnormal conditions: the gradient and the reconstruction error under bad light and weather.

Source: kwon2020gradcon, abnormal condition detection; methods.md 1.6.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, NonNegativeInt
from torch import Tensor

from lib import data, metrics, numbers, scores, training
from lib.data.cure_tsr import CureTsr
from lib.errors import BadInput
from lib.experiments.settings import Count, Names, Once, Places
from lib.experiments.settings import Settings as Base
from lib.models import CAE, build
from lib.run import parameters, workspace

LEVELS = [1, 2, 3, 4, 5]
GRADCON = "recon+beta*grad"
CONTROL = "grad, alpha 0"  # the gradient of the network that was trained without constraint
Line = tuple[str, str]  # method and score
Level = Annotated[int, Field(ge=1, le=5)]


class Settings(Base):
    """The parameters of the chapter conditions, whose first cell explains each."""

    profile: str
    dataset: str
    data_root: str
    conditions: Names
    levels: Annotated[list[Level], Field(min_length=1), Once]
    seeds: Places
    epochs: Count
    alpha: float = Field(gt=0)  # without it there is no second network
    beta: float
    learning_rate: float = Field(gt=0)
    batch_size: Count
    train_limit: NonNegativeInt
    test_limit: NonNegativeInt
    trust: bool
    device: str


class Network(NamedTuple):
    """An autoencoder and the reference gradient that its gradient score is taken against."""

    model: CAE
    reference: list[Tensor]


@dataclass(frozen=True)
class Split:
    """One seed's images `[n, c, 28, 28]` in [0, 1], what changes the test images, and networks."""

    train: Tensor
    validation: Tensor
    test: Tensor
    changed: Callable[[str, int], Tensor]  # test images under a condition at a level
    networks: dict[str, Network]  # CAE, CAE+Grad, untrained CAE


@dataclass(frozen=True)
class Measured:
    """Rows of a run, the images they were made on, and what the page's figures need."""

    rows: pd.DataFrame
    images: data.ImageSet
    conditions: list[str]
    splits: dict[int, Split]  # by seed
    seconds = 0.0  # no time of earlier trainings is on record

    @property
    def stand_in(self) -> dict[str, str]:
        """The set read in place of the traffic signs, which are their own."""
        title = self.images.title
        return {} if title in ("GTSRB-32", "CURE-TSR") else {"GTSRB-32": title}


def measure(
    settings: Settings, *, device: str = "cpu", progress: Callable[[str], None] = print
) -> Measured:
    """Train CAE and CAE+Grad on clean images; tell clean test images from changed ones.

    One AUROC per seed, condition, level and score, and their means over levels; the column class
    holds "condition=rain", and "average" where no condition or level is left out. With a work
    folder a killed run goes on from its checkpoints. Raises UnknownName, DataMissing or DataCorrupt
    for the images, and BadInput for a condition that they do not admit.
    """
    images, real = _images(settings)
    pixels = data.to_float(data.resize(images.images, 28)).to(device)
    known = data.conditions_for(pixels.shape[1])
    if unknown := [name for name in settings.conditions if name not in known]:
        raise BadInput(f"conditions must be among {', '.join(known)}; {unknown[0]!r} is not.")
    used = list(settings.conditions or known)
    whole = set(used) == set(known) and sorted(settings.levels) == LEVELS
    run = workspace.run_name("conditions", settings.model_dump())
    add, rows = numbers.collector(run=run, dataset=images.title)
    keys = {"alpha": "alpha", "beta": "beta", "learning_rate": "lr"}
    setting = parameters.changed("conditions", settings.model_dump(), keys)
    splits = {s: _split(settings, images, pixels, real, s, progress) for s in settings.seeds}
    for seed, split in splits.items():
        clean = line_scores(split, split.test, beta=settings.beta)
        abnormal = {
            (name, level): line_scores(split, split.changed(name, level), beta=settings.beta)
            for name in used
            for level in settings.levels
        }
        for line, normal in clean.items():
            cells = _cells(line, setting) | {"seed": seed}
            aurocs = np.empty((len(used), len(settings.levels)))
            for i, name in enumerate(used):
                at = {"class_": f"condition={name}"}
                for j, level in enumerate(settings.levels):
                    both = np.concatenate([normal, abnormal[name, level][line]])
                    n = len(both)
                    aurocs[i, j] = metrics.auroc(np.arange(n) >= len(normal), both)
                    add(aurocs[i, j], **cells, **at, level=level, n=n)
                add(aurocs[i].mean(), **cells, **at, n=n * aurocs.shape[1])
            if whole:
                add(aurocs.mean(), **cells, class_="average", n=n * aurocs.size)
    return Measured(numbers.frame(rows), images, used, splits)


def line_scores(split: Split, x: Tensor, *, beta: float) -> dict[Line, NDArray[np.float64]]:
    """Scores `[n]` of images `[n, c, 28, 28]` by method and score, higher is more anomalous."""
    plain, constrained, untrained = (
        scores.gradcon_scores(net.model, x, net.reference, beta=beta)
        for net in split.networks.values()
    )
    found = {
        ("CAE", "recon"): plain["recon"],
        ("CAE+Grad", CONTROL): plain["grad"],
        ("CAE+Grad", "recon"): constrained["recon"],
        ("CAE+Grad", "grad"): constrained["grad"],
        ("GradCon", GRADCON): constrained[GRADCON],
        ("untrained CAE", "recon"): untrained["recon"],
        ("untrained CAE", "grad"): untrained["grad"],
        ("mean brightness", ""): scores.mean_brightness(x),
        ("distance to mean", ""): scores.distance_to_mean(x, split.train),
    }
    return {line: values.double().cpu().numpy() for line, values in found.items()}


def checked(rows: pd.DataFrame) -> dict[str, float]:
    """Mean AUROC over conditions by line, for golden notebooks."""
    own = rows[rows["variant"].isin(["", "alpha=0"]) & (rows["class"] != "average")]
    lines = zip(own["method"], own["score"], own["variant"], strict=True)
    words = [("CAE" if c else m.removesuffix(" CAE"), s) for m, s, c in lines]
    names = [word if score in ("", GRADCON) else f"{word} {score}" for word, score in words]
    return dict(own["value"].groupby(np.array(names)).mean())


def _cells(line: Line, setting: dict[str, Any]) -> dict[str, Any]:
    """The cells of a line's rows; `setting` is what the run changes of its profile."""
    method, score = line
    no_part = {"CAE+Grad": {"beta"}, "GradCon": set()}.get(method, {"alpha", "beta"})
    own = {key: value for key, value in setting.items() if key not in no_part}
    if score == CONTROL:
        score, own = "grad", own | {"alpha": 0}
    return own | {
        "table": "abnormal-condition",
        "method": method,
        "score": score,
        "metric": "AUROC",
    }


def _images(settings: Settings) -> tuple[data.ImageSet, CureTsr | None]:
    """The clean images, and those under real conditions where the reader has them."""
    given = settings.data_root or None
    if settings.dataset != "cure-tsr":
        return data.load(settings.dataset, data_root=given, trust=settings.trust), None
    wanted = settings.conditions or data.conditions_for(3)
    folder = data.resolve_root(given)
    real = data.read_cure_tsr(folder, conditions=wanted, levels=settings.levels)
    return real.clean(), real


def _split(
    settings: Settings,
    images: data.ImageSet,
    pixels: Tensor,
    real: CureTsr | None,
    seed: int,
    progress: Callable[[str], None],
) -> Split:
    rng = training.numpy_generator(seed, "split")
    parts = data.several_classes(images, np.unique(images.labels).tolist(), rng)
    limit, test_limit = settings.train_limit, settings.test_limit
    most = {"train": limit, "validation": limit // 9, "test_normal": test_limit}
    train, validation, test = (
        pixels[np.sort(rng.permutation(parts[name])[: most[name] or None])] for name in most
    )

    def changed(condition: str, level: int) -> Tensor:
        if real is not None:
            kind = (real.conditions == condition) & (real.levels == level) & real.signs.is_test
            return data.to_float(real.signs.images[kind][: test_limit or None]).to(pixels)
        # one random pattern for all levels of a condition
        drawn = training.numpy_generator(seed, "condition", condition)
        return data.apply_condition(test, condition, level=level, rng=drawn)

    def start() -> CAE:  # the same for both networks
        return build(lambda: CAE(pixels.shape[1]), training.generator(seed, "weights")).to(pixels)

    shared = {"epochs", "learning_rate", "batch_size", "train_limit"}
    identity = {**settings.model_dump(include=shared), "data": images.sha256}
    networks = {}
    for method, alpha in (("CAE", 0.0), ("CAE+Grad", settings.alpha)):
        identity["alpha"] = alpha
        fitted = training.fit(
            start(),
            train,
            validation,
            generator=training.generator(seed, "batches"),
            epochs=settings.epochs,
            alpha=alpha,
            batch_size=settings.batch_size,
            learning_rate=settings.learning_rate,
            checkpoint=workspace.checkpoint_path(method, seed, identity=identity),
            fingerprint=training.fingerprint(identity, training.fit),
        )
        error = fitted.history[fitted.epoch - 1]["validation_L"]
        progress(f"{method}, seed {seed}: epoch {fitted.epoch}, validation error {error:.4f}")
        networks[method] = Network(fitted.model, fitted.reference.mean)
    untrained = start()
    reference = training.mean_gradient(untrained, train).mean
    networks["untrained CAE"] = Network(untrained, reference)
    return Split(train, validation, test, changed, networks)
