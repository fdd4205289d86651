"""Rewrite what the tests hold us to: `python -m lib.accept [CHAPTER...] [--expect]`.

That is a golden notebook for nbval, the expectations of trained numbers where there are none, what
the reference rows say of the claims, and the results in the README.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import pandas as pd
import papermill

from lib import parameters
from lib.errors import BadInput, CompanionError
from lib.execute import execute
from lib.golden import faults, golden, printed
from lib.pages.glance import at_a_glance, with_glance
from lib.paths import CHAPTERS, ROOT
from lib.results import (
    published,
    reference_rows,
    reference_runs,
    write_expected,
    write_whole,
)

GOLDEN = ROOT / "tests/notebooks"
EXPECTED = CHAPTERS / "expected"
BUILD = ROOT / "_build/accept"
SEEDS = range(8)
PROFILE = "smoke"


def smoke_parameters(chapter: str) -> dict[str, Any]:
    """What a golden notebook of this chapter has injected."""
    return {"profile": PROFILE} | parameters.profile(PROFILE, chapter)


def measure_expectations(chapter: str, *, progress: bool = True) -> Path:
    """Run the smoke profile once per seed and store the chapter's checked numbers.

    Raises BadInput for a chapter without `seeds`, or one that leaves no checked numbers.
    """
    if "seeds" not in parameters.declared(chapter):
        raise BadInput(f"Chapter {chapter} has no parameter seeds to repeat it with.")
    tables = []
    for seed in SEEDS:
        # under another profile's name, since smoke itself compares with what is measured here
        folder = execute(
            chapter,
            profile=PROFILE,
            values={"profile": "custom", "seeds": [seed]},
            output=BUILD / chapter / f"seed-{seed}",
            progress=progress,
        )
        if not (folder / "checked.csv").exists():
            raise BadInput(f"Chapter {chapter} leaves no checked numbers (leave_checked).")
        table = pd.read_csv(folder / "checked.csv", dtype=str)
        # Python's float is exact; pandas rounds the last bit in some versions
        table = table.assign(seed=seed, value=table["value"].map(float))
        tables.append(table[["name", "seed", "value"]])
    table = pd.concat(tables).sort_values(["name", "seed"], ignore_index=True)
    target = EXPECTED / f"{chapter}.csv"
    write_expected(target, table)
    return target


def accept(chapter: str, *, progress: bool = True) -> Path:
    """Execute the smoke profile and store it as the chapter's golden notebook.

    Raises BadInput, with every fault, for a run that cannot be one; the old file then stays.
    """
    folder = execute(chapter, profile=PROFILE, output=BUILD / chapter / "golden", progress=progress)
    notebook = golden(nbformat.read(folder / f"{chapter}.ipynb", as_version=4))
    source = jupytext.read(parameters.chapter_path(chapter))
    if found := faults(notebook, chapter=source, parameters=smoke_parameters(chapter)):
        raise BadInput(f"The smoke run of {chapter} cannot be accepted: {'; '.join(found)}.")
    target = GOLDEN / f"{chapter}.ipynb"
    write_whole(target, nbformat.writes(notebook) + "\n")
    return target


def accept_verdicts(chapter: str) -> Path:
    """Store what the committed reference rows say of a chapter's claims, for the GPU run's nbval.

    Raises BadInput where a reference contradicts itself, which would be a bug of ours.
    """
    folder = BUILD / chapter / "verdicts"
    folder.mkdir(parents=True, exist_ok=True)
    source, executed = folder / "source.ipynb", folder / "executed.ipynb"
    nbformat.write(jupytext.read(GOLDEN / "verdicts.py"), source)
    papermill.execute_notebook(
        str(source),
        str(executed),
        parameters={"chapter": chapter},
        cwd=str(GOLDEN),
        kernel_name="python3",
        progress_bar=False,
    )
    notebook = golden(nbformat.read(executed, as_version=4))
    lines = [line for cell in notebook.cells for line in printed(cell).splitlines()]
    if not lines or any(not line.endswith(": ok") for line in lines):
        raise BadInput(f"The reference verdicts of {chapter} cannot be accepted: {lines}.")
    target = GOLDEN / f"verdicts-{chapter}.ipynb"
    write_whole(target, nbformat.writes(notebook) + "\n")
    return target


def accept_readme(path: Path = ROOT / "README.md") -> None:
    """Write the README's tables of results from the committed reference rows."""
    table = at_a_glance(reference_rows(), reference_runs(), published())
    write_whole(path, with_glance(path.read_text(encoding="utf-8"), table))


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit status, 1 after any error that has a sentence of its own."""
    parser = argparse.ArgumentParser(prog="python -m lib.accept", description=__doc__)
    parser.add_argument("chapters", nargs="*", help="default: all that are not assembled")
    parser.add_argument("--expect", action="store_true", help="measure the expectations anew")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    options = parser.parse_args(arguments)
    try:
        names = options.chapters or parameters.chapter_names()
        for chapter in [name for name in names if not parameters.is_assembled(name)]:
            if options.expect or not (EXPECTED / f"{chapter}.csv").exists():
                target = measure_expectations(chapter, progress=not options.quiet)
                print(f"wrote {target.relative_to(ROOT)}")
            target = accept(chapter, progress=not options.quiet)
            print(f"wrote {target.relative_to(ROOT)}")
            print(f"wrote {accept_verdicts(chapter).relative_to(ROOT)}")
        accept_readme()
        print("wrote the results of README.md")
    except CompanionError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
