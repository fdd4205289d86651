"""CIFAR-10 and CIFAR-100: official files by torchvision, recovered ones by a reader that is safe.

The official *pixels* have no hash in the register: 111 images of the recovered CIFAR-10 come from
JPEG files, and of CIFAR-100 a part is kept, so that hash could not be computed. "Official" is
established by the MD5 sums of the official *files*, which torchvision knows. Files with other
sums are judged by the pixels and labels they hold, and read without running what they name: a
pickle is a program, and an unknown one must not be run to find out what it is.
"""

import contextlib
import io
import pickle
import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lib.data.files import (
    RawSet,
    channels_first,
    fetch_into,
    join_parts,
    reading,
    require,
    whole_numbers,
)
from lib.errors import DataCorrupt

Part = tuple[NDArray[np.uint8], NDArray[np.int64]]
# all that a pickle of arrays names, under numpy 1 and numpy 2; protocol 5 keeps arrays as buffers
_ADMITTED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    # how protocols 0 to 2 keep bytes; the real function would import a codec by any name
    ("_codecs", "encode"): lambda text, _="latin1": text.encode("latin1"),
}
for _core in ("core", "_core"):
    _ADMITTED[f"numpy.{_core}.multiarray", "_reconstruct"] = np.zeros(1).__reduce__()[0]
    _ADMITTED[f"numpy.{_core}.numeric", "_frombuffer"] = np.zeros(1).__reduce_ex__(5)[0]


def read_cifar10(root: Path, download: bool) -> RawSet:
    """The images below `root/cifar-10-batches-py`; DataMissing or DataCorrupt if that fails."""
    return _read("CIFAR-10", "CIFAR10", root, download)


def read_cifar100(root: Path, download: bool) -> RawSet:
    """The images below `root/cifar-100-python`; DataMissing or DataCorrupt if that fails.

    Labels are the 100 fine ones. The recovered set has 160 training images a class, not 500.
    """
    return _read("CIFAR-100", "CIFAR100", root, download)


def _read(title: str, class_name: str, root: Path, download: bool) -> RawSet:
    import torchvision  # seconds to import, and the embedded set needs none of it

    dataset = getattr(torchvision.datasets, class_name)
    sums = dict([*dataset.train_list, *dataset.test_list])
    sums[dataset.meta["filename"]] = dataset.meta["md5"]
    folder = root / dataset.base_folder
    missing = [name for name in sums if not (folder / name).is_file()]
    fetch = partial(fetch_into, root, dataset.base_folder, missing, partial(_download, dataset))
    require(title, folder, missing, fetch=fetch if download else None)

    check = torchvision.datasets.utils.check_integrity
    if all(check(str(folder / name), md5) for name, md5 in sums.items()):
        train, test = (_official_part(dataset, root, train) for train in (True, False))
        return join_parts(train, test, official_files=True)
    return join_parts(
        _plain_part(folder, [name for name, _ in dataset.train_list]),
        _plain_part(folder, [name for name, _ in dataset.test_list]),
    )


def _download(dataset: Any, scratch: str) -> None:
    with _quiet_numpy():
        dataset(scratch, download=True)


def _official_part(dataset: Any, root: Path, train: bool) -> Part:
    with reading(root / dataset.base_folder), _quiet_numpy():
        part = dataset(str(root), train=train)
        # torchvision turns the file's [n, c, h, w] into [n, h, w, c]; turn it back
        images = np.ascontiguousarray(part.data.transpose(0, 3, 1, 2))
        return images, np.array(part.targets, np.int64)


def _plain_part(folder: Path, names: Sequence[str]) -> Part:
    images, labels = [], []
    for path in (folder / name for name in names):
        with reading(path), _quiet_numpy():
            # latin1 maps each byte to one character, so arrays pickled by Python 2 survive
            entry = _PlainUnpickler(io.BytesIO(path.read_bytes()), encoding="latin1").load()
            if not isinstance(entry, dict):
                raise DataCorrupt(f"{path} holds a {type(entry).__name__}, not a dictionary.")
            entry = {k.decode() if isinstance(k, bytes) else k: v for k, v in entry.items()}
            pixels = channels_first(path, np.asarray(entry["data"]))
            targets = entry["labels" if "labels" in entry else "fine_labels"]
            labels.append(whole_numbers(path, targets, len(pixels)))
            images.append(pixels)
    return np.concatenate(images), np.concatenate(labels)


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ADMITTED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, refused")
        return _ADMITTED[module, name]


@contextlib.contextmanager
def _quiet_numpy() -> Iterator[None]:
    """Hush numpy 2.4.0, which warns about the flags in pickles that Python 2 wrote."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", np.exceptions.VisibleDeprecationWarning)
        yield
