"""The documents' own numbers, as typed from them into results/published."""

from pathlib import Path

import pandas as pd

from lib.errors import BadInput, DataMissing, UnknownName, nearest
from lib.paths import RESULTS

PUBLISHED_COLUMNS = (
    *("source", "table", "dataset", "method", "score", "class", "value", "metric", "origin"),
    *("note", "kind"),
)
# what a row of our own may be held against
KEYS = ("table", "dataset", "method", "score", "class", "metric")
# measured: printed as a result; derived: worked out from results (a ratio, a gap);
# setting: chosen, not found; background: of other work; blank: printed without a number
KINDS = ("measured", "derived", "setting", "background", "blank")


def published(source: str | None = None, *, folder: Path = RESULTS / "published") -> pd.DataFrame:
    """All published rows, or those of one source such as "gradcon-slides".

    Columns as PUBLISHED_COLUMNS; value is float64 and NaN exactly where kind is blank. Raises
    DataMissing without files, BadInput for a broken file, UnknownName for an unknown source.
    """
    files = sorted(folder.glob("*.csv"))
    if not files:
        raise DataMissing("There are no published tables below results/published.")
    table = pd.concat([_read(path) for path in files], ignore_index=True)
    if source is None:
        return table
    known = list(table["source"].unique())
    if source not in known:
        raise UnknownName(f"There is no published source {source!r}.{nearest(source, known)}")
    return table[table["source"] == source].reset_index(drop=True)


def _read(path: Path) -> pd.DataFrame:
    raw = pd.read_csv(path, dtype=str, keep_default_na=False)
    if tuple(raw.columns) != PUBLISHED_COLUMNS:
        raise BadInput(f"{path.name} must have the columns {', '.join(PUBLISHED_COLUMNS)}.")
    if unknown := sorted(set(raw["kind"]) - set(KINDS)):
        raise BadInput(f"{path.name} has a kind {unknown[0]!r}; known: {', '.join(KINDS)}.")
    table = raw.assign(value=pd.to_numeric(raw["value"].where(raw["value"] != "")))
    if (table["value"].isna() != (table["kind"] == "blank")).any():
        raise BadInput(f"{path.name} must have a value in each row but those of kind blank.")
    return table
