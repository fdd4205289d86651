"""Stored z and logits, so that detectors and figures need no training."""

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib.errors import BadInput, DataCorrupt, DataMissing
from lib.files import whole

STORED: dict[str, np.dtype[Any]] = {
    "z": np.dtype(np.float16),
    "logits": np.dtype(np.float16),
    "labels": np.dtype(np.int16),
    "indices": np.dtype(np.int32),
}
LARGEST = {"z": 65504, "logits": 65504, "labels": 2**15 - 1, "indices": 2**31 - 1}


@dataclass(frozen=True, eq=False)
class Latents:
    """Numbers of the same n images: z `[n, k]`, logits `[n, classes]`, labels and indices `[n]`.

    float32 and int64; z and logits as they were to one part in 2048. `labels` are the classes of
    the image set, `indices` the images' places in it.
    """

    z: NDArray[np.float32]
    logits: NDArray[np.float32]
    labels: NDArray[np.int64]
    indices: NDArray[np.int64]


def write_latents(
    path: Path, *, z: ArrayLike, logits: ArrayLike, labels: ArrayLike, indices: ArrayLike
) -> str:
    """Write z and logits as float16, compressed, with labels and indices; returns the file's hash.

    The file appears whole or not at all, with equal bytes for equal numbers. The hash is SHA-256 in
    hexadecimal: keep it, for `read_latents` asks for it. Raises BadInput for other shapes, unequal
    row counts, and numbers that are not finite or that their stored type cannot hold.
    """
    given = {"z": z, "logits": logits, "labels": labels, "indices": indices}
    stored = {name: _stored(name, np.asarray(values)) for name, values in given.items()}
    counts = {name: len(values) for name, values in stored.items()}
    if len(set(counts.values())) > 1 or not counts["z"]:
        raise BadInput(f"Each image needs one row in each array, but the rows are {counts}.")
    # an open file, for numpy would add an ending to the name
    with whole(path) as part, part.open("wb") as file:
        np.savez_compressed(file, **stored)  # type: ignore[arg-type]
    return _hash(path)


def read_latents(path: Path, *, sha256: str, rows: int | None = None) -> Latents:
    """What `write_latents` wrote, if the file has that hash and, where given, that many rows.

    Raises DataMissing where there is no file, and DataCorrupt for another hash, other arrays or
    another number of rows.
    """
    if not path.is_file():
        raise DataMissing(f"There are no stored latents named {path.name}.")
    found = _hash(path)
    if found != sha256:
        raise DataCorrupt(
            f"{path.name} is not the file that was stored: its SHA-256 begins with {found[:12]}, "
            f"but {sha256[:12]} is wanted."
        )
    arrays = {}
    if zipfile.is_zipfile(path):
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    if {name: values.dtype for name, values in arrays.items()} != STORED:
        raise DataCorrupt(f"{path.name} does not hold stored latents.")
    counts = {name: len(values) for name, values in arrays.items()}
    wanted = counts["z"] if rows is None else rows
    if set(counts.values()) != {wanted}:
        raise DataCorrupt(f"{path.name} must have {wanted} rows in each array, but has {counts}.")
    return Latents(
        z=arrays["z"].astype(np.float32),
        logits=arrays["logits"].astype(np.float32),
        labels=arrays["labels"].astype(np.int64),
        indices=arrays["indices"].astype(np.int64),
    )


def _stored(name: str, values: NDArray[np.generic]) -> NDArray[np.generic]:
    """The array in its stored type, row by row in memory."""
    wanted = 2 if name in ("z", "logits") else 1
    if values.ndim != wanted:
        raise BadInput(
            f"{name} must have {wanted} dimension{'s' * (wanted > 1)}, "
            f"but came with shape {values.shape}."
        )
    if wanted == 1 and values.dtype.kind not in "iu":
        raise BadInput(f"{name} must be whole numbers, but came as {values.dtype}.")
    numbers = values.astype(np.float64)
    if not (np.abs(numbers) <= LARGEST[name]).all():  # also refuses NaN
        raise BadInput(
            f"{name} must be finite and at most {LARGEST[name]} to be stored as {STORED[name]}."
        )
    return np.ascontiguousarray(numbers.astype(STORED[name]))


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
