"""Reading svhn_part.npz, on a tiny fake file."""

from pathlib import Path

import numpy as np
import pytest

from lib.data import load
from lib.errors import DataCorrupt


def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(4)
    return {
        "train_index": np.arange(5),
        "train_images": rng.integers(0, 256, (5, 32, 32, 3), np.uint8),
    }


def test_channels_come_first_and_every_label_is_zero(tmp_path: Path) -> None:
    np.savez(tmp_path / "svhn_part.npz", **arrays())
    numbers = load("svhn-part", data_root=tmp_path, trust=True)
    assert numbers.images.shape == (5, 3, 32, 32)
    assert numbers.images[4, 2, 5, 6] == arrays()["train_images"][4, 5, 6, 2]
    assert numbers.class_names == ("unlabelled",)
    assert numbers.labels.tolist() == [0] * 5
    assert not numbers.is_test.any()
    assert (numbers.title, numbers.origin) == ("SVHN (part)", "unverified")
    with pytest.raises(DataCorrupt, match="not in the register"):
        load("svhn-part", data_root=tmp_path)


def test_damaged_archives_are_corrupt_in_words(tmp_path: Path, corrupt_in_words) -> None:
    np.savez(tmp_path / "svhn_part.npz", **arrays())
    corrupt_in_words(tmp_path / "svhn_part.npz", "svhn-part")


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (None, "train_images"),
        (np.array([None, "image"], object), "svhn_part"),  # a pickle inside: not admitted
        (np.zeros((5, 32, 32), np.uint8), r"\[5, 32, 32\]"),
        (np.zeros((5, 32, 3, 32), np.uint8), r"\[n, 32, 32, 3\]"),
        (np.zeros((), np.uint8), r"\[\]"),
        (np.zeros((5, 32, 32, 3)), "float64"),
    ],
)
def test_archives_with_wrong_arrays_are_refused(
    tmp_path: Path, images: np.ndarray | None, words: str
) -> None:
    wrong = {"train_index": np.arange(5)} | ({} if images is None else {"train_images": images})
    np.savez(tmp_path / "svhn_part.npz", **wrong)
    with pytest.raises(DataCorrupt, match=words):
        load("svhn-part", data_root=tmp_path, trust=True)
