"""A small part of the street view house numbers, where a folder holds `svhn_part.npz`."""

from pathlib import Path

import numpy as np

from lib.data.files import RawSet, channels_first, reading, require

FILE = "svhn_part.npz"


def read_svhn_part(root: Path, download: bool) -> RawSet:
    """The first training images of SVHN from `root/svhn_part.npz`; there is no download.

    The file holds train_images, uint8 `[n, 32, 32, 3]` or `[n, 3, 32, 32]`, and no labels: every
    image gets label 0, the one class "unlabelled", so the set serves as anomalies only. Raises
    DataMissing or DataCorrupt.
    """
    path = root / FILE
    require("SVHN (part)", root, [] if path.is_file() else [FILE], fetch=None)
    # opened here, because np.load leaves the file open if the archive is damaged
    with reading(path), path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        images = channels_first(path, arrays["train_images"])
    n = len(images)
    return RawSet(images, np.zeros(n, np.int64), np.zeros(n, bool))
