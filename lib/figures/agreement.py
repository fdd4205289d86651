"""What the documents print against what we measured."""

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes


def agreement_scatter(axis: Axes, cells: pd.DataFrame, *, hue: str) -> None:
    """A dot per number in [0, 1], a colour for each value of the column `hue`.

    `cells` has the columns published, ours, low and high; from low to high runs a thin line. The
    dotted diagonal is where both are equal.
    """
    axis.axline((0, 0), slope=1, color="0.6", ls=":", zorder=0)
    palette = sns.color_palette("colorblind", cells[hue].nunique())
    for colour, (name, part) in zip(palette, cells.groupby(hue, sort=False), strict=True):
        axis.vlines(part["published"], part["low"], part["high"], color=colour, lw=0.6, alpha=0.5)
        axis.plot(part["published"], part["ours"], "o", ms=3.5, color=colour, label=name)
    axis.set(
        xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal", xlabel="published", ylabel="ours"
    )
    axis.legend(fontsize="small", loc="center left", handletextpad=0.1)
