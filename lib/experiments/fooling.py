"""spigler2019denoising: the document's attack, attacks on the confidence, and better ones."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, field_validator
from torch import Tensor

from lib import scores, training
from lib.experiments.digit_networks import (
    CLASSES,
    Add,
    D,
    Digits,
    Measured,
    Network,
    NetworkSettings,
    at,
    check_names,
    digit_network,
    labelled,
    prepared,
    trained_networks,
)
from lib.numbers import frame
from lib.run import workspace
from lib.training import Criterion, Fooling

ALPHAS = (0, 0.5, 1, 2, 3, 5, 7, 10, 14, 20, 30, 50, 70, 100, 200, 500)
RATE = {"score": "fooling rate", "metric": "fraction"}


class Settings(NetworkSettings):
    """Parameters of the chapter fooling. An attack of 0 steps is left out."""

    controls: list[str]
    attempts: int
    max_steps: int = Field(ge=0)
    rate: float = Field(gt=0)
    fast_rate: float = Field(gt=0)
    fast_steps: int = Field(ge=0)
    clamped_steps: int = Field(ge=0)
    scaled_steps: int = Field(ge=0)
    attacks: int
    attack_steps: int = Field(ge=0)
    restarts: int = Field(ge=1)

    @field_validator("attempts", "attacks")
    @classmethod
    def _every_class_alike(cls, value: int) -> int:
        if value < CLASSES or value % CLASSES:
            raise ValueError(f"must be a multiple of the {CLASSES} classes")
        return value

    @field_validator("controls")
    @classmethod
    def _known_controls(cls, value: list[str]) -> list[str]:
        return check_names(value)

    @property
    def criteria(self) -> list[Criterion]:
        """The document's criteria: each threshold with its own alpha."""
        return [Criterion(*pair) for pair in self.pairs]


class Attacked(NamedTuple):
    """One attack on one network: what it came to, and the wished classes `[n]`."""

    network: Network
    found: Fooling
    targets: NDArray[np.int64]


@dataclass
class MeasuredFooling(Measured):
    """Beside the rows: the attacks behind them by kind and network's name (first seed)."""

    attacks: dict[tuple[str, str], Attacked] = field(default_factory=dict)

    def checked(self) -> dict[str, float]:
        """The trained numbers that a golden notebook checks, by name."""
        values = {}
        for (kind, name), attacked in self.attacks.items():
            if kind == "document":
                values[f"output at the end, {name}"] = float(attacked.found.outputs.mean())
                if attacked.network.has_decoder:
                    values[f"error at the end, {name}"] = float(D * attacked.found.errors.mean())
        return values


def measure(settings: Settings, device: str = "cpu") -> MeasuredFooling:
    """All numbers of the chapter: rows of the tables fooling, alpha-curve, fooling-fast,
    fooling-clamped, fooling-scaled, fooling-stronger and fooling-images.
    """
    digits, add, rows = prepared("fooling", settings, device)
    networks, example = trained_networks(settings, digits)
    done = MeasuredFooling(frame([]), digits, networks, example)
    for kind in _printed(settings):
        for network in networks.values():
            _document(add, settings, network, kind, done)
    for network in networks.values():
        if settings.attack_steps:
            _stronger(add, settings, network, done)
    last = settings.pairs[-1:]
    for name in settings.controls:  # attacked on the confidence, as the document does
        if control := digit_network(settings, name, settings.seeds[0], digits):
            cells = control.cells | {"table": "fooling-scaled", "score": "accuracy"}
            (value,) = control.accuracies(digits, last)
            add(value, **cells, class_=at(last[0][0]), metric="fraction", n=len(digits.test_y))
            _document(add, settings, control, "scaled", done)
    _distances(add, settings, done)
    done.rows = frame(rows)
    return done


def rate_and_steps(steps: NDArray[np.int64] | Tensor, limit: int) -> tuple[float, float | None]:
    """Share of attempts `[n]` that succeeded within the limit, and their mean steps if any did.

    `steps` are -1 where an attempt never succeeded. Source: spigler2019denoising, tables 1 and 2.
    """
    taken = np.asarray(steps)
    ended = (taken >= 0) & (taken <= limit)
    return float(ended.mean()), float(taken[ended].mean()) if ended.any() else None


def _printed(settings: Settings) -> dict[str, tuple[str, float, int, dict[str, Any]]]:
    """The generator's attacks that the document prints: table, rate, steps and options of each.

    "clamped" is ours: the same in common float32 code, where the loss is flat below 1e-7.
    """
    s, last = settings, settings.criteria[-1:]
    return {
        "document": ("fooling", s.rate, s.max_steps, {}),
        "fast": ("fooling-fast", s.fast_rate, s.fast_steps, {}),
        "clamped": ("fooling-clamped", s.rate, s.clamped_steps, {"objective": "clamped"}),
        "scaled": (
            "fooling-scaled",
            s.rate,
            s.scaled_steps,
            {"criteria": last, "descend_on": "scaled"},
        ),
    }


def _document(
    add: Add, settings: Settings, network: Network, kind: str, done: MeasuredFooling
) -> None:
    """One of the document's attacks: rate, mean steps of the successes and limit, by threshold."""
    table, rate, limit, options = _printed(settings)[kind]
    if not limit:
        return
    first = kind == "document"
    if first and network.has_decoder:  # to the end, for the curve over alpha
        options = {"to_the_end": True}
    attacked = _generator(settings, network, kind, settings.attempts, rate, limit, **options)
    if kind in ("document", "scaled"):
        done.attacks.setdefault((kind, network.name), attacked)
    cells = network.cells | {"n": settings.attempts}
    names = ("average steps", "optimizer steps") if first else ("fooling steps", "mean steps")
    criteria = options.get("criteria", settings.criteria)
    for i, criterion in enumerate(criteria):
        steps, here = attacked.found.steps[:, i], cells | {"class_": at(criterion.threshold)}
        share, mean = rate_and_steps(steps, limit)
        add(share, **here, table=table, **RATE)
        add(limit, **here, table=table, score="step limit", metric="optimizer steps")
        if mean is not None:
            add(mean, **here, table=table, score=names[0], metric=names[1])
        if first and network.has_decoder:
            _over_alpha(add, criterion.threshold, attacked.found.reach[:, i], network, done.digits)


def _over_alpha(
    add: Add, threshold: float, reach: Tensor, network: Network, digits: Digits
) -> None:
    """Accuracy and rate over alpha, from one attack, which did not see alpha."""
    log_y, error = network.seen(digits.test_x)
    best, right = log_y.max(1), log_y.argmax(1) == digits.test_y
    for alpha in ALPHAS:
        cells = network.cells | {"table": "alpha-curve", "alpha": alpha, "class_": at(threshold)}
        accuracy = (right & (best - alpha * error >= np.log(threshold))).mean()
        add(accuracy, **cells, score="accuracy", metric="fraction", n=len(log_y))
        add((reach >= alpha).double().mean(), **cells, **RATE, n=len(reach))


def _stronger(add: Add, settings: Settings, network: Network, done: MeasuredFooling) -> None:
    """Ours, on the scaled output: longer steps, starts from images of other classes, restarts."""
    n, digits, seed = settings.attacks, done.digits, network.seed
    targets = training.class_targets(CLASSES, n)

    def other(purpose: str) -> Tensor:
        rng = training.numpy_generator(seed, "attack", purpose)
        return training.images_of_others(digits.test_x, digits.test_y, targets, rng)

    starts = [other(f"start {i}") for i in range(settings.restarts)]
    blend = (other("first") + other("second")) / 2
    for i, criterion in enumerate(settings.criteria):
        options: dict[str, Any] = {"criteria": [criterion], "descend_on": "scaled"}
        options["steps"] = settings.attack_steps
        tried = [_from_image(network, f"image {k} {i}", x, **options) for k, x in enumerate(starts)]
        made = {
            "generator longer steps": _generator(
                settings, network, f"long {i}", n, settings.fast_rate, **options
            ),
            "image of another class": tried[0],
            "blend of two images": _from_image(network, f"blend {i}", blend, **options),
        }
        best = torch.stack([attacked.found.steps[:, 0] for attacked in tried]).amax(0)
        steps = {kind: attacked.found.steps[:, 0] for kind, attacked in made.items()}
        for kind, taken in (steps | {"image with restarts": best}).items():
            cells = network.cells | {"table": "fooling-stronger", "class_": at(criterion.threshold)}
            share, _ = rate_and_steps(taken, settings.attack_steps)
            add(share, **cells, **RATE, attack=kind, n=n)
        for kind, attacked in made.items():
            done.attacks.setdefault((f"{kind}, {at(criterion.threshold)}", network.name), attacked)


def _generator(
    settings: Settings, network: Network, kind: str, n: int, rate: float, steps: int, **options: Any
) -> Attacked:
    """The document's generator, with the same targets and starts for every network of a seed."""
    draw = training.generator(network.seed, "fooling")
    start, given = training.generator_start(n, generator=draw)
    rates = training.generator_rate(given, learning_rate=rate)
    options = {"criteria": settings.criteria} | options
    return _run(network, kind, start, rates, steps, options)


def _from_image(network: Network, kind: str, x: Tensor, steps: int, **options: Any) -> Attacked:
    """An attack on the pixels, by steps of 0.1 on logits between -4 and 4, from images `x`."""
    return _run(network, kind, training.image_start(x), torch.full((len(x),), 0.1), steps, options)


def _run(
    network: Network,
    kind: str,
    start: Tensor,
    rates: Tensor,
    steps: int,
    options: Mapping[str, Sequence[Criterion] | str],
) -> Attacked:
    targets = training.class_targets(CLASSES, len(start))
    digest = hashlib.sha256(repr((kind, sorted(options.items()), len(start))).encode())
    for value in (*network.model.state_dict().values(), start, rates):
        digest.update(value.cpu().contiguous().numpy().tobytes())
    device = next(network.model.parameters()).device
    found = training.fool(
        network.evidence,
        start.to(device),
        torch.from_numpy(targets).to(device),
        max_steps=steps,
        learning_rate=rates.to(device),
        checkpoint=workspace.checkpoint_path(
            *("attack", kind, network.name, network.seed), identity={"attack": digest.hexdigest()}
        ),
        fingerprint=digest.hexdigest(),
        **options,  # type: ignore[arg-type]
    )
    return Attacked(network, found, targets)


def _distances(add: Add, settings: Settings, done: MeasuredFooling) -> None:
    """How near successes come to images that were learned; beside them what is no fooling image."""
    seed, x = settings.seeds[0], done.digits.test_x
    train, _ = labelled(done.digits, "train", seed=seed, most=settings.class_images)
    noise = torch.rand(20, 1, 28, 28, generator=training.generator(seed, "noise to measure"))
    shown = {("", "test images"): x[:: max(1, len(x) // 200)], ("", "noise"): noise}
    for key, attacked in done.attacks.items():
        ended = attacked.found.steps[:, -1] >= 0
        if ended.any():
            shown[key] = attacked.found.images[ended]
    distance = partial(scores.distance_to_nearest, train=train.cpu())
    for (kind, name), images in shown.items():
        word, _, level = kind.partition(", ")
        cells = {"table": "fooling-images", "method": name, "seed": seed, "n": len(images)}
        if kind:
            cells |= {"attack": word, "class_": level or at(settings.thresholds[-1])}
        metric = "median distance to the nearest training image"
        add(distance(images.cpu()).median(), **cells, metric=metric)
