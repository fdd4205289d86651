"""Numbers of single classes, printed against our own."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes


def class_scatter(
    axis: Axes, table: pd.DataFrame, *, limits: tuple[float, float], **look: Any
) -> None:
    """A dot per class of `table` (columns class, published, ours), both axes within `limits`.

    The dotted diagonal is where both are equal; the two classes farthest from it are named. `look`
    goes to the dots.
    """
    axis.axline((0, 0), slope=1, color="0.7", ls=":")
    axis.plot(table["published"], table["ours"], "o", ms=4, **look)
    far = (table["published"] - table["ours"]).abs().nlargest(2).index
    for name, x, y in table.loc[far, ["class", "published", "ours"]].itertuples(index=False):
        right = x < sum(limits) / 2  # towards the middle, where there is room
        axis.annotate(
            name,
            (x, y),
            xytext=(4 if right else -4, -1),
            textcoords="offset points",
            ha="left" if right else "right",
            fontsize="x-small",
        )
    axis.set(xlim=limits, ylim=limits, aspect="equal")
