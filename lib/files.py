"""Files written whole or not at all: the one atomic write of the package."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yield a partial file's path beside `path`, which it replaces when the block ends well.

    A killed run leaves the old file or the new one, never a part. The partial file's name carries
    the process id, so that two runs do not write into one another. The folder is made if missing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        os.replace(part, path)  # atomic within one folder
    finally:
        part.unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> None:
    """Write a text file, UTF-8 with line feeds, as `whole` does."""
    with whole(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
