"""Reading Omniglot's two small sets, on a few drawn characters."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lib.data import load, resize
from lib.errors import DataCorrupt, DataMissing

ONE = "omniglot-small/images_background_small1"
TWO = "omniglot-small/images_background_small2"


def drawing(seed: int) -> np.ndarray:
    """True where there is ink: a bar of a place and width of its own."""
    ink = np.zeros((105, 105), bool)
    ink[10 + 7 * seed : 16 + 8 * seed, 20:80] = True
    return ink


def write(path: Path, ink: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(~ink).save(path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Five images, one of them in both sets; the first written is not the first in order."""
    write(tmp_path / ONE / "Latin/character02/0002_01.png", drawing(3))
    write(tmp_path / ONE / "Latin/character01/0001_02.png", drawing(2))
    write(tmp_path / ONE / "Latin/character01/0001_01.png", drawing(1))
    write(tmp_path / ONE / "Korean/character01/0005_01.png", drawing(4))
    write(tmp_path / TWO / "Latin/character01/0001_02.png", drawing(2))
    write(tmp_path / TWO / "Japanese_(katakana)/character01/0009_01.png", drawing(5))
    return tmp_path


def test_shared_images_count_once_and_names_give_the_order(root: Path) -> None:
    characters = load("omniglot", data_root=root, trust=True)
    alphabets = [characters.class_names[label] for label in characters.labels]
    assert alphabets == ["Japanese_(katakana)", "Korean", "Latin", "Latin", "Latin"]
    ink = np.stack([drawing(seed) for seed in (5, 4, 1, 2, 3)])[:, None]
    # ink is white: 255 times the ink, then the Lanczos filter of `resize`
    assert np.array_equal(characters.images, resize(ink.astype(np.uint8) * 255, 28))
    assert characters.images.shape == (5, 1, 28, 28)
    assert not characters.is_test.any()
    assert (characters.title, characters.origin) == ("Omniglot", "unverified")
    with pytest.raises(DataCorrupt, match="not in the register"):
        load("omniglot", data_root=root)


def test_only_the_missing_set_is_named(root: Path) -> None:
    for path in (root / TWO).rglob("*.png"):
        path.unlink()
    with pytest.raises(DataMissing, match="not there: images_background_small2 not found"):
        load("omniglot", data_root=root, trust=True)


@pytest.mark.parametrize(
    ("image", "kind", "words"),
    [
        (Image.new("1", (28, 28)), "PNG", "28 x 28"),
        (Image.new("RGB", (105, 105)), "PNG", "mode RGB"),
        (Image.new("1", (105, 105)), "BMP", "cannot be read"),
    ],
)
def test_other_images_are_refused(root: Path, image: Image.Image, kind: str, words: str) -> None:
    image.save(root / TWO / "Latin/character01/0001_02.png", format=kind)
    with pytest.raises(DataCorrupt, match=words):
        load("omniglot", data_root=root, trust=True)


def test_two_images_of_one_name_are_refused(root: Path) -> None:
    write(root / TWO / "Latin/character01/0001_02.png", drawing(6))
    with pytest.raises(DataCorrupt, match=r"small2.*differs from the file of that name in .*1"):
        load("omniglot", data_root=root, trust=True)


def test_alphabets_of_the_large_set_are_refused(root: Path) -> None:
    write(root / TWO / "Braille/character01/0001_01.png", drawing(1))
    with pytest.raises(DataCorrupt, match="Braille"):
        load("omniglot", data_root=root, trust=True)
