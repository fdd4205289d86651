"""Where numbers come from: one row per run, without paths or host names."""

import json
import platform
import re
import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import pandas as pd

from lib.errors import BadInput, DataMissing
from lib.files import write_whole
from lib.paths import ROOT

RUN_COLUMNS = (
    *("run", "chapter", "profile", "parameters", "started", "seconds", "device", "cpu", "threads"),
    *("python", "torch", "versions", "commit", "data_sha256", "data_origin"),
)
PACKAGES = ("torchvision", "numpy", "scipy", "pandas", "scikit-learn", "mlxtend", "papermill")
# what decides the numbers: a changed figure or page does not make a run dirty
CODE = ("lib", "chapters", "constraints.txt", "pyproject.toml")


def provenance(
    *,
    run: str,
    chapter: str,
    profile: str,
    parameters: Mapping[str, object],
    started: datetime,
    seconds: float,
    device: str,
    data_sha256: str,
    data_origin: str,
) -> dict[str, object]:
    """One row for runs.csv, with the keys of RUN_COLUMNS in their order.

    `started` carries a time zone and is stored in UTC; `seconds` is wall time; `device` is a
    torch device such as "cpu" or "cuda:0". Parameters that look like paths are blanked. Raises
    BadInput for a `started` without time zone.
    """
    import torch  # here, because reading result files must not cost the seconds torch takes

    if started.tzinfo is None:
        raise BadInput("The start of a run needs a time zone, but came without one.")
    if device.startswith("cuda") and torch.cuda.is_available():
        device = f"{device} {torch.cuda.get_device_name(device)}"
    shown = {key: _without_path(value) for key, value in parameters.items()}
    return {
        "run": run,
        "chapter": chapter,
        "profile": profile,
        "parameters": json.dumps(shown, sort_keys=True),
        "started": started.astimezone(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
        "device": device,
        "cpu": cpu_model(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": metadata.version("torch"),
        "versions": json.dumps({name: metadata.version(name) for name in PACKAGES}, sort_keys=True),
        "commit": commit(),
        "data_sha256": data_sha256,
        "data_origin": data_origin,
    }


def cpu_model(info: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's model name, or its architecture where the system does not say."""
    text = info.read_text(encoding="utf-8", errors="replace") if info.is_file() else ""
    named = re.search(r"^model name\s*:\s*(\S.*?)\s*$", text, re.MULTILINE)
    return named[1] if named else platform.machine() or "unknown"


def commit(root: Path = ROOT) -> str:
    """The checked-out commit, with "+dirty" if the code differs from it; "unknown" outside git."""
    top, head = _git(root, "rev-parse", "--show-toplevel"), _git(root, "rev-parse", "HEAD")
    # a copy unpacked inside some other repository must not carry that one's commit
    if not top or not head or Path(top).resolve() != root.resolve():
        return "unknown"
    return f"{head}+dirty" if _git(root, "status", "--porcelain", "--", *CODE) else head


def runs_frame(rows: Iterable[Mapping[str, object]] | pd.DataFrame) -> pd.DataFrame:
    """Runs as a table with the columns of RUN_COLUMNS, each run once.

    Raises BadInput for other columns, for parameters that are not a JSON object, and for two
    different rows with the same run name.
    """
    table = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame([dict(r) for r in rows])
    table = table if len(table.columns) else pd.DataFrame(columns=list(RUN_COLUMNS))
    if odd := sorted(set(table.columns) ^ set(RUN_COLUMNS)):
        raise BadInput(f"A run has the columns {', '.join(RUN_COLUMNS)}; check {', '.join(odd)}.")
    table = table[list(RUN_COLUMNS)].drop_duplicates(ignore_index=True)
    twins = table["run"][table["run"].duplicated()]
    if not twins.empty:
        raise BadInput(f"Two different runs share the name {twins.iloc[0]!r}.")
    for text in table["parameters"]:
        run_parameters(text)
    return table.astype({"seconds": "float64", "threads": "int64"})


def run_parameters(text: str) -> dict[str, object]:
    """The parameters stored as JSON with a run. Raises BadInput if they are not an object."""
    try:
        given = json.loads(text)
    except (TypeError, ValueError):
        given = None
    if not isinstance(given, dict):
        raise BadInput(f"A run's parameters must be a JSON object, but {text!r} came.")
    return given


def merge_runs(frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """The runs of several tables, each once. Raises BadInput as `runs_frame` does."""
    return runs_frame(pd.concat(list(frames), ignore_index=True))


def read_runs(path: Path) -> pd.DataFrame:
    """The runs of a runs.csv. Raises DataMissing or BadInput."""
    if not path.is_file():
        raise DataMissing(f"There is no file of runs named {path.name}: run the chapter first.")
    text = {name: str for name in RUN_COLUMNS if name not in ("seconds", "threads")}
    return runs_frame(pd.read_csv(path, dtype=text, keep_default_na=False))


def write_runs(path: Path, runs: pd.DataFrame) -> None:
    """Write runs to a CSV file, whole or not at all. Raises BadInput as `runs_frame` does."""
    write_whole(path, runs_frame(runs).to_csv(index=False, lineterminator="\n"))


def _git(root: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True)
    except OSError:  # git is not installed
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _without_path(value: object) -> object:
    """A machine's folders are nobody's business and would differ in every row."""
    return "(path)" if isinstance(value, str) and re.search(r"[/\\]|^~", value) else value
