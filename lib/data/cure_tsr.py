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
from lib.errors import BadInput, DataCorrupt, DataMissing, nearest

FOLDER = "CURE-TSR"
SIZE = 28
LEVELS = (1, 2, 3, 4, 5)
SPLITS = {"train": "Real_Train", "test": "Real_Test"}
CLEAN = "clean"
REAL = "01"  # the other sequence type, 02, is of drawn signs in folders of their own
NAMED = 3  # missing folders in a message; all of them are 122

# the numbers in the file names: signs count from 1, conditions from 0, which is clean
SIGNS = (
    "speed limit",
    "goods vehicles",
    "no overtaking",
    "no stopping",
    "no parking",
    "stop",
    "bicycle",
    "hump",
    "no left",
    "no right",
    "priority to",
    "no entry",
    "yield",
    "parking",
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
    """Signs with what was done to them, one entry for each of the n images.

    images: uint8 `[n, 3, 28, 28]`; labels: int64 `[n]`, positions in SIGNS; conditions: text `[n]`,
    keys of CONDITION_FOLDERS; levels: int64 `[n]`, 1 to 5, and 0 for clean images; is_test: bool
    `[n]`.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    conditions: NDArray[np.str_]
    levels: NDArray[np.int64]
    is_test: NDArray[np.bool_]


class _Part(NamedTuple):
    split: str
    condition: str
    level: int

    @property
    def folder(self) -> str:
        name = CONDITION_FOLDERS[self.condition]
        return f"{SPLITS[self.split]}/{name}" + (f"-{self.level}" if self.level else "")


def read_cure_tsr(
    root: Path,
    *,
    conditions: Collection[str] = tuple(CONDITION_FOLDERS),
    levels: Collection[int] = LEVELS,
    splits: Collection[str] = tuple(SPLITS),
) -> CureTsr:
    """Real signs from the chosen folders of `root/CURE-TSR`; there is no download.

    The folders are Real_Train and Real_Test with ChallengeFree and `<Challenge>-<level>` below.
    Each image is shrunk or stretched to 28 × 28 with Pillow's antialiased Lanczos filter. Training
    images come first, then clean ones, then the challenges' order, the level and the file name.
    `levels` does not touch the condition "clean". The whole real set takes about a gigabyte.
    Files that do not end in .bmp and hidden ones are left alone. Raises DataMissing if a chosen
    folder is absent or empty; DataCorrupt for a damaged image and for a .bmp whose name is not
    `<sequence>_<sign>_<challenge>_<level>_<index>` with the numbers of its folder; BadInput for
    an unknown or empty choice.
    Source: methods.md 1.6; the names are from the README of olivesgatech/CURE-TSR.
    """
    _check("condition", conditions, tuple(CONDITION_FOLDERS))
    _check("level", levels, LEVELS)
    _check("split", splits, tuple(SPLITS))
    parts = [
        _Part(split, condition, level)
        for split in SPLITS
        for condition in CONDITION_FOLDERS
        for level in ((0,) if condition == CLEAN else LEVELS)
        if split in splits and condition in conditions and (level in levels or condition == CLEAN)
    ]
    folder = root / FOLDER
    files = [(part, path) for part in parts for path in _files(folder / part.folder)]
    _require(folder, parts, {part for part, _ in files})
    images = np.empty((len(files), 3, SIZE, SIZE), np.uint8)
    labels = np.empty(len(files), np.int64)
    for i, (part, path) in enumerate(files):
        labels[i] = _label(part, path)
        images[i] = _read(path)
    return CureTsr(
        images,
        labels,
        np.array([part.condition for part, _ in files]),
        np.array([part.level for part, _ in files], np.int64),
        np.array([part.split == "test" for part, _ in files]),
    )


def clean_signs(found: CureTsr) -> ImageSet:
    """The signs to which nothing was done, as an image set of unverified origin."""
    clean = found.conditions == CLEAN
    images, labels, is_test = found.images[clean], found.labels[clean], found.is_test[clean]
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


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    # some systems leave a hidden companion beside each file that they unpack
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() == ".bmp" and not path.name.startswith(".")
    )


def _require(folder: Path, parts: list[_Part], found: set[_Part]) -> None:
    missing = [part.folder for part in parts if part not in found]
    if not missing:
        return
    more = len(missing) - NAMED
    raise DataMissing(
        f"CURE-TSR is not there: no images in {', '.join(missing[:NAMED])}"
        + (f" and {more} more folders" if more > 0 else "")
        + f" of {folder}, and there is no download, because its authors hand it out on request "
        "only; ask for it by the form in the README of github.com/olivesgatech/CURE-TSR and put "
        "its folders Real_Train and Real_Test there, or synthesise similar conditions with "
        "apply_condition."
    )


def _label(part: _Part, path: Path) -> int:
    match = _NAME.fullmatch(path.name)
    challenge = list(CONDITION_FOLDERS).index(part.condition)
    wanted = (REAL, f"{challenge:02}", f"{part.level:02}")
    if match is None or (match[1], match[3], match[4]) != wanted:
        raise DataCorrupt(
            f"{path} is not named as the images of {part.folder} are: "
            f"{wanted[0]}_<sign>_{wanted[1]}_{wanted[2]}_<index>.bmp."
        )
    sign = int(match[2])
    if not 1 <= sign <= len(SIGNS):
        raise DataCorrupt(f"{path} names the sign {sign}, but signs are 1 to {len(SIGNS)}.")
    return sign - 1


def _read(path: Path) -> NDArray[np.uint8]:
    with reading(path), Image.open(path, formats=["BMP"]) as image:
        pixels = np.asarray(image.convert("RGB")).transpose(2, 0, 1)
        small: NDArray[np.uint8] = resize(pixels[None], SIZE)[0]
        return small


def _check(what: str, chosen: Collection[object], known: tuple[object, ...]) -> None:
    names = ", ".join(map(str, known))
    if isinstance(chosen, str) or not chosen:
        raise BadInput(f"Choose at least one {what}, in a list, of {names}; {chosen!r} came.")
    for one in chosen:
        if one not in known or isinstance(one, bool):
            raise BadInput(
                f"There is no {what} {one!r}; known are {names}."
                + nearest(str(one), map(str, known))
            )
