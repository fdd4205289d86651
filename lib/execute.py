"""Run one chapter: `python -m lib.execute CHAPTER --profile quick -p name value`."""

import argparse
import logging
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from lib import errors, parameters
from lib.paths import ROOT
from lib.workspace import WORK, run_name

# rows.csv comes last: where it stands, the run is complete (a sweep goes by it)
RESULT_FILES = ("checked.csv", "runs.csv", "rows.csv")
LATENTS = "latents"  # a folder, of chapters that store z


class ChapterFailed(errors.CompanionError):
    """A cell of a chapter ended in an error."""


def execute(
    chapter: str,
    *,
    profile: str,
    values: Mapping[str, Any] | None = None,
    output: Path | None = None,
    progress: bool = True,
) -> Path:
    """Execute a chapter and return the folder with its notebook and RESULT_FILES.

    `values` override the profile's. The folder (default `_build/runs/<run name>`) gets the files
    only after every cell went through; until then a subfolder `.work` keeps the checkpoints, from
    which a killed run goes on.
    Raises UnknownName or BadInput before anything runs, ChapterFailed with the message of the
    cell that failed.
    """
    given = parameters.profile(profile, chapter) | dict(values or {})
    parameters.check(chapter, given)
    known = parameters.declared(chapter)
    if "profile" in known:
        given = {"profile": profile} | given
    full = {name: p.default for name, p in known.items()} | given
    folder = output if output is not None else ROOT / "_build/runs" / run_name(chapter, full)
    work = folder / ".work"
    work.mkdir(parents=True, exist_ok=True)
    for name in RESULT_FILES:
        (work / name).unlink(missing_ok=True)  # of a run that was killed
    shutil.rmtree(work / LATENTS, ignore_errors=True)

    notebook = nbformat.from_dict(jupytext.read(parameters.chapter_path(chapter)))
    notebook.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    with tempfile.TemporaryDirectory() as temporary, _environment(work):
        source, executed = Path(temporary) / f"{chapter}.ipynb", Path(temporary) / "out.ipynb"
        nbformat.write(notebook, source)
        try:
            papermill.execute_notebook(
                str(source),
                str(executed),
                parameters=given,
                cwd=str(ROOT),
                progress_bar=progress,
                log_output=progress,
                kernel_name="python3",
                extra_arguments=["--IPKernelApp.log_level=CRITICAL"],  # its errors come back anyway
            )
        except PapermillExecutionError as error:
            _drop_empty(work, folder)
            raise ChapterFailed(_in_words(chapter, error)) from error
        except DeadKernelError as error:
            raise ChapterFailed(
                f"The Python process of chapter {chapter} died, most often for lack of memory."
            ) from error
        result = clean(nbformat.read(executed, as_version=4))
    _refuse_unfinished(chapter, result)

    part = work / f"{chapter}.ipynb"
    nbformat.write(result, part)
    os.replace(part, folder / part.name)
    shutil.rmtree(folder / LATENTS, ignore_errors=True)
    if (work / LATENTS).exists():
        os.replace(work / LATENTS, folder / LATENTS)
    for name in RESULT_FILES:
        (folder / name).unlink(missing_ok=True)  # an older run's must not stand beside the notebook
        if (work / name).exists():
            os.replace(work / name, folder / name)
    shutil.rmtree(work)
    return folder


def clean(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook without what changes from run to run: times, durations and paths."""
    notebook.metadata.pop("papermill", None)
    notebook.metadata.pop("jupytext", None)
    notebook.metadata.get("language_info", {}).pop("version", None)
    for number, cell in enumerate(notebook.cells):
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        cell["id"] = f"cell-{number}"  # papermill draws a new id for the cell it injects
    return notebook


@contextmanager
def _environment(work: Path) -> Iterator[None]:
    """Lend the kernel our work folder and this checkout's `lib`."""
    before = dict(os.environ)
    os.environ[WORK] = str(work.resolve())
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(ROOT), *filter(None, [before.get("PYTHONPATH")])]
    )
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"  # a debugger's warning nobody asked for
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _drop_empty(*folders: Path) -> None:
    """Leave nothing behind where a run ended before it had a checkpoint worth keeping."""
    for folder in folders:
        if not any(folder.iterdir()):
            folder.rmdir()


def _in_words(chapter: str, error: PapermillExecutionError) -> str:
    named = {name for name, kind in vars(errors).items() if isinstance(kind, type)}
    if error.ename in named:
        return str(error.evalue)  # one of our own errors is already a sentence for the reader
    return f"Chapter {chapter} failed in cell {error.exec_count}: {error.ename}: {error.evalue}"


def _refuse_unfinished(chapter: str, notebook: nbformat.NotebookNode) -> None:
    for cell in notebook.cells:
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        failed = any(output.output_type == "error" for output in cell.outputs)
        if failed or cell.execution_count is None:
            raise ChapterFailed(f"Chapter {chapter} has a cell that failed or did not run.")


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lib.execute", description=__doc__)
    parser.add_argument("chapter", help="a file of chapters/, without .py")
    parser.add_argument("--profile", default="quick", help="smoke, quick, full or paper")
    parser.add_argument(
        "-p",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        dest="pairs",
        help="set one parameter; the value is read as YAML",
    )
    parser.add_argument("--output", type=Path, help="folder for notebook and rows")
    parser.add_argument("--list", action="store_true", help="show the parameters and stop")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit status, 1 after any error that has a sentence of its own."""
    options = _arguments(arguments)
    started = time.monotonic()
    try:
        if options.list:
            for name, parameter in parameters.declared(options.chapter).items():
                print(f"{name} = {parameter.default!r}  # {parameter.comment}")
            return 0
        if not options.quiet:
            logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
            logging.getLogger("papermill").setLevel(logging.INFO)
        folder = execute(
            options.chapter,
            profile=options.profile,
            values=parameters.parse(dict(options.pairs)),
            output=options.output,
            progress=not options.quiet,
        )
    except errors.CompanionError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    minutes = (time.monotonic() - started) / 60
    shown = folder.resolve()
    shown = shown.relative_to(ROOT) if shown.is_relative_to(ROOT) else shown
    print(f"{options.chapter} ({options.profile}): {shown} in {minutes:.1f} min")
    return 0


if __name__ == "__main__":
    sys.exit(main())
