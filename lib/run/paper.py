"""The documents' own budgets on a GPU, most wanted first: `python -m lib.run.paper --minutes 12`.

Each entry of WANTED is a run of a chapter under the profile `paper`. A run that the time limit cuts
short leaves a checkpoint of its last epoch, from which the next call goes on. These runs have been
tried on a CPU with a small chapter only: on CUDA they have never run.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from lib.errors import BadInput
from lib.paths import ROOT
from lib.run.execute import exit_status

CHECKPOINTS = (ROOT / "_build/checkpoints", ROOT / "_build/trained")
LARGEST = 16 * 2**20  # bytes of a file that a lent machine gives back


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
    jobs: Iterable[Job], *, seconds: float, profile: str = "paper", root: Path = ROOT
) -> list[str]:
    """Run what is not finished yet, in order, until the time is up; the names of finished jobs.

    A job is finished where its folder below `root` has rows.csv. One that fails is reported, and
    the next begins.
    """
    end = time.monotonic() + seconds
    finished = []
    for job in jobs:
        output = root / "_build/paper" / job.name
        if not (output / "rows.csv").exists():
            if time.monotonic() >= end:
                break
            words = [sys.executable, "-m", "lib.execute", job.chapter, "--profile", profile]
            for name, value in job.values.items():
                words += ["-p", name, str(value)]
            process = subprocess.Popen([*words, "--output", str(output)], cwd=root)
            try:
                code = process.wait(timeout=max(0, end - time.monotonic()))
                print(f"{job.name}: {'failed, see above' if code else 'finished'}")
            except subprocess.TimeoutExpired:
                process.terminate()  # the run says in a sentence that it stopped
                process.wait()
                print(f"{job.name}: stopped at the time limit")
        if (output / "rows.csv").exists():
            finished.append(job.name)
    return finished


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
    given = parser.parse_args(arguments)
    return exit_status(lambda: _train(given.minutes))


def _train(minutes: float) -> None:
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


if __name__ == "__main__":
    sys.exit(main())
