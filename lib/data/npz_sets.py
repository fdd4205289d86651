"""German traffic signs and a part of the street view house numbers, as arrays in `.npz` files."""

from pathlib import Path
from zipfile import is_zipfile

import numpy as np
from numpy.typing import NDArray

from lib.data.files import RawSet, channels_first, join_parts, reading, require, whole_numbers
from lib.errors import DataCorrupt

Part = tuple[NDArray[np.uint8], NDArray[np.int64]]


def read_gtsrb(root: Path, download: bool) -> RawSet:
    """Signs of 43 classes from `root/gtsrb32.npz`; there is no download, whatever is allowed.

    The file holds train_images and test_images, uint8 `[n, 32, 32, 3]` or `[n, 3, 32, 32]`, with
    train_labels and test_labels. Raises DataMissing or DataCorrupt.
    """
    return join_parts(*_read("GTSRB-32", root / "gtsrb32.npz", ("train", "test"), labelled=True))


def read_svhn_part(root: Path, download: bool) -> RawSet:
    """The first training images of SVHN from `root/svhn_part.npz`; there is no download.

    The file holds train_images as GTSRB's does, and no labels: every image gets label 0, the one
    class "unlabelled", so the set serves as anomalies only. Raises DataMissing or DataCorrupt.
    """
    ((images, labels),) = _read("SVHN (part)", root / "svhn_part.npz", ("train",), labelled=False)
    return RawSet(images, labels, np.zeros(len(images), bool))


def _read(title: str, path: Path, names: tuple[str, ...], *, labelled: bool) -> list[Part]:
    require(title, path.parent, [] if path.is_file() else [path.name], fetch=None)
    parts = []
    # opened here, because np.load leaves the file open if the archive is damaged
    with reading(path), path.open("rb") as file:
        if not is_zipfile(file):  # numpy would advise to load it unsafely
            raise DataCorrupt(f"{path} cannot be read: it is no .npz archive.")
        file.seek(0)
        with np.load(file, allow_pickle=False) as arrays:
            for name in names:
                images = channels_first(path, arrays[f"{name}_images"])
                labels = arrays[f"{name}_labels"] if labelled else np.zeros(len(images), np.int64)
                parts.append((images, whole_numbers(path, labels, len(images))))
    return parts
