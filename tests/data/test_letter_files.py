"""Reading notMNIST's two files, on tiny fake ones; test_idx_files.py has the other cases."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lib.data import load
from lib.errors import DataCorrupt, DataMissing

Write = Callable[..., tuple[np.ndarray, np.ndarray]]
FOLDER = "notMNIST/raw"


@pytest.fixture
def write_letters(write_idx: Write) -> Write:
    """Writes the layout without its training files; returns the test images and labels."""

    def write(root: Path, *, zipped: bool = True) -> tuple[np.ndarray, np.ndarray]:
        images, labels = write_idx(root / FOLDER, zipped=zipped)
        for path in (root / FOLDER).glob("train-*"):
            path.unlink()
        return images[20:], labels[20:]

    return write


@pytest.mark.parametrize("zipped", [True, False])
def test_all_letters_are_test_images(tmp_path: Path, write_letters: Write, zipped: bool) -> None:
    images, labels = write_letters(tmp_path, zipped=zipped)
    letters = load("notmnist", data_root=tmp_path, trust=True)
    assert np.array_equal(letters.images, images)
    assert np.array_equal(letters.labels, labels)
    assert letters.is_test.tolist() == [True] * 10
    assert "".join(letters.class_names) == "ABCDEFGHIJ"
    assert (letters.title, letters.origin) == ("notMNIST", "unverified")
    with pytest.raises(DataCorrupt, match="not in the register"):
        load("notmnist", data_root=tmp_path)


def test_training_files_are_left_alone(tmp_path: Path, write_letters: Write) -> None:
    write_letters(tmp_path)
    (tmp_path / FOLDER / "train-images-idx3-ubyte").write_bytes(b"would be refused")
    assert len(load("notmnist", data_root=tmp_path, trust=True).images) == 10


def test_only_the_missing_file_is_named(tmp_path: Path, write_letters: Write) -> None:
    write_letters(tmp_path)
    (tmp_path / FOLDER / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataMissing, match="not there: t10k-labels-idx1-ubyte not found"):
        load("notmnist", data_root=tmp_path)


@pytest.mark.parametrize("kind", ["images-idx3", "labels-idx1"])
@pytest.mark.parametrize("zipped", [True, False])
def test_truncated_files_are_corrupt_in_words(
    tmp_path: Path, write_letters: Write, kind: str, zipped: bool
) -> None:
    write_letters(tmp_path, zipped=zipped)
    (path,) = (tmp_path / FOLDER).glob(f"t10k-{kind}-ubyte*")
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(DataCorrupt, match=kind) as caught:
        load("notmnist", data_root=tmp_path, trust=True)
    assert "\n" not in str(caught.value)


def test_labels_in_the_place_of_images_are_refused(tmp_path: Path, write_letters: Write) -> None:
    write_letters(tmp_path, zipped=False)
    folder = tmp_path / FOLDER
    labels = (folder / "t10k-labels-idx1-ubyte").read_bytes()
    (folder / "t10k-images-idx3-ubyte").write_bytes(labels)
    with pytest.raises(DataCorrupt, match="images-idx3"):
        load("notmnist", data_root=tmp_path, trust=True)
