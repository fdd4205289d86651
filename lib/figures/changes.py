"""One setting changed at a time: a number with and without the change."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from lib.figures.style import COLOURS


def change_lines(axis: Axes, table: pd.DataFrame, marks: Mapping[str, Mapping[str, Any]]) -> None:
    """A line per change of `table` (what, value, maybe n): a dot, and marks for other numbers.

    `marks` name columns, "base" among them, with how their short vertical lines look; where such a
    number is NaN there is no mark. A grey bar reaches from the base to the dot.
    """
    for column, look in marks.items():
        at = table[column].dropna()
        axis.vlines(at, at.index - 0.5, at.index + 0.5, lw=1.5, **look)
    axis.hlines(table.index, table["base"], table["value"], color="0.75", lw=2, zorder=1)
    axis.plot(table["value"], table.index, "o", color=COLOURS["grad"], label="with the change")
    counts = [f" (n = {n})" for n in table["n"]] if "n" in table else [""] * len(table)
    axis.set_yticks(table.index, list(table["what"] + counts))
    axis.invert_yaxis()
