"""spigler2019denoising: accuracy at a threshold, what the confidence sees, curvature, the plane."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from pydantic import Field, field_validator
from torch import Tensor

from lib import metrics, scores, training
from lib.data import mixture, toy
from lib.experiments.clutter import clutter_errors
from lib.experiments.digit_networks import (
    D,
    Digits,
    Network,
    NetworkSettings,
    digit_network,
    load_digits,
    scaled,
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
from lib.run import workspace

Add = Callable[..., None]
Values = NDArray[np.float64]
SHOWN_EPOCHS = (1, 2, 5, 10, 20, 50, 100)  # whose held-out accuracy becomes rows, beside the last
SHOWN = ("test images", "two test images laid over each other", "black image", "uniform noise")
RING_SCORES = ("classifier", "scaled output without Γ", "scaled output")
MAIN = ("CNN", "COOL", "dAE sym")
KINDS: tuple[Kind, ...] = ("denoising", "contractive")
MARGIN = 0.1  # as near to a ring still counts as on it
POINTS = 1000  # of each ring


class Settings(NetworkSettings):
    """Parameters of the chapter dae."""

    beta: float = Field(ge=0)
    traced: int = Field(ge=1)
    probes: int = Field(ge=1)
    sample: int = Field(ge=4)
    plane: bool
    toy_steps: int = Field(ge=1)
    toy_noises: list[float]
    ring_steps: int = Field(ge=1)
    ring_noise: float = Field(ge=0)
    ring_alpha: float = Field(ge=0)
    ring_beta: float = Field(ge=0)
    device: Literal["auto", "cpu", "cuda"]

    @field_validator("toy_noises")
    @classmethod
    def _each_once(cls, value: list[float]) -> list[float]:
        if len(set(value)) < len(value) or min(value, default=1) <= 0:
            raise ValueError("needs numbers above 0, each once")
        return value


@dataclass(frozen=True)
class Measured:
    """Rows, and what the page's figures and open lines need."""

    rows: pd.DataFrame
    digits: Digits
    networks: dict[tuple[str, int], Network]
    errors: dict[str, Values]  # of the first dAE sym, by what was redrawn
    gammas: dict[str, Values]
    rings: dict[str, Values]
    fields: dict[str, Values]  # arrows on `grid`

    @property
    def grid(self) -> NDArray[np.float32]:
        """The points of `fields`, `[n, 2]`."""
        return toy.plane(-2.0, 2.0, 41)

    @property
    def trained_seconds(self) -> float:
        """What all trainings took, also those that were found finished."""
        return sum(e["seconds"] for n in self.networks.values() for e in n.history)

    def checked(self) -> dict[str, float]:
        """The trained numbers that a golden notebook checks, by name."""
        low = {"table": "fooling", "score": "accuracy", "class_": at(0)}
        first = {"table": "errors", "score": SHOWN[0]}
        found = {f"accuracy of {name}": pick(self.rows, method=name, **low) for name in MAIN}
        found["error norm of test images"] = pick(self.rows, method=MAIN[-1], **first)
        found["error norm of noise"] = pick(
            self.rows, method=MAIN[-1], **first | {"score": SHOWN[-1]}
        )
        return {name: float(values.iloc[0]) for name, values in found.items() if len(values)}


def measure(settings: Settings, device: torch.device | None = None) -> Measured:
    """All numbers of the chapter: rows of the tables fooling (accuracy), training, errors,
    curvature, clutter, theory and rings.

    Networks are read where their training is finished; with `missing` "skip" the others are left
    out. Nothing here looks at an attack.
    """
    device = device or torch.device("cpu")
    digits = load_digits(settings, device)
    run = workspace.run_name("dae", settings.model_dump())
    add, rows = collector(run=run, dataset=digits.images.title)
    add_toy, toy_rows = collector(run=run, dataset="toy 2-D")

    networks: dict[tuple[str, int], Network] = {}
    for seed in settings.seeds:
        for name in settings.networks:
            network = digit_network(settings, name, seed, digits)
            if network is not None:
                networks[name, seed] = network
                _accuracy(add, settings, network, digits)
                _history(add, network)
            if name in MAIN:
                fresh = untrained_network(settings, name, seed, digits)
                _accuracy(add, settings, fresh, digits)
        most = float(np.bincount(digits.test_y).max() / len(digits.test_y))
        where = {"table": "fooling", "score": "accuracy", "class_": at(0), "metric": "fraction"}
        add(most, **where, method="most frequent class", seed=seed, n=len(digits.test_y))

    decoders = [n for n in networks.values() if n.has_decoder]
    errors = [_errors(add, settings, network, digits) for network in decoders]
    gammas = [_curvature(add, settings, network, digits) for network in decoders]
    for network in decoders:
        _clutter(add, settings, network, digits)
    rings, fields = _plane(add_toy, settings)
    return Measured(
        frame([*rows, *toy_rows]),
        digits,
        networks,
        errors[0] if errors else {},
        {n.name: g for n, g in zip(decoders, gammas, strict=True) if n.seed == settings.seeds[0]},
        rings,
        fields,
    )


def at(threshold: float) -> str:
    """A threshold as the published tables write it, `threshold=90%`."""
    return f"threshold={100 * threshold:g}%"


def _accuracy(add: Add, settings: Settings, network: Network, digits: Digits) -> None:
    """The document's tables 1 and 2: right, and the scaled output reaches the threshold."""
    log_y, error = network.seen(digits.test_x)
    pairs = [(0.0, 0.0), *zip(settings.thresholds, settings.alphas, strict=True)]
    for threshold, alpha in pairs:
        outputs = scaled(log_y, error, alpha)
        value = metrics.thresholded_accuracy(outputs, digits.test_y, threshold)
        where = {"method": network.name, "seed": network.seed, "n": len(digits.test_y)}
        add(
            value,
            table="fooling",
            score="accuracy",
            class_=at(threshold),
            metric="fraction",
            **where,
        )


def _history(add: Add, network: Network) -> None:
    """Held-out accuracy over epochs, from which what the document leaves open was decided."""
    for entry in network.history:
        epoch = int(entry["epoch"])
        if epoch in (*SHOWN_EPOCHS, len(network.history)):
            where = {"table": "training", "method": network.name, "seed": network.seed, "n": 1}
            value = entry["validation_accuracy"]
            add(value, metric="validation accuracy", epochs_shown=epoch, **where)


def _errors(add: Add, settings: Settings, network: Network, digits: Digits) -> dict[str, Values]:
    """Norms ||r(x) - x|| of test images and of images that are none: what alpha has to part."""
    x = _spaced(digits.test_x, 10 * settings.sample)
    draw = training.generator(network.seed, "errors")
    noise = torch.rand(x.shape, generator=draw).to(x.device)
    pairs = torch.randperm(len(x), generator=draw).to(x.device)
    parts = (x, (x + x[pairs]) / 2, torch.zeros_like(x[:1]), noise)
    found = {name: D * network.seen(part)[1] for name, part in zip(SHOWN, parts, strict=True)}
    for name, values in found.items():
        where = {"table": "errors", "method": network.name, "seed": network.seed}
        add(values.mean(), score=name, metric="mean norm of the error", n=len(values), **where)
    return found


def _spaced(x: Tensor, n: int) -> Tensor:
    """`n` images evenly spaced over all, since some sets are sorted by class."""
    return x[np.linspace(0, len(x) - 1, min(n, len(x))).round().astype(int)]


def _curvature(add: Add, settings: Settings, network: Network, digits: Digits) -> Values:
    """gamma: exact for a few images, estimated for more; is the curvature factor ever below 1?"""
    reconstruct = network.denoiser.reconstruct
    draw = training.generator(network.seed, "probes")
    few, more = (_spaced(digits.test_x, n) for n in (settings.traced, settings.sample))

    def estimate(x: Tensor) -> Tensor:
        options: dict[str, Any] = {"probes": settings.probes, "generator": draw}
        return scores.hutchinson_trace(reconstruct, x, **options).cpu()

    exact, guesses = scores.jacobian_trace(reconstruct, few).cpu(), estimate(few)
    estimates = estimate(more).mean(1)
    where = {"table": "curvature", "method": network.name, "seed": network.seed}
    gamma = scores.curvature(exact, size=D)
    add(gamma.mean(), **where, score="exact", metric="mean gamma", n=len(few))
    add(gamma.max(), **where, score="exact", metric="largest gamma", n=len(few))
    gamma = scores.curvature(estimates, size=D)
    below = (scores.log_curvature_factor(gamma, beta=settings.beta) < 0).float().mean()
    setting = where | {"score": "estimate", "n": len(gamma), "probes": settings.probes}
    add(gamma.mean(), **setting, metric="mean gamma")
    add(below, **setting, metric="share with Γ below 1")
    error = scores.trace_errors(guesses, exact)[max(scores.trace_errors(guesses, exact))]
    add(error, **setting | {"n": len(few)}, metric="relative error of the trace")
    return gamma.double().numpy()


def _clutter(add: Add, settings: Settings, network: Network, digits: Digits) -> None:
    """The supplement's proposal: the error of a digit among bits of others, within its mask."""
    shown = _spaced(digits.test_x, settings.sample)
    found = clutter_errors(
        network.denoiser.reconstruct,
        shown[shown.flatten(1).amax(1) >= 0.5],
        _spaced(digits.test_x, 2 * settings.sample)[settings.sample // 2 :][:50],
        generator=training.generator(network.seed, "clutter"),
    )
    for score, values in found.items():
        where = {"table": "clutter", "method": network.name, "seed": network.seed}
        add(values.mean(), **where, score=score, metric="mean norm of the error", n=len(values))


def _plane(add: Add, settings: Settings) -> tuple[dict[str, Values], dict[str, Values]]:
    """Where the truth is known: a mixture's slope and curvature, and the document's rings."""
    if not settings.plane:
        return {}, {}
    grid, square = toy.plane(-2.0, 2.0, 41), toy.plane(-2.0, 2.0, 81)
    off = ~toy.on_ring(square, margin=MARGIN)
    fields: dict[str, Values] = {}
    middle = sorted(settings.toy_noises)[len(settings.toy_noises) // 2 :][:1]
    if middle:
        slope = mixture.MIXTURE.score(grid, smoothing=middle[0])
        fields["slope of the smoothed log-density"] = slope
    rings: dict[str, Values] = {}
    for seed in settings.seeds:
        for noise in settings.toy_noises:
            for kind in KINDS:
                model = mixture_autoencoder(
                    kind,
                    noise=noise,
                    seed=seed,
                    steps=settings.toy_steps,
                )
                if [noise] == middle and seed == settings.seeds[0]:
                    fields[f"{kind} autoencoder"] = moved(model, grid, noise=noise)
                where = {"table": "theory", "method": f"{kind} autoencoder", "seed": seed}
                agreement = density_agreement(model, grid, noise=noise)
                for (score, metric), value in agreement.items():
                    add(value, **where, score=score, metric=metric, noise=noise, n=len(grid))
        points, labels = toy.rings(POINTS, training.numpy_generator(seed, "rings"))
        network = ring_network(
            points, labels, noise=settings.ring_noise, seed=seed, steps=settings.ring_steps
        )
        found = ring_functions(network, square, alpha=settings.ring_alpha, beta=settings.ring_beta)
        rings = rings or {name: np.asarray(v, np.float64) for name, v in found.items()}
        for score, values in found.items():
            for what, part in (("off-ring plane", off), ("rings", ~off)):
                share = (values[part] >= 0.5).mean()
                where = {"table": "rings", "method": "rings", "score": score, "seed": seed}
                add(share, **where, metric=f"share of the {what} at 0.5", n=int(part.sum()))
    return rings, fields


def untrained(settings: Settings, digits: Digits) -> Network:
    """dAE sym before training, for open lines of the page where no network is trained yet."""
    return untrained_network(settings, "dAE sym", settings.seeds[0], digits)
