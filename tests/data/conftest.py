"""Small sets in the layouts of the full ones, and the full ones where they are there."""

import gzip
import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lib.data import ImageSet, load
from lib.errors import DataMissing


@pytest.fixture(scope="session")
def mnist_5k() -> ImageSet:
    return load("mnist-5k", download=False)


@pytest.fixture(scope="session")
def full_set() -> Callable[[str], ImageSet]:
    """Loads a full set from COMPANION_DATA, else `data/`; skips with a reason if it is absent."""
    loaded: dict[str, ImageSet] = {}

    def get(name: str) -> ImageSet:
        if name not in loaded:
            try:
                loaded[name] = load(name, download=False)
            except DataMissing as error:
                pytest.skip(str(error))
        return loaded[name]

    return get


@pytest.fixture
def no_debian_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("lib.data.idx_sets.DEBIAN_FASHION_MNIST", tmp_path / "no-package")


@pytest.fixture
def toy_set() -> Callable[..., ImageSet]:
    """An image set with `train[i]` and `test[i]` images of class i, all of one grey pixel."""

    def make(train: list[int], test: list[int]) -> ImageSet:
        labels = np.concatenate([np.repeat(np.arange(len(part)), part) for part in (train, test)])
        n = len(labels)
        return ImageSet(
            name="toy",
            title="Toy",
            images=np.zeros((n, 1, 1, 1), np.uint8),
            labels=labels.astype(np.int64),
            is_test=np.arange(n) >= sum(train),
            class_names=tuple(map(str, range(len(train)))),
            sha256="",
            origin="unverified",
        )

    return make


def _idx_bytes(array: np.ndarray) -> bytes:
    # two zero bytes, the type (8: bytes), the rank, the sizes in big-endian order, the values
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def write_idx() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """Writes the four files of MNIST's layout; returns all images and labels."""

    def write(folder: Path, *, zipped: bool = True) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(0)
        folder.mkdir(parents=True)
        images = rng.integers(0, 256, (30, 28, 28), np.uint8)
        labels = rng.integers(0, 10, 30).astype(np.uint8)
        for part, rows in (("train", slice(0, 20)), ("t10k", slice(20, 30))):
            for kind, array in (("images-idx3", images[rows]), ("labels-idx1", labels[rows])):
                name, content = f"{part}-{kind}-ubyte", _idx_bytes(array)
                if zipped:
                    (folder / f"{name}.gz").write_bytes(gzip.compress(content))
                else:
                    (folder / name).write_bytes(content)
        return images[:, None], labels.astype(np.int64)

    return write


@pytest.fixture
def write_cifar() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """Writes the pickles of CIFAR-10's or CIFAR-100's layout; returns all images and labels."""

    def write(
        root: Path, *, classes: int = 10, dump: Callable[[object], bytes] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        dump = dump or (lambda entry: pickle.dumps(entry, 4))
        rng = np.random.default_rng(1)
        if classes == 10:
            folder, names = root / "cifar-10-batches-py", [f"data_batch_{i}" for i in range(1, 6)]
            names, meta, key, label_key = (
                [*names, "test_batch"],
                "batches.meta",
                "label_names",
                "labels",
            )
        else:
            folder, names = root / "cifar-100-python", ["train", "test"]
            meta, key, label_key = "meta", "fine_label_names", "fine_labels"
        folder.mkdir(parents=True)
        images = rng.integers(0, 256, (2 * len(names), 3, 32, 32), np.uint8)
        labels = rng.integers(0, classes, 2 * len(names))
        for i, name in enumerate(names):
            rows = slice(2 * i, 2 * i + 2)
            entry = {"data": images[rows].reshape(2, -1), label_key: labels[rows].tolist()}
            (folder / name).write_bytes(dump(entry))
        (folder / meta).write_bytes(dump({key: [f"class {i}" for i in range(classes)]}))
        return images, labels

    return write
