"""Pictures of images, their reconstructions and what lies between."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray


def reconstruction_grid(
    figure: Figure,
    images: NDArray[np.float32],
    reconstructions: NDArray[np.float32],
    titles: list[str],
) -> None:
    """Three rows under one another: images, reconstructions, squared error.

    `[n, c, h, w]` in [0, 1]. The error map, averaged over channels, has one scale for the whole
    figure, so that columns can be compared.
    """
    n = len(images)
    error = np.square(images - reconstructions).mean(1)
    axes = figure.subplots(3, n, squeeze=False)
    for column in range(n):
        for line, picture in enumerate((images[column], reconstructions[column])):
            shown = picture[0] if len(picture) == 1 else picture.transpose(1, 2, 0)
            axes[line, column].imshow(shown, vmin=0, vmax=1)
        axes[2, column].imshow(error[column], vmin=0, vmax=error.max(), cmap="magma")
        axes[0, column].set_title(titles[column], fontsize="small")
    _bare(axes, ["image", "recon-\nstruction", "squared\nerror"])


def map_grid(
    figure: Figure,
    columns: Mapping[str, NDArray[np.float64]],
    *,
    rows: Sequence[str],
    limits: Mapping[str, float] | None = None,
    grey: Collection[str] = (),
) -> None:
    """One column of pictures `[n, h, w]` per name, one row per image, named by `rows`.

    Columns in `grey` are images in [0, 1]. Every other picture is a map, from 0 to its own
    maximum, or to the column's entry in `limits`, which makes the column's rows comparable.
    """
    axes = figure.subplots(len(rows), len(columns), squeeze=False)
    for column, (name, pictures) in enumerate(columns.items()):
        for line, picture in enumerate(pictures):
            if name in grey:
                axes[line, column].imshow(picture, vmin=0, vmax=1)
            else:
                top = (limits or {}).get(name, picture.max() or 1.0)
                axes[line, column].imshow(picture, vmin=0, vmax=top, cmap="magma")
        axes[0, column].set_title(name, fontsize="small")
    _bare(axes, rows)


def titled_grid(
    figure: Figure,
    lines: Mapping[str, tuple[NDArray[np.float32], Sequence[str]]],
    *,
    fontsize: float | None = None,
) -> None:
    """A line per name, of images `[n, h, w]` in [0, 1] with a short title over each.

    Every line has as many images; `fontsize` is that of the names.
    """
    count = len(next(iter(lines.values()))[0])
    axes = figure.subplots(len(lines), count, squeeze=False)
    for line, (pictures, titles) in zip(axes, lines.values(), strict=True):
        for axis, picture, title in zip(line, pictures, titles, strict=True):
            axis.imshow(picture, vmin=0, vmax=1)
            axis.set_title(title, fontsize=8, pad=2)
    _bare(axes, list(lines), fontsize)


def _bare(axes: Any, rows: Sequence[str], fontsize: float | None = None) -> None:
    """No ticks and no frame; the rows' names on the left."""
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        for spine in axis.spines.values():
            spine.set_visible(False)
    for line, word in enumerate(rows):
        axes[line, 0].set_ylabel(word, rotation=0, ha="right", va="center", fontsize=fontsize)
