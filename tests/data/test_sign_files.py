"""Reading gtsrb32.npz, on a tiny fake file."""

from pathlib import Path

import numpy as np
import pytest

from lib.data import load
from lib.errors import DataCorrupt


def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(2)
    return {
        "train_images": rng.integers(0, 256, (4, 32, 32, 3), np.uint8),
        "train_labels": np.array([0, 7, 7, 42], np.uint8),
        "test_images": rng.integers(0, 256, (2, 32, 32, 3), np.uint8),
        "test_labels": np.array([7, 42], np.uint8),
    }


def test_channels_come_first(tmp_path: Path) -> None:
    np.savez(tmp_path / "gtsrb32.npz", **arrays())
    signs = load("gtsrb", data_root=tmp_path, trust=True)
    assert signs.images.shape == (6, 3, 32, 32)
    assert signs.images[4, 2, 5, 6] == arrays()["test_images"][0, 5, 6, 2]
    assert signs.labels.tolist() == [0, 7, 7, 42, 7, 42]
    assert signs.is_test.tolist() == [False] * 4 + [True] * 2
    assert (signs.title, signs.origin) == ("GTSRB-32", "unverified")
    with pytest.raises(DataCorrupt, match="not in the register"):
        load("gtsrb", data_root=tmp_path)


def test_channels_first_and_last_give_one_set(tmp_path: Path) -> None:
    found = arrays()
    np.savez(tmp_path / "gtsrb32.npz", **found)
    last = load("gtsrb", data_root=tmp_path, trust=True)
    turned = {k: v.transpose(0, 3, 1, 2) if v.ndim == 4 else v for k, v in found.items()}
    labels = {k: v.astype(np.int64) for k, v in found.items() if v.ndim == 1}
    np.savez(tmp_path / "gtsrb32.npz", **turned | labels)
    first = load("gtsrb", data_root=tmp_path, trust=True)
    assert np.array_equal(first.images, last.images)
    assert np.array_equal(first.labels, last.labels)


def test_damaged_archives_are_corrupt_in_words(tmp_path: Path, corrupt_in_words) -> None:
    np.savez(tmp_path / "gtsrb32.npz", **arrays())
    corrupt_in_words(tmp_path / "gtsrb32.npz", "gtsrb")


@pytest.mark.parametrize(
    "changes",
    [
        {"train_labels": None},
        {"train_labels": np.array([0, 1, 2], object)},  # a pickle inside: not admitted
        {"train_labels": np.array([0, 1, 2, 43])},
        {"train_labels": np.array([0, 1, 2])},
        {"train_images": np.zeros((4, 32, 32))},
        {"train_images": np.zeros((4, 32, 32, 3), np.float32)},
        {"train_images": np.zeros((4, 32, 3, 32), np.uint8)},
        {"train_labels": np.zeros(4)},
    ],
)
def test_archives_with_wrong_arrays_are_refused(tmp_path: Path, changes: dict) -> None:
    wrong = {k: v for k, v in {**arrays(), **changes}.items() if v is not None}
    np.savez(tmp_path / "gtsrb32.npz", **wrong)
    with pytest.raises(DataCorrupt):
        load("gtsrb", data_root=tmp_path, trust=True)
