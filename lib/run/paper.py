"""The documents' own budgets on a GPU, most wanted first: `python -m lib.run.paper --minutes 12`.

Each entry of WANTED is a run of a chapter under the profile `paper`. A run that the time limit cuts
short leaves a checkpoint of its last epoch, from which the next call goes on, here or on a CPU.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from lib.errors import BadInput
from lib.paths import ROOT
from lib.run.execute import told

CHECKPOINTS = (ROOT / "_build/checkpoints", ROOT / "_build/trained")
LARGEST = 16 * 2**20  # bytes of a file that a lent machine gives back
GRACE = 30  # seconds that a run may take to stop


class Job(NamedTuple):
    """A run: a name for its folder, the chapter, and what differs from the profile."""

    name: str
    chapter: str
    values: dict[str, Any]


FASHION = {"dataset": "fashion-mnist", "noise": 0.1, "l2": 10.0, "alphas": [20.0, 2.0]}
WANTED = (
    *(Job(f"dae-mnist-{seed}", "dae", {"seeds": [seed], "plane": False}) for seed in range(3)),
    *(
        Job(f"dae-fashion-mnist-{seed}", "dae", {"seeds": [seed], "plane": False} | FASHION)
        for seed in range(3)
    ),
    Job("oracle-cifar-10", "oracle", {"splits": [0], "seeds": [0], "extra": []}),
    Job("localization-mnist", "localization", {"seeds": [0]}),
    Job("gradcon-mnist", "gradcon", {"dataset": "mnist", "seeds": [0]}),
    Job("gradcon-cifar-10", "gradcon", {"seeds": [0]}),
)


def run_jobs(
    jobs: Iterable[Job],
    *,
    seconds: float,
    profile: str = "paper",
    root: Path = ROOT,
    report: Callable[[str], None] = print,
) -> list[str]:
    """Run what is not finished yet, in order, until the time is up; the names of finished jobs.

    A job is finished where its folder below `root` has rows.csv. One that fails is reported, and
    the next begins.
    """
    end = time.monotonic() + seconds
    finished = []
    for job in jobs:
        output = _output(root, job)
        if (output / "rows.csv").exists():
            finished.append(job.name)
            continue
        left = end - time.monotonic()
        if left <= 0:
            break
        code = _run(job, profile, root, left)
        words = {0: "finished", None: "stopped at the time limit"}.get(code, "failed, see above")
        report(f"{job.name}: {words}, {end - time.monotonic():.0f} s left")
        if code == 0:
            finished.append(job.name)
    return finished


def _output(root: Path, job: Job) -> Path:
    return root / "_build/paper" / job.name


def _run(job: Job, profile: str, root: Path, seconds: float) -> int | None:
    """The exit status of a job, or None where the time was up first."""
    words = [sys.executable, "-m", "lib.execute", job.chapter, "--profile", profile]
    for name, value in job.values.items():
        words += ["-p", name, str(value)]
    process = subprocess.Popen([*words, "--output", str(_output(root, job))], cwd=root)
    try:
        return process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.terminate()  # the run says in a sentence that it stopped
        try:
            process.wait(timeout=GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        return None


def split_files(folder: Path, *, largest: int = LARGEST) -> None:
    """Replace each larger file by parts of at most `largest` bytes, `NAME.part0` and so on."""
    for path in [p for p in folder.rglob("*") if p.is_file() and p.stat().st_size > largest]:
        content = path.read_bytes()
        for i, start in enumerate(range(0, len(content), largest)):
            path.with_name(f"{path.name}.part{i}").write_bytes(content[start : start + largest])
        path.unlink()


def join_files(folder: Path) -> None:
    """Undo `split_files`. Raises BadInput where a part is missing between others."""
    for first in sorted(folder.rglob("*.part0")):
        whole = first.with_suffix("")
        number = len(list(first.parent.glob(f"{whole.name}.part*")))
        parts = [whole.with_name(f"{whole.name}.part{i}") for i in range(number)]
        if not all(part.exists() for part in parts):
            raise BadInput(f"A part of {whole.name} is missing.")
        whole.write_bytes(b"".join(part.read_bytes() for part in parts))
        for part in parts:
            part.unlink()


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line of the paper runs; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m lib.run.paper", description=__doc__)
    parser.add_argument("--minutes", type=float, required=True, help="time limit of the call")
    parser.add_argument("--list", action="store_true", help="show the runs and stop")
    given = parser.parse_args(arguments)
    if given.list:
        for job in WANTED:
            done = "finished" if (_output(ROOT, job) / "rows.csv").exists() else "wanted"
            print(f"{job.name}: {done}")
        return 0
    return told(lambda: _train(given.minutes))


def _train(minutes: float) -> int:
    if not minutes > 0:
        raise BadInput("--minutes must be above 0.")
    if not torch.cuda.is_available():
        raise BadInput("These runs need a CUDA device, and PyTorch finds none.")
    for folder in CHECKPOINTS:
        join_files(folder)
    try:
        run_jobs(WANTED, seconds=60 * minutes)
    finally:
        for folder in CHECKPOINTS:
            split_files(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
