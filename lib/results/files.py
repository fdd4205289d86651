"""Small text files, written whole or not at all, and numbers read back to the last bit."""

import math
import os
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Put text into the file in one step, so that a killed run leaves the old file or the new.

    The folder is made if it is missing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        os.replace(part, path)  # atomic within one folder
    finally:
        part.unlink(missing_ok=True)


def exact_number(text: str) -> float:
    """The float64 that was written as this text, NaN if it is none.

    pandas rounds the last bit in some versions; Python does not.
    """
    try:
        return float(text)
    except ValueError:
        return math.nan
