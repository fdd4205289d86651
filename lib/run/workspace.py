"""The folder that one run of a chapter may write to, and what it leaves there."""

import hashlib
import json
import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from lib.files import write_whole
from lib.numbers import provenance, runs_frame, write_rows, write_runs

if TYPE_CHECKING:  # running a chapter must not cost the seconds torch takes
    from lib.data import ImageSet

# Environment variables and not parameters: a path must not end up in the notebook.
WORK = "COMPANION_WORK"
CHECKPOINTS = "COMPANION_CHECKPOINTS"
USED = "checkpoints.txt"  # in the work folder: the shared checkpoints of this run, a path a line


def work_folder() -> Path | None:
    """The folder for rows and checkpoints, or None where the run should leave nothing behind."""
    folder = os.environ.get(WORK)
    return Path(folder) if folder else None


def checkpoint_path(*words: str | int, identity: Mapping[str, Any] | None = None) -> Path | None:
    """Where the training named by `words` keeps its checkpoint, or None without a work folder.

    `identity` holds all that the training depends on, such as epochs and the images' hash, as it
    is given to `training.fingerprint`. The checkpoint then lies outside the run's own folder, under
    a name made of it: a run that differs in nothing but its scores goes on from it. Without, a
    checkpoint is found by the same run only.
    """
    folder = work_folder()
    if folder is None:
        return None
    shared = os.environ.get(CHECKPOINTS)
    if identity is None or not shared:
        return folder / "checkpoints" / ("-".join(map(str, words)) + ".pt")
    path = Path(shared) / ("-".join([*map(str, words), _digest(identity)]) + ".pt")
    with (folder / USED).open("a", encoding="utf-8") as file:
        file.write(f"{path}\n")
    return path


def checkpoints_used(work: Path) -> list[Path]:
    """The shared checkpoints that the run with this work folder has asked for."""
    listed = work / USED
    lines = listed.read_text(encoding="utf-8").splitlines() if listed.exists() else []
    return [Path(line) for line in dict.fromkeys(lines)]


def _digest(values: Mapping[str, Any]) -> str:
    text = json.dumps(values, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def run_name(chapter: str, parameters: Mapping[str, Any]) -> str:
    """A name for a run that depends on nothing but what was run: equal parameters, equal name."""
    words = [chapter, parameters.get("profile"), parameters.get("dataset"), _digest(parameters)]
    return "-".join(str(word) for word in words if word)


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
    if folder := work_folder():
        write_rows(folder / "rows.csv", rows)
        write_runs(folder / "runs.csv", runs_frame([run]))


def leave_checked(values: Mapping[str, float]) -> None:
    """Write the trained numbers that golden notebooks check (name, value), if there is a folder."""
    if folder := work_folder():
        table = pd.DataFrame({"name": list(values), "value": [float(v) for v in values.values()]})
        write_whole(folder / "checked.csv", table.to_csv(index=False, lineterminator="\n"))
