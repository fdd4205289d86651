"""Omniglot's handwritten characters, its two small background sets, drawn as MNIST's digits are."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lib.data.class_names import OMNIGLOT
from lib.data.files import RawSet, reading, require
from lib.data.images import resize
from lib.errors import DataCorrupt

FOLDER = "omniglot-small"
PARTS = ("images_background_small1", "images_background_small2")
DRAWN = (105, 105)
SIZE = 28


def read_omniglot(root: Path, download: bool) -> RawSet:
    """Characters of eight alphabets below `root/omniglot-small`; there is no download.

    Each part holds `<alphabet>/<character>/*.png`, 105 x 105 pixels of one bit, black ink on white.
    The images are shrunk to `[n, 1, 28, 28]`, white ink on black, in the order of their names; the
    label is the alphabet. Background sets are for training, so there is no test image. Raises
    DataMissing or DataCorrupt.
    """
    folder = root / FOLDER
    files = {part: sorted((folder / part).glob("*/*/*.png")) for part in PARTS}
    require("Omniglot", folder, [part for part in PARTS if not files[part]], fetch=None)
    drawings: dict[tuple[str, ...], NDArray[np.bool_]] = {}
    for part in PARTS:
        for path in files[part]:
            ink = _read_ink(path)
            # two alphabets are in both parts: a file of the same name is the same image, once
            name = path.relative_to(folder / part).parts
            if not np.array_equal(drawings.setdefault(name, ink), ink):
                raise DataCorrupt(f"{path} differs from the file of that name in {PARTS[0]}.")
    names = sorted(drawings)
    if unknown := {alphabet for alphabet, *_ in names} - set(OMNIGLOT):
        raise DataCorrupt(
            f"{folder} holds {', '.join(sorted(unknown))}, not among the alphabets of the small "
            f"sets: {', '.join(OMNIGLOT)}."
        )
    white = np.stack([drawings[name] for name in names])[:, None] * np.uint8(255)
    labels = np.array([OMNIGLOT.index(alphabet) for alphabet, *_ in names], np.int64)
    return RawSet(resize(white, SIZE), labels, np.zeros(len(names), bool))


def _read_ink(path: Path) -> NDArray[np.bool_]:
    with reading(path), Image.open(path, formats=["PNG"]) as image:
        if (image.mode, image.size) != ("1", DRAWN):
            raise DataCorrupt(
                f"{path} must be 105 x 105 pixels of one bit (mode 1), "
                f"but is {image.width} x {image.height} of mode {image.mode}."
            )
        return ~np.asarray(image)
