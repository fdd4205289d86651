"""The Fisher kernel: of each test image, and abnormal over normal by class."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray

from lib.figures.style import COLOURS

MUCH_LARGER = 2  # times the normal kernel, by our reading of the document
SIGNED_TICKS = (-1000, -100, -10, -2, 0, 1, 2, 10, 100, 1000)


def kernel_shares(
    axes: Sequence[Axes], by_image: Mapping[str, Sequence[NDArray[np.floating]]]
) -> None:
    """Share of test images below a mean kernel with training images: signed, then absolute.

    `by_image` has both means `[n]` of each image by kind, "normal" and "abnormal".
    """
    for which, (axis, reading) in enumerate(zip(axes, ("signed", "absolute"), strict=True)):
        for kind, word in (("normal", "normal"), ("abnormal", "anomaly")):
            values = np.sort(by_image[kind][which])
            axis.plot(values, np.linspace(0, 1, len(values)), color=COLOURS[word], label=kind)
        axis.set(title=f"mean {reading} kernel", xlabel="K with training images", xscale="symlog")
        largest = max(float(np.abs(values[which]).max()) for values in by_image.values())
        top = 10.0 ** np.floor(np.log10(max(1.0, largest)))
        axis.set_xticks([-top, 0, top] if reading == "signed" else [0, top])
    axes[0].set_ylabel("share of test images below")
    axes[0].legend(fontsize="small")


def kernel_ratios_by_class(axis: Axes, ratios: Mapping[str, pd.Series], *, title: str) -> None:
    """The kernel of abnormal images over that of normal ones by class, "absolute" and "signed".

    On a signed scale of powers of ten; MUCH_LARGER is dashed.
    """
    for (reading, ratio), mark in zip(ratios.items(), ("o", "x"), strict=True):
        axis.plot(ratio.index, ratio, mark, color=COLOURS["grad"], label=reading)
    axis.axhline(MUCH_LARGER, color="0.4", ls="--")
    axis.axhline(1, color="0.7", ls=":")
    axis.set_title(title, fontsize="small")
    axis.set_yscale("symlog", linthresh=3)
    low, high = axis.get_ylim()
    axis.set_yticks([y for y in SIGNED_TICKS if low <= y <= high])
    axis.yaxis.set_major_formatter("{x:g}")
    axis.yaxis.set_minor_locator(NullLocator())
    axis.set(xlabel="normal class")
    names = [str(name) for name in next(iter(ratios.values())).index]
    axis.tick_params(axis="x", labelrotation=60 if len(names[0]) > 1 else 0)
    axis.legend(fontsize="small")
