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
COUNTED = ("file", "rows", "sha256")
LATENT_COLUMNS = (
    *("file", *KEYS, "rows", "sha256"),
    *("data_sha256", "width", "epochs", "epoch", "validation_accuracy"),
)
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


def write_latents(path: Path, latents: Latents) -> str:
    """Write z and logits in half precision, compressed; returns the file's SHA-256.

    The file appears whole or not at all, with equal bytes for equal numbers. Raises BadInput for
    unequal row counts, and for numbers that half precision cannot hold.
    """
    stored = {name: np.asarray(getattr(latents, name), dtype) for name, dtype in STORED.items()}
    if len({len(values) for values in stored.values()}) > 1 or not len(latents.z):
        raise BadInput("Each image needs one row in each array of stored latents.")
    if not all(np.isfinite(stored[name]).all() for name in ("z", "logits")):
        raise BadInput("z and logits must be finite and at most 65504 to be stored.")
    # an open file, for numpy would add an ending to the name
    with whole(path) as part, part.open("wb") as file:
        np.savez_compressed(file, **stored)  # type: ignore[arg-type]
    return _hash(path)


def read_latents(path: Path, *, sha256: str) -> Latents:
    """What `write_latents` wrote, if the file has that hash. Raises DataMissing or DataCorrupt."""
    if not path.is_file():
        raise DataMissing(f"There are no stored latents named {path.name}.")
    if (found := _hash(path)) != sha256:
        raise DataCorrupt(
            f"{path.name} is not the file that was stored: its SHA-256 begins with {found[:12]}, "
            f"but {sha256[:12]} is wanted."
        )
    with np.load(path, allow_pickle=False) as archive:
        real = {name: archive[name].astype(np.float32) for name in ("z", "logits")}
        return Latents(**real, **{n: archive[n].astype(np.int64) for n in ("labels", "indices")})


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


def keep_latents(folder: Path, latents: Latents, entry: Mapping[str, object]) -> None:
    """Store a network's latents and list them; a file of the same KEYS is replaced.

    `entry` has every column but file, rows and sha256. Raises BadInput for other columns, and as
    `write_latents` does.
    """
    wanted = [column for column in LATENT_COLUMNS if column not in COUNTED]
    if set(entry) != set(wanted):
        raise BadInput(f"Stored latents need {', '.join(wanted)}.")
    name = "_".join(str(entry[key]).lower().replace(" ", "-") for key in KEYS) + ".npz"
    sha256 = write_latents(folder / name, latents)
    line = {"file": name, "rows": len(latents.z), "sha256": sha256, **entry}
    table = stored_latents(folder)
    table = pd.concat([table[table["file"] != name], pd.DataFrame([line])], ignore_index=True)
    table = table[list(LATENT_COLUMNS)].sort_values("file")
    write_whole(folder / TABLE, table.to_csv(index=False, lineterminator="\n"))


def adopt_latents(source: Path, folder: Path = LATENTS) -> None:
    """Copy what another folder holds, file by file, with its lines; equal KEYS are replaced.

    Raises DataMissing or DataCorrupt as `read_latents` does.
    """
    for line in stored_latents(source).to_dict("records"):
        latents = read_latents(source / line["file"], sha256=line["sha256"])
        keep_latents(folder, latents, {str(k): v for k, v in line.items() if k not in COUNTED})


def find_latents(
    *, dataset: str, network: str, split: int, seed: int, folder: Path = LATENTS
) -> tuple[Latents, dict[str, object]] | None:
    """A network's stored latents with their line of the table, or None where there are none.

    `dataset` is the title. Raises DataMissing or DataCorrupt as `read_latents` does.
    """
    wanted = {"dataset": dataset, "network": network, "split": split, "seed": seed}
    for line in stored_latents(folder).to_dict("records"):
        if all(line[key] == value for key, value in wanted.items()):
            found = read_latents(folder / line["file"], sha256=line["sha256"])
            return found, {str(key): value for key, value in line.items()}
    return None


def find_trained(
    *,
    dataset: str,
    network: str,
    split: int,
    seed: int,
    data_sha256: str,
    width: int,
    epochs: int,
    any_split: bool = False,
    folder: Path = LATENTS,
) -> tuple[Latents, dict[str, object]] | None:
    """As `find_latents`, of these very images and this budget; None also for other images.

    With `any_split` those of the lowest split there is: a network of all classes is stored with any
    and serves every one. Raises BadInput where width or epochs are others.
    """
    if any_split:
        table = stored_latents(folder)
        same = (table["network"] == network) & (table["seed"] == seed)
        stored = table.loc[same & (table["dataset"] == dataset), "split"]
        split = int(stored.min()) if len(stored) else split
    found = find_latents(dataset=dataset, network=network, split=split, seed=seed, folder=folder)
    if found is None or found[1]["data_sha256"] != data_sha256:
        return None
    line = found[1]
    if (line["width"], line["epochs"]) != (width, epochs):
        raise BadInput(
            f"The stored z of {network!r} are of width {line['width']} and {line['epochs']} "
            "epochs: set width and epochs to these."
        )
    return found


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
