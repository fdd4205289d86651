"""Pictures of images, their reconstructions and what lies between."""

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
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        for spine in axis.spines.values():
            spine.set_visible(False)
    for line, word in enumerate(("image", "recon-\nstruction", "squared\nerror")):
        axes[line, 0].set_ylabel(word, rotation=0, ha="right", va="center")
