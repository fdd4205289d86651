"""The folder of a run: refused unless it is empty or ours, locked, and never half filled."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from lib.errors import BadInput
from lib.run.workspace import checkpoints_used

# rows.csv comes last: where it stands, the run is complete (a sweep goes by it)
RESULT_FILES = ("checked.csv", "runs.csv", "rows.csv")
LATENTS = "latents"  # a folder, of chapters that store z
WORK = ".work"  # what a run that was killed has done so far


@contextlib.contextmanager
def run_folder(folder: Path, chapter: str) -> Iterator[Path]:
    """Lend the work folder of a run whose results go to `folder`, for one run at a time.

    An earlier run's results stay until `place` puts new ones there. Where the block leaves
    nothing behind, a folder that was made for it is removed again.
    Raises BadInput for a folder with other things in it, and where another run is using it.
    """
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"The output folder {folder} is a file.")
    mark = folder / f".{chapter}.run"  # says whose folder this is, and holds the lock
    names = set(os.listdir(folder)) if folder.exists() else set()
    ours = {f"{chapter}.ipynb", *RESULT_FILES, LATENTS, WORK}
    unmarked = names <= ours and names & {f"{chapter}.ipynb", WORK}
    if names and mark.name not in names and not unmarked:
        raise BadInput(
            f"The output folder {folder} holds other things than a run of {chapter} "
            f"({', '.join(sorted(names)[:3])}): name a new folder or an empty one."
        )
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(mark, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise BadInput(
            f"Another run is using the folder {folder}: wait for its end, or choose another."
        ) from None
    work = folder / WORK
    try:
        work.mkdir(exist_ok=True)
        for name in RESULT_FILES:
            (work / name).unlink(missing_ok=True)  # of a run that was killed
        shutil.rmtree(work / LATENTS, ignore_errors=True)
        yield work
    finally:
        with contextlib.suppress(OSError):
            work.rmdir()  # only where it is empty
        if mark.name not in names and set(os.listdir(folder)) == {mark.name}:
            mark.unlink()
            for path in made:
                with contextlib.suppress(OSError):
                    path.rmdir()
        lock.release()


def place(work: Path, notebook: Path) -> None:
    """Put the notebook and the results in `work` in place of an earlier run's, and end the work.

    The checkpoints of this run go with it.
    """
    folder = work.parent
    os.replace(notebook, folder / notebook.name)
    if (folder / LATENTS).exists():
        shutil.rmtree(folder / LATENTS)
    if (work / LATENTS).exists():
        os.replace(work / LATENTS, folder / LATENTS)
    for name in RESULT_FILES:
        (folder / name).unlink(missing_ok=True)  # an older run's must not stand beside the notebook
        if (work / name).exists():
            os.replace(work / name, folder / name)
    for checkpoint in checkpoints_used(work):
        for path in checkpoint.parent.glob(f"{checkpoint.name}*"):
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            checkpoint.parent.rmdir()
    shutil.rmtree(work)
