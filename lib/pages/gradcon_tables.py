"""The baseline experiment of kwon2020gradcon as a page shows it."""

import pandas as pd
from pandas.io.formats.style import Styler

from lib.pages.gradcon import BASELINE, NETWORKS
from lib.results.tables import flat_numbers, page_table, three_numbers

METHODS = (*NETWORKS, "untrained CAE", "mean brightness", "distance to mean")


def baseline_table(
    build: pd.DataFrame, reference: pd.DataFrame, document: pd.DataFrame, title: str, dataset: str
) -> Styler:
    """AUROC by normal class on the set `title`: printed, reference and `build`'s on `dataset`.

    Means over seeds, and for the average ± half the 95 % Student interval; laid out by
    `flat_numbers`. Raises BadInput as `three_numbers` does.
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
    flat = flat_numbers(table, title)
    flat = flat.sort_values("method", key=lambda names: names.map(METHODS.index), kind="stable")
    caption = f"AUROC by normal class: activation against gradient, {title}"
    return page_table(flat, caption).hide(axis="index")
