"""Checkpoints: whole or not at all, tensors and plain values only."""

import hashlib
import inspect
import json
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from lib.errors import DataCorrupt
from lib.files import whole
from lib.models import build
from lib.training.seeding import generator


def save_checkpoint(path: Path, content: Mapping[str, Any]) -> None:
    """Write `content` to `path`; a reader sees the old file or the new one, never a part."""
    with whole(path) as part:
        torch.save(dict(content), part)


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read what `save_checkpoint` wrote, to the CPU, without running code from the file.

    Raises DataCorrupt where the file is cut off, was changed after it was written, or holds
    anything but tensors and plain values.
    """
    refused = f"{path.name} is damaged or not a checkpoint of this project: refused."
    try:
        with zipfile.ZipFile(path) as archive:
            changed = archive.testzip()  # torch.load itself does not look at the checksums
        content = None if changed else torch.load(path, map_location="cpu", weights_only=True)
    except (zipfile.BadZipFile, pickle.UnpicklingError, RuntimeError, ValueError) as error:
        raise DataCorrupt(refused) from error
    if not isinstance(content, dict):
        raise DataCorrupt(refused)
    return content


def fingerprint(settings: Mapping[str, Any], rule: object, *code: object) -> str:
    """Hash of the settings and of the files that define the training's code.

    A checkpoint counts only where it agrees. The training `rule` and further `code`, such as the
    classes of networks, are classes or functions; the loop, and how weights and batches are drawn,
    always count. What those files import does not: a checkpoint serves one run that was killed.
    """
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    digest.update(torch.__version__.encode())
    files = {inspect.getfile(thing) for thing in (rule, *code, build, generator)}  # type: ignore[arg-type]
    for file in sorted([*files, str(Path(__file__).with_name("loop.py"))]):
        digest.update(Path(file).read_bytes())
    return digest.hexdigest()
