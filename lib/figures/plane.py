"""Pictures of the plane: vector fields over a density, and functions of its points."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

LONGEST = 8  # arrows are cut to this length


def field_arrows(
    figure: Figure,
    grid: NDArray[np.float32],
    density: NDArray[np.float64],
    fields: Mapping[str, NDArray[np.float64]],
    *,
    every: int = 3,
) -> None:
    """A panel per vector field `[n², 2]` on a square `grid` `[n², 2]`, over the `density` `[n²]`.

    Arrows stand at one in `every` points a side; the longest are cut to one length.
    """
    n = round(len(grid) ** 0.5)
    side = np.linspace(grid.min(), grid.max(), n)
    kept = np.arange(n)[::every]
    pick = (kept[:, None] * n + kept).ravel()
    axes = figure.subplots(1, len(fields), sharex=True, sharey=True, squeeze=False)
    for axis, (title, field) in zip(axes[0], fields.items(), strict=True):
        axis.contourf(side, side, density.reshape(n, n), levels=12, cmap="Greys")
        length = np.linalg.norm(field[pick], axis=1, keepdims=True)
        shrunk = field[pick] / np.maximum(length, 1e-9) * np.minimum(length, LONGEST)
        axis.quiver(*grid[pick].T, *shrunk.T, color="C0", scale=90, width=0.005)
        limits = (float(side[0]), float(side[-1]))
        axis.set(title=title, aspect="equal", xlim=limits, ylim=limits)


def plane_maps(
    figure: Figure,
    pictures: Mapping[str, NDArray[Any]],
    *,
    extent: tuple[float, float, float, float],
    columns: int = 3,
) -> None:
    """A panel per function of the plane, values `[n²]` in [0, 1] of `toy.plane`'s points."""
    lines = -(-len(pictures) // columns)
    axes = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for axis, (title, values) in zip(axes.flat, pictures.items(), strict=True):
        n = round(len(values) ** 0.5)
        options = {"origin": "lower", "extent": extent, "vmin": 0, "vmax": 1, "cmap": "magma"}
        picture = axis.imshow(values.reshape(n, n), **options)
        axis.set_title(title, fontsize=10)
    figure.colorbar(picture, ax=axes, shrink=0.7)
