"""GradCon against six other methods: AUROC, outliers at several shares, sizes and times.

Source: kwon2020gradcon, comparison with the state of the art; methods.md 2.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import AfterValidator, Field, NonNegativeInt, model_validator
from torch import Tensor

from lib import data, metrics, numbers, scores, training
from lib.experiments.efficiency import Sizes, gpnd_work, milliseconds, published_sizes
from lib.experiments.methods import (
    CHOSEN,
    METHODS,
    WITHOUT,
    Scorer,
    Task,
    check_method,
    image_size,
    train_gradcon,
)
from lib.experiments.settings import Count, Once, Places
from lib.experiments.settings import Settings as Base
from lib.run import parameters, workspace

OTHERS = ("DAE", "LSA", "DSVDD")  # networks with a budget of their own
GRADCON = "recon+beta*grad"
TRIVIAL = "distance to mean"
SHARED = {"Recon": "recon", "Grad": "grad", "GradCon": GRADCON}
CHECKED = ("OCSVM", "KDE", "DAE", "DSVDD", "GradCon")
Share = Annotated[float, Field(gt=0, lt=1)]
Split = Mapping[str, NDArray[np.int64]]
Scorers = dict[tuple[str, str], Scorer]  # by method and form


class Settings(Base):
    """The parameters of the chapter comparison, whose first cell explains each."""

    profile: str
    dataset: str
    data_root: str
    methods: Annotated[
        list[Annotated[str, AfterValidator(check_method)]], Field(min_length=1), Once
    ]
    classes: Places
    seeds: Places
    epochs: Count
    dae_epochs: Count
    svdd_epochs: Count
    svdd_pretrain: NonNegativeInt
    lsa_epochs: Count
    estimator_classes: Annotated[list[int], Once]
    alpha: float = Field(gt=0)
    beta: float
    learning_rate: float = Field(gt=0)
    batch_size: Count
    other_learning_rate: float = Field(ge=0)
    other_batch_size: NonNegativeInt
    precision: Literal["float32", "bfloat16"]
    train_limit: NonNegativeInt
    outlier_shares: Annotated[list[Share], Once]
    share_classes: Annotated[list[NonNegativeInt], Once]
    timed: NonNegativeInt
    trivial: bool
    ranked: bool
    trust: bool
    device: str

    @model_validator(mode="after")
    def _fit_together(self) -> "Settings":
        if not {*self.estimator_classes} <= {*self.classes}:
            raise ValueError(f"estimator_classes must be among the classes {self.classes}")
        if self.outlier_shares and not self.share_classes:
            raise ValueError("share_classes needs an entry, or outlier_shares none")
        return self

    def changed(self, method: str) -> dict[str, float]:
        """What this run changes of its profile, as far as it concerns a method's rows."""
        keys = {"alpha": "alpha", "beta": "beta", "learning_rate": "lr"}
        if method in OTHERS:
            keys = {"other_learning_rate": "lr"}
        elif method != "GradCon":
            no_part = {"VAE": {"alpha", "beta"}, "Grad": {"beta"}, "Recon": {"beta"}}
            keys = {key: keys[key] for key in keys.keys() - no_part.get(method, keys)}
        return parameters.changed("comparison", self.model_dump(), keys)


@dataclass(frozen=True)
class Measured:
    """Rows of a run, its images with the splits by seed and class, and the sizes of networks."""

    rows: pd.DataFrame
    images: data.ImageSet
    splits: dict[tuple[int, int], Split]
    sizes: Sizes
    seconds = 0.0  # no time of earlier trainings is on record


def measure(
    settings: Settings, *, device: str = "cpu", progress: Callable[[str], None] = print
) -> Measured:
    """Fit every method to every class and seed; rank, threshold, count and time.

    Two AUROCs of each: on GradCon's balanced draw, and (test=full) on all test images. With a work
    folder a killed run goes on from its checkpoints. Raises UnknownName, DataMissing or DataCorrupt
    for the images, BadInput for a class they lack.
    """
    run = _Run(settings, device, progress)
    splits: dict[tuple[int, int], Split] = {}
    scorers: Scorers = {}
    for seed in settings.seeds:
        for normal in settings.classes:
            splits[seed, normal], fitted = run.rank(seed, normal)
            scorers = fitted | scorers  # the first of each is timed
    for seed in settings.seeds if settings.outlier_shares else ():
        run.threshold(seed)
    sizes = published_sizes()
    run.count(sizes)
    if settings.timed:
        run.time(scorers)
    return Measured(numbers.frame([*run.rows, *run.plain_rows]), run.images, splits, sizes)


def page_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows as tables read them: GradCon's stand at the address of its own chapter's."""
    plain = rows["variant"].str.replace("arm=comparison", "").str.lstrip(";")
    return rows.assign(variant=plain)


def checked(rows: pd.DataFrame) -> dict[str, float]:
    """Mean AUROC on the balanced draw by method, for golden notebooks; not the uneven ones'."""
    own = page_rows(rows)
    own = own[(own["table"] == "sota-auroc") & (own["variant"] == "")]
    means = own.groupby("method")["value"].mean()
    return {name: float(means[name]) for name in CHECKED if name in means}


class _Run:
    """One run's images at every size, its settings, and its rows as they grow."""

    def __init__(self, settings: Settings, device: str, progress: Callable[[str], None]) -> None:
        self.settings, self.device, self.progress = settings, device, progress
        root = settings.data_root or None
        self.images = images = data.load(settings.dataset, data_root=root, trust=settings.trust)
        self.channels, self.everyone = images.images.shape[1], np.flatnonzero(images.is_test)
        self.side = {name: image_size(name, self.channels) for name in settings.methods}
        self.sized = {s: data.resize(images.images, s) for s in {28, *self.side.values()}}
        name = workspace.run_name("comparison", settings.model_dump())
        self.add, self.rows = numbers.collector(run=name, dataset=images.title)
        self.add_plain, self.plain_rows = numbers.collector(run=name, dataset="")

    def pixels(self, index: NDArray[np.int64], name: str = "") -> Tensor:
        """Some images at a method's size, float32 in [0, 1]."""
        return data.to_float(self.sized[self.side.get(name, 28)][index]).to(self.device)

    def task(self, name: str, seed: int, normal: int, split: Split, *words: str) -> Task:
        """What a method is to learn; `words` tell the trainings of the two parts apart."""
        given, other = self.settings, name in OTHERS
        epochs = {"DAE": given.dae_epochs, "DSVDD": given.svdd_epochs, "LSA": given.lsa_epochs}
        limit = given.train_limit
        return Task(
            train=self.pixels(split["train"][: limit or None], name),
            validation=self.pixels(split["validation"], name),
            seed=seed,
            normal=normal,
            epochs=epochs.get(name, given.epochs),
            batch_size=(given.other_batch_size or None) if other else given.batch_size,
            learning_rate=(given.other_learning_rate or None) if other else given.learning_rate,
            precision=given.precision,
            words=words,
            identity={"data": self.images.sha256, "train_limit": limit, "part": words},
        )

    def fits(self, name: str, normal: int) -> list[dict[str, Any]]:
        """The options of each fit of a method to one class; LSA may have two."""
        given = self.settings
        with_estimator = normal in given.estimator_classes
        options: dict[str, list[dict[str, Any]]] = {
            "VAE": [{"main": "KL" if self.images.title == "CIFAR-10" else "ELBO"}],
            "LSA": [{"estimator": e} for e in (False, True)][: 1 + with_estimator],
            "DSVDD": [{"pretrain_epochs": given.svdd_pretrain}],
            "GradCon": [{"alpha": given.alpha, "beta": given.beta}],
        }
        return options.get(name, [{}])

    def rank(self, seed: int, normal: int) -> tuple[Split, Scorers]:
        """Fit all methods to one class; AUROCs on the balanced draw and on all test images."""
        given, everyone = self.settings, self.everyone
        rng = training.numpy_generator(seed, "split", normal)
        split = data.one_class(self.images, normal, rng, train_limit=given.train_limit)
        labels = data.anomaly_labels(self.images.labels[everyone], normal)
        draw = np.flatnonzero(np.isin(everyone, split["test"]))
        tenth = a_tenth(labels, training.numpy_generator(seed, "labelled", normal))
        rest = np.delete(np.arange(len(everyone)), tenth)
        cells = {"table": "sota-auroc", "metric": "AUROC", "seed": seed}
        cells["class_"] = self.images.class_names[normal]

        def add(values: Tensor, **own: Any) -> None:
            asked = values.double().cpu().numpy()
            if own.get("form") != CHOSEN:  # of the draw's images of some kind few might be left
                self.add(metrics.auroc(labels[draw], asked[draw]), **cells, **own, n=len(draw))
            at = rest if own.get("form") == CHOSEN else np.arange(len(everyone))
            auroc = metrics.auroc(labels[at], asked[at])
            self.add(auroc, **cells, **own, n=len(at), test="full")

        scorers: Scorers = {}
        for name in given.methods if given.ranked or given.timed else ():
            before, task = time.monotonic(), self.task(name, seed, normal, split)
            if given.ranked:
                shown = self.pixels(everyone[tenth], name)
                task = replace(task, labelled=(shown, labels[tenth]))
            own: dict[str, Any] = dict(given.changed(name))
            if name == "GradCon":  # whose main row stands in chapter gradcon
                own |= {"score": GRADCON, "arm": "comparison"}
            for options in self.fits(name, normal):
                for form, scorer in METHODS[name](task, **options).items():
                    scorers[name, form] = scorer
                    if given.ranked:
                        cells_of_form = own | ({"form": form} if form else {})
                        add(scorer(self.pixels(everyone, name)), method=name, **cells_of_form)
            took = time.monotonic() - before
            self.progress(f"{name}, {cells['class_']}, seed {seed}: {took:.1f} s")
        if given.trivial and given.ranked:
            train = self.pixels(split["train"])
            add(scores.distance_to_mean(self.pixels(everyone), train), method=TRIVIAL)
        return split, scorers

    def threshold(self, seed: int) -> None:
        """One GradCon a class on GPND's folds: AUC and F1 of its scores at each outlier share."""
        found: dict[tuple[float, str, str], list[float]] = {}
        tested = dict.fromkeys(self.settings.outlier_shares, 0)
        for normal in self.settings.share_classes:
            folds = {
                share: data.outlier_share(
                    self.images,
                    normal,
                    training.numpy_generator(seed, "outliers", normal),  # equal for all shares
                    share=share,
                )
                for share in self.settings.outlier_shares
            }
            task = self.task("GradCon", seed, normal, next(iter(folds.values())), "shares")
            best = train_gradcon(task, alpha=self.settings.alpha)
            kinds = ("validation_mixed", "test")
            union = np.unique(np.concatenate([fold[k] for fold in folds.values() for k in kinds]))
            asked = scores.gradcon_scores(
                best.model, self.pixels(union), best.reference.mean, beta=self.settings.beta
            )
            labels = data.anomaly_labels(self.images.labels[union], normal)
            for share, fold in folds.items():
                held_out, test = (np.searchsorted(union, fold[kind]) for kind in kinds)
                tested[share] += len(test)
                here = at_share(
                    {name: asked[s].double().cpu().numpy() for name, s in SHARED.items()},
                    labels,
                    held_out,
                    test,
                )
                for (name, metric), value in here.items():
                    found.setdefault((share, name, metric), []).append(value)
        whole = len(self.settings.share_classes) == len(self.images.class_names)
        chosen = " ".join(map(str, sorted(self.settings.share_classes)))
        part = {} if whole else {"split": f"classes {chosen}"}
        for (share, name, metric), values in found.items():
            cells = {"table": "fashion-mnist", "method": name, "score": SHARED.get(name, "")}
            cells |= {"class_": f"outliers={share * 100:g}%", "metric": metric} | part
            setting = self.settings.changed(name)
            self.add(np.mean(values), **cells, **setting, seed=seed, n=tested[share])

    def count(self, sizes: Sizes) -> None:
        """Rows of the sizes; GradCon's own stands in chapter gradcon."""
        cells = {"table": "model-size", "metric": "parameters", "seed": 0, "n": 1}
        for name in ("AnoGAN", "GPND", "LSA"):
            self.add_plain(sizes.totals[name], **cells, method=name)
        self.add_plain(sizes.lsa_stored, **cells, method="LSA", form="stored")

    def time(self, scorers: Scorers) -> None:
        """Median milliseconds of every method, and of GPND with random weights, for one image."""
        wanted, everyone = self.settings.timed, self.everyone
        shown = everyone[:: max(1, len(everyone) // wanted)][:wanted]
        seed = self.settings.seeds[0]
        gpnd = gpnd_work(training.generator(seed, "timing"), self.device)
        timed = {key: scorer for key, scorer in scorers.items() if key[1] in ("", WITHOUT)}
        asked: dict[tuple[str, str], tuple[Scorer, Tensor]] = {
            ("GPND", ""): (gpnd, self.pixels(shown))
        }
        asked |= {key: (timed[key], self.pixels(shown, key[0])) for key in timed}
        colour = {} if self.channels == 1 else {"channels": self.channels}
        for (name, form), value in milliseconds(asked).items():
            cells = {"table": "inference-time", "method": name, "metric": "ms per image"} | colour
            cells |= {"form": form} if form else {}
            self.add_plain(value, **cells, seed=seed, n=len(shown))


def at_share(
    asked: Mapping[str, NDArray[np.float64]],
    labels: NDArray[np.int64],
    held_out: NDArray[np.int64],
    test: NDArray[np.int64],
) -> dict[tuple[str, str], float]:
    """AUC and F1 of scores `[n]` by name and metric, with the floor of a detector that is blind.

    `held_out` are the places of the images that choose F1's threshold. F1 follows GPND and has
    *normal* as its positive class.
    """
    truth = labels[test]
    positive: dict[str, Literal["normal"]] = {"positive": "normal"}
    found = {("accept everything", "F1"): metrics.f1_accept_all(truth)}
    for name, values in asked.items():
        threshold = metrics.best_f1_threshold(labels[held_out], values[held_out], **positive)
        found[name, "AUC"] = metrics.auroc(truth, values[test])
        found[name, "F1"] = metrics.f1_at(truth, values[test], threshold, **positive)
    return found


def a_tenth(anomalous: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Positions, ascending, of a tenth of the normal images (label 0) and of the others (label 1).

    At least one of each kind. Source: ruff2018deep, public code: a random tenth of the test images.
    """
    kinds = [rng.permutation(np.flatnonzero(anomalous == label)) for label in (0, 1)]
    return np.sort(np.concatenate([kind[: max(1, len(kind) // 10)] for kind in kinds]))
