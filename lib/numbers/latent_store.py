"""Stored z and logits with a table of what they are, so that detectors need no training."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lib.errors import BadInput, DataCorrupt, DataMissing
from lib.files import whole, write_whole
from lib.paths import RESULTS

LATENTS = RESULTS / "reference" / "latents"
TABLE = "latents.csv"
# what names a file; then what it holds and how it came about
KEYS = ("dataset", "network", "split", "seed")
ORIGIN = ("data_sha256", "width", "epochs", "epoch", "validation_accuracy")
LATENT_COLUMNS = ("file", *KEYS, "rows", "sha256", *ORIGIN)
STORED = {"z": np.float16, "logits": np.float16, "labels": np.int16, "indices": np.int32}


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


def keep_latents(folder: Path, latents: Latents, entry: Mapping[str, object]) -> None:
    """Store a network's latents in half precision and list them; equal KEYS are replaced.

    `entry` has KEYS and ORIGIN. A file appears whole or not at all, with equal bytes for equal
    numbers. Raises BadInput for other columns, unequal row counts, and numbers that half precision
    cannot hold.
    """
    if set(entry) != {*KEYS, *ORIGIN}:
        raise BadInput(f"Stored latents need {', '.join((*KEYS, *ORIGIN))}.")
    stored = {name: np.asarray(getattr(latents, name), dtype) for name, dtype in STORED.items()}
    if len({len(values) for values in stored.values()}) > 1 or not len(latents.z):
        raise BadInput("Each image needs one row in each array of stored latents.")
    if not all(np.isfinite(stored[name]).all() for name in ("z", "logits")):
        raise BadInput("z and logits must be finite and at most 65504 to be stored.")
    name = "_".join(str(entry[key]).lower().replace(" ", "-") for key in KEYS) + ".npz"
    # an open file, for numpy would add an ending to the name
    with whole(folder / name) as part, part.open("wb") as file:
        np.savez_compressed(file, **stored)  # type: ignore[arg-type]
    line = {"file": name, "rows": len(latents.z), "sha256": _hash(folder / name), **entry}
    table = stored_latents(folder)
    table = pd.concat([table[table["file"] != name], pd.DataFrame([line])], ignore_index=True)
    table = table[list(LATENT_COLUMNS)].sort_values("file")
    write_whole(folder / TABLE, table.to_csv(index=False, lineterminator="\n"))


def stored_latents(folder: Path = LATENTS) -> pd.DataFrame:
    """What the folder holds, one line a file with the columns of LATENT_COLUMNS; maybe empty.

    Raises BadInput for a table of another form.
    """
    path = folder / TABLE
    if not path.is_file():
        return pd.DataFrame(columns=list(LATENT_COLUMNS))
    table = pd.read_csv(path, keep_default_na=False)
    if tuple(table.columns) != LATENT_COLUMNS or table.duplicated(list(KEYS)).any():
        raise BadInput(f"{TABLE} must list each file once, with {', '.join(LATENT_COLUMNS)}.")
    return table


def find_latents(
    *, dataset: str, network: str, split: int | None, seed: int, folder: Path = LATENTS
) -> tuple[Latents, dict[str, object]] | None:
    """A network's stored latents with their line of the table, or None where there are none.

    `dataset` is the title; without a `split` it is the lowest. Raises DataMissing where the listed
    file is missing, DataCorrupt where it is another.
    """
    wanted = {"dataset": dataset, "network": network, "split": split, "seed": seed}
    for line in stored_latents(folder).sort_values("split").to_dict("records"):
        if all(value is None or line[key] == value for key, value in wanted.items()):
            return _read(folder, line), {str(key): value for key, value in line.items()}
    return None


def adopt_latents(source: Path, folder: Path = LATENTS) -> None:
    """Copy what another folder holds, file by file, with its lines; equal KEYS are replaced.

    Raises DataMissing or DataCorrupt as `find_latents` does.
    """
    for line in stored_latents(source).to_dict("records"):
        keep_latents(folder, _read(source, line), {key: line[key] for key in (*KEYS, *ORIGIN)})


def _read(folder: Path, line: Mapping[object, object]) -> Latents:
    path = folder / str(line["file"])
    if not path.is_file():
        raise DataMissing(f"There are no stored latents named {path.name}.")
    if _hash(path) != line["sha256"]:
        raise DataCorrupt(f"{path.name} is not the file that was stored: its SHA-256 differs.")
    with np.load(path, allow_pickle=False) as archive:
        real = {name: archive[name].astype(np.float32) for name in ("z", "logits")}
        return Latents(**real, **{n: archive[n].astype(np.int64) for n in ("labels", "indices")})


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
