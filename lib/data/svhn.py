"""A small part of the street view house numbers, where a folder holds `svhn_part.npz`."""

from pathlib import Path

import numpy as np

from lib.data.files import RawSet, reading, require
from lib.errors import DataCorrupt

FILE = "svhn_part.npz"


def read_svhn_part(root: Path, download: bool) -> RawSet:
    """The first training images of SVHN from `root/svhn_part.npz`; there is no download.

    The file holds train_images, uint8 `[n, 32, 32, 3]`, and no labels: every image gets label 0,
    the one class "unlabelled", so the set serves as anomalies only. Raises DataMissing or
    DataCorrupt.
    """
    path = root / FILE
    require("SVHN (part)", root, [] if path.is_file() else [FILE], fetch=None)
    # opened here, because np.load leaves the file open if the archive is damaged
    with reading(path), path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        pixels = arrays["train_images"]
    if pixels.shape[1:] != (32, 32, 3):  # turned round unseen, channels would become rows
        raise DataCorrupt(
            f"The images in {path} must be of shape [n, 32, 32, 3], but are {pixels.shape}."
        )
    n = len(pixels)
    images = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
    return RawSet(images, np.zeros(n, np.int64), np.zeros(n, bool))
