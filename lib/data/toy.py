"""Points in the plane: rings to classify, and a regular grid."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib.errors import BadInput

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
    Raises BadInput for fewer than one point a class, an `inner` below 0, a `thickness` not above 0
    and centres that are not pairs of finite numbers.
    Source: spigler2019denoising, "Results"; the sampling law is methods.md 5.8's.
    """
    if isinstance(n_per_class, bool) or not isinstance(n_per_class, int) or n_per_class < 1:
        raise BadInput(
            f"Points per class must be a whole number of at least 1; it was {n_per_class!r}."
        )
    middle = _centres(centres, inner, thickness)
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
    rounding of `rings`. Raises BadInput for other points, those that are no finite numbers, a
    margin below 0, and rings that `rings` refuses.
    Source: spigler2019denoising, "Results", for the rings.
    """
    x = np.asarray(points, dtype=np.float64)
    if x.ndim < 1 or x.shape[-1] != 2:
        raise BadInput(f"Points must have shape [..., 2], but {list(x.shape)} came.")
    if not np.isfinite(x).all():
        raise BadInput("Points must be finite numbers, but another value came.")
    not_negative("margin", margin)
    middle = _centres(centres, inner, thickness)
    distance = np.linalg.norm(x[..., None, :] - middle, axis=-1)  # [..., k]
    inside = (distance >= inner - margin) & (distance <= inner + thickness + margin)
    found: NDArray[np.bool_] = inside.any(-1)
    return found


def plane(low: float, high: float, n: int) -> NDArray[np.float32]:
    """A regular grid over the square from `low` to `high`, ends included, float32 `[n * n, 2]`.

    Row-major, rows are y: point i·n + j is (x_j, y_i), both rising. Values at the points become a
    picture by `values.reshape(n, n)`, drawn with `origin="lower"`.
    Raises BadInput unless `low` < `high` are finite and `n` is a whole number of at least 2.
    """
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise BadInput(f"The plane needs a finite low below a finite high; {low} and {high} came.")
    if isinstance(n, bool) or not isinstance(n, int) or n < 2:
        raise BadInput(f"The plane needs at least 2 points a side, a whole number; {n!r} came.")
    side = np.linspace(low, high, n, dtype=np.float32)
    x, y = np.meshgrid(side, side)
    return np.column_stack([x.ravel(), y.ravel()])


def _centres(centres: Centres, inner: float, thickness: float) -> Values:
    middle = np.asarray(centres, dtype=np.float64)
    if middle.ndim != 2 or middle.shape[1] != 2 or not len(middle) or not np.isfinite(middle).all():
        raise BadInput(f"Centres must be pairs of finite numbers, but {centres!r} came.")
    not_negative("inner", inner)
    if not (math.isfinite(thickness) and thickness > 0):
        raise BadInput(f"thickness must be a number above 0; it was {thickness!r}.")
    return middle


def not_negative(name: str, value: float) -> None:
    """Raise BadInput unless the value is a finite number of at least 0."""
    if not (math.isfinite(value) and value >= 0):
        raise BadInput(f"{name} must be a number of at least 0; it was {value!r}.")
