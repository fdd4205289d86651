"""The folder that one run of a chapter may write to, and what it leaves there."""

import hashlib
import json
import os
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import pandas as pd
from joblib import Memory

from lib.results import provenance, runs_frame, write_rows, write_runs, write_whole

if TYPE_CHECKING:  # running a chapter must not cost the seconds torch takes
    from lib.data import ImageSet

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


class Beginning(NamedTuple):
    """When a run began: by the calendar, and by a clock that only goes forward."""

    date: datetime
    clock: float

    def seconds(self) -> float:
        """Wall time since then."""
        return time.monotonic() - self.clock


def begin() -> Beginning:
    """The beginning of a run that begins now."""
    return Beginning(datetime.now(UTC), time.monotonic())


def leave_run(
    chapter: str,
    parameters: Mapping[str, Any],
    rows: pd.DataFrame,
    *,
    began: Beginning,
    device: str,
    images: "ImageSet",
    trained: float = 0.0,
) -> dict[str, object]:
    """Leave the rows of a run with their provenance, and return the latter, a row of runs.csv.

    Its time is that since `began`, or the seconds `trained` if more: what an interrupted run had
    trained before counts as well. `images` are those it was made on.
    """
    run = provenance(
        run=run_name(chapter, parameters),
        chapter=chapter,
        profile=parameters["profile"],
        parameters=parameters,
        started=began.date,
        seconds=max(began.seconds(), trained),
        device=device,
        data_sha256=images.sha256,
        data_origin=images.origin,
    )
    leave_results(rows, run)
    return run


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
