"""A folder of stored latents with a table of what they are: which network, images and training."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from lib.errors import BadInput
from lib.files import write_whole
from lib.numbers.latents import Latents, read_latents, write_latents
from lib.paths import RESULTS

LATENTS = RESULTS / "reference" / "latents"
TABLE = "latents.csv"
# what names a file; then what it holds and how it came about
KEYS = ("dataset", "network", "split", "seed")
LATENT_COLUMNS = (
    *("file", *KEYS, "rows", "sha256"),
    *("data_sha256", "width", "epochs", "epoch", "validation_accuracy"),
)


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
    own = {"file", "rows", "sha256"}
    if set(entry) != set(LATENT_COLUMNS) - own:
        raise BadInput(
            f"Stored latents need {', '.join(c for c in LATENT_COLUMNS if c not in own)}."
        )
    words = [str(entry[key]).lower().replace(" ", "-") for key in KEYS]
    name = "_".join(words) + ".npz"
    arrays = {part: getattr(latents, part) for part in ("z", "logits", "labels", "indices")}
    sha256 = write_latents(folder / name, **arrays)
    line = {"file": name, "rows": len(latents.z), "sha256": sha256, **entry}
    table = stored_latents(folder)
    table = pd.concat([table[table["file"] != name], pd.DataFrame([line])], ignore_index=True)
    table = table[list(LATENT_COLUMNS)].sort_values("file")
    write_whole(folder / TABLE, table.to_csv(index=False, lineterminator="\n"))


def adopt_latents(source: Path, folder: Path = LATENTS) -> None:
    """Copy what another folder holds, file by file, with its lines; equal KEYS are replaced.

    Raises DataMissing or DataCorrupt as `read_latents` does.
    """
    own = {"file", "rows", "sha256"}
    for line in stored_latents(source).to_dict("records"):
        latents = read_latents(source / line["file"], sha256=line["sha256"], rows=line["rows"])
        entry = {str(name): value for name, value in line.items() if name not in own}
        keep_latents(folder, latents, entry)


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


def find_latents(
    *, dataset: str, network: str, split: int, seed: int, folder: Path = LATENTS
) -> tuple[Latents, dict[str, object]] | None:
    """A network's stored latents with their line of the table, or None where there are none.

    `dataset` is the title. Raises DataMissing or DataCorrupt as `read_latents` does.
    """
    table = stored_latents(folder)
    wanted = {"dataset": dataset, "network": network, "split": split, "seed": seed}
    for line in table.to_dict("records"):
        if all(line[key] == value for key, value in wanted.items()):
            found = read_latents(folder / line["file"], sha256=line["sha256"], rows=line["rows"])
            return found, {str(key): value for key, value in line.items()}
    return None
