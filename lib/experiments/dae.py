"""spigler2019denoising: accuracy at a threshold, what the confidence sees, curvature, the plane."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, field_validator
from torch import Tensor

from lib import scores, training
from lib.data import mixture, toy
from lib.experiments.clutter import clutter_errors
from lib.experiments.digit_networks import (
    Add,
    D,
    Digits,
    Measured,
    Network,
    NetworkSettings,
    Values,
    at,
    each_once,
    prepared,
    trained_networks,
    untrained_network,
)
from lib.experiments.plane import (
    Kind,
    density_agreement,
    mixture_autoencoder,
    moved,
    ring_functions,
    ring_network,
)
from lib.numbers import collector, frame, pick

SHOWN = ("test images", "two test images laid over each other", "black image", "uniform noise")
RING_SCORES = ("classifier", "scaled output without Γ", "scaled output")
MAIN = ("CNN", "COOL", "dAE sym")
KINDS: tuple[Kind, ...] = ("denoising", "contractive")
MARGIN = 0.1  # as near to a ring still counts as on it
POINTS = 1000  # of each ring
GRID = toy.plane(-2.0, 2.0, 41)


class Settings(NetworkSettings):
    """Parameters of the chapter dae."""

    beta: float = Field(ge=0)
    probes: int = Field(ge=1)
    sample: int = Field(ge=4)
    plane: bool
    toy_steps: int = Field(ge=1)
    toy_noises: list[float]
    ring_steps: int = Field(ge=1)
    ring_noise: float = Field(ge=0)
    ring_alpha: float = Field(ge=0)
    ring_beta: float = Field(ge=0)

    @field_validator("toy_noises")
    @classmethod
    def _noises(cls, value: list[float]) -> list[float]:
        return each_once(value, 0.001, 10)


@dataclass
class MeasuredDae(Measured):
    """Beside the rows: norms of the error of the first network that has one, and the plane."""

    errors: dict[str, Values]  # by what was redrawn
    rings: dict[str, Values]
    fields: dict[str, Values]  # arrows on GRID

    def checked(self) -> dict[str, float]:
        """The trained numbers that a golden notebook checks, by name."""
        low = {"table": "fooling", "score": "accuracy", "class_": at(0)}
        found = {f"accuracy of {name}": pick(self.rows, method=name, **low) for name in MAIN}
        for name, what in (("test images", SHOWN[0]), ("noise", SHOWN[-1])):
            cells = {"table": "errors", "score": what, "method": MAIN[-1]}
            found[f"error norm of {name}"] = pick(self.rows, **cells)
        return {name: float(values.iloc[0]) for name, values in found.items() if len(values)}


def measure(settings: Settings, device: str = "cpu") -> MeasuredDae:
    """All numbers of the chapter: rows of the tables fooling (accuracy), errors, curvature,
    clutter, theory and rings.

    Networks are read where their training is finished; with `missing` "skip" the others are left
    out. Nothing here looks at an attack.
    """
    digits, add, rows = prepared("dae", settings, device)
    networks, example = trained_networks(settings, digits)
    for network in networks.values():
        _accuracy(add, settings, network, digits)
    for seed in settings.seeds:
        for name in (n for n in MAIN if n in settings.networks):
            _accuracy(add, settings, untrained_network(settings, name, seed, digits), digits)
        n = len(digits.test_y)
        cells = {"table": "fooling", "score": "accuracy", "class_": at(0), "metric": "fraction"}
        most = np.bincount(digits.test_y).max() / n
        add(most, **cells, method="most frequent class", seed=seed, n=n)
    errors = []
    for network in networks.values():
        if network.has_decoder:
            errors.append(_errors(add, settings, network, digits))
            _curvature(add, settings, network, digits)
            _clutter(add, settings, network, digits)
    add_toy, toy_rows = collector(run=rows[0]["run"], dataset="toy 2-D")
    rings, fields = _plane(add_toy, settings) if settings.plane else ({}, {})
    plain = (frame([*rows, *toy_rows]), digits, networks, example)
    return MeasuredDae(*plain, errors[0] if errors else {}, rings, fields)


def _accuracy(add: Add, settings: Settings, network: Network, digits: Digits) -> None:
    """The document's tables 1 and 2: right, and the scaled output reaches the threshold."""
    cells = network.cells | {"table": "fooling", "score": "accuracy", "metric": "fraction"}
    pairs = [(0.0, 0.0), *settings.pairs]
    for (level, _), value in zip(pairs, network.accuracies(digits, pairs), strict=True):
        add(value, **cells, class_=at(level), n=len(digits.test_y))


def _errors(add: Add, settings: Settings, network: Network, digits: Digits) -> dict[str, Values]:
    """Norms ||r(x) - x|| of test images and of images that are none: what alpha has to part."""
    x = _spaced(digits.test_x, 10 * settings.sample)
    draw = training.generator(network.seed, "errors")
    noise = torch.rand(x.shape, generator=draw).to(x.device)
    pairs = torch.randperm(len(x), generator=draw).to(x.device)
    parts = (x, (x + x[pairs]) / 2, torch.zeros_like(x[:1]), noise)
    norms = {name: D * network.seen(part)[1] for name, part in zip(SHOWN, parts, strict=True)}
    _means(add, network, "errors", norms)
    return norms


def _means(add: Add, network: Network, table: str, norms: dict[str, Any]) -> None:
    for score, values in norms.items():
        cells = network.cells | {"table": table, "metric": "mean norm of the error"}
        add(values.mean(), **cells, score=score, n=len(values))


def _spaced(x: Tensor, n: int) -> Tensor:
    """`n` images evenly spaced over all, since some sets are sorted by class."""
    return x[np.linspace(0, len(x) - 1, min(n, len(x))).round().astype(int)]


def _curvature(add: Add, settings: Settings, network: Network, digits: Digits) -> None:
    """Is the curvature factor below 1 on any image? The trace of its Jacobian is estimated."""
    draw = training.generator(network.seed, "probes")
    x = _spaced(digits.test_x, settings.sample)
    traces = scores.hutchinson_trace(
        network.reconstruct, x, probes=settings.probes, generator=draw
    ).mean(1)
    factor = scores.log_curvature_factor(scores.curvature(traces, size=D), beta=settings.beta)
    cells = network.cells | {"table": "curvature", "score": "estimate", "probes": settings.probes}
    add((factor < 0).double().mean(), **cells, metric="share with Γ below 1", n=len(x))


def _clutter(add: Add, settings: Settings, network: Network, digits: Digits) -> None:
    """The supplement's proposal: the error of a digit among bits of others, within its mask."""
    shown = _spaced(digits.test_x, settings.sample)
    norms = clutter_errors(
        network.reconstruct,
        shown[shown.flatten(1).amax(1) >= 0.5],
        _spaced(digits.test_x, 2 * settings.sample)[settings.sample // 2 :][:50],
        generator=training.generator(network.seed, "clutter"),
    )
    _means(add, network, "clutter", norms)


def _plane(add: Add, settings: Settings) -> tuple[dict[str, Values], dict[str, Values]]:
    """Where the truth is known: a mixture's slope and curvature, and the document's rings."""
    noises, first = sorted(settings.toy_noises), settings.seeds[0]
    middle = noises[len(noises) // 2] if noises else 0.0
    fields = {"slope of the smoothed log-density": mixture.MIXTURE.score(GRID, smoothing=middle)}
    rings = {seed: _rings(add, settings, seed) for seed in settings.seeds}
    for seed in settings.seeds:
        for noise in settings.toy_noises:
            for kind in KINDS:
                options: dict[str, Any] = {"noise": noise, "seed": seed}
                model = mixture_autoencoder(kind, **options, steps=settings.toy_steps)
                name = f"{kind} autoencoder"
                if noise == middle and seed == first:
                    fields[name] = moved(model, GRID, noise=noise)
                cells = {"table": "theory", "method": name, **options, "n": len(GRID)}
                agreement = density_agreement(model, GRID, noise=noise)
                for (score, metric), value in agreement.items():
                    add(value, **cells, score=score, metric=metric)
    return rings[first], fields


def _rings(add: Add, settings: Settings, seed: int) -> dict[str, Values]:
    labelled: tuple[NDArray[np.float32], NDArray[np.int64]]
    labelled = toy.rings(POINTS, training.numpy_generator(seed, "rings"))
    network = ring_network(
        *labelled, noise=settings.ring_noise, seed=seed, steps=settings.ring_steps
    )
    square = toy.plane(-2.0, 2.0, 81)
    found = ring_functions(network, square, alpha=settings.ring_alpha, beta=settings.ring_beta)
    on = toy.on_ring(square, margin=MARGIN)
    for score in RING_SCORES:
        for what, part in (("off-ring plane", ~on), ("rings", on)):
            cells = {"table": "rings", "method": "rings", "score": score, "seed": seed}
            share = (found[score][part] >= 0.5).mean()
            add(share, **cells, metric=f"share of the {what} at 0.5", n=int(part.sum()))
    return found
