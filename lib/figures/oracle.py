"""The figures of the oracle's two pages, from rows by whose they are: LOOK's published, ours."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from lib.figures.style import COLOURS
from lib.metrics import student_interval

LOOK = {"published": "0.75", "reference": COLOURS["normal"], "this build": COLOURS["grad"]}
STYLES = {"reference": "-", "this build": "--"}
Rows = Mapping[str, pd.DataFrame]


def step_bars(axis: Axes, rows: Rows, *, title: str) -> None:
    """A group of bars per method, in the rows' order, one of each source, with 95 % intervals.

    Columns method and value, a row per seed; a source without rows is left out.
    """
    there = {word: table for word, table in rows.items() if len(table)}
    for i, (word, table) in enumerate(there.items()):
        groups = table.groupby("method", sort=False)["value"]
        intervals = [student_interval(values) for _, values in groups]
        heights = [interval.mean for interval in intervals]
        errors = np.array([interval.high - interval.mean for interval in intervals])
        errors = np.where(np.isfinite(errors), errors, 0)
        where = np.arange(len(heights)) + (i - (len(there) - 1) / 2) * 0.8 / len(there)
        axis.bar(where, heights, 0.8 / len(there), yerr=errors, color=LOOK[word], label=word)
        for place, height, error in zip(where, heights, errors, strict=True):
            # above its interval, and apart from the neighbours' numbers
            above = height + error + 0.006
            axis.text(place, above, f"{height:.3f}", ha="center", fontsize=7, clip_on=True)
    ticks = ["max logit", "oracle\ndetector", "oracle\nrepresentation"]
    axis.set_xticks(range(3), ticks, fontsize="small")
    axis.set(title=title, ylim=(0.5, 1.08), ylabel="AUC")
    axis.legend(fontsize="small", loc="upper left")


def label_curves(axis: Axes, rows: Rows, simple: Mapping[str, float]) -> None:
    """AUC by number of labelled anomalies, a line and a band over seeds, above a dotted `simple`.

    Columns labelled and value.
    """
    for word, table in rows.items():
        if len(table):
            few = table.groupby("labelled")["value"].agg(["mean", "min", "max"])
            colour = LOOK[word]
            axis.plot(
                few.index, few["mean"], STYLES[word], marker="o", ms=4, color=colour, label=word
            )
            axis.fill_between(few.index, few["min"], few["max"], color=colour, alpha=0.15)
            axis.axhline(simple[word], ls=":", color=colour)
    axis.set(xscale="log", xlabel="labelled anomalies", ylabel="AUC of the forest")
    axis.legend(fontsize="small", title="dotted: max logit", title_fontsize="small")


def left_out_points(axis: Axes, rows: Rows) -> None:
    """A point per anomaly class and seed: its AUC with and without it among the labelled images.

    Columns left_out, arm (seen, unseen), seed and value.
    """
    lowest = 0.5
    for word, table in rows.items():
        if len(table):
            pair = table.pivot_table(index=["left_out", "seed"], columns="arm", values="value")
            axis.scatter(pair["seen"], pair["unseen"], s=18, color=LOOK[word], label=word)
            lowest = min(lowest, pair.to_numpy().min() - 0.02)
    axis.plot([lowest, 1], [lowest, 1], color="0.7", ls=":")
    axis.set(xlabel="AUC, class among the labelled", ylabel="AUC, class left out")
    axis.legend(fontsize="small")


def far_points(axis: Axes, rows: Rows) -> None:
    """A tick per set of images, a marker per score and source: round for the max logit.

    Columns far (the images), score and value.
    """
    names = list(dict.fromkeys(name for table in rows.values() for name in table["far"]))
    for i, (word, table) in enumerate(rows.items()):
        means = table.groupby(["score", "far"], sort=False)["value"].mean()
        for j, score in enumerate(dict.fromkeys(table["score"])):
            where = np.arange(len(names)) + 0.12 * (2 * i + j - 1.5)
            marker, name = ("o", "max logit") if score == "max logit" else ("s", "forest")
            heights = means[score].reindex(names)
            axis.plot(where, heights, marker, color=LOOK[word], label=f"{name}, {word}", ms=5)
    axis.set_xticks(range(len(names)), names, rotation=20, fontsize="small")
    axis.set(ylabel="AUC against nominal test images")
    axis.legend(fontsize="x-small")


def training_course(axes: Sequence[Axes], course: pd.DataFrame, points: pd.DataFrame) -> None:
    """Three panels: loss and gradient, what score and forest find, and accuracy against AUC.

    `course` has a line per epoch shown, with columns training loss, gradient norm, test accuracy,
    max logit and forest; `points` a line per finished network with test accuracy and max logit.
    """
    for name, style in (("training loss", "-"), ("gradient norm", "--")):
        axes[0].plot(course.index, course[name], style, color="0.3", label=name)
    for name, style in (("forest", "s-"), ("max logit", "o-"), ("test accuracy", ":")):
        axes[1].plot(course.index, course[name], style, ms=4, label=name)
    axes[2].plot(
        course["test accuracy"], course["max logit"], "o-", ms=4, lw=0.8, label="one training"
    )
    axes[2].plot(points["test accuracy"], points["max logit"], "D", ms=5, label="finished networks")
    axes[0].set(xlabel="epoch", yscale="log")
    axes[1].set(xlabel="epoch", ylabel="AUC")
    axes[2].set(xlabel="test accuracy", ylabel="AUC of the max logit")
    for axis in axes:
        axis.legend(fontsize="small")
