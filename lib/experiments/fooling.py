"""spigler2019denoising: the document's attack, attacks on the confidence, and better ones."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from pydantic import Field, field_validator
from torch import Tensor

from lib import metrics, scores, training
from lib.experiments.confidence import add_alpha_rows
from lib.experiments.dae import at
from lib.experiments.digit_networks import (
    CLASSES,
    D,
    Digits,
    Network,
    NetworkSettings,
    check_names,
    digit_network,
    labelled,
    load_digits,
    scaled,
)
from lib.numbers import collector, frame
from lib.run import workspace
from lib.training import Criterion, Fooling

Add = Callable[..., None]
CURVE = (10, 30, 100, 300, 1000, 3000, 10_000)  # steps at which rates become rows
RATE, STEPS = ("fooling rate", "fraction"), ("fooling steps", "mean steps")


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
    device: Literal["auto", "cpu", "cuda"]

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


class Attacked(NamedTuple):
    """One attack on one network: what it came to, and the wished classes `[n]`."""

    network: Network
    found: Fooling
    targets: NDArray[np.int64]


@dataclass
class Measured:
    """Rows, and the attacks behind them by kind and network's name (first seed)."""

    rows: pd.DataFrame
    digits: Digits
    networks: dict[tuple[str, int], Network]
    attacks: dict[tuple[str, str], Attacked] = field(default_factory=dict)
    trained_seconds: float = 0.0

    def checked(self) -> dict[str, float]:
        """The trained numbers that a golden notebook checks, by name."""
        found = {}
        for (kind, name), attacked in self.attacks.items():
            if kind == "document":
                found[f"output at the end, {name}"] = float(attacked.found.outputs.mean())
                if attacked.network.has_decoder:
                    found[f"error at the end, {name}"] = float(D * attacked.found.errors.mean())
        return found


def measure(settings: Settings, device: torch.device | None = None) -> Measured:
    """All numbers of the chapter: rows of the tables fooling, fooling-steps, alpha, alpha-curve,
    fooling-fast, fooling-clamped, fooling-scaled, fooling-sigmoid, fooling-stronger and
    fooling-images. The document's attack on all networks comes first.
    """
    digits = load_digits(settings, device or torch.device("cpu"))
    run = workspace.run_name("fooling", settings.model_dump())
    add, rows = collector(run=run, dataset=digits.images.title)
    found = {
        (name, seed): digit_network(settings, name, seed, digits)
        for seed in settings.seeds
        for name in settings.networks
    }
    networks = {key: network for key, network in found.items() if network is not None}
    done = Measured(frame([]), digits, networks)
    steps = [_document, _fast, _clamped, _scaled, _stronger]
    for step in steps:
        for network in networks.values():
            step(add, settings, network, done)
    for name in settings.controls:
        control = digit_network(settings, name, settings.seeds[0], digits)
        if control is not None:
            _control(add, settings, control, done)
    _distances(add, settings, done)
    done.rows = frame(rows)
    done.trained_seconds = sum(e["seconds"] for n in networks.values() for e in n.history)
    return done


def criteria_of(settings: NetworkSettings) -> list[Criterion]:
    """The document's criteria: each threshold with its own alpha."""
    return [Criterion(t, a) for t, a in zip(settings.thresholds, settings.alphas, strict=True)]


def rate_and_steps(steps: NDArray[np.int64] | Tensor, limit: int) -> tuple[float, float | None]:
    """Share of attempts `[n]` that succeeded within the limit, and their mean steps if any did.

    `steps` are -1 where an attempt never succeeded. Source: spigler2019denoising, tables 1 and 2.
    """
    taken = np.asarray(steps)
    ended = (taken >= 0) & (taken <= limit)
    return float(ended.mean()), float(taken[ended].mean()) if ended.any() else None


def _run(
    network: Network,
    kind: str,
    start: Tensor,
    rates: Tensor,
    criteria: Sequence[Criterion],
    steps: int,
    **options: Any,
) -> Attacked:
    targets = training.class_targets(CLASSES, len(start))
    digest = hashlib.sha256(repr((kind, criteria, options, len(start))).encode())
    for value in (*network.model.state_dict().values(), start, rates):
        digest.update(value.cpu().contiguous().numpy().tobytes())
    device = next(network.model.parameters()).device
    found = training.fool(
        network.evidence,
        start.to(device),
        torch.from_numpy(targets).to(device),
        criteria=criteria,
        max_steps=steps,
        learning_rate=rates.to(device),
        checkpoint=workspace.checkpoint_path(
            *("attack", kind, network.name, network.seed), identity={"attack": digest.hexdigest()}
        ),
        fingerprint=digest.hexdigest(),
        **options,
    )
    return Attacked(network, found, targets)


def _from_image(network: Network, kind: str, x: Tensor, **options: Any) -> Attacked:
    """An attack that starts from images `x` `[n, 1, 28, 28]`."""
    image, rates = training.image_start(x), training.image_rates(len(x))
    return _run(network, kind, image, rates, **options)


def _generator(
    settings: Settings, network: Network, kind: str, n: int, rate: float, steps: int, **options: Any
) -> Attacked:
    """The document's generator, with the same targets and starts for every network of a seed."""
    start, given = training.generator_start(
        n, generator=training.generator(network.seed, "fooling")
    )
    rates = training.generator_rate(given, learning_rate=rate)
    options = {"criteria": criteria_of(settings)} | options
    return _run(network, kind, start, rates, steps=steps, **options)


def _rates(
    add: Add, table: str, attacked: Attacked, limit: int, *, levels: Sequence[float], **where: Any
) -> None:
    """Rate, mean steps of the successes (no row without any) and the limit, by threshold."""
    network, taken = attacked.network, attacked.found.steps.numpy()
    where = {"method": network.name, "seed": network.seed, "n": len(taken)} | where
    names = ("average steps", "optimizer steps") if table == "fooling" else STEPS
    for level, column in zip(levels, taken.T, strict=True):
        cells = {"table": table, "class_": at(level)} | where
        share, mean = rate_and_steps(column, limit)
        add(share, **cells, score=RATE[0], metric=RATE[1])
        add(limit, **cells, score="step limit", metric="optimizer steps")
        if mean is not None:
            add(mean, **cells, score=names[0], metric=names[1])


def _document(add: Add, settings: Settings, network: Network, done: Measured) -> None:
    """The document's attack; a network with a confidence is attacked to the end, for the curve."""
    if not settings.max_steps:
        return
    options = {"to_the_end": network.has_decoder}
    parts = (settings.attempts, settings.rate, settings.max_steps)
    found = _generator(settings, network, "document", *parts, **options)
    done.attacks.setdefault(("document", network.name), found)
    _rates(add, "fooling", found, settings.max_steps, levels=settings.thresholds)
    where = {"method": network.name, "seed": network.seed, "n": settings.attempts}
    for level, column in zip(settings.thresholds, found.found.steps.T, strict=True):
        for limit in (step for step in CURVE if step <= settings.max_steps):
            cells = {"table": "fooling-steps", "class_": at(level), "score": RATE[0]} | where
            add(rate_and_steps(column, limit)[0], **cells, metric=RATE[1], limit=limit)
    last = found.found.gradients[:, 1] / found.found.gradients[:, 0].clamp(min=1e-30)
    where |= {"table": "fooling-gradient", "score": "norm at the last step over the first"}
    add(last.median(), **where, metric="median ratio")
    if network.has_decoder:
        add_alpha_rows(add, settings, network, found.found, done.digits)


def _fast(add: Add, settings: Settings, network: Network, done: Measured) -> None:
    """The document's second setting: the generator's rate a hundred times as high."""
    if settings.fast_steps:
        parts = (settings.attempts, settings.fast_rate, settings.fast_steps)
        found = _generator(settings, network, "fast", *parts)
        _rates(add, "fooling-fast", found, settings.fast_steps, levels=settings.thresholds)


def _clamped(add: Add, settings: Settings, network: Network, done: Measured) -> None:
    """The document's attack in common float32 code, where the loss is flat below 1e-7."""
    if settings.clamped_steps:
        parts = (settings.attempts, settings.rate, settings.clamped_steps)
        found = _generator(settings, network, "clamped", *parts, objective="clamped")
        _rates(add, "fooling-clamped", found, settings.clamped_steps, levels=settings.thresholds)
        flat = (found.found.gradients[:, 0] == 0).double().mean()
        where = {"method": network.name, "seed": network.seed, "n": settings.attempts}
        add(flat, table="fooling-clamped", score="flat start", metric="fraction", **where)


def _scaled(add: Add, settings: Settings, network: Network, done: Measured) -> None:
    """The document's attack on the confidence: it descends on the scaled output."""
    if settings.scaled_steps:
        last = criteria_of(settings)[-1:]
        parts = (settings.attempts, settings.rate, settings.scaled_steps)
        options: dict[str, Any] = {"criteria": last, "descend_on": "scaled"}
        found = _generator(settings, network, "scaled", *parts, **options)
        done.attacks.setdefault(("scaled", network.name), found)
        _rates(add, "fooling-scaled", found, settings.scaled_steps, levels=settings.thresholds[-1:])


def _stronger(add: Add, settings: Settings, network: Network, done: Measured) -> None:
    """Ours, on the scaled output: longer steps, starts from images of other classes, restarts."""
    if not settings.attack_steps:
        return
    n, digits, seed = settings.attacks, done.digits, network.seed
    targets = training.class_targets(CLASSES, n)

    def other(purpose: str) -> Tensor:
        rng = training.numpy_generator(seed, "attack", purpose)
        return training.images_of_others(digits.test_x, digits.test_y, targets, rng)

    starts = [other(f"start {i}") for i in range(settings.restarts)]
    blend = (other("first") + other("second")) / 2
    for i, criterion in enumerate(criteria_of(settings)):
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
        shares = {kind: rate_and_steps(a.found.steps[:, 0], 10**9)[0] for kind, a in made.items()}
        any_of = torch.stack([a.found.steps[:, 0] for a in tried]).amax(0)
        shares["image with restarts"] = rate_and_steps(any_of, 10**9)[0]
        for kind, share in shares.items():
            where = {"method": network.name, "seed": seed, "n": n, "attack": kind}
            cells = {"table": "fooling-stronger", "class_": at(criterion.threshold)} | where
            add(share, **cells, score=RATE[0], metric=RATE[1])
        for kind, attacked in made.items():
            done.attacks.setdefault((f"{kind}, {at(criterion.threshold)}", network.name), attacked)


def _control(add: Add, settings: Settings, network: Network, done: Measured) -> None:
    """The document's further networks: sigmoid units, or a larger L2 attacked on its confidence."""
    log_y, error = network.seen(done.digits.test_x)
    level, alpha = settings.thresholds[-1], settings.alphas[-1]
    value = metrics.thresholded_accuracy(scaled(log_y, error, alpha), done.digits.test_y, level)
    table, name = "fooling-scaled", network.name
    if name.endswith(", sigmoid"):
        table, name = "fooling-sigmoid", name.removesuffix(", sigmoid")
    cells = {"method": name, "class_": at(level), "score": "accuracy", "metric": "fraction"}
    add(value, table=table, **cells, seed=network.seed, n=len(log_y))
    if table == "fooling-scaled":
        _scaled(add, settings, network, done)
    elif settings.max_steps:
        parts = (settings.attempts, settings.rate, settings.max_steps)
        last = criteria_of(settings)[-1:]
        found = _generator(settings, network, "sigmoid", *parts, criteria=last)
        _rates(add, table, found, settings.max_steps, levels=[level], method=name)


def _distances(add: Add, settings: Settings, done: Measured) -> None:
    """How near successes come to images that were learned; beside them what is no fooling image."""
    seed, x = settings.seeds[0], done.digits.test_x
    every = list(range(CLASSES))
    train, _ = labelled(done.digits, "train", seed=seed, classes=every, most=settings.class_images)
    noise = torch.rand(20, 1, 28, 28, generator=training.generator(seed, "noise to measure"))
    shown = {("test images", ""): x[:: max(1, len(x) // 200)], ("noise", ""): noise}
    for (kind, name), attacked in done.attacks.items():
        ended = attacked.found.steps[:, -1] >= 0
        if ended.any():
            shown[name, kind] = attacked.found.images[ended]
    distance = partial(scores.distance_to_nearest, train=train.cpu())
    for (name, kind), images in shown.items():
        cells = {"table": "fooling-images", "method": name, "seed": seed, "n": len(images)}
        word, _, level = kind.partition(", ")
        level = level or at(settings.thresholds[-1]) if word else ""
        extra = {"attack": word} if word else {}
        add(
            distance(images.cpu()).median(),
            **cells,
            class_=level,
            metric="median distance to the nearest training image",
            **extra,
        )
