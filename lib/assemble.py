"""Build the book from chapters that were executed elsewhere: `python -m lib.assemble`."""

import shutil
import subprocess
import sys
from pathlib import Path

from lib import parameters
from lib.errors import CompanionError, DataMissing
from lib.execute import execute
from lib.paths import CHAPTERS, ROOT

BOOK = ROOT / "_build/book"
RUNS = ROOT / "_build/runs"


def executed(chapter: str, *, book: Path, runs: Path) -> Path:
    """The chapter's folder below `book`, else below `runs`, that has its notebook and rows.

    Raises DataMissing where neither has both.
    """
    for folder in (book / chapter, runs / chapter):
        if (folder / f"{chapter}.ipynb").exists() and (folder / "rows.csv").exists():
            return folder
    raise DataMissing(
        f"There is no executed notebook with rows of chapter {chapter} below _build/book or "
        f"_build/runs: run `python -m lib.execute {chapter} --output _build/runs/{chapter}`."
    )


def assemble() -> None:
    """Put every chapter's notebook beside the pages, execute the assembled ones, build the book.

    Raises DataMissing before anything is changed if a chapter's run is not there, and
    subprocess.CalledProcessError where the build fails.
    """
    names = parameters.book_chapters()
    assembled = [name for name in names if parameters.is_assembled(name)]
    folders = {
        name: executed(name, book=BOOK, runs=RUNS) for name in names if name not in assembled
    }
    for name, folder in folders.items():
        if folder != BOOK / name:
            shutil.copytree(folder, BOOK / name, dirs_exist_ok=True)
    for name in assembled:  # they read the rows below _build/book
        folders[name] = execute(name, profile="quick", output=BOOK / name)
    for name, folder in folders.items():
        shutil.copyfile(folder / f"{name}.ipynb", CHAPTERS / f"{name}.ipynb")
    tool = str(Path(sys.executable).with_name("jupyter-book"))  # cannot be run with -m
    subprocess.run([tool, "build", "-W", "-n", "--keep-going", "--all", str(ROOT)], check=True)


def main() -> int:
    """Command line; returns the exit status."""
    try:
        assemble()
    except CompanionError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        return error.returncode or 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
