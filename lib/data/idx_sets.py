"""MNIST and sets in its layout: IDX files, plain or gzipped, read by torchvision."""

import gzip
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from lib.data.files import OFFLINE, RawSet, fetch_into, join_parts, reading, require
from lib.errors import DataCorrupt

FILES = tuple(
    f"{part}-{kind}"
    for part in ("train", "t10k")
    for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")
)
TEST_FILES = FILES[2:]
# where Debian's package dataset-fashion-mnist puts its four gzipped files
DEBIAN_FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")


def read_mnist(root: Path, download: bool) -> RawSet:
    """The 70,000 digits below `root/MNIST/raw`; DataMissing or DataCorrupt if that fails."""
    return _read("MNIST", "MNIST", root, download, advice=OFFLINE)


def read_fashion_mnist(root: Path, download: bool) -> RawSet:
    """The 70,000 garments below `root/FashionMNIST/raw`, else from Debian's package.

    Raises DataMissing or DataCorrupt.
    """
    if _missing(root / "FashionMNIST" / "raw") and not _missing(DEBIAN_FASHION_MNIST):
        return _read_folder(DEBIAN_FASHION_MNIST)
    advice = f"install Debian's package dataset-fashion-mnist, or {OFFLINE}"
    return _read("Fashion-MNIST", "FashionMNIST", root, download, advice=advice)


def read_not_mnist(root: Path, download: bool) -> RawSet:
    """Letters A to J below `root/notMNIST/raw`, all test images; there is no download.

    Only the two `t10k` files are read. Raises DataMissing or DataCorrupt.
    """
    folder = root / "notMNIST" / "raw"
    require("notMNIST", folder, _missing(folder, TEST_FILES), fetch=None)
    images, labels = _read_part(folder, TEST_FILES)
    return RawSet(images, labels, np.ones(len(labels), bool))


def _read(title: str, class_name: str, root: Path, download: bool, *, advice: str) -> RawSet:
    folder = f"{class_name}/raw"
    missing = _missing(root / folder)

    def fetch() -> None:
        import torchvision  # seconds to import, and the embedded set needs none of it

        dataset = getattr(torchvision.datasets, class_name)
        fetch_into(root, folder, missing, partial(dataset, download=True))

    require(title, root / folder, missing, fetch=fetch if download else None, advice=advice)
    return _read_folder(root / folder)


def _missing(folder: Path, names: Sequence[str] = FILES) -> list[str]:
    return [name for name in names if not _candidates(folder, name)]


def _candidates(folder: Path, name: str) -> list[Path]:
    return [path for path in (folder / name, folder / f"{name}.gz") if path.is_file()]


def _read_folder(folder: Path) -> RawSet:
    return join_parts(_read_part(folder, FILES[:2]), _read_part(folder, TEST_FILES))


def _read_part(folder: Path, names: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    images, labels = (_read_file(_candidates(folder, name)[0]) for name in names)
    if len(images) != len(labels):
        raise DataCorrupt(
            f"{folder} holds {len(images)} images with {len(labels)} labels: "
            "the files do not belong together."
        )
    return images[:, None], labels.astype(np.int64)


def _read_file(path: Path) -> NDArray[np.uint8]:
    from torchvision.datasets.mnist import read_image_file, read_label_file

    read = read_image_file if "images" in path.name else read_label_file
    with reading(path), TemporaryDirectory() as scratch:
        if path.suffix == ".gz":  # torchvision reads plain files only
            plain = Path(scratch, path.stem)
            with gzip.open(path) as packed, plain.open("wb") as unpacked:
                shutil.copyfileobj(packed, unpacked)
        else:
            plain = path
        array: NDArray[np.uint8] = read(str(plain)).numpy()
    return array
