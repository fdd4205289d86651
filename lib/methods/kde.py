"""Kernel density on principal components, its bandwidth by held-out likelihood."""

import torch
from torch import Tensor

from lib.methods.task import Scorer, Task, as_rows
from lib.scores.one_class import fit_kde as fit_density


def fit_kde(task: Task) -> Scorer:
    """A Gaussian kernel density; no label is used, and folds are drawn for the bandwidth.

    Source: parzen1962estimation; settings of methods.md 2.2.
    """
    density = fit_density(as_rows(task.train), rng=task.numpy_generator("KDE folds"))

    def score(x: Tensor) -> dict[str, Tensor]:
        return {"": torch.from_numpy(density.score(as_rows(x)))}

    return score
