"""Result rows: one schema for every number that a chapter measures."""

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pandas as pd

from lib.errors import BadInput, DataMissing, nearest
from lib.files import write_whole
from lib.numbers.variants import variant, variant_problem

Row = dict[str, object]

TEXT_COLUMNS = ("run", "table", "dataset", "method", "score", "class", "variant", "metric")
COLUMNS = (*TEXT_COLUMNS[:-1], "seed", "metric", "value", "n")
# what makes a row the same measurement, whichever run made it
IDENTITY = ("table", "dataset", "method", "score", "class", "variant", "seed", "metric")
# counted, not estimated: no seed, data or budget moves them
EXACT_METRICS = ("parameters",)


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


def frame(rows: Iterable[Mapping[str, object]] | pd.DataFrame) -> pd.DataFrame:
    """The rows as a checked table with the columns of COLUMNS: text, int64 and float64.

    Raises BadInput for an unknown or missing column, a text cell that is not text, a seed or n
    that is not a whole number, a value that is NaN or infinite, an unwritten variant key, and
    for two rows with the same IDENTITY.
    """
    table = rows.copy() if isinstance(rows, pd.DataFrame) else _table(list(rows))
    _check_columns(table.columns)
    table = table[list(COLUMNS)].reset_index(drop=True)
    for column in TEXT_COLUMNS:
        for cell in table[column].unique():
            if not isinstance(cell, str):
                raise BadInput(f"Column {column!r} must hold text, but {cell} came.")
    for text in table["variant"].unique():
        if problem := variant_problem(text):
            raise BadInput(problem)
    for column, least in (("seed", 0), ("n", 1)):
        cells = table[column]
        plain = cells.dtype.kind in "if"  # then all are judged at once
        odd = cells[~((cells % 1 == 0) & (cells >= least))] if plain else cells
        for cell in odd.tolist():
            if not _is_whole(cell) or cell < least:
                raise BadInput(
                    f"Column {column!r} must hold whole numbers from {least} up, but {cell} came."
                )
    values = pd.to_numeric(table["value"], errors="coerce").astype("float64")
    if not (bad := table[~values.map(math.isfinite)]).empty:
        raise BadInput(
            f"A value must be a finite number, but {bad['value'].iloc[0]} came for "
            f"{describe(bad.iloc[0])}."
        )
    table = table.assign(value=values).astype({"seed": "int64", "n": "int64"})
    _refuse_twins(table)
    return table.astype(dict.fromkeys(TEXT_COLUMNS, str))


def merge(frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """All rows of several tables under one another, checked as `frame` does.

    A number that several runs found alike, to the last digit, is kept once. Raises BadInput if two
    tables hold the same measurement with different values.
    """
    parts = list(frames)
    if not parts:
        return frame([])
    for part in parts:
        _check_columns(part.columns)
    table = pd.concat(parts, ignore_index=True)
    return frame(table[~table.duplicated([*IDENTITY, "value", "n"])])


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
        numbers = {name: table[name].map(exact_number) for name in ("seed", "value", "n")}
        return frame(table.assign(**numbers))
    except (BadInput, pd.errors.ParserError, pd.errors.EmptyDataError) as problem:
        raise BadInput(f"{path.name} is not a file of result rows: {problem}") from problem


def write_rows(path: Path, rows: pd.DataFrame) -> None:
    """Write checked rows to a CSV file, whole or not at all. Raises BadInput as `frame` does."""
    write_whole(path, frame(rows).to_csv(index=False, lineterminator="\n"))


def describe(cells: Mapping[str, object] | pd.Series) -> str:
    """A row's non-empty identity in words, for messages."""
    return ", ".join(f"{key} {cells[key]}" for key in IDENTITY if str(cells.get(key, "")) != "")


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


def exact_number(text: str) -> float:
    """The float64 that was written as this text, NaN if it is none.

    pandas rounds the last bit in some versions; Python does not.
    """
    try:
        return float(text)
    except ValueError:
        return math.nan


def _table(rows: list[Mapping[str, object]]) -> pd.DataFrame:
    return pd.DataFrame([dict(r) for r in rows]) if rows else pd.DataFrame(columns=list(COLUMNS))


def _check_columns(columns: Iterable[str]) -> None:
    found = list(columns)
    for name in found:
        if name not in COLUMNS:
            raise BadInput(f"A result row has no column {name!r}.{nearest(str(name), COLUMNS)}")
    if missing := [name for name in COLUMNS if name not in found]:
        raise BadInput(f"Result rows lack the column {missing[0]!r}; wanted: {', '.join(COLUMNS)}.")


def _is_whole(cell: object) -> bool:
    if isinstance(cell, bool | str):
        return False
    try:
        return float(cell) == int(cell)  # type: ignore[call-overload,arg-type,no-any-return]
    except (TypeError, ValueError, OverflowError):
        return False


def _refuse_twins(table: pd.DataFrame) -> None:
    twins = table[table.duplicated(list(IDENTITY))]
    if not twins.empty:
        raise BadInput(f"The same measurement came twice: {describe(twins.iloc[0])}.")
