"""Negative samples: images that belong to no class, to train a classifier against."""

import numpy as np
import torch
from torch import Tensor

from lib.errors import BadInput


def negative_samples(n: int, others: Tensor | None, *, rng: np.random.Generator) -> Tensor:
    """n images of no class, float32 `[n, 1, 28, 28]` in [0, 1], in random order.

    Half of them, rounded up, are uniform noise, each pixel on its own; the rest are drawn without
    repetition from `others` `[m, 1, 28, 28]` in [0, 1]. Without `others` all are noise. Raises
    BadInput for n below 1, others of another shape and too few of them.
    Source: spigler2019denoising, previous work ("positive vs negative training samples").
    """
    if n < 1:
        raise BadInput(f"There must be at least one negative sample, but {n} were asked for.")
    drawn = 0 if others is None else n // 2
    noise = torch.from_numpy(rng.random((n - drawn, 1, 28, 28), np.float32))
    if others is None:
        return noise
    if others.ndim != 4 or others.shape[1:] != (1, 28, 28) or len(others) < drawn:
        raise BadInput(
            f"Negative samples need at least {drawn} other images [m, 1, 28, 28], "
            f"but {list(others.shape)} came."
        )
    chosen = others[rng.choice(len(others), drawn, replace=False)]
    return torch.cat([noise, chosen.float()])[rng.permutation(n)]
