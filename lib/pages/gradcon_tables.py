"""The baseline experiment of kwon2020gradcon as a page shows it."""

import pandas as pd
from pandas.io.formats.style import Styler

from lib.pages.gradcon import BASELINE, NETWORKS
from lib.results.tables import page_table, three_numbers

METHODS = (*NETWORKS, "untrained CAE", "mean brightness", "distance to mean")


def baseline_table(
    build: pd.DataFrame, reference: pd.DataFrame, document: pd.DataFrame, title: str, dataset: str
) -> Styler:
    """AUROC by normal class on the set `title`: printed, reference and `build`'s on `dataset`.

    Means over seeds, and for the average ± half the 95 % Student interval. Lines name their images
    where these are others than the title's. The average stands before the classes, which may be
    wider than the page. Raises BadInput as `three_numbers` does.
    """
    table = three_numbers(
        build,
        reference,
        document,
        table=BASELINE,
        dataset=dataset,
        published_dataset=title,
        methods=METHODS,
        intervals_in=["average"],
    )
    flat = table.reset_index()
    pairs = zip(flat["numbers"], flat["data"], strict=True)
    where = [numbers if data == title else f"{numbers}, {data}" for numbers, data in pairs]
    flat = flat.assign(numbers=where).drop(columns="data").rename_axis(columns=None)
    flat = flat.sort_values("method", key=lambda names: names.map(METHODS.index), kind="stable")
    first = [name for name in ("method", "score", "numbers", "average") if name in flat]
    flat = flat[[*first, *(name for name in flat if name not in first)]]
    caption = f"AUROC by normal class: activation against gradient, {title}"
    return page_table(flat, caption).hide(axis="index")
