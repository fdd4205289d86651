"""Points in the plane: rings to classify, and a regular grid."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

RING_CENTRES = ((-1.0, 1.0), (1.0, 1.0), (1.0, -1.0))
INNER, THICKNESS = 0.6, 0.1

Centres = Sequence[tuple[float, float]]
Values = NDArray[np.float64]


def rings(
    n_per_class: int,
    rng: np.random.Generator,
    *,
    centres: Centres = RING_CENTRES,
    inner: float = INNER,
    thickness: float = THICKNESS,
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Points on rings, one ring a class, and their classes: float32 `[n, 2]`, int64 `[n]`.

    n is `n_per_class` times the number of `centres` `[k, 2]`; classes 0 to k - 1 follow each other.
    The radius is uniform from `inner` to `inner` + `thickness`, the angle uniform.
    Source: spigler2019denoising, "Results"; the sampling law is methods.md 5.8's.
    """
    middle = np.asarray(centres, np.float64)
    labels = np.arange(len(middle), dtype=np.int64).repeat(n_per_class)
    radius = rng.uniform(inner, inner + thickness, len(labels))
    angle = rng.uniform(0, 2 * np.pi, len(labels))
    offset = radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    return (middle[labels] + offset).astype(np.float32), labels


def on_ring(
    points: ArrayLike,
    *,
    margin: float = 0.0,
    centres: Centres = RING_CENTRES,
    inner: float = INNER,
    thickness: float = THICKNESS,
) -> NDArray[np.bool_]:
    """Whether each point lies on some ring that is wider by `margin` on both sides, bool `[...]`.

    Points `[..., 2]`; the borders belong to the ring. A margin of 1e-6 makes up for the float32
    rounding of `rings`.
    Source: spigler2019denoising, "Results", for the rings.
    """
    x = np.asarray(points, np.float64)[..., None, :]
    distance = np.linalg.norm(x - np.asarray(centres, np.float64), axis=-1)  # [..., k]
    inside = (distance >= inner - margin) & (distance <= inner + thickness + margin)
    found: NDArray[np.bool_] = inside.any(-1)
    return found


def plane(low: float, high: float, n: int) -> NDArray[np.float32]:
    """A regular grid over the square from `low` to `high`, ends included, float32 `[n * n, 2]`.

    Row-major, rows are y: point i·n + j is (x_j, y_i), both rising. Values at the points become a
    picture by `values.reshape(n, n)`, drawn with `origin="lower"`.
    """
    side = np.linspace(low, high, n, dtype=np.float32)
    x, y = np.meshgrid(side, side)
    return np.column_stack([x.ravel(), y.ravel()])
