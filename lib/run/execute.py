"""Run one chapter: `python -m lib.execute CHAPTER --profile quick -p name value`."""

import argparse
import logging
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from lib import errors
from lib.paths import ROOT
from lib.run import parameters, workspace
from lib.run.folder import place, run_folder

BUILD = ROOT / "_build"
FOLDERS = ("data_root", "rows_root")  # parameters that name a folder
USER_FOLDERS = ("COMPANION_DATA", "COMPANION_TRAINED")  # variables that do
STOPPED = "Stopped. The same call goes on from the last epoch that was finished."


class ChapterFailed(errors.CompanionError):
    """A cell of a chapter ended in an error, or left no rows."""


def plan(
    chapter: str, *, profile: str, values: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], Path]:
    """The parameters that papermill is to inject, and the folder that the results go to.

    `values` override the profile's. Folders are looked for from where the caller stands. Equal
    parameters have equal folders. Raises UnknownName or BadInput for whatever cannot be run.
    """
    known = parameters.declared(chapter)
    given = parameters.profile(profile, chapter) | dict(values or {})
    if "profile" in known:
        given = {"profile": profile} | given
    parameters.check(chapter, given)
    for name in FOLDERS:
        if given.get(name):
            given[name] = _absolute(given[name])
    full = {name: p.default for name, p in known.items()} | given
    return given, BUILD / "runs" / workspace.run_name(chapter, full)


def execute(
    chapter: str,
    *,
    profile: str,
    values: Mapping[str, Any] | None = None,
    output: Path | None = None,
    progress: bool = True,
) -> Path:
    """Execute a chapter and return the folder with its notebook, rows.csv and runs.csv.

    The folder (default: as `plan` says) gets the files only after every cell went through; a run
    that was killed goes on from its checkpoints.
    Raises UnknownName or BadInput before anything runs, ChapterFailed with the message of the
    cell that failed.
    """
    given, usual = plan(chapter, profile=profile, values=values)
    folder = usual if output is None else output
    with run_folder(folder, chapter) as work:
        result = _execute(chapter, given, work, progress)
        if not parameters.is_assembled(chapter) and not (work / "rows.csv").exists():
            raise ChapterFailed(f"Chapter {chapter} left no rows.")
        part = work / f"{chapter}.ipynb"
        nbformat.write(result, part)
        place(work, part)
    return folder


def clean(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook without what changes from run to run, and without values beside figures."""
    notebook.metadata.pop("papermill", None)
    notebook.metadata.pop("jupytext", None)
    notebook.metadata.get("language_info", {}).pop("version", None)
    for number, cell in enumerate(notebook.cells):
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        cell["id"] = f"cell-{number}"  # papermill draws a new id for the cell it injects
        if "injected-parameters" in (tags := cell.metadata.get("tags", [])):
            tags.append("hide-input")  # folded like the parameters cell above it
        if "figure" in cell.metadata.get("mystnb", {}):
            # one figure, one caption: no value beside it
            images = [out for out in cell.outputs if "image/png" in out.get("data", {})]
            cell.outputs = images[-1:] or cell.outputs
    return notebook


def _execute(
    chapter: str, given: Mapping[str, Any], work: Path, progress: bool
) -> nbformat.NotebookNode:
    if progress:
        logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
        logging.getLogger("papermill").setLevel(logging.INFO)
    with tempfile.TemporaryDirectory() as temporary, _environment(chapter, work, temporary):
        source, executed = Path(temporary) / f"{chapter}.ipynb", Path(temporary) / "out.ipynb"
        nbformat.write(parameters.read_chapter(chapter), source)
        try:
            papermill.execute_notebook(
                str(source),
                str(executed),
                parameters=dict(given),
                cwd=str(ROOT),
                progress_bar=progress,
                log_output=progress,
                kernel_name="python3",
                extra_arguments=["--IPKernelApp.log_level=CRITICAL"],  # its errors come back anyway
            )
        except PapermillExecutionError as error:
            if error.ename == "KeyboardInterrupt":  # Ctrl-C reaches the kernel as well
                raise KeyboardInterrupt from error
            words = f"Chapter {chapter} failed in cell {error.exec_count}: {error.ename}: "
            own = error.ename in vars(errors)  # already a sentence for the reader
            raise ChapterFailed(f"{'' if own else words}{error.evalue}") from error
        except DeadKernelError as error:
            raise ChapterFailed(
                f"The Python process of chapter {chapter} died, most often for lack of memory."
            ) from error
        return clean(nbformat.read(executed, as_version=4))


@contextmanager
def _environment(chapter: str, work: Path, temporary: str) -> Iterator[None]:
    """Lend the kernel our folders and this checkout's `lib`; the notebook shows nothing of it."""
    before = dict(os.environ)
    lent = {
        workspace.WORK: str(work.absolute()),
        workspace.CHECKPOINTS: str(BUILD / "checkpoints" / chapter),
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [before.get("PYTHONPATH")])]),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # a debugger's warning nobody asked for
    }
    if not os.access(Path("~").expanduser(), os.W_OK):  # both would complain, in the notebook
        lent |= {"MPLCONFIGDIR": temporary, "IPYTHONDIR": temporary} | before
    lent |= {name: _absolute(before[name]) for name in USER_FOLDERS if before.get(name)}
    os.environ.update(lent)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _absolute(folder: str) -> str:
    """A folder as the caller means it, wherever the kernel stands."""
    return str(Path(folder).expanduser().absolute())


def arguments_of(line: Sequence[str] | None) -> argparse.Namespace:
    """The command line, read but not checked against the chapter."""
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
        help="set one parameter; the value is read as YAML, text as it is",
    )
    parser.add_argument("--output", help="folder for notebook and rows: new, empty or its own")
    parser.add_argument("--list", action="store_true", help="show the parameters and stop")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    return parser.parse_args(line)


def main(line: Sequence[str] | None = None) -> int:
    """Command line; returns the exit status: 1 after an error, which is said in one sentence."""
    options = arguments_of(line)
    return exit_status(lambda: _main(options))


def _main(options: argparse.Namespace) -> None:
    started = time.monotonic()
    if options.list:
        for name, parameter in parameters.declared(options.chapter).items():
            print(f"{name} = {parameter.default!r}  # {parameter.comment}")
        return
    if options.output == "":
        raise errors.BadInput("The output folder needs a name.")
    if len(dict(options.pairs)) < len(options.pairs):
        raise errors.BadInput("A parameter is given twice.")
    folder = execute(
        options.chapter,
        profile=options.profile,
        values=parameters.parse(options.chapter, dict(options.pairs)),
        output=options.output and Path(options.output),
        progress=not options.quiet,
    ).absolute()
    minutes = (time.monotonic() - started) / 60
    shown = folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder
    print(f"{options.chapter} ({options.profile}): {shown} in {minutes:.1f} min")


def exit_status(command: Callable[[], object]) -> int:
    """0 of a command line that went well; after an error of ours or the system's 1, and a sentence.

    SIGTERM is taken like Ctrl-C, so that nothing is left in the temporary folder.
    """

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that only has ASCII
    before = signal.signal(signal.SIGTERM, stop)
    try:
        command()
        return 0
    except errors.CompanionError as error:
        sentence = f"Error: {error}"
    except KeyboardInterrupt:
        sentence = STOPPED
        logging.getLogger("asyncio").disabled = True  # it would report the stopped kernel's task
    except OSError as error:  # such as a full disk
        sentence = f"Error: {error.strerror or error}: {error.filename or ''}".rstrip(": ") + "."
    finally:
        signal.signal(signal.SIGTERM, before)
    print(sentence, file=sys.stderr)
    return 1
