"""Expectations of trained numbers, for the checked cells of golden notebooks."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from lib.errors import BadInput, DataMissing, UnknownName, nearest
from lib.files import write_whole
from lib.numbers.rows import exact_number
from lib.paths import CHAPTERS

LEAST_SEEDS = 8  # with fewer, two standard deviations are mostly guesswork
FOLDER = CHAPTERS / "expected"


class Expected(NamedTuple):
    """The mean over seeds, and a width of two sample standard deviations."""

    mean: float
    width: float


def expectations(rows: pd.DataFrame) -> dict[str, Expected]:
    """Mean and width of each name in rows with the columns name, seed, value.

    Raises BadInput for fewer than LEAST_SEEDS seeds, a seed given twice or a value that is not a
    number, and for values that do not vary (print those as exact numbers instead).
    """
    made = {}
    for name, lines in rows.groupby("name", sort=False):
        values = lines["value"].astype(float)
        if values.isna().any() or len(set(lines["seed"])) < max(LEAST_SEEDS, len(lines)):
            raise BadInput(f"{name!r} needs a number for each of {LEAST_SEEDS} seeds or more.")
        made[str(name)] = Expected(float(values.mean()), 2 * float(values.std(ddof=1)))
        if made[str(name)].width == 0:
            raise BadInput(f"{name!r} is the same for every seed: print it as an exact number.")
    return made


def load_expected(path: Path) -> dict[str, Expected]:
    """The expectations stored in a CSV file. Raises DataMissing, or as `expectations` does."""
    if not path.is_file():
        raise DataMissing(f"There are no expectations named {path.name}: run `make accept`.")
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    return expectations(table.assign(value=table["value"].map(exact_number)))


def write_expected(path: Path, rows: pd.DataFrame) -> None:
    """Store rows of name, seed, value, whole or not at all. Raises as `expectations` does."""
    expectations(rows)
    write_whole(path, rows.to_csv(index=False, lineterminator="\n"))


def check_lines(chapter: str, checked: Mapping[str, float], *, folder: Path = FOLDER) -> list[str]:
    """`check_line` of each number that a chapter's smoke run is held to, for its golden notebook.

    Raises DataMissing for a chapter without stored expectations, UnknownName as `check_line` does.
    """
    expected = load_expected(folder / f"{chapter}.csv")
    return [check_line(name, value, expected) for name, value in checked.items()]


def check_line(name: str, value: float, expected: Mapping[str, Expected]) -> str:
    """`name: expected 0.970 ± 0.020: ok`, or OFF where the value lies further off than that.

    The line never shows the value, so that it is the same text for every good run; the unrounded
    numbers decide, and NaN is OFF. Raises UnknownName for a name without expectation.
    """
    if name not in expected:
        raise UnknownName(f"Nothing is expected of {name!r}.{nearest(name, expected)}")
    want = expected[name]
    state = "ok" if abs(value - want.mean) <= want.width else "OFF"
    return f"{name}: expected {want.mean:.3f} ± {want.width:.3f}: {state}"
