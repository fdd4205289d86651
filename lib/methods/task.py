"""What a method of the comparison is given, and what it gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lib.scores import in_batches
from lib.training import Precision, fingerprint, generator, numpy_generator

# Images `[n, c, s, s]` in [0, 1], on any device, to anomaly scores by name, each `[n]` on the CPU
# and higher for anomalies. The main score has the name "".
Scorer = Callable[[Tensor], dict[str, Tensor]]


@dataclass(frozen=True)
class Labelled:
    """Images `[n, c, s, s]` of the test with their labels `[n]`, 1 for an anomaly.

    What learns from them is an upper bound, and must be judged on other images.
    """

    images: Tensor
    labels: NDArray[np.int64]


def a_tenth(anomalous: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Positions, ascending, of a tenth of the normal images (label 0) and of the others (label 1).

    At least one of each kind, where there is one. Source: ruff2018deep, public code: a random tenth
    of the test images.
    """
    kinds = [rng.permutation(np.flatnonzero(anomalous == label)) for label in (0, 1)]
    return np.sort(np.concatenate([kind[: max(1, len(kind) // 10)] for kind in kinds]))


def no_checkpoint(name: str) -> Path | None:
    """A training that is not kept."""
    return None


@dataclass(frozen=True, kw_only=True)
class Task:
    """One class of normal images to learn, and the budget to do it with.

    `train` and `validation` `[n, c, s, s]`, float32 in [0, 1], on the device that is to be used.
    `seed` and the number of the `normal` class are what all draws go by. `epochs` are those of the
    method that is asked; `batch_size` and `learning_rate` too, its own without them. `precision` is
    that of the large products where DAE and LSA are trained. `checkpoint`
    says where the training of a name is kept, and `identity` holds what else tells two trainings
    apart, such as the hash of the images. `labelled` is for upper bounds alone.
    """

    train: Tensor
    validation: Tensor
    seed: int
    normal: int
    epochs: int
    batch_size: int | None = None
    learning_rate: float | None = None
    precision: Precision = "float32"
    checkpoint: Callable[[str], Path | None] = no_checkpoint
    identity: Mapping[str, object] = field(default_factory=dict)
    labelled: Labelled | None = None

    @property
    def channels(self) -> int:
        """Channels of the images."""
        return self.train.shape[1]

    def generator(self, words: str) -> torch.Generator:
        """A generator for one purpose, such as "DAE weights"."""
        return generator(self.seed, words, self.normal)

    def numpy_generator(self, words: str) -> np.random.Generator:
        """The same for numpy."""
        return numpy_generator(self.seed, words, self.normal)

    def fingerprint(self, rule: object, *networks: object, **settings: object) -> str:
        """Hash of the identity, the budget, the method's own settings and its code.

        For a checkpoint; `rule` and `networks` as `lib.training.fingerprint` takes them.
        """
        same = {**self.identity, "epochs": self.epochs, **settings}
        return fingerprint(same, rule, *networks)

    def scored(self, function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        """`function` of `x` on this task's device, a batch at a time; the result on the CPU."""
        return in_batches(function, x.to(self.train.device)).cpu()


def usual_size(channels: int) -> int:
    """Pixels a side of the images that most methods take: those of GradCon."""
    return 28


def as_rows(x: Tensor) -> NDArray[np.float64]:
    """Images `[n, c, s, s]` as rows of float64 numbers, for methods of scikit-learn."""
    return x.flatten(1).double().cpu().numpy()
