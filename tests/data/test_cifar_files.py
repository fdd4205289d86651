"""Reading CIFAR's pickles: official, recovered, unknown, damaged and hostile."""

import hashlib
import os
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torchvision

from lib.data import load
from lib.errors import DataCorrupt, DataMissing

Write = Callable[..., tuple[np.ndarray, np.ndarray]]


def dump_like_python_2(entry: dict[str, object]) -> bytes:
    """The opcodes of the official files: byte strings, numpy 1's names, dtype flags as numbers."""

    def text(word: str) -> bytes:
        return b"U" + bytes([len(word)]) + word.encode()

    def number(value: int) -> bytes:
        return b"J" + value.to_bytes(4, "little", signed=True)

    def array(data: np.ndarray) -> bytes:
        raw = data.tobytes()
        return (
            b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n"
            + (number(0) + b"\x85" + text("b") + b"\x87R")
            + (b"(" + number(1) + number(data.shape[0]) + number(data.shape[1]) + b"\x86")
            + (b"cnumpy\ndtype\n" + text("u1") + number(0) + number(1) + b"\x87R")
            + (b"(" + number(3) + text("|") + b"NNN" + number(-1) + number(-1) + number(0) + b"tb")
            + (b"\x89T" + len(raw).to_bytes(4, "little") + raw + b"tb")
        )

    def value(item: object) -> bytes:
        if isinstance(item, np.ndarray):
            return array(item)
        assert isinstance(item, list)
        return b"](" + b"".join(text(x) if isinstance(x, str) else number(x) for x in item) + b"e"

    pairs = b"".join(text(key) + value(item) for key, item in entry.items())
    return b"\x80\x02}(" + pairs + b"u."


def warn_like_numpy_2_4_0(dataset: object) -> None:
    warnings.warn("dtype(): align", np.exceptions.VisibleDeprecationWarning, stacklevel=1)


@pytest.mark.parametrize("classes", [10, 100])
def test_other_pickles_are_read_and_refused_without_trust(
    tmp_path: Path, write_cifar: Write, classes: int
) -> None:
    images, labels = write_cifar(tmp_path, classes=classes)
    name = f"cifar-{classes}"
    with pytest.raises(DataCorrupt, match="not in the register"):
        load(name, data_root=tmp_path, download=False)
    image_set = load(name, data_root=tmp_path, download=False, trust=True)
    assert np.array_equal(image_set.images, images)
    assert np.array_equal(image_set.labels, labels)
    assert image_set.is_test.sum() == 2
    assert image_set.origin == "unverified"
    assert len(set(image_set.class_names)) == classes


def test_registered_pixels_carry_their_version(
    tmp_path: Path, write_cifar: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_cifar(tmp_path)
    sha256 = load("cifar-10", data_root=tmp_path, download=False, trust=True).sha256
    register = {("cifar-10", sha256): "recovered", ("cifar-100", sha256): "wrong set"}
    monkeypatch.setattr("lib.data.loading.known_versions", lambda: register)
    assert load("cifar-10", data_root=tmp_path, download=False).origin == "recovered"


@pytest.mark.parametrize("official", [True, False])
def test_files_with_the_known_md5_are_official(
    tmp_path: Path, write_cifar: Write, monkeypatch: pytest.MonkeyPatch, official: bool
) -> None:
    images, labels = write_cifar(tmp_path, dump=dump_like_python_2)
    folder = tmp_path / "cifar-10-batches-py"
    dataset = torchvision.datasets.CIFAR10

    def with_sum(name: str) -> list[str]:
        return [name, hashlib.md5((folder / name).read_bytes()).hexdigest()]

    if official:
        for part in ("train_list", "test_list"):
            monkeypatch.setattr(
                dataset, part, [with_sum(name) for name, _ in getattr(dataset, part)]
            )
        meta = {**dataset.meta, "md5": with_sum(dataset.meta["filename"])[1]}
        monkeypatch.setattr(dataset, "meta", meta)
        monkeypatch.setattr(dataset, "_load_meta", warn_like_numpy_2_4_0)
    image_set = load("cifar-10", data_root=tmp_path, download=False, trust=not official)
    assert image_set.origin == ("official" if official else "unverified")
    assert np.array_equal(image_set.images, images)
    assert np.array_equal(image_set.labels, labels)


class Bomb:
    """Makes a folder when it is unpickled the usual way."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("place", ["value", "array"])
def test_hostile_pickle_is_refused_and_does_not_run(
    tmp_path: Path, write_cifar: Write, place: str
) -> None:
    write_cifar(tmp_path)
    marker = tmp_path / "it-ran"
    bomb = Bomb(marker)
    data = np.zeros((2, 3072), np.uint8)
    labels = {"value": bomb, "array": np.array([0, bomb], object)}[place]
    content = pickle.dumps({"data": data, "labels": labels, "label_names": []}, 4)
    # class names are fixed in the code, so the file "batches.meta" is never opened
    for file in ("batches.meta", "data_batch_1"):
        (tmp_path / "cifar-10-batches-py" / file).write_bytes(content)
    with pytest.raises(DataCorrupt, match=r"data_batch_1.*mkdir, refused"):
        load("cifar-10", data_root=tmp_path, download=False, trust=True)
    assert not marker.exists()
    pickle.loads(content)  # the proof that the bomb was live
    assert marker.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>404</html>",
        pickle.dumps({"data": np.zeros((2, 3072), np.uint8), "labels": [0, 1]}, 4)[:-100],
        pickle.dumps([1, 2], 4),
        pickle.dumps({"data": np.zeros((2, 3072), np.uint8)}, 4),
        pickle.dumps({"data": np.zeros((2, 3072), np.uint8), "labels": ["cat", "dog"]}, 4),
        pickle.dumps({"data": np.zeros((2, 100), np.uint8), "labels": [0, 1]}, 4),
        pickle.dumps({"data": [[0] * 3072] * 2, "labels": [0, 1]}, 4),
    ],
)
def test_damaged_pickle_is_corrupt_in_words(
    tmp_path: Path, write_cifar: Write, content: bytes
) -> None:
    write_cifar(tmp_path)
    (tmp_path / "cifar-10-batches-py" / "data_batch_2").write_bytes(content)
    with pytest.raises(DataCorrupt, match="data_batch_2") as caught:
        load("cifar-10", data_root=tmp_path, download=False, trust=True)
    # no checksum failed, so nothing is called worth deleting
    assert "\n" not in str(caught.value) and "delete" not in str(caught.value)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_files_of_other_programs_are_read(
    tmp_path: Path, write_cifar: Write, protocol: int
) -> None:
    """Any pickle protocol, keys as bytes, labels as an array, channels last: no doubt in any."""
    keys: Callable[[str], object] = str.encode if protocol % 2 else str

    def dump(entry: dict[str, object]) -> bytes:
        if "data" in entry:
            pixels = np.asarray(entry["data"]).reshape(-1, 3, 32, 32)
            entry = {"data": pixels.transpose(0, 2, 3, 1), "labels": np.array(entry["labels"])}
        return pickle.dumps({keys(name): value for name, value in entry.items()}, protocol)

    images, labels = write_cifar(tmp_path, dump=dump)
    image_set = load("cifar-10", data_root=tmp_path, download=False, trust=True)
    assert np.array_equal(image_set.images, images)
    assert np.array_equal(image_set.labels, labels)


def test_big_endian_labels_keep_their_values(tmp_path: Path, write_cifar: Write) -> None:
    def dump(entry: dict[str, object]) -> bytes:
        if "labels" in entry:
            entry = {**entry, "labels": np.array(entry["labels"], ">i4")}
        return pickle.dumps(entry, 2)

    _, labels = write_cifar(tmp_path, dump=dump)
    image_set = load("cifar-10", data_root=tmp_path, download=False, trust=True)
    assert np.array_equal(image_set.labels, labels)


def test_a_file_without_permission_is_not_called_damaged(
    tmp_path: Path, write_cifar: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_cifar(tmp_path)

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(DataMissing, match="data_batch_1 may not be read"):
        load("cifar-10", data_root=tmp_path, download=False, trust=True)
