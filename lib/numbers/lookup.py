"""Rows by address: the cells that name one number, in every table, claim and sentence."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from lib.errors import BadInput, UnknownName, nearest
from lib.metrics import Interval, student_interval, wilson_interval
from lib.numbers.rows import EXACT_METRICS
from lib.numbers.runs import run_parameters, runs_frame
from lib.numbers.variants import VARIANT_KEYS, parse_variant, variant

# the columns of an address; a row adds its run, seed, value and n
ADDRESS = ("table", "dataset", "method", "score", "class", "variant", "metric")
Cells = Mapping[str, str | int | float]


class Entry(NamedTuple):
    """One measurement at an address: the number of one seed, over n images or trials."""

    seed: int
    value: float
    n: int
    run: str


def address(cells: Cells, defaults: Cells | None = None) -> dict[str, str]:
    """Every column of ADDRESS as text, in its order; a column not given is empty.

    `class_` stands for class. Other keys are settings of the variant, as
    {"condition": "abnormal"}, and join those of a text under `variant`. `defaults` fill in columns
    that `cells` leave open. Raises UnknownName for a key that is neither, BadInput for a cell that
    is no text or number.
    """
    given = {name.removesuffix("_"): cell for name, cell in cells.items()}
    for key, cell in given.items():
        if key not in (known := (*ADDRESS, *VARIANT_KEYS)):
            raise UnknownName(f"An address has no column {key!r}.{nearest(key, known)}")
        if isinstance(cell, bool) or not isinstance(cell, str | int | float):
            raise BadInput(f"The cell {key} of an address must be text, but {cell!r} came.")
    settings = {key: cell for key, cell in given.items() if key not in ADDRESS}
    full = {**(defaults or {}), **given}
    if settings:
        full["variant"] = variant(**{**parse_variant(str(full.get("variant", ""))), **settings})
    return {column: str(full.get(column, "")) for column in ADDRESS}


class Lookup:
    """Result rows, or published ones, by address: finding a number costs no pass over the rows.

    `parameters` has the profile and the parameters of each run.
    """

    def __init__(self, rows: pd.DataFrame, runs: pd.DataFrame | None = None) -> None:
        self._entries: dict[tuple[str, ...], list[Entry]] = {}
        absent: dict[str, Any] = {"variant": "", "seed": 0, "n": 1, "run": ""}  # of published rows
        table = rows.assign(**{name: v for name, v in absent.items() if name not in rows})
        keys = zip(*(table[column].tolist() for column in ADDRESS), strict=True)
        entries = zip(*(table[column].tolist() for column in Entry._fields), strict=True)
        for key, entry in zip(keys, entries, strict=True):
            self._entries.setdefault(key, []).append(Entry(*entry))
        table = runs_frame([]) if runs is None else runs
        known = table[["run", "profile", "parameters"]].itertuples(index=False)
        self.parameters = {run: (profile, run_parameters(text)) for run, profile, text in known}

    def entries(self, cells: Cells) -> list[Entry]:
        """The measurements at an address, one a seed; none where nothing was measured.

        Raises BadInput where two of them share a seed.
        """
        full = address(cells)
        entries = self._entries.get(tuple(full.values()), [])
        seeds = {entry.seed for entry in entries}
        if len(seeds) < len(entries) and full["metric"] not in EXACT_METRICS:
            where = ", ".join(f"{key} {cell}" for key, cell in full.items() if cell)
            raise BadInput(f"Two rows have one seed: {where}.")
        return entries

    def interval(self, cells: Cells, *, rate: bool = False) -> Interval | None:
        """Mean and 95 % interval over seeds (Student), or None where nothing was measured.

        With `rate` the values are shares of their n trials, and the trials of all seeds are pooled
        (Wilson).
        """
        entries = self.entries(cells)
        return interval_of(entries, rate=rate) if entries else None


def interval_of(entries: Sequence[Entry], *, rate: bool = False) -> Interval:
    """The interval of measurements, as `Lookup.interval` makes it."""
    if rate:
        hits = sum(round(entry.value * entry.n) for entry in entries)
        return wilson_interval(hits, sum(entry.n for entry in entries))
    return student_interval([entry.value for entry in entries])


def interval_text(interval: Interval, *, decimals: int = 3, rate: bool = False) -> str:
    """`0.968 ± 0.004`, mean and half width, or `0.51 [0.47, 0.55]` of a rate.

    The mean alone if one value gave no width. From 1,000 up there are no decimals.
    """
    decimals = 0 if abs(interval.mean) >= 1000 else decimals
    limits = (interval.mean, interval.low, interval.high)
    mean, low, high = (f"{value:,.{decimals}f}" for value in limits)
    if rate:
        return f"{mean} [{low}, {high}]"
    half = (interval.high - interval.low) / 2
    return f"{mean} ± {half:,.{decimals}f}" if interval.n > 1 else mean
