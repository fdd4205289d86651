"""Angles between gradients, as arrows and histograms on half a circle."""

from collections.abc import Sequence

import numpy as np
from matplotlib.projections.polar import PolarAxes
from numpy.typing import NDArray

from lib.figures.style import COLOURS

WORDS = ("normal", "anomaly")


def angle_rose(
    axis: PolarAxes,
    labels: NDArray[np.int64],
    cosines: NDArray[np.float64],
    *,
    picked: Sequence[int],
    reference: str,
) -> None:
    """The angles of all images to the black arrow `reference`, by label, in bins of five degrees.

    `cosines` `[n]` in [-1, 1], label 1 for anomalies; coloured arrows for the images `picked`, a
    normal one first.
    """
    angles = np.arccos(np.clip(cosines, -1, 1))
    edges = np.linspace(0, np.pi, 37)
    for label, word in enumerate(WORDS):
        share = np.histogram(angles[labels == label], edges)[0] / np.sum(labels == label)
        axis.bar(edges[:-1], share, np.diff(edges), align="edge", color=COLOURS[word], alpha=0.55)
    top = axis.get_ylim()[1]
    for index, word in zip(picked, WORDS, strict=True):
        arrow = {"arrowstyle": "->", "color": COLOURS[word], "lw": 2}
        axis.annotate("", (angles[index], top), (0, 0), arrowprops=arrow)
        axis.plot([], color=COLOURS[word], lw=4, label=word)
    axis.annotate("", (0, top), (0, 0), arrowprops={"arrowstyle": "->", "color": "black", "lw": 2})
    axis.plot([], color="black", label=reference)
    axis.set(thetamin=0, thetamax=180, yticks=[])
