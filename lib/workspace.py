"""The folder that one run of a chapter may write to, and what it leaves there."""

import hashlib
import json
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
from joblib import Memory

from lib.results import write_rows, write_runs, write_whole
from lib.results.provenance import runs_frame

T = TypeVar("T")

# An environment variable and not a parameter: a path must not end up in the notebook.
WORK = "COMPANION_WORK"


def work_folder() -> Path | None:
    """The folder for rows and checkpoints, or None where the run should leave nothing behind."""
    folder = os.environ.get(WORK)
    return Path(folder) if folder else None


def checkpoint_path(*words: str | int) -> Path | None:
    """Where the training named by `words` keeps its checkpoint, or None without a work folder."""
    folder = work_folder()
    return folder / "checkpoints" / ("-".join(map(str, words)) + ".pt") if folder else None


def remembered(function: Callable[..., T], *, but: Sequence[str] = ()) -> Callable[..., T]:
    """The function with its results kept in the work folder, from which a killed run goes on.

    A result counts for equal arguments, those named in `but` aside, and unchanged code of the
    function itself. Without a work folder it is the function as it is.
    """
    folder = work_folder()
    if folder is None:
        return function
    kept: Callable[..., T] = Memory(folder / "remembered", verbose=0).cache(
        function, ignore=list(but)
    )

    @wraps(function)
    def quiet(*given: Any, **named: Any) -> T:
        with warnings.catch_warnings():
            # a matter of the machine's load, which must not end up in a notebook
            warnings.filterwarnings("ignore", message="Persisting input arguments took")
            return kept(*given, **named)

    return quiet


def run_name(chapter: str, parameters: Mapping[str, Any]) -> str:
    """A name for a run that depends on nothing but what was run: equal parameters, equal name."""
    text = json.dumps(parameters, sort_keys=True, default=str)
    words = [chapter, parameters.get("profile"), parameters.get("dataset")]
    digest = hashlib.sha256(text.encode()).hexdigest()[:10]
    return "-".join(str(word) for word in [*words, digest] if word)


def leave_results(rows: pd.DataFrame, run: Mapping[str, object]) -> None:
    """Write the rows and the provenance of a run to its work folder, if it has one."""
    folder = work_folder()
    if folder is not None:
        write_rows(folder / "rows.csv", rows)
        write_runs(folder / "runs.csv", runs_frame([run]))


def leave_checked(values: Mapping[str, float]) -> None:
    """Write the trained numbers that golden notebooks check (name, value), if there is a folder."""
    folder = work_folder()
    if folder is not None:
        table = pd.DataFrame({"name": list(values), "value": [float(v) for v in values.values()]})
        write_whole(folder / "checked.csv", table.to_csv(index=False, lineterminator="\n"))
