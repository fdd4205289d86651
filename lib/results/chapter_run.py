"""The run that a chapter has left in a folder, for pages that are assembled from its rows."""

from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from lib.errors import BadInput
from lib.numbers.rows import read_rows
from lib.numbers.runs import read_runs, run_parameters


class ChapterRun(NamedTuple):
    """Result rows, their row of runs.csv, the run's parameters, and the title of its images."""

    rows: pd.DataFrame
    provenance: dict[str, Any]
    settings: dict[str, Any]
    title: str


def read_chapter_run(folder: Path) -> ChapterRun:
    """The one run in a folder, as `lib.execute` leaves it.

    Its images are those of the first row that names some. Raises DataMissing where rows or runs are
    not there, BadInput where there are several runs or no rows.
    """
    runs, rows = read_runs(folder / "runs.csv"), read_rows(folder / "rows.csv")
    titles = [title for title in rows["dataset"] if title]  # counts are of no image set
    if len(runs) != 1 or not titles:
        raise BadInput(f"Folder {folder.name} must hold rows of one run; it has {len(runs)} runs.")
    provenance = {str(key): value for key, value in runs.iloc[0].items()}
    return ChapterRun(rows, provenance, run_parameters(provenance["parameters"]), titles[0])
