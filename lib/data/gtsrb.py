"""German traffic signs at 32 x 32 pixels, where a folder holds `gtsrb32.npz`."""

from pathlib import Path

import numpy as np

from lib.data.files import RawSet, channels_first, join_parts, reading, require, whole_numbers

FILE = "gtsrb32.npz"


def read_gtsrb(root: Path, download: bool) -> RawSet:
    """Signs of 43 classes from `root/gtsrb32.npz`; there is no download, whatever is allowed.

    The file holds train_images and test_images, uint8 `[n, 32, 32, 3]` or `[n, 3, 32, 32]`, with
    train_labels and test_labels. Raises DataMissing or DataCorrupt.
    """
    path = root / FILE
    require("GTSRB-32", root, [] if path.is_file() else [FILE], fetch=None)
    # opened here, because np.load leaves the file open if the archive is damaged
    with reading(path), path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        parts = []
        for part in ("train", "test"):
            images = channels_first(path, arrays[f"{part}_images"])
            parts.append((images, whole_numbers(path, arrays[f"{part}_labels"], len(images))))
    return join_parts(*parts)
