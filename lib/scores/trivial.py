"""Scores that know nothing: what every table must be compared with."""

from torch import Tensor


def mean_brightness(x: Tensor) -> Tensor:
    """Mean pixel value, `[n]` in [0, 1]; higher counts as more anomalous, by decree.

    A trivial row of the tables; no reason stands behind its direction.
    """
    return x.flatten(1).mean(1)


def distance_to_mean(x: Tensor, train: Tensor) -> Tensor:
    """Mean squared distance to the mean training image, `[n]`; higher is more anomalous.

    `x` `[n, c, h, w]` and `train` `[m, c, h, w]`, both in [0, 1].
    """
    return (x - train.mean(0)).square().flatten(1).mean(1)
