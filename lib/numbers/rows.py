"""Result rows: one schema for every number that a chapter measures."""

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lib.errors import BadInput, CompanionError, DataMissing, nearest
from lib.files import write_whole
from lib.numbers.variants import parse_variant, variant

Row = dict[str, object]

TEXT_COLUMNS = ("run", "table", "dataset", "method", "score", "class", "variant", "metric")
COLUMNS = (*TEXT_COLUMNS[:-1], "seed", "metric", "value", "n")
# what makes a row the same measurement, whichever run made it
IDENTITY = ("table", "dataset", "method", "score", "class", "variant", "seed", "metric")
# counted, not estimated: no seed, data or budget moves them
EXACT_METRICS = ("parameters",)
CLASSES = {"MNIST": 10, "MNIST-5k": 10, "Fashion-MNIST": 10, "CIFAR-10": 10, "CIFAR-100": 100}


def row(
    *,
    run: str,
    table: str,
    method: str,
    metric: str,
    value: float,
    n: int,
    seed: int,
    dataset: str = "",
    score: str = "",
    class_: str | int = "",
    variant: str = "",
) -> Row:
    """One result row as a mapping with the keys of COLUMNS, in their order.

    `n` counts the images behind the value; `class_` may be a digit. `frame` does the checking.
    """
    given = (run, table, dataset, method, score, str(class_), variant, seed, metric, value, n)
    return dict(zip(COLUMNS, given, strict=True))


def collector(*, run: str, dataset: str) -> tuple[Callable[..., None], list[Row]]:
    """A function that collects rows of one run on one data set, and the list they come to.

    It is called as `add(value, table=…, method=…, metric=…, seed=…, n=…)`, with `score` and
    `class_` where they apply; every other keyword is a setting of the `variant`. `frame` checks
    the rows at the end.
    """
    rows: list[Row] = []

    def add(value: float, **cells: Any) -> None:
        own = {key: cell for key, cell in cells.items() if key.removesuffix("_") in COLUMNS}
        setting = variant(**{key: cell for key, cell in cells.items() if key not in own})
        rows.append(row(run=run, dataset=dataset, value=float(value), variant=setting, **own))

    return add, rows


def frame(rows: Iterable[Mapping[str, object]] | pd.DataFrame) -> pd.DataFrame:
    """The rows as a checked table with the columns of COLUMNS: text, int64 and float64.

    Raises BadInput for an unknown or missing column, a text cell that is not text, a seed or n
    that is not a whole number, a value that is NaN or infinite, and for two rows with the same
    IDENTITY; as `parse_variant` does for a variant.
    """
    table = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame([dict(r) for r in rows])
    table = table if len(table.columns) else pd.DataFrame(columns=list(COLUMNS))
    _check_columns(table.columns)
    table = table[list(COLUMNS)].reset_index(drop=True)
    for column in TEXT_COLUMNS:
        if odd := [cell for cell in table[column].unique() if not isinstance(cell, str)]:
            raise BadInput(f"Column {column!r} must hold text, but {odd[0]} came.")
    for text in table["variant"].unique():
        parse_variant(text)
    numbers = table[["seed", "n", "value"]].apply(pd.to_numeric, errors="coerce").astype("float64")
    for column, least in (("seed", 0), ("n", 1)):
        wrong = (numbers[column] % 1 != 0) | ~(numbers[column] >= least)
        if wrong.any():
            raise BadInput(
                f"Column {column!r} must hold whole numbers from {least} up, but "
                f"{table[column][wrong].iloc[0]} came."
            )
    wrong = ~np.isfinite(numbers["value"])
    if wrong.any():
        first = table[wrong].iloc[0]
        raise BadInput(
            f"A value must be a finite number, but {first['value']} came for {describe(first)}."
        )
    table = table.assign(**numbers).astype({"seed": "int64", "n": "int64"})
    if not (twins := table[table.duplicated(list(IDENTITY))]).empty:
        raise BadInput(f"The same measurement came twice: {describe(twins.iloc[0])}.")
    return table.astype(dict.fromkeys(TEXT_COLUMNS, str))


def merge(frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """All rows of several tables under one another, checked as `frame` does.

    A number that several runs measured alike, to the last digit, stays once. Raises BadInput if two
    tables hold the same measurement with different values.
    """
    parts = list(frames)
    table = pd.concat(parts, ignore_index=True) if parts else frame([])
    return frame(table[~table.duplicated([*IDENTITY, "value", "n"])])


def with_averages(rows: pd.DataFrame, class_counts: Mapping[str, int] = CLASSES) -> pd.DataFrame:
    """The rows and, for each group with every class of its data set, a row of class "average".

    A group shares all of IDENTITY but the class. The value is the plain mean, n the sum, the run
    the names of all runs behind it, joined by "+". Rows whose class is empty, an average or a
    setting such as "outliers=10%" are left alone, and an average already there stays. Raises
    BadInput if a group has more classes than its data set.
    """
    checked = frame(rows)
    average = checked["class"] == "average"
    single = checked[~average & (checked["class"] != "") & ~checked["class"].str.contains("=")]
    group = [column for column in IDENTITY if column != "class"]
    done = set(checked[average][group].itertuples(index=False, name=None))
    values, counts, runs = (single[column].to_numpy() for column in ("value", "n", "run"))
    made = []
    places: Mapping[Any, Any] = single.groupby(group, sort=False).indices
    for key, lines in places.items():
        cells = dict(zip(group, key, strict=True))
        wanted = class_counts.get(str(cells["dataset"]))
        if wanted is not None and len(lines) > wanted:
            raise BadInput(
                f"{cells['dataset']} has {wanted} classes, but {len(lines)} came: "
                f"{describe(cells)}."
            )
        if len(lines) == wanted and key not in done:
            value = math.fsum(values[lines]) / len(lines)  # whatever the order of the rows
            names = "+".join(dict.fromkeys(runs[lines]))
            cells |= {"run": names, "class": "average", "value": value, "n": counts[lines].sum()}
            made.append(cells)
    return frame(pd.concat([checked, pd.DataFrame(made)])) if made else checked


def without_known(rows: pd.DataFrame, known: pd.DataFrame, *, rounding: float) -> pd.DataFrame:
    """The rows whose measurement `known` does not hold yet.

    For numbers that several runs find anew, such as a trivial score's: two machines round them
    differently. Raises BadInput where a value is further than `rounding` from the known one.
    """
    keys = list(IDENTITY)
    given = frame(rows)
    values = given[keys].merge(known[[*keys, "value"]], on=keys, how="left")["value"]
    apart = (given["value"] - values).abs()
    if (apart > rounding).any():
        i = int(apart.fillna(0).argmax())
        raise BadInput(
            f"Another value is known already of {describe(given.iloc[i])}: "
            f"{values.iloc[i]:.6f}, not {given['value'].iloc[i]:.6f}."
        )
    return given[values.isna()].reset_index(drop=True)


def read_rows(path: Path) -> pd.DataFrame:
    """The result rows of a CSV file, checked. Raises DataMissing or BadInput."""
    if not path.is_file():
        raise DataMissing(f"There is no result file named {path.name}: run the chapter first.")
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        _check_columns(table.columns)
        return frame(table.assign(value=table["value"].map(exact_number)))
    except (CompanionError, pd.errors.ParserError, pd.errors.EmptyDataError) as problem:
        raise BadInput(f"{path.name} is not a file of result rows: {problem}") from problem


def write_rows(path: Path, rows: pd.DataFrame) -> None:
    """Write checked rows to a CSV file, whole or not at all. Raises BadInput as `frame` does."""
    write_whole(path, frame(rows).to_csv(index=False, lineterminator="\n"))


def describe(cells: Mapping[str, object] | pd.Series) -> str:
    """A row's non-empty identity in words, for messages."""
    return ", ".join(f"{key} {cells[key]}" for key in IDENTITY if str(cells.get(key, "")) != "")


def pick(rows: pd.DataFrame, *, variant: str = "", **cells: str) -> pd.Series:
    """The values of the rows with these cells, indexed by seed; empty where there are none.

    `class_` stands for the column class. Raises BadInput where two rows share a seed.
    """
    wanted = {"variant": variant} | {name.removesuffix("_"): cell for name, cell in cells.items()}
    some = rows[(rows[list(wanted)] == pd.Series(wanted)).all(axis=1)]
    if some["seed"].duplicated().any():
        raise BadInput(f"Two rows have one seed: {describe(wanted)}.")
    return some.set_index("seed")["value"]


def exact_number(text: str) -> float:
    """The float64 that was written as this text, NaN if it is none.

    pandas rounds the last bit in some versions; Python does not.
    """
    try:
        return float(text)
    except ValueError:
        return math.nan


def _check_columns(columns: Iterable[str]) -> None:
    given = list(columns)
    for name in given:
        if name not in COLUMNS:
            raise BadInput(f"A result row has no column {name!r}.{nearest(str(name), COLUMNS)}")
    if missing := [name for name in COLUMNS if name not in given]:
        raise BadInput(f"Result rows lack the column {missing[0]!r}; wanted: {', '.join(COLUMNS)}.")
