"""spigler2019denoising: recognition of some classes among all, and of one class alone."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, field_validator
from sklearn.svm import OneClassSVM
from torch import Tensor

from lib import data, metrics, scores, training
from lib.experiments.digit_networks import (
    CLASSES,
    Add,
    Digits,
    Measured,
    Network,
    NetworkSettings,
    Values,
    at,
    digit_network,
    each_once,
    labelled,
    prepared,
    untrained_network,
)
from lib.models import Classifier
from lib.numbers import frame

NU, GAMMA = 0.1, 0.1  # of the document's one-class SVM
ROC = "ROC averaged over ten classes"  # the area under averaged curves is the average area
SPREAD = "standard deviation of a drawn pixel over images"
LEAST = 3  # images named rightly of each class: OpenMax fits a tail to them
NEIGHBOURS = 5


class Settings(NetworkSettings):
    """Parameters of the chapter openset."""

    known_counts: list[int]
    draws: int = Field(ge=1)
    baselines: bool
    one_classes: list[int]
    one_noise: float = Field(ge=0)
    one_l2: float = Field(ge=0)

    @field_validator("known_counts")
    @classmethod
    def _counts(cls, value: list[int]) -> list[int]:
        return each_once(value, 1, CLASSES)

    @field_validator("one_classes")
    @classmethod
    def _classes(cls, value: list[int]) -> list[int]:
        return each_once(value, 0, CLASSES - 1)


class MeasuredOpenSet(Measured):
    """Rows of the tables open-set and one-class."""

    def checked(self) -> dict[str, float]:
        """The trained numbers that a golden notebook checks, by name."""
        rows = self.rows[(self.rows["method"] == "dAE sym") & (self.rows["metric"] == "AUROC")]
        names = rows["table"] + ", " + rows["class"]
        return dict(zip(names, map(float, rows["value"]), strict=True))


def measure(settings: Settings, device: str = "cpu") -> MeasuredOpenSet:
    """All numbers of the chapter.

    The column seed is the draw of the known classes, which all methods share; networks start from
    the same seed. Networks whose training is not finished are left out with `missing` "skip".
    """
    digits, add, rows = prepared("openset", settings, device)
    example = untrained_network(settings, "dAE sym", settings.seeds[0], digits)
    done = MeasuredOpenSet(frame([]), digits, {}, example)
    for draw in range(settings.draws):
        order = training.numpy_generator(draw, "known classes").permutation(CLASSES).tolist()
        for count in settings.known_counts:
            _open_set(add, settings, done, sorted(order[:count]), draw)
    for c in settings.one_classes:
        _one_class(add, settings, done, c)
    done.rows = frame(rows)
    return done


def recognised(log_outputs: Values, known: list[int], threshold: float) -> NDArray[np.int64]:
    """The place of each image's class among `known`, -1 for a rejected one, `[n]`.

    Log outputs `[n, 10]`, scaled by the confidence. An image is rejected where its largest output
    is below the threshold, and where it is that of a class that was never seen.
    Source: spigler2019denoising, open set; methods.md 5.7.
    """
    named = metrics.predict_with_reject(np.exp(log_outputs), threshold)
    return data.places_among(named, known)


def _trained(
    settings: NetworkSettings, name: str, done: Measured, classes: list[int]
) -> Network | None:
    network = digit_network(settings, name, settings.seeds[0], done.digits, classes=classes)
    if network:
        done.networks[(name, *classes)] = network
    return network


def _open_set(add: Add, settings: Settings, done: Measured, known: list[int], draw: int) -> None:
    """F-measure at each threshold, and AUROC of the rejection score, of all methods."""
    digits, count = done.digits, len(known)
    truth = data.places_among(digits.test_y, known)
    cells = {"table": "open-set", "seed": draw, "n": len(truth)}
    ranks: dict[str, Values] = {}

    def judge(method: str, named: NDArray[np.int64], threshold: float) -> None:
        value = metrics.macro_f_measure(named, truth, classes=count)
        where = {"class_": f"{at(threshold)};known={count}", "score": "macro F-measure"}
        add(value, **cells, **where, method=method, metric="F-measure")

    for name in settings.networks:
        if network := _trained(settings, name, done, known):
            log_y, error = network.seen(digits.test_x)
            for threshold, alpha in settings.pairs:
                log_outputs = log_y - alpha * error[:, None]
                judge(name, recognised(log_outputs, known, threshold), threshold)
            ranks[name] = -log_outputs[:, known].max(1)  # with the alpha of the highest threshold
    for threshold in settings.thresholds:
        judge("refuse all", np.full(len(truth), metrics.REJECT), threshold)
    train_x, train_y = _training_images(settings, digits, known)
    plain = done.networks.get(("CNN", *known))
    if settings.baselines and plain and count > 1:
        places = torch.from_numpy(data.places_among(train_y.cpu(), known)).to(train_y.device)
        ranks |= baseline_scores(plain.model, train_x, places, digits.test_x, known=known)
    ranks["distance to mean"] = _to_mean(digits, train_x)
    unknown = (truth == metrics.REJECT).astype(np.int64)
    if unknown.any():
        where = {"class_": f"known={count}", "score": "rejection score", "metric": "AUROC"}
        for method, values in ranks.items():
            add(metrics.auroc(unknown, values), **cells, **where, method=method)


def baseline_scores(
    network: Classifier, train: Tensor, places: Tensor, x: Tensor, *, known: list[int]
) -> dict[str, Values]:
    """Scores `[n]` by method, higher for images `x` `[n, 1, 28, 28]` of no known class.

    OpenMax stands on the logits that `network`, a plain classifier, has for the `known` classes,
    W-SVM and 1-vs-set machine on its last hidden layer, k nearest neighbours on pixels. `train`
    `[m, 1, 28, 28]` are its training images and `places` their places among the known classes.
    OpenMax is left out where a class has fewer than three training images named rightly.
    Source: spigler2019denoising, previous work.
    """
    wanted, count = places.cpu().numpy(), len(known)
    features = [scores.in_batches(network.features, part).cpu().numpy() for part in (train, x)]
    logits = [scores.in_batches(network, part).cpu().numpy()[:, known] for part in (train, x)]
    flat = [part.flatten(1).cpu().numpy() for part in (train, x)]
    values = {}
    right = logits[0].argmax(1) == wanted
    if np.bincount(wanted[right], minlength=count).min() >= LEAST:
        revised = scores.fit_open_max(logits[0], wanted).outputs(logits[1], top=count)
        values["OpenMax"] = np.asarray(revised[:, count], np.float64)
    machine = scores.fit_weibull_svm(features[0], wanted, classes=count)
    values["W-SVM"] = _rejection(machine.outputs(features[1]))
    slab = scores.fit_one_vs_set(features[0], wanted, classes=count)
    values["1-vs-set machine"] = -slab.positions(features[1]).max(1)
    k = min(NEIGHBOURS, len(train) - 1)
    near = scores.knn_confidence(flat[0], wanted, flat[1], classes=count, k=k)
    values["k nearest neighbours"] = _rejection(near)
    return values


def _one_class(add: Add, settings: Settings, done: Measured, c: int) -> None:
    """One class known and no negatives: AUROC over the whole test set."""
    digits = done.digits
    train_x, _ = _training_images(settings, digits, [c])
    cells: dict[str, Any] = {"table": "one-class", "class_": digits.images.class_names[c]}
    cells |= {"seed": settings.seeds[0], "n": len(digits.test_y)}

    def score_of(network: Network) -> Values:
        log_y, error = network.seen(digits.test_x)
        values: Values = settings.alphas[-1] * error - log_y[:, c]
        return values

    by_method = {}
    for name, l2 in (("dAE sym", settings.one_l2), ("COOL", settings.l2)):
        own = settings.model_copy(update={"noise": settings.one_noise, "l2": l2})
        if network := _trained(own, name, done, [c]):
            by_method[name] = score_of(network)
            if network.has_decoder:
                spread = scores.in_batches(network.reconstruct, digits.test_x).std(0).mean()
                add(spread, **cells, method=name, score="reconstruction", metric=SPREAD)
    flat, asked = (part.flatten(1).cpu().numpy() for part in (train_x, digits.test_x))
    k, zeros = min(NEIGHBOURS, len(flat) - 1), np.zeros(len(flat), np.int64)
    near = scores.knn_confidence(flat, zeros, asked, classes=1, k=k)[:, 0]
    by_method |= {
        "OCSVM": -OneClassSVM(nu=NU, gamma=GAMMA).fit(flat).decision_function(asked),
        "k nearest neighbours": -near,
        "untrained dAE sym": score_of(done.example),
        "distance to mean": _to_mean(digits, train_x),
    }
    strange = (digits.test_y != c).astype(np.int64)
    for method, values in by_method.items():
        add(metrics.auroc(strange, values), **cells, method=method, score=ROC, metric="AUROC")


def _training_images(
    settings: Settings, digits: Digits, classes: list[int]
) -> tuple[Tensor, Tensor]:
    seed, most = settings.seeds[0], settings.class_images
    return labelled(digits, "train", seed=seed, most=most, classes=classes)


def _to_mean(digits: Digits, train: Tensor) -> Values:
    near: Values = scores.distance_to_mean(digits.test_x.cpu(), train.cpu()).numpy()
    return near


def _rejection(outputs: Values) -> Values:
    # outputs of exactly 0 share the last place
    score: Values = -np.log(np.maximum(outputs.max(1), 1e-300))
    return score
