"""GradCon's baseline experiment: four networks per normal class, their scores, and the rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from pydantic import Field, NonNegativeInt, model_validator
from torch import Tensor

from lib import metrics, numbers, scores, training
from lib.data import ImageSet, anomaly_labels, load, one_class, resize, to_float
from lib.errors import BadInput
from lib.experiments import gradcon_rows as placing
from lib.experiments.gradcon_kernel import KINDS, Kernels, fisher_kernels
from lib.experiments.gradcon_rows import (
    COMPARED,
    GRADCON,
    KERNEL,
    LENGTH,
    NETWORKS,
    OTHER,
    TRAINING,
    Variants,
)
from lib.experiments.gradcon_rows import learning_states as learning_states
from lib.experiments.settings import Count, Once, Places
from lib.experiments.settings import Settings as Base
from lib.models import CAE, VAE, build, count_parameters
from lib.run import parameters, workspace

Scores = dict[str, NDArray[np.float64]]  # by name; higher is more anomalous
Loss = Literal["squared", "bce"]
Method = Literal["CAE", "CAE+Grad", "VAE", "VAE+Grad"]
PAIR = ("CAE", "CAE+Grad")
VAE_LOSSES: dict[str, Loss] = {"cross-entropy": "bce", "squared error": "squared"}


class Settings(Base):
    """The parameters of the chapter gradcon, whose first cell explains each."""

    profile: str
    dataset: str
    data_root: str
    methods: Annotated[list[Method], Field(min_length=1), Once]
    classes: Places
    seeds: Places
    epochs: Count
    prolong: NonNegativeInt
    alpha: float = Field(gt=0)
    beta: float
    learning_rate: float = Field(gt=0)
    batch_size: Count
    train_limit: NonNegativeInt
    trust: bool
    selection: Literal["best", "last", "official"]
    reconstruction: Loss
    vae_loss: Literal["cross-entropy", "squared error"]
    watch: Annotated[list[Count], Once]
    stacked: bool
    full_test: bool
    kernel_images: NonNegativeInt
    device: str

    @model_validator(mode="after")
    def _fit_together(self) -> "Settings":
        for pair in (PAIR, ("VAE", "VAE+Grad")):
            if len({*pair} & {*self.methods}) == 1:
                raise ValueError(f"methods needs {' and '.join(pair)} together")
        if self.stacked and (self.selection, self.prolong) != ("best", 0):
            raise ValueError("stacked needs selection best and prolong 0")
        if self.kernel_images == 1:
            raise ValueError("kernel_images must be 0 or at least 2; it was 1")
        if 0 < self.prolong <= self.epochs:
            raise ValueError(
                f"prolong must be 0 or more epochs than {self.epochs}; it was {self.prolong}"
            )
        return self

    def loss_of(self, method: str) -> Loss:
        """The reconstruction loss that a network is trained on."""
        return VAE_LOSSES[self.vae_loss] if method.startswith("VAE") else self.reconstruction

    def variants(self, method: str) -> Variants:
        """What the rows of a network have in their variant: what differs from the profile's own."""
        own, given = parameters.own_values("gradcon", self.profile), self.model_dump()
        keys = {"alpha": "alpha", "beta": "beta", "learning_rate": "lr", "selection": "selection"}
        keys["vae_loss" if method.startswith("VAE") else "reconstruction"] = "loss"
        return Variants(
            {key: given[name] for name, key in keys.items() if given[name] != own[name]}
        )


@dataclass(frozen=True)
class OneClass:
    """One normal class and seed: its images, its networks, and all scores of its test images.

    `labels` `[n]` are 1 for anomalies. `scores` has by network ("CAE", "untrained CAE", "trivial",
    ...) and name of the score one number per test image, higher for anomalies. `longer` are the
    networks of more epochs. `kernels` is None where none were asked for, and where no image moves
    the network.
    """

    seed: int
    normal: int
    train: Tensor
    validation: Tensor
    test: Tensor
    labels: NDArray[np.int64]
    fitted: dict[str, training.Fitted[CAE]]
    longer: dict[str, training.Fitted[CAE]]
    scores: dict[str, Scores]
    kernels: Kernels | None


@dataclass(frozen=True)
class Measured:
    """Rows of a run, the images they were made on, and what the page's figures need."""

    rows: pd.DataFrame
    images: ImageSet
    classes: list[OneClass]
    seconds = 0.0  # no time of earlier trainings is on record


def measure(
    settings: Settings, *, device: str = "cpu", progress: Callable[[str], None] = print
) -> Measured:
    """Train and score the networks of every class and seed.

    With a work folder each training keeps a checkpoint there, and a killed run goes on from it.
    Without the CAE pair among the methods only the VAEs' own rows are measured.
    Raises UnknownName, DataMissing or DataCorrupt for the images, BadInput for a class they lack.
    Source: kwon2020gradcon, baseline experiment; protocol of methods.md 1.5.
    """
    images = load(settings.dataset, data_root=settings.data_root or None, trust=settings.trust)
    pixels = to_float(resize(images.images, 28))
    run = workspace.run_name("gradcon", settings.model_dump())
    add, rows = numbers.collector(run=run, dataset=images.title)
    tasks = [
        _Task(settings, images, pixels, seed, normal, device, progress)
        for seed in settings.seeds
        for normal in settings.classes
    ]
    ready = _fit_stacked(tasks) if settings.stacked else [{} for _ in tasks]
    classes = []
    for task, fitted in zip(tasks, ready, strict=True):
        classes.append(one := task.measured(fitted))
        task.add_rows(partial(add, seed=task.seed, class_=images.class_names[task.normal]), one)
    if "CAE" in settings.methods:
        channels = pixels.shape[1]
        extra = {} if channels == 1 else {"channels": channels}
        add_size, size = numbers.collector(run=run, dataset="")
        where = {"table": "model-size", "method": "GradCon", "metric": "parameters"}
        add_size(count_parameters(CAE(channels)), seed=0, n=1, **where, **extra)
        rows += size
    return Measured(numbers.frame(rows), images, classes)


@dataclass(frozen=True)
class _Task:
    """One normal class and seed of a run: how its networks are trained, scored and noted."""

    settings: Settings
    images: ImageSet
    pixels: Tensor
    seed: int
    normal: int
    device: str
    progress: Callable[[str], None]

    def split(self) -> dict[str, NDArray[np.int64]]:
        """The class's own draw of training, validation and test images."""
        draws = training.numpy_generator(self.seed, "split", self.normal)
        return one_class(self.images, self.normal, draws, train_limit=self.settings.train_limit)

    def measured(self, ready: Mapping[str, training.Fitted[CAE]]) -> OneClass:
        """All there is to know of the class; networks that are `ready` are not trained again."""
        settings, split = self.settings, self.split()
        parts = {word: self.pixels[members] for word, members in split.items()}
        near = [parts[word].to(self.device) for word in ("train", "validation")]
        fitted: dict[str, training.Fitted[CAE]] = {
            name: ready.get(name) or self.fit(name, *near, epochs=settings.epochs)
            for name in NETWORKS
            if name in settings.methods
        }
        on = PAIR if settings.prolong and "CAE" in fitted and self.seed == settings.seeds[0] else ()
        longer = {name: self.fit(name, *near, epochs=settings.prolong) for name in on}
        labels = anomaly_labels(self.images.labels[split["test"]], self.normal)
        x = parts["test"]
        tested = {n: self.scored(n, f.model, f.reference.mean, x) for n, f in fitted.items()}
        kernels = None
        if "CAE" in fitted:
            tested |= self.baselines(fitted["CAE+Grad"].model, near[0], x)
            tested["CAE+Grad"] |= self.length(fitted["CAE+Grad"].model, x)
            if settings.kernel_images:
                kernels = self.kernels(fitted["CAE"].model, near[0], x, labels)
        return OneClass(
            self.seed, self.normal, **parts, labels=labels,
            fitted=fitted, longer=longer, scores=tested, kernels=kernels,
        )  # fmt: skip

    def network(self, method: str) -> CAE:
        """The untrained network: the same start with and without constraint."""
        kind = VAE if method.startswith("VAE") else CAE
        draws = training.generator(self.seed, "weights", self.normal)
        return build(lambda: kind(self.pixels.shape[1]), draws).to(self.device)

    def fit(
        self, method: str, train: Tensor, validation: Tensor, *, epochs: int
    ) -> training.Fitted[CAE]:
        """A trained network; goes on from its checkpoint where there is one."""
        settings = self.settings

        def report(entry: dict[str, float]) -> None:
            if entry["epoch"] % max(1, settings.epochs // 5) == 0 or entry["epoch"] == epochs:
                self.progress(
                    f"{self.images.class_names[self.normal]} {method} seed {self.seed}"
                    f" epoch {entry['epoch']:.0f}/{epochs}"
                    f" L {entry['validation_L']:.4f} cosine {entry['validation_cosine']:.3f}"
                )

        rule: dict[str, Any] = {
            "epochs": epochs,
            "alpha": settings.alpha if "Grad" in method else 0.0,
            "batch_size": settings.batch_size,
            "learning_rate": settings.learning_rate,
            "selection": settings.selection,
            "reconstruction": settings.loss_of(method),
        }
        # with the epochs, so that a shorter run cannot overwrite a longer one's checkpoint
        same = rule | {"data": self.images.sha256, "train_limit": settings.train_limit}
        return training.fit(
            self.network(method),
            train,
            validation,
            generator=training.generator(self.seed, "batches", self.normal),
            keep=[epoch for epoch in settings.watch if epoch <= epochs],
            progress=report,
            checkpoint=workspace.checkpoint_path(method, self.normal, self.seed, identity=same),
            fingerprint=training.fingerprint(same, training.fit),
            **rule,
        )

    def scored(self, method: str, model: CAE, mean: list[Tensor], x: Tensor) -> Scores:
        """All scores by one network: GradCon's, the error it was not trained on, a VAE's latent."""
        loss = self.settings.loss_of(method)
        error = scores.cross_entropy_error if loss == "squared" else scores.reconstruction_error
        more = {OTHER[loss]: self.by_batch(partial(error, model), x)}
        if isinstance(model, VAE):
            more["latent"] = self.by_batch(partial(scores.latent_score, model), x)
        return self.main_scores(method, model, mean, x) | _arrays(more)

    def main_scores(self, method: str, model: CAE, mean: list[Tensor], x: Tensor) -> Scores:
        """The reconstruction error, the gradient score against `mean`, and GradCon's sum."""
        loss = self.settings.loss_of(method)
        return _arrays(
            scores.gradcon_scores(model, x, mean, beta=self.settings.beta, reconstruction=loss)
        )

    def baselines(self, constrained: CAE, train: Tensor, x: Tensor) -> dict[str, Scores]:
        """Another reading of CAE+Grad, the network before training, and what needs no network."""
        rule: dict[str, Any] = {"batch_size": self.settings.batch_size}
        rule["reconstruction"] = self.settings.reconstruction
        # against its own mean gradient, in place of that over all of training
        final = training.mean_gradient(constrained, train, **rule).mean
        start = self.network("CAE")
        mean = training.mean_gradient(start, train, **rule).mean
        return {
            "CAE+Grad, final": self.main_scores("CAE+Grad", constrained, final, x),
            "untrained CAE": self.scored("CAE", start, mean, x),
            "trivial": _arrays({"distance to mean": scores.distance_to_mean(x, train.cpu())}),
        }

    def kernels(
        self, model: CAE, train: Tensor, x: Tensor, labels: NDArray[np.int64]
    ) -> Kernels | None:
        """Fisher kernels of some training images with twice as many test images of either kind."""
        rng = training.numpy_generator(self.seed, "kernel", self.normal)
        parts = {"training": train} | {kind: x[labels == i] for i, kind in enumerate(KINDS)}
        chosen = {}
        for word, part in parts.items():
            most = self.settings.kernel_images * (1 if word == "training" else 2)
            chosen[word] = part[np.sort(rng.permutation(len(part))[:most])].to(self.device)
        try:
            return fisher_kernels(model, train, chosen.pop("training"), chosen)
        except BadInput:  # a dead network has no gradient at all
            return None

    def length(self, model: CAE, x: Tensor) -> Scores:
        """The length of all four layers' gradient together: a score without direction."""
        loss = self.settings.reconstruction
        lengths = partial(scores.gradient_magnitudes, model, reconstruction=loss)
        return _arrays({LENGTH: self.by_batch(lengths, x).square().sum(1).sqrt()})

    def by_batch(self, score: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        return scores.in_batches(score, x.to(self.device)).cpu()

    def add_rows(self, add: Callable[..., None], one: OneClass) -> None:
        """All rows of this class and seed."""
        settings, x = self.settings, one.test
        where: dict[str, Any]
        pair = settings.variants("CAE")
        placed = placing.own_scores(one.scores, settings.variants, beta=settings.beta)
        placed += placing.other_errors(one.scores, settings.variants, loss_of=settings.loss_of)
        if one.longer:
            prolonged = {
                name: self.main_scores(name, done.model, done.reference.mean, x)
                for name, done in one.longer.items()
            }
            placed += placing.prolonged_scores(prolonged, pair, epochs=settings.prolong)
        for epoch in settings.watch:
            for name in PAIR:
                source = one.longer.get(name) or one.fitted.get(name)
                if source is not None and epoch in source.snapshots:
                    then = self.main_scores(name, *source.at(epoch), x)
                    placed += placing.watched_scores(name, epoch, then, pair)
        for each in placed:
            value = metrics.auroc(one.labels, each.values)
            add(value, metric="AUROC", n=len(one.labels), **each.cells)
        if settings.full_test and "CAE" in one.fitted:
            everyone, done = np.flatnonzero(self.images.is_test), one.fitted["CAE+Grad"]
            labels = anomaly_labels(self.images.labels[everyone], self.normal)
            values = self.main_scores(
                "CAE+Grad", done.model, done.reference.mean, self.pixels[everyone]
            )[GRADCON]
            where = {"table": COMPARED, "method": "GradCon", "score": GRADCON, "test": "full"}
            value = metrics.auroc(labels, values)
            add(value, metric="AUROC", n=len(labels), **where, **pair.changed)
        if one.kernels is not None:
            where = {"table": KERNEL, "method": "CAE", **pair.plain}
            for kind in KINDS:
                n = one.kernels.kernel[kind].numel()
                for score, value in one.kernels.means(kind).items():
                    add(value, metric="kernel", condition=kind, score=score, n=n, **where)
            for score, values in one.kernels.scores.items():
                auroc = metrics.auroc(one.kernels.labels, values)
                add(auroc, metric="AUROC", score=score, n=len(values), **where)
        for method, done in one.fitted.items():
            held_out = one.validation.to(self.device)
            where = {"table": TRAINING, "method": method, "n": len(held_out)}
            where |= settings.variants(method).of(method)
            add(explained_variance(done.model, held_out), metric="explained variance", **where)
            add(pixel_range(done.model, held_out), metric="pixel range", **where)
            for entry in one.longer.get(method, done).history:
                if (epoch := int(entry["epoch"])) in settings.watch:
                    at = where | {"epochs_shown": epoch}
                    add(entry["validation_L"], metric="validation loss", **at)


def _fit_stacked(tasks: Sequence[_Task]) -> list[dict[str, training.Fitted[CAE]]]:
    """The networks of all classes and seeds, trained at once: by task, and by name."""
    ready: list[dict[str, training.Fitted[CAE]]] = [{} for _ in tasks]
    settings = tasks[0].settings
    for pair in (PAIR, ("VAE", "VAE+Grad")):
        places = [(i, name) for i in range(len(tasks)) for name in pair if name in settings.methods]
        if not places:
            continue
        images: dict[str, Any] = {
            word: [tasks[i].pixels[tasks[i].split()[word]].to(tasks[i].device) for i, _ in places]
            for word in ("train", "validation")
        }
        rule: dict[str, Any] = {
            "alphas": [settings.alpha if "Grad" in name else 0.0 for _, name in places],
            "batch_size": settings.batch_size,
            "learning_rate": settings.learning_rate,
            "reconstruction": settings.loss_of(pair[0]),
        }
        same = rule | {"data": tasks[0].images.sha256, "train_limit": settings.train_limit}
        same |= {"seeds": settings.seeds, "classes": settings.classes}
        done = training.fit_stacked(
            [tasks[i].network(name) for i, name in places],
            **images,
            generators=[
                training.generator(tasks[i].seed, "batches", tasks[i].normal) for i, _ in places
            ],
            epochs=settings.epochs,
            keep=[epoch for epoch in settings.watch if epoch <= settings.epochs],
            checkpoint=workspace.checkpoint_path(pair[0], "stacked", identity=same),
            fingerprint=training.fingerprint(same, training.fit_stacked),
            **rule,
        )
        for (i, name), fitted in zip(places, done, strict=True):
            ready[i][name] = fitted
    return ready


def explained_variance(model: CAE, x: Tensor) -> float:
    """Share of the variance of images that a network draws; 0 for drawing their mean image."""
    error = scores.in_batches(partial(scores.reconstruction_error, model), x).mean().item()
    return 1 - error / float((x - x.mean(0)).square().mean())


@torch.no_grad()
def pixel_range(model: CAE, x: Tensor) -> float:
    """How far the pixel of the drawn images that changes most with the input does, in [0, 1]."""
    drawn = model(x)
    return float((drawn.amax(0) - drawn.amin(0)).max())


def _arrays(found: dict[str, Tensor]) -> Scores:
    return {name: values.double().numpy() for name, values in found.items()}
