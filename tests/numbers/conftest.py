"""A small book with planted numbers: what rules, verdicts and pages are tried on."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from lib.numbers import Book, frame, row, runs_frame, with_averages
from lib.numbers.book import make_book
from lib.numbers.documents import PUBLISHED_COLUMNS
from lib.numbers.runs import RUN_COLUMNS

DEFAULTS = {"table": "baseline-auroc", "dataset": "MNIST", "score": "recon", "metric": "AUROC"}
AVERAGE = DEFAULTS | {"class": "average"}
NAMES = {"A": {"method": "A"}, "B": {"method": "B"}, "A+B": {"method": "A+B"}}
Rows = list[dict[str, object]]


def rows_of(method: str, values: Sequence[float], **cells: Any) -> Rows:
    """Rows of one method, a seed per value; `first_seed` moves the seeds."""
    first = cells.pop("first_seed", 0)
    base = {"run": "full", "class_": "average", "n": 20000, **DEFAULTS, "method": method, **cells}
    return [row(**base, seed=first + i, value=v) for i, v in enumerate(values)]


def runs_of(**profiles: Any) -> pd.DataFrame:
    """A runs.csv: one run per keyword with its profile, or with profile and parameters."""
    lines = []
    for name, given in {"full": "full", **profiles}.items():
        profile, parameters = given if isinstance(given, tuple) else (given, {})
        line = dict.fromkeys(RUN_COLUMNS, "") | {"run": name, "profile": profile}
        lines.append(line | {"parameters": json.dumps(parameters), "seconds": 1.0, "threads": 1})
    return runs_frame(lines)


def printed_of(numbers: Mapping[str, float], **cells: str) -> pd.DataFrame:
    """Published rows of these methods."""
    base = dict.fromkeys(PUBLISHED_COLUMNS, "") | AVERAGE | {"source": "doc", "kind": "measured"}
    lines = [base | cells | {"method": m, "value": v} for m, v in numbers.items()]
    return pd.DataFrame(lines, columns=list(PUBLISHED_COLUMNS))


MakeBook = Callable[..., Book]


@pytest.fixture
def make(tmp_path: Path) -> MakeBook:
    """A book of one document from its claims, rows and published numbers."""

    def made(
        claims: Mapping[str, Any],
        *parts: Rows,
        names: Mapping[str, Any] | None = None,
        printed: pd.DataFrame | None = None,
        runs: pd.DataFrame | None = None,
        **document: Any,
    ) -> Book:
        base = {"says": "A is better", "where": "here"}
        text = {
            "document": "doc",
            "defaults": AVERAGE,
            "names": {**NAMES, **(names or {})},
            "claims": {id_: base | dict(entry) for id_, entry in claims.items()},
            **document,
        }
        folder = tmp_path / "claims"
        folder.mkdir(exist_ok=True)
        (folder / "doc.yml").write_text(yaml.safe_dump(text, sort_keys=False), "utf-8")
        rows = with_averages(frame([line for part in parts for line in part]))
        none = printed_of({})
        return make_book(
            folder,
            none if printed is None else printed,
            rows,
            runs if runs is not None else runs_of(),
        )

    return made
