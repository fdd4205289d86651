"""The committed full-data runs: results/reference."""

from pathlib import Path

import pandas as pd

from lib.paths import RESULTS
from lib.results.averages import with_averages
from lib.results.provenance import read_runs, runs_frame
from lib.results.rows import frame, merge, read_rows

REFERENCE = RESULTS / "reference"


def reference_rows(folder: Path = REFERENCE) -> pd.DataFrame:
    """All committed reference rows with their averages; an empty table where there are none.

    Raises BadInput where two files hold different values of the same measurement.
    """
    files = sorted(path for path in folder.glob("*.csv") if path.name != "runs.csv")
    return with_averages(merge([read_rows(path) for path in files])) if files else frame([])


def full_title(title: str) -> str:
    """The full image set that images of this title stand in for; mostly their own."""
    return {"MNIST-5k": "MNIST"}.get(title, title)


def reference_runs(folder: Path = REFERENCE) -> pd.DataFrame:
    """The provenance of the committed reference rows."""
    path = folder / "runs.csv"
    return read_runs(path) if path.exists() else runs_frame([])
