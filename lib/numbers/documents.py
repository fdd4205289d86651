"""Numbers that are kept with the project: the documents' own, and our committed full-data runs."""

from pathlib import Path

import pandas as pd

from lib.errors import BadInput, UnknownName, nearest
from lib.numbers.rows import merge, read_rows, with_averages
from lib.numbers.runs import read_runs
from lib.paths import RESULTS

PUBLISHED_COLUMNS = (
    *("source", "table", "dataset", "method", "score", "class", "value", "metric", "origin"),
    *("note", "kind"),
)
# measured: printed as a result; derived: worked out from results (a ratio, a gap);
# setting: chosen, not found; background: of other work; blank: printed without a number
KINDS = ("measured", "derived", "setting", "background", "blank")
REFERENCE = RESULTS / "reference"


def published(source: str | None = None, *, folder: Path = RESULTS / "published") -> pd.DataFrame:
    """All published rows, or those of one source such as "gradcon-slides".

    Columns as PUBLISHED_COLUMNS; value is float64 and NaN exactly where kind is blank. Raises
    BadInput for a broken file, UnknownName for an unknown source.
    """
    table = pd.concat([_read(path) for path in sorted(folder.glob("*.csv"))], ignore_index=True)
    known = list(table["source"].unique())
    if source is not None and source not in known:
        raise UnknownName(f"There is no published source {source!r}.{nearest(source, known)}")
    return table if source is None else table[table["source"] == source].reset_index(drop=True)


def reference_rows(folder: Path = REFERENCE) -> pd.DataFrame:
    """All committed reference rows with their averages; an empty table where there are none.

    Raises BadInput where two files hold different values of the same measurement.
    """
    files = sorted(path for path in folder.glob("*.csv") if path.name != "runs.csv")
    return with_averages(merge([read_rows(path) for path in files]))


def full_title(title: str) -> str:
    """The full image set that images of this title stand in for; mostly their own."""
    return {"MNIST-5k": "MNIST"}.get(title, title)


def reference_runs(folder: Path = REFERENCE) -> pd.DataFrame:
    """The provenance of the committed reference rows."""
    return read_runs(folder / "runs.csv")


def _read(path: Path) -> pd.DataFrame:
    raw = pd.read_csv(path, dtype=str, keep_default_na=False)
    if tuple(raw.columns) != PUBLISHED_COLUMNS or not set(raw["kind"]) <= set(KINDS):
        raise BadInput(
            f"{path.name} must have the columns {', '.join(PUBLISHED_COLUMNS)}, and the kinds "
            f"{', '.join(KINDS)}."
        )
    table = raw.assign(value=pd.to_numeric(raw["value"].where(raw["value"] != "")))
    if (table["value"].isna() != (table["kind"] == "blank")).any():
        raise BadInput(f"{path.name} must have a value in each row but those of kind blank.")
    return table
