"""spigler2019denoising: recognition of some classes among all, and of one class alone."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from pydantic import Field, field_validator
from sklearn.svm import OneClassSVM

from lib import data, metrics, scores, training
from lib.experiments.dae import at
from lib.experiments.digit_networks import (
    CLASSES,
    Digits,
    Network,
    NetworkSettings,
    digit_network,
    labelled,
    load_digits,
    untrained_network,
)
from lib.experiments.open_set import baseline_scores
from lib.numbers import collector, frame
from lib.run import workspace

Add = Callable[..., None]
Values = NDArray[np.float64]
NU, GAMMA = 0.1, 0.1  # of the document's one-class SVM
ROC = "ROC averaged over ten classes"  # the area under averaged curves is the average area
SPREAD = "standard deviation of a drawn pixel over images"


class Settings(NetworkSettings):
    """Parameters of the chapter openset."""

    known_counts: list[int]
    draws: int = Field(ge=1)
    baselines: bool
    one_classes: list[int]
    one_noise: float = Field(ge=0)
    one_l2: float = Field(ge=0)
    device: Literal["auto", "cpu", "cuda"]

    @field_validator("known_counts")
    @classmethod
    def _counts(cls, value: list[int]) -> list[int]:
        if len(set(value)) < len(value) or not all(1 <= n <= CLASSES for n in value):
            raise ValueError(f"needs numbers from 1 to {CLASSES}, each once")
        return value

    @field_validator("one_classes")
    @classmethod
    def _classes(cls, value: list[int]) -> list[int]:
        if len(set(value)) < len(value) or not all(0 <= c < CLASSES for c in value):
            raise ValueError(f"needs classes from 0 to {CLASSES - 1}, each once")
        return value


@dataclass(frozen=True)
class Measured:
    """The rows, the images and what the trainings took."""

    rows: pd.DataFrame
    digits: Digits
    trained_seconds: float

    def checked(self) -> dict[str, float]:
        """The trained numbers that a golden notebook checks, by name."""
        rows = self.rows[(self.rows["method"] == "dAE sym") & (self.rows["metric"] == "AUROC")]
        names = rows["table"] + ", " + rows["class"]
        return dict(zip(names, map(float, rows["value"]), strict=True))


def measure(settings: Settings, device: torch.device | None = None) -> Measured:
    """All numbers of the chapter: rows of the tables open-set and one-class.

    The column seed is the draw of the known classes, which all methods share; networks start from
    the same seed. Networks whose training is not finished are left out with `missing` "skip".
    """
    digits = load_digits(settings, device or torch.device("cpu"))
    run = workspace.run_name("openset", settings.model_dump())
    add, rows = collector(run=run, dataset=digits.images.title)
    seconds = 0.0
    for draw in range(settings.draws):
        order = training.numpy_generator(draw, "known classes").permutation(CLASSES).tolist()
        for count in settings.known_counts:
            seconds += _open_set(add, settings, digits, sorted(order[:count]), draw)
    for c in settings.one_classes:
        seconds += _one_class(add, settings, digits, c)
    return Measured(frame(rows), digits, seconds)


def recognised(log_outputs: Values, known: list[int], threshold: float) -> NDArray[np.int64]:
    """The place of each image's class among `known`, -1 for a rejected one, `[n]`.

    Log outputs `[n, 10]`, scaled by the confidence. An image is rejected where its largest output
    is below the threshold, and where it is that of a class that was never seen.
    Source: spigler2019denoising, open set; methods.md 5.7.
    """
    called = metrics.predict_with_reject(np.exp(log_outputs), threshold)
    return data.places_among(called, known)


def _open_set(add: Add, settings: Settings, digits: Digits, known: list[int], draw: int) -> float:
    """F-measure at each threshold, and AUROC of the rejection score, of all methods."""
    seed, count = settings.seeds[0], len(known)
    truth = data.places_among(digits.test_y, known)
    where = {"table": "open-set", "seed": draw, "n": len(truth)}
    unknown = (truth == metrics.REJECT).astype(np.int64)

    def rank(method: str, score: Values) -> None:
        if unknown.any():
            cells = where | {"class_": f"known={count}", "score": "rejection score"}
            add(metrics.auroc(unknown, score), **cells, method=method, metric="AUROC")

    def judge(method: str, called: NDArray[np.int64], threshold: float) -> None:
        value = metrics.macro_f_measure(called, truth, classes=count)
        cells = where | {"class_": f"{at(threshold)};known={count}", "score": "macro F-measure"}
        add(value, **cells, method=method, metric="F-measure")

    seconds, plain = 0.0, None
    for name in settings.networks:
        network = digit_network(settings, name, seed, digits, classes=known)
        if network is None:
            continue
        seconds += sum(entry["seconds"] for entry in network.history)
        plain = network if name == "CNN" else plain
        log_y, error = network.seen(digits.test_x)
        for threshold, alpha in zip(settings.thresholds, settings.alphas, strict=True):
            log_outputs = log_y - alpha * error[:, None]
            judge(name, recognised(log_outputs, known, threshold), threshold)
        rank(name, -log_outputs[:, known].max(1))  # with the alpha of the highest threshold
    for threshold in settings.thresholds:
        judge("refuse all", np.full(len(truth), metrics.REJECT), threshold)
    train_x, train_y = labelled(
        digits, "train", seed=seed, classes=known, most=settings.class_images
    )
    if settings.baselines and plain is not None and count > 1:
        places = torch.from_numpy(data.places_among(train_y.cpu(), known)).to(train_y.device)
        for method, score in baseline_scores(
            plain.model, train_x, places, digits.test_x, known=known
        ).items():
            rank(method, score)
    rank("distance to mean", scores.distance_to_mean(digits.test_x.cpu(), train_x.cpu()).numpy())
    return seconds


def _one_class(add: Add, settings: Settings, digits: Digits, c: int) -> float:
    """One class known and no negatives: AUROC over the whole test set."""
    seed, seconds, by_method = settings.seeds[0], 0.0, {}
    own = settings.model_copy(update={"noise": settings.one_noise})
    most = settings.class_images
    train_x = labelled(digits, "train", seed=seed, classes=[c], most=most)[0]
    cells: dict[str, Any] = {"table": "one-class", "class_": digits.images.class_names[c]}
    cells |= {"seed": seed, "n": len(digits.test_y)}

    def score_of(network: Network) -> Values:
        log_y, error = network.seen(digits.test_x)
        values: Values = settings.alphas[-1] * error - log_y[:, c]
        return values

    for name in ("dAE sym", "COOL"):
        update = {"l2": settings.one_l2 if name == "dAE sym" else settings.l2}
        network = digit_network(own.model_copy(update=update), name, seed, digits, classes=[c])
        if network is None:
            continue
        seconds += sum(entry["seconds"] for entry in network.history)
        by_method[name] = score_of(network)
        if network.has_decoder:
            drawn = scores.in_batches(network.denoiser.reconstruct, digits.test_x)
            value = drawn.std(0).mean()
            add(value, **cells, method=name, score="reconstruction", metric=SPREAD)
    fresh = untrained_network(settings, "dAE sym", seed, digits)
    flat, asked = (part.flatten(1).cpu().numpy() for part in (train_x, digits.test_x))
    by_method |= {
        "OCSVM": -OneClassSVM(nu=NU, gamma=GAMMA).fit(flat).decision_function(asked),
        "k nearest neighbours": -scores.knn_confidence(
            flat, np.zeros(len(flat), np.int64), asked, classes=1, k=min(5, len(flat) - 1)
        )[:, 0],
        "untrained dAE sym": score_of(fresh),
        "distance to mean": scores.distance_to_mean(digits.test_x.cpu(), train_x.cpu()).numpy(),
    }
    strange = (digits.test_y != c).astype(np.int64)
    for method, values in by_method.items():
        add(metrics.auroc(strange, values), **cells, method=method, score=ROC, metric="AUROC")
    return seconds
