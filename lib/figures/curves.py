"""Curves and histograms of scores."""

from collections.abc import Mapping, Sequence

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from matplotlib.typing import ColorType

NAMED_EPOCHS = (1, 5, 20, 60, 150)


def range_curve(
    axis: Axes,
    table: pd.DataFrame,
    style: str = "-",
    *,
    colour: str,
    label: str,
    marker: str = "",
    shade: float = 0.2,
) -> None:
    """Means over the table's index, where all values of a group are there, and their range.

    Columns mean, min, max and size; points of fewer values than the most are hollow and off the
    line. With a `shade` of 0 neither they nor the range are drawn.
    """
    whole = table["size"] == table["size"].max()
    line, few = table[whole], table[~whole]
    axis.plot(line.index, line["mean"], style, color=colour, marker=marker, ms=3, label=label)
    if shade:
        axis.plot(few.index, few["mean"], "o", color=colour, mfc="none", ms=5)
        axis.fill_between(line.index, line["min"], line["max"], color=colour, alpha=shade, lw=0)


def learning_curves(
    axis: Axes, histories: Mapping[str, Sequence[Mapping[str, float]]], *, key: str, ylabel: str
) -> None:
    """One thin line per training: the entry `key` of its history over epochs."""
    palette = sns.color_palette("husl", len(histories))
    for (name, history), colour in zip(histories.items(), palette, strict=True):
        epochs = [entry["epoch"] for entry in history]
        axis.plot(epochs, [entry[key] for entry in history], label=name, color=colour, lw=1.3)
    axis.set(xlabel="epoch", ylabel=ylabel)


def course_curves(
    axis: Axes, means: pd.DataFrame, *, ylabel: str, colours: Mapping[str, ColorType]
) -> None:
    """A number over the epochs of trainings, one curve per `line` of `means`.

    Columns line, epoch and value; `colours` by line. Few epochs are named on the axis, which is
    logarithmic.
    """
    for line, part in means.groupby("line", sort=False):
        axis.plot(part["epoch"], part["value"], ".-", color=colours[str(line)], label=line)
    seen = sorted(means["epoch"].unique())
    named = seen if len(seen) <= 3 else [epoch for epoch in seen if epoch in NAMED_EPOCHS]
    axis.set(xscale="log", ylabel=ylabel, xlabel="epoch")
    axis.set_xticks(named, [f"{epoch:g}" for epoch in named])
    axis.xaxis.set_minor_locator(NullLocator())


def course_grid(
    figure: Figure,
    courses: Mapping[str, Mapping[str, pd.DataFrame]],
    *,
    colours: Mapping[str, ColorType],
) -> None:
    """`course_curves` by number and by source: a line of panels per number, a column per source.

    `courses` has means by axis label and name of the source, with a column n besides: how many
    networks a line has. Without a source the panels stay empty.
    """
    columns = max(1, *(len(sources) for sources in courses.values()))
    grid = figure.subplots(len(courses), columns, squeeze=False)
    for axes, (label, sources) in zip(grid, courses.items(), strict=True):
        for axis, (name, means) in zip(axes, sources.items(), strict=False):
            course_curves(axis, means, ylabel=label, colours=colours)
            counts = " or ".join(str(n) for n in sorted(means["n"].unique()))
            axis.set_title(f"{name}\nn = {counts} networks a line", fontsize="small")
        if sources:
            axes[-1].legend(fontsize="x-small", loc="center left", bbox_to_anchor=(1, 0.5))
