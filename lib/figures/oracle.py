"""The larger figures of the oracle's page; `lib.pages.oracle_curves` reads their numbers."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from lib.figures.style import COLOURS
from lib.metrics import Interval

# whose numbers they are
LOOK = {"published": "0.75", "reference": COLOURS["normal"], "this build": COLOURS["grad"]}
STYLES = {"reference": "-", "this build": "--"}


def class_examples(
    axes: NDArray[np.object_],
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    groups: Mapping[str, Sequence[int]],
    names: Sequence[str],
) -> None:
    """The first image of some classes: one line of `axes` per group, as many as there is room for.

    Images `[n, c, h, w]` with one or three channels.
    """
    for line, (word, members) in zip(axes, groups.items(), strict=True):
        for axis, label in zip(line, members, strict=False):
            example = images[np.flatnonzero(labels == label)[0]]
            axis.imshow(example[0] if len(example) == 1 else example.transpose(1, 2, 0))
            axis.set_title(names[label], fontsize="small")
        for axis in line:
            axis.axis("off")
        line[0].text(-0.25, 0.5, word, ha="right", va="center", transform=line[0].transAxes)


def interval_bars(
    axis: Axes, bars: Mapping[str, Sequence[Interval]], ticks: Sequence[str], *, title: str
) -> None:
    """A group of bars per tick, one of each entry of LOOK in `bars`, with intervals and numbers.

    An interval without limits has no error bar.
    """
    for i, (word, found) in enumerate(bars.items()):
        heights = [interval.mean for interval in found]
        errors = np.array([interval.high - interval.mean for interval in found])
        where = np.arange(len(ticks)) + (i - (len(bars) - 1) / 2) * 0.8 / len(bars)
        errors = np.where(np.isfinite(errors), errors, 0)
        axis.bar(where, heights, 0.8 / len(bars), yerr=errors, color=LOOK[word], label=word)
        for place, height, error in zip(where, heights, errors, strict=True):
            # above its interval, and apart from the neighbours' numbers
            axis.text(place, height + error + 0.006, f"{height:.3f}", ha="center", fontsize=7)
    axis.set_xticks(range(len(ticks)), list(ticks), fontsize="small")
    axis.set(title=title, ylim=(0.5, 1.08), ylabel="AUC")
    axis.legend(fontsize="small", loc="upper left")


def label_curves(
    axis: Axes, curves: Mapping[str, pd.DataFrame], simple: Mapping[str, float]
) -> None:
    """AUC by number of labelled anomalies, a line and a band per source, above a dotted `simple`.

    Columns of a curve: labelled, mean, min and max; one without lines is left out.
    """
    for word, few in curves.items():
        if len(few):
            x, colour = few["labelled"].astype(float), LOOK[word]
            axis.plot(x, few["mean"], STYLES[word], marker="o", ms=4, color=colour, label=word)
            axis.fill_between(x, few["min"], few["max"], color=colour, alpha=0.15)
            axis.axhline(simple[word], ls=":", color=colour)
    axis.set(xscale="log", xlabel="labelled anomalies", ylabel="AUC of the forest")
    axis.legend(fontsize="small", title="dotted: max logit", title_fontsize="small")


def left_out_points(axis: Axes, pairs: Mapping[str, pd.DataFrame]) -> None:
    """Each anomaly class with (columns seen) and without it (unseen) among the labelled images.

    A colour per source; a source without classes is left out.
    """
    there = {word: pair for word, pair in pairs.items() if len(pair)}
    for word, pair in there.items():
        axis.scatter(pair["seen"], pair["unseen"], s=18, color=LOOK[word], label=word)
    lowest = min((pair.to_numpy().min() for pair in there.values()), default=0.5) - 0.02
    axis.plot([lowest, 1], [lowest, 1], color="0.7", ls=":")
    axis.set(xlabel="AUC, class among the labelled", ylabel="AUC, class left out")
    axis.legend(fontsize="small")


def far_points(axis: Axes, table: pd.DataFrame) -> None:
    """A tick per line of `table`, a marker per column `score, source`: round for the max logit."""
    for i, column in enumerate(table):
        name = str(column)
        marker = "o" if name.startswith("max") else "s"
        where = np.arange(len(table)) + 0.12 * (i - 1.5)
        colour = LOOK[name.split(", ")[1]]
        axis.plot(where, table[column], marker, color=colour, label=name, ms=5)
    axis.set_xticks(range(len(table)), list(table.index), rotation=20, fontsize="small")
    axis.set(ylabel="AUC against nominal test images")
    axis.legend(fontsize="x-small")


def training_courses(axes: Sequence[Axes], over: pd.DataFrame, points: pd.DataFrame) -> None:
    """Three panels: loss and gradient, what score and forest find, and accuracy against AUC.

    `over` has a line per epoch, maybe none; `points` a line per finished network with columns
    accuracy and auc.
    """
    if len(over):
        for name, style in (("training loss", "-"), ("gradient norm", "--")):
            axes[0].plot(over.index, over[name], style, color="0.3", label=name)
        forest = next(name for name in over if "forest" in str(name))
        accuracy, logit = over["test accuracy"], over["max logit"]
        axes[1].plot(over.index, over[forest], "s-", ms=4, label="forest on z")
        axes[1].plot(over.index, logit, "o-", ms=4, label="max logit")
        axes[1].plot(over.index, accuracy, ":", color="0.4", label="test accuracy")
        axes[2].plot(accuracy, logit, "o-", ms=4, lw=0.8, label="one training")
    axes[0].set(xlabel="epoch", yscale="log")
    axes[0].legend(fontsize="small")
    axes[1].set(xlabel="epoch", ylabel="AUC")
    axes[1].legend(fontsize="small")
    axes[2].plot(points["accuracy"], points["auc"], "D", ms=5, label="finished networks")
    axes[2].set(xlabel="test accuracy", ylabel="AUC of the max logit")
    axes[2].legend(fontsize="small")
