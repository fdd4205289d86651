"""Rewrite what nbval holds chapters to: `python -m lib.accept [CHAPTER...] [--expect]`.

That is the lines of each chapter's checked cells, the expectations of its trained numbers where
there are none, and the README's numbers, which are those of the committed reference.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import nbformat
import pandas as pd

from lib.errors import BadInput
from lib.files import write_whole
from lib.numbers import the_book, write_expected
from lib.paths import ROOT
from lib.run import golden, parameters
from lib.run.execute import execute, exit_status

BUILD = ROOT / "_build/accept"
README = ROOT / "README.md"
SEEDS = range(8)


def measure_expectations(chapter: str, *, progress: bool = True) -> Path:
    """Run the smoke profile once per seed and store the chapter's checked numbers.

    Raises BadInput for a chapter without `seeds`, or one that leaves no checked numbers.
    """
    if "seeds" not in parameters.declared(chapter):
        raise BadInput(f"Chapter {chapter} has no parameter seeds to repeat it with.")
    tables = []
    os.environ[golden.MEASURING] = "1"  # for the kernels
    try:
        for seed in SEEDS:
            folder = execute(
                chapter,
                profile=golden.PROFILE,
                values={"seeds": [seed]},
                output=BUILD / chapter / f"seed-{seed}",
                progress=progress,
            )
            if not (folder / "checked.csv").exists():
                raise BadInput(f"Chapter {chapter} leaves no checked numbers (golden.check).")
            table = pd.read_csv(folder / "checked.csv", dtype=str)
            # Python's float is exact; pandas rounds the last bit in some versions
            tables.append(table.assign(seed=seed, value=table["value"].map(float)))
    finally:
        del os.environ[golden.MEASURING]
    every = pd.concat(tables)[["name", "seed", "value"]]
    target = golden.EXPECTED / f"{chapter}.csv"
    write_expected(target, every.sort_values(["name", "seed"], ignore_index=True))
    return target


def accept(chapter: str, *, progress: bool = True) -> Path:
    """Execute the smoke profile and store the lines of its checked cells.

    Raises BadInput, with every fault, for a run that others cannot be held to; the old lines stay.
    """
    folder = BUILD / chapter / "golden"
    execute(chapter, profile=golden.PROFILE, output=folder, progress=progress)
    executed = nbformat.read(folder / f"{chapter}.ipynb", as_version=4)
    if faults := golden.faults(executed):
        raise BadInput(f"The smoke run of {chapter} cannot be accepted: {'; '.join(faults)}.")
    target = golden.FOLDER / f"{chapter}.txt"
    write_whole(target, golden.lines_of(executed))
    return target


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit status: 1 after an error, which is said in one sentence."""
    parser = argparse.ArgumentParser(prog="python -m lib.accept", description=__doc__)
    parser.add_argument("chapters", nargs="*", help="default: all that measure something")
    parser.add_argument("--expect", action="store_true", help="measure the expectations anew")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    options = parser.parse_args(arguments)

    def command() -> None:
        for chapter in options.chapters or parameters.measured_chapters():
            if options.expect or not (golden.EXPECTED / f"{chapter}.csv").exists():
                target = measure_expectations(chapter, progress=not options.quiet)
                print(f"wrote {target.relative_to(ROOT)}")
            target = accept(chapter, progress=not options.quiet)
            print(f"wrote {target.relative_to(ROOT)}")
        write_whole(README, the_book().refreshed(README.read_text(encoding="utf-8")))

    return exit_status(command)
