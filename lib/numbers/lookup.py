"""Rows by address: the cells that name one number, in every table, claim and sentence."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from lib.errors import BadInput, UnknownName, nearest
from lib.metrics import Interval, student_interval, wilson_interval
from lib.numbers.rows import COLUMNS
from lib.numbers.runs import run_parameters
from lib.numbers.variants import VARIANT_KEYS, parse_variant, variant

# the columns of an address; a row adds its run, seed, value and n
ADDRESS = ("table", "dataset", "method", "score", "class", "variant", "metric")
CLASS = ADDRESS.index("class")
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
    settings = {key: cell for key, cell in given.items() if key not in ADDRESS}
    for key in settings:
        if key not in VARIANT_KEYS:
            known = [*ADDRESS, *VARIANT_KEYS]
            raise UnknownName(f"An address has no column {key!r}.{nearest(key, known)}")
    for key, cell in given.items():
        if isinstance(cell, bool) or not isinstance(cell, str | int | float):
            raise BadInput(f"The cell {key} of an address must be text, but {cell!r} came.")
    full = {**(defaults or {}), **{key: given[key] for key in given if key not in settings}}
    text = str(full.get("variant", ""))
    full["variant"] = variant(**{**parse_variant(text), **settings}) if settings else text
    return {column: str(full.get(column, "")) for column in ADDRESS}


class Lookup:
    """Result rows, or published ones, by address: finding a number costs no pass over the rows."""

    def __init__(self, rows: pd.DataFrame, runs: pd.DataFrame | None = None) -> None:
        self._entries: dict[tuple[str, ...], list[Entry]] = {}
        self._behind: dict[tuple[object, ...], set[str]] = {}
        size = len(rows)
        absent = {"variant": [""] * size, "seed": [0] * size, "n": [1] * size, "run": [""] * size}
        cells = {name: rows[name].tolist() if name in rows else absent[name] for name in COLUMNS}
        keys = [cells[column] for column in ADDRESS]
        entries = zip(*(cells[name] for name in Entry._fields), strict=True)
        for key, entry in zip(zip(*keys, strict=True), entries, strict=True):
            self._entries.setdefault(key, []).append(Entry(*entry))
            group = (*key[:CLASS], *key[CLASS + 1 :], entry[0])
            self._behind.setdefault(group, set()).add(entry[3])
        # profile and parameters by run
        self.parameters: dict[str, tuple[str, dict[str, object]]] = {}
        if runs is not None:
            for run, profile, text in runs[["run", "profile", "parameters"]].itertuples(
                index=False
            ):
                self.parameters[run] = (profile, run_parameters(text))

    def entries(self, cells: Cells) -> list[Entry]:
        """The measurements at an address, one a seed; none where nothing was measured.

        Raises BadInput where two of them share a seed.
        """
        full = address(cells)
        found = self._entries.get(tuple(full.values()), [])
        seeds = [entry.seed for entry in found]
        if len(set(seeds)) < len(seeds) and full["metric"] != "parameters":
            where = ", ".join(f"{key} {cell}" for key, cell in full.items() if cell)
            raise BadInput(f"Two rows have one seed: {where}.")
        return found

    def interval(self, cells: Cells, *, rate: bool = False) -> Interval | None:
        """Mean and 95 % interval over seeds (Student), or None where nothing was measured.

        With `rate` the values are shares of their n trials, and the trials of all seeds are pooled
        (Wilson).
        """
        found = self.entries(cells)
        return interval_of(found, rate=rate) if found else None

    def runs_behind(self, cells: Cells, entries: Sequence[Entry]) -> set[str]:
        """The runs that made these measurements, also those behind an average over several."""
        full = address(cells)
        group = tuple(cell for column, cell in full.items() if column != "class")
        names = {entry.run for entry in entries} - {"merged"}
        for entry in entries:
            if entry.run == "merged":
                # an average has no run of its own: those of its class rows; without any, none
                names |= self._behind[(*group, entry.seed)] - {"merged"} or {"merged"}
        return names


def interval_of(entries: Sequence[Entry], *, rate: bool = False) -> Interval:
    """The interval of measurements, as `Lookup.interval` makes it."""
    if rate:
        hits = sum(round(entry.value * entry.n) for entry in entries)
        return wilson_interval(hits, sum(entry.n for entry in entries))
    return student_interval([entry.value for entry in entries])


def interval_text(found: Interval, *, decimals: int = 3, rate: bool = False) -> str:
    """`0.968 ± 0.004`, mean and half width, or `0.51 [0.47, 0.55]` of a rate.

    The mean alone if one value gave no width. From 1,000 up there are no decimals.
    """
    decimals = 0 if abs(found.mean) >= 1000 else decimals
    mean = f"{found.mean:,.{decimals}f}"
    if rate:
        return f"{mean} [{found.low:,.{decimals}f}, {found.high:,.{decimals}f}]"
    half = (found.high - found.low) / 2
    return f"{mean} ± {half:,.{decimals}f}" if found.n > 1 else mean
