"""Reading gtsrb32.npz and svhn_part.npz, on tiny fake files."""

from pathlib import Path

import numpy as np
import pytest

from lib.data import load
from lib.errors import DataCorrupt


def signs() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(2)
    return {
        "train_images": rng.integers(0, 256, (4, 32, 32, 3), np.uint8),
        "train_labels": np.array([0, 7, 7, 42], np.uint8),
        "test_images": rng.integers(0, 256, (2, 32, 32, 3), np.uint8),
        "test_labels": np.array([7, 42], np.uint8),
    }


def test_signs_have_their_channels_first(tmp_path: Path) -> None:
    np.savez(tmp_path / "gtsrb32.npz", **signs())
    found = load("gtsrb", data_root=tmp_path, trust=True)
    assert found.images.shape == (6, 3, 32, 32)
    assert found.images[4, 2, 5, 6] == signs()["test_images"][0, 5, 6, 2]
    assert found.labels.tolist() == [0, 7, 7, 42, 7, 42]
    assert found.is_test.tolist() == [False] * 4 + [True] * 2
    assert (found.title, found.origin) == ("GTSRB-32", "unverified")
    with pytest.raises(DataCorrupt, match="not in the register"):
        load("gtsrb", data_root=tmp_path)


def test_house_numbers_all_have_the_label_0(tmp_path: Path) -> None:
    images = signs()["train_images"]
    np.savez(tmp_path / "svhn_part.npz", train_index=np.arange(4), train_images=images)
    found = load("svhn-part", data_root=tmp_path, trust=True)
    assert np.array_equal(found.images, images.transpose(0, 3, 1, 2))
    assert (found.title, found.class_names) == ("SVHN (part)", ("unlabelled",))
    assert found.labels.tolist() == [0] * 4 and not found.is_test.any()


def test_channels_first_and_last_give_one_set(tmp_path: Path) -> None:
    np.savez(tmp_path / "gtsrb32.npz", **signs())
    last = load("gtsrb", data_root=tmp_path, trust=True)
    turned = {k: v.transpose(0, 3, 1, 2) if v.ndim == 4 else v for k, v in signs().items()}
    labels = {k: v.astype(np.int64) for k, v in signs().items() if v.ndim == 1}
    np.savez(tmp_path / "gtsrb32.npz", **turned | labels)
    first = load("gtsrb", data_root=tmp_path, trust=True)
    assert np.array_equal(first.images, last.images)
    assert np.array_equal(first.labels, last.labels)


def test_damaged_archives_are_corrupt_in_words(tmp_path: Path) -> None:
    archive = tmp_path / "gtsrb32.npz"
    np.savez(archive, **signs())
    content = archive.read_bytes()
    middle = len(content) // 2
    flipped = content[:middle] + b"?" + content[middle + 1 :]
    for damaged in (b"", content[:middle], flipped, b"noise" * 99):
        archive.write_bytes(damaged)
        with pytest.raises(DataCorrupt, match=r"gtsrb32\.npz") as caught:
            load("gtsrb", data_root=tmp_path, trust=True)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"train_labels": None},
        {"train_labels": np.array([0, 1, 2], object)},  # a pickle inside: not admitted
        {"train_labels": np.array([0, 1, 2, 43])},
        {"train_labels": np.array([0, 1, 2])},
        {"train_images": np.zeros((4, 32, 32, 3), np.float32)},
        {"train_images": np.zeros((4, 32, 3, 32), np.uint8)},
        {"train_labels": np.zeros(4)},
    ],
)
def test_archives_with_wrong_arrays_are_refused(tmp_path: Path, changes: dict) -> None:
    wrong = {k: v for k, v in {**signs(), **changes}.items() if v is not None}
    np.savez(tmp_path / "gtsrb32.npz", **wrong)
    with pytest.raises(DataCorrupt):
        load("gtsrb", data_root=tmp_path, trust=True)
