"""Checkpoints: whole or not at all, tensors and plain values only."""

import hashlib
import json
import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from lib.errors import DataCorrupt
from lib.paths import ROOT


def save_checkpoint(path: Path, content: Mapping[str, Any]) -> None:
    """Write `content` to `path`; a reader sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    torch.save(dict(content), part)
    os.replace(part, path)


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read what `save_checkpoint` wrote, to the CPU, without running code from the file.

    Raises DataCorrupt where the file is cut off or holds anything but tensors and plain values.
    """
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise DataCorrupt(f"{path.name} is not a checkpoint of this project: refused.") from error
    return content


def fingerprint(settings: Mapping[str, Any]) -> str:
    """Hash of the settings and the training code; a checkpoint counts only where it agrees."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    digest.update(torch.__version__.encode())
    for folder in ("models", "training"):
        for file in sorted((ROOT / "lib" / folder).glob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()
