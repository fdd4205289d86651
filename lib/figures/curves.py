"""Curves and histograms of scores."""

from collections.abc import Mapping, Sequence

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator
from matplotlib.typing import ColorType

NAMED_EPOCHS = (1, 5, 20, 60, 150)


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
