"""A killed sweep goes on where it stopped, at a path with blanks and an apostrophe."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lib.numbers import read_rows, read_runs

pytestmark = pytest.mark.notebook


def start(project: Path, log: Path) -> subprocess.Popen[bytes]:
    env = {k: v for k, v in os.environ.items() if k != "COMPANION_WORK"}
    with log.open("wb") as out:
        return subprocess.Popen(
            ["make", "-o", ".venv/complete", "sweep", "SWEEP=digits"],
            cwd=project,
            env=env | {"PYTHONPATH": str(project)},
            stdout=out,
            stderr=out,
            start_new_session=True,
        )


def wait_for(happened: Callable[[], object], process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 600
    while not happened():
        assert process.poll() is None, "ended before the test could kill it"
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def kill(process: subprocess.Popen[bytes], work: Path) -> None:
    """Kill a run without a warning, and wait for its kernel, which looks for its parent."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    end = time.monotonic() + 60
    newest = -1.0
    while (now := max((p.stat().st_mtime for p in work.rglob("*")), default=0.0)) != newest:
        assert time.monotonic() < end, "the kernel goes on without its parent"
        newest = now
        time.sleep(3)


def test_a_killed_sweep_goes_on_where_it_stopped(tiny_project: Path, tmp_path: Path) -> None:
    project, log = tiny_project, tmp_path / "log"
    cells = project / "_build/sweeps/digits"
    plan = project / "sweeps/digits.yml"
    plan.write_text("{chapter: tiny, parameters: {behave: wait}, grid: {digit: [1, 2]}}\n")

    def rows(digit: int) -> Path:
        return cells / f"digit-{digit}/rows.csv"

    def go_on() -> None:
        process = start(project, log)
        assert process.wait(timeout=600) == 0, log.read_text()

    def times() -> dict[str, int]:
        return {path.parent.name: path.stat().st_mtime_ns for path in cells.glob("*/rows.csv")}

    first = start(project, log)
    waiting = cells / "digit-2/.work"
    wait_for(lambda: rows(1).exists() and any(waiting.glob("started")), first)
    kill(first, waiting)
    done = times()
    assert set(done) == {"digit-1"}  # the half-done cell does not count
    assert not (cells / "rows.csv").exists()

    (project / "gate").touch()  # lets digit 2 end
    go_on()
    assert {name: times()[name] for name in done} == done
    assert read_rows(cells / "rows.csv")["class"].tolist() == ["1", "2"]
    assert read_runs(cells / "runs.csv")["run"].tolist() == ["tiny-1", "tiny-2"]

    # changed code makes nothing anew, a longer grid one new cell and a new table
    done = times()
    for path in (project / "lib/run/workspace.py", project / "chapters/tiny.py"):
        path.write_text(path.read_text() + "\n# changed\n")
    plan.write_text(plan.read_text().replace("[1, 2]", "[1, 2, 3]"))
    go_on()
    assert {name: times()[name] for name in done} == done
    assert read_rows(cells / "rows.csv")["class"].tolist() == ["1", "2", "3"]


def test_the_reason_of_a_failed_cell_is_shown(tiny_project: Path, tmp_path: Path) -> None:
    plan = tiny_project / "sweeps/digits.yml"
    plan.write_text("{chapter: tiny, parameters: {behave: refuse}, grid: {digit: [1]}}\n")
    assert start(tiny_project, tmp_path / "log").wait(timeout=600) != 0
    assert "Error: There is no such digit.\n" in (tmp_path / "log").read_text()
