"""The seven methods that GradCon is compared with, itself included: normal images in, scorers out.

Each function fits one method to a Task and returns its scorers by form; "" is the main score. To
add one, write such a function and name it in METHODS.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lib import scores, training
from lib.data.contrast import contrast_scaled, fit_contrast_range
from lib.errors import UnknownName, nearest
from lib.models import (
    CAE,
    VAE,
    LSAAutoencoder,
    LSACifarAutoencoder,
    LSAEstimator,
    LSANetwork,
    build,
    deep_svdd,
)
from lib.run import workspace

# images `[n, c, s, s]` in [0, 1] to anomaly scores `[n]` on the CPU, higher for anomalies
Scorer = Callable[[Tensor], Tensor]
CHOSEN, WITHOUT = "chosen by test labels", "without estimator"  # forms of OCSVM and LSA
NOISE = 0.2  # of the DAE; methods.md 2.3


@dataclass(frozen=True, kw_only=True)
class Task:
    """One class of normal images to learn, and the budget to do it with.

    `train` and `validation` `[n, c, s, s]` in [0, 1], on the device to be used. `seed` and the
    number of the `normal` class are what all draws go by. `batch_size` and `learning_rate` replace
    a method's own. `words` and `identity` tell checkpoints apart. `labelled` are test images with
    labels, 1 for an anomaly, for the upper bound alone.
    """

    train: Tensor
    validation: Tensor
    seed: int
    normal: int
    epochs: int
    batch_size: int | None = None
    learning_rate: float | None = None
    precision: training.Precision = "float32"
    words: tuple[str, ...] = ()
    identity: Mapping[str, object] = field(default_factory=dict)
    labelled: tuple[Tensor, NDArray[np.int64]] | None = None

    @property
    def channels(self) -> int:
        """Channels of the images."""
        return self.train.shape[1]

    def draws(self, purpose: str) -> torch.Generator:
        """A generator for one purpose, such as "DAE weights"."""
        return training.generator(self.seed, purpose, self.normal)

    def fit(
        self,
        name: str,
        rule: Callable[..., Any],
        *networks: Any,
        batch: int,
        rate: float,
        **more: Any,
    ) -> Any:
        """What a training `rule` makes of networks; `batch` and `rate` are the method's own."""
        shared = "batches" if name in ("VAE", "GradCon") else f"{name.split()[0]} batches"
        budget = {
            "epochs": self.epochs,
            "batch_size": self.batch_size or batch,
            "learning_rate": self.learning_rate or rate,
            **more,
        }
        identity = {**self.identity, **budget, "name": name}
        kinds = [type(network) for network in networks if network is not None]
        return rule(
            *networks,
            self.train,
            self.validation,
            generator=self.draws(shared),
            checkpoint=workspace.checkpoint_path(
                *self.words, name.replace(" ", "-"), self.normal, self.seed, identity=identity
            ),
            fingerprint=training.fingerprint(identity, rule, *kinds),
            **budget,
        )

    def scorer(self, function: Callable[[Tensor], Tensor]) -> Scorer:
        """`function` on this task's device, a batch at a time, the result on the CPU."""
        return lambda x: scores.in_batches(function, x.to(self.train.device)).cpu()


def fit_ocsvm(task: Task) -> dict[str, Scorer]:
    """One-class SVM on principal components; with `task.labelled` also CHOSEN, the upper bound.

    CHOSEN must be judged on other images than those. Source: scholkopf2001estimating; settings of
    methods.md 2.2.
    """
    train = _rows(task.train)
    machines = {"": scores.fit_one_class_svm(train)}
    if task.labelled is not None:
        images, labels = task.labelled
        machines[CHOSEN] = scores.label_chosen_one_class_svm(train, _rows(images), labels)
    return {form: _on_rows(machine.score) for form, machine in machines.items()}


def fit_kde(task: Task) -> dict[str, Scorer]:
    """Kernel density of principal components. Source: parzen1962estimation; methods.md 2.2."""
    folds = training.numpy_generator(task.seed, "KDE folds", task.normal)
    return {"": _on_rows(scores.fit_kde(_rows(task.train), rng=folds).score)}


def fit_dae(task: Task) -> dict[str, Scorer]:
    """LSA's autoencoder trained to undo noise, asked about clean images of `image_size`.

    Source: vincent2008extracting; body and noise of methods.md 2.3, optimiser ours.
    """
    network = lsa_autoencoder(task.channels, task.draws("DAE weights")).to(task.train.device)
    more = {"noise": NOISE, "precision": task.precision}
    task.fit("DAE", training.fit_autoencoder, network, batch=256, rate=1e-3, **more)
    return {"": task.scorer(partial(scores.reconstruction_error, network))}


def fit_vae(task: Task, *, main: Literal["KL", "ELBO"] = "ELBO") -> dict[str, Scorer]:
    """GradCon's VAE on cross-entropy; `main` of its two scores has no name.

    The draws are those of chapter gradcon. Source: kingma2014auto; methods.md 1.7.
    """
    network = build(lambda: VAE(task.channels), task.draws("weights")).to(task.train.device)
    given = {"alpha": 0.0, "reconstruction": "bce"}
    task.fit("VAE", training.fit, network, batch=64, rate=1e-3, **given)
    forms: dict[str, Callable[..., Tensor]] = {
        "KL": scores.latent_score,
        "ELBO": partial(scores.elbo_score, reconstruction="bce"),
    }
    order = sorted(forms, key=lambda form: form != main)
    return {"" if f == main else f: task.scorer(partial(forms[f], network)) for f in order}


def fit_lsa(task: Task, *, estimator: bool = True) -> dict[str, Scorer]:
    """LSA's novelty score; without the `estimator` the error alone, under the name WITHOUT.

    Images of `image_size`. Both start with the same autoencoder and see the same batches.
    Source: abati2019lsa; budget of methods.md 2.5.
    """
    device = task.train.device
    network = lsa_autoencoder(task.channels, task.draws("LSA weights")).to(device)
    density = (
        build(LSAEstimator, task.draws("LSA estimator weights")).to(device) if estimator else None
    )
    name = "LSA" if estimator else f"LSA {WITHOUT}"
    more = {"precision": task.precision}  # batch and rate: of its supplement
    task.fit(name, training.fit_lsa, network, density, batch=256, rate=1e-4, **more)
    if density is None:
        return {WITHOUT: task.scorer(partial(scores.reconstruction_error, network))}
    parts = partial(scores.lsa_parts, network, density)
    held_out = parts(task.validation)
    return {"": lambda x: scores.lsa_novelty(parts(x), held_out)}


def fit_deep_svdd(task: Task, *, pretrain_epochs: int = 0) -> dict[str, Scorer]:
    """One-class Deep SVDD after `pretrain_epochs` as an autoencoder, on contrast-normalised images.

    The learning rate falls to a tenth after a third of the epochs, as at 50 of the authors' 150.
    Source: ruff2018deep, public code.
    """
    span = fit_contrast_range(task.train)
    network = build(lambda: deep_svdd(task.channels), task.draws("DSVDD weights"))
    network.to(task.train.device)
    normalised = replace(
        task,
        train=contrast_scaled(task.train, span),
        validation=contrast_scaled(task.validation, span),
    )
    trained = normalised.fit(
        "DSVDD",
        training.fit_deep_svdd,
        network,
        batch=200,  # and rate: of the public code
        rate=1e-4,
        pretrain_epochs=pretrain_epochs,
        milestone=max(1, task.epochs // 3),
        pretrain_milestone=max(1, pretrain_epochs // 3),
    )

    def distance(x: Tensor) -> Tensor:
        return scores.deep_svdd_score(network, contrast_scaled(x, span), trained.centre)

    return {"": task.scorer(distance)}


def fit_gradcon(task: Task, *, alpha: float = 0.03, beta: float = 0.12) -> dict[str, Scorer]:
    """GradCon, with the draws of its own chapter. Source: kwon2020gradcon."""
    best = train_gradcon(task, alpha=alpha)
    ask = partial(scores.gradcon_score, best.model, reference=best.reference.mean, beta=beta)
    return {"": task.scorer(ask)}


def train_gradcon(task: Task, *, alpha: float = 0.03) -> training.Fitted[CAE]:
    """The constrained autoencoder of a task, with its reference gradient."""
    network = build(lambda: CAE(task.channels), task.draws("weights")).to(task.train.device)
    best: training.Fitted[CAE] = task.fit(
        "GradCon", training.fit, network, batch=64, rate=1e-3, alpha=alpha
    )
    return best


METHODS: Mapping[str, Callable[..., dict[str, Scorer]]] = MappingProxyType(
    {  # by the names of the published tables
        "OCSVM": fit_ocsvm,
        "KDE": fit_kde,
        "DAE": fit_dae,
        "VAE": fit_vae,
        "LSA": fit_lsa,
        "DSVDD": fit_deep_svdd,
        "GradCon": fit_gradcon,
    }
)


def check_method(name: str) -> str:
    """The name itself. Raises UnknownName, with those there are, for one that is not in METHODS."""
    if name not in METHODS:
        raise UnknownName(
            f"There is no method {name!r} to run; known are {', '.join(METHODS)}."
            + nearest(name, METHODS)
        )
    return name


def image_size(name: str, channels: int) -> int:
    """Pixels a side of a method's images: LSA's body, also the DAE's, takes colour at 32."""
    return 32 if channels == 3 and name in ("DAE", "LSA") else 28


def lsa_autoencoder(channels: int, generator: torch.Generator) -> LSANetwork:
    """LSA's autoencoder for grey images of 28×28 or colour images of 32×32 pixels."""
    if channels == 1:  # gains little from channels last, and is not safe in it (PointwiseConv2d)
        return build(LSAAutoencoder, generator)
    # a quarter less time on a CPU
    return build(LSACifarAutoencoder, generator).to(memory_format=torch.channels_last)


def _rows(x: Tensor) -> NDArray[np.float64]:
    """Images `[n, c, s, s]` as rows of float64 numbers, for methods of scikit-learn."""
    return x.flatten(1).double().cpu().numpy()


def _on_rows(score: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Scorer:
    return lambda x: torch.from_numpy(score(_rows(x)))
