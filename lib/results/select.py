"""Collecting result rows while a chapter runs, and picking single numbers out of them again."""

from collections.abc import Callable

import pandas as pd

from lib.errors import BadInput
from lib.results.rows import describe, row
from lib.results.variants import variant

Row = dict[str, object]


def collector(*, run: str, dataset: str) -> tuple[Callable[..., None], list[Row]]:
    """A function that collects rows of one run on one data set, and the list they come to.

    It is called as `add(value, table=…, method=…, metric=…, seed=…, n=…)`, with `score` and
    `class_` where they apply; every other keyword is a setting of the `variant`. `frame` checks
    the rows at the end.
    """
    rows: list[Row] = []

    def add(
        value: float,
        *,
        table: str,
        method: str,
        metric: str,
        seed: int,
        n: int,
        score: str = "",
        class_: str | int = "",
        **setting: str | int | float,
    ) -> None:
        rows.append(
            row(
                run=run,
                table=table,
                dataset=dataset,
                method=method,
                score=score,
                class_=class_,
                variant=variant(**setting),
                seed=seed,
                metric=metric,
                value=float(value),
                n=n,
            )
        )

    return add, rows


def pick(rows: pd.DataFrame, **cells: str) -> pd.Series:
    """The values of the rows with these cells, indexed by seed; empty where there are none.

    `class_` stands for the column class; variant is empty unless given. Raises BadInput for a
    column that rows do not have, and where two rows share a seed.
    """
    wanted = {"variant": ""} | {name.removesuffix("_"): cell for name, cell in cells.items()}
    if unknown := sorted(set(wanted) - set(rows.columns)):
        raise BadInput(f"Result rows have no column {unknown[0]!r}.")
    keep = pd.Series(True, index=rows.index)
    for name, cell in wanted.items():
        keep &= rows[name] == cell
    kept = rows[keep]
    if kept["seed"].duplicated().any():
        raise BadInput(f"Two rows have one seed: {describe(wanted)}.")
    return kept.set_index("seed")["value"]
