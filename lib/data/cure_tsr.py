"""Signs under real challenges, where a folder holds CURE-TSR: it is handed out on request only."""

import re
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lib.data.files import reading
from lib.data.images import ImageSet, content_hash, resize
from lib.errors import DataCorrupt, DataMissing

FOLDER = "CURE-TSR"
SIZE = 28
SPLITS = {"train": "Real_Train", "test": "Real_Test"}
CLEAN = "clean"
REAL = "01"  # the other sequence type, 02, is of drawn signs in folders of their own
NAMED = 3  # missing folders in a message; all of them are 122

# the numbers in the file names: signs count from 1, conditions from 0, which is clean
SIGNS = (
    *("speed limit", "goods vehicles", "no overtaking", "no stopping", "no parking", "stop"),
    *("bicycle", "hump", "no left", "no right", "priority to", "no entry", "yield", "parking"),
)
# our names, which are those of lib.data.conditions, and the folders'
CONDITION_FOLDERS = {
    CLEAN: "ChallengeFree",
    "decolorization": "Decolorization",
    "lens blur": "LensBlur",
    "codec error": "CodecError",
    "darkening": "Darkening",
    "dirty lens": "DirtyLens",
    "exposure": "Exposure",
    "Gaussian blur": "GaussianBlur",
    "noise": "Noise",
    "rain": "Rain",
    "shadow": "Shadow",
    "snow": "Snow",
    "haze": "Haze",
}
_NAME = re.compile(r"(\d\d)_(\d\d)_(\d\d)_(\d\d)_\d+\.bmp", re.ASCII | re.IGNORECASE)


class CureTsr(NamedTuple):
    """Signs with what was done to them: the condition and level of each of the n images.

    conditions: text `[n]`, keys of CONDITION_FOLDERS; levels: int64 `[n]`, 1 to 5, and 0 for clean.
    """

    signs: ImageSet
    conditions: NDArray[np.str_]
    levels: NDArray[np.int64]

    def clean(self) -> ImageSet:
        """The signs to which nothing was done."""
        return _image_set(
            *(
                array[self.conditions == CLEAN]
                for array in (self.signs.images, self.signs.labels, self.signs.is_test)
            )
        )


def read_cure_tsr(root: Path, *, conditions: Collection[str], levels: Collection[int]) -> CureTsr:
    """Real signs, clean and under `conditions`, from `root/CURE-TSR`; there is no download.

    The folders are Real_Train and Real_Test with ChallengeFree and `<Challenge>-<level>` below.
    Images become `[n, 3, 28, 28]` with Pillow's antialiased Lanczos filter; training images come
    first, then clean ones, then the challenges' order, the level and the file name. Files that do
    not end in .bmp and hidden ones are left alone. Raises DataMissing if a folder is absent or
    empty; DataCorrupt for a damaged image and for a .bmp whose name is not
    `<sequence>_<sign>_<challenge>_<level>_<index>` with the numbers of its folder.
    Source: methods.md 1.6; the names are from the README of olivesgatech/CURE-TSR.
    """
    files: list[tuple[Path, str, int, bool]] = []
    labels, missing = [], []
    for split, split_folder in SPLITS.items():
        for number, (condition, challenge) in enumerate(CONDITION_FOLDERS.items()):
            if condition != CLEAN and condition not in conditions:
                continue
            for level in sorted({0} if condition == CLEAN else set(levels)):
                folder = f"{split_folder}/{challenge}" + (f"-{level}" if level else "")
                paths = _images(root / FOLDER / folder)
                missing += [] if paths else [folder]
                files += [(path, condition, level, split == "test") for path in paths]
                labels += [_label(path, f"{number:02}", f"{level:02}") for path in paths]
    if missing:
        _refuse(root / FOLDER, missing)
    return CureTsr(
        _image_set(
            np.stack([_read(path) for path, *_ in files]),
            np.array(labels, np.int64),
            np.array([is_test for *_, is_test in files]),
        ),
        np.array([condition for _, condition, *_ in files]),
        np.array([level for *_, level, _ in files], np.int64),
    )


def _image_set(
    images: NDArray[np.uint8], labels: NDArray[np.int64], is_test: NDArray[np.bool_]
) -> ImageSet:
    return ImageSet(
        name="cure-tsr",
        title=FOLDER,
        images=images,
        labels=labels,
        is_test=is_test,
        class_names=SIGNS,
        sha256=content_hash(images, labels, is_test),
        origin="unverified",
    )


def _images(folder: Path) -> list[Path]:
    # some systems leave a hidden companion beside each file that they unpack
    return sorted(
        path
        for path in (folder.iterdir() if folder.is_dir() else ())
        if path.suffix.lower() == ".bmp" and not path.name.startswith(".")
    )


def _refuse(folder: Path, missing: list[str]) -> None:
    more = len(missing) - NAMED
    raise DataMissing(
        f"CURE-TSR is not there: no images in {', '.join(missing[:NAMED])}"
        + (f" and {more} more folders" if more > 0 else "")
        + f" of {folder}, and there is no download, because its authors hand it out on request "
        "only; ask for it by the form in the README of github.com/olivesgatech/CURE-TSR and put "
        "its folders Real_Train and Real_Test there, or synthesise similar conditions with "
        "apply_condition."
    )


def _label(path: Path, challenge: str, level: str) -> int:
    match = _NAME.fullmatch(path.name)
    if match is None or (match[1], match[3], match[4]) != (REAL, challenge, level):
        raise DataCorrupt(
            f"{path} is not named as the images of its folder are: "
            f"{REAL}_<sign>_{challenge}_{level}_<index>.bmp."
        )
    if not 1 <= int(match[2]) <= len(SIGNS):
        raise DataCorrupt(f"{path} names the sign {match[2]}, but signs are 1 to {len(SIGNS)}.")
    return int(match[2]) - 1


def _read(path: Path) -> NDArray[np.uint8]:
    with reading(path), Image.open(path, formats=["BMP"]) as image:
        pixels = np.asarray(image.convert("RGB")).transpose(2, 0, 1)
        small: NDArray[np.uint8] = resize(pixels[None], SIZE)[0]
        return small
