"""Reading notMNIST's two files, on tiny fake ones; test_idx_files.py has the other cases."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lib.data import load
from lib.errors import DataCorrupt

Write = Callable[..., tuple[np.ndarray, np.ndarray]]
FOLDER = "notMNIST/raw"


@pytest.fixture
def write_letters(write_idx: Write) -> Write:
    """Writes the layout without its training files; returns the test images and labels."""

    def write(root: Path) -> tuple[np.ndarray, np.ndarray]:
        images, labels = write_idx(root / FOLDER)
        for path in (root / FOLDER).glob("train-*"):
            path.unlink()
        return images[20:], labels[20:]

    return write


def test_all_letters_are_test_images(tmp_path: Path, write_letters: Write) -> None:
    images, labels = write_letters(tmp_path)
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
