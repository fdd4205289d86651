"""Reading CURE-TSR's folders, on a few images drawn into the same layout."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lib.data import resize
from lib.data.cure_tsr import SIGNS, CureTsr, read_cure_tsr
from lib.errors import DataCorrupt, DataMissing


def picture(seed: int) -> np.ndarray:
    size = (20 + 5 * seed, 61 - 3 * seed, 3)
    return np.random.default_rng(seed).integers(0, 256, size, np.uint8)


def write(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def read(root: Path) -> CureTsr:
    return read_cure_tsr(root, conditions=["haze", "codec error"], levels=[5, 2])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Eleven images of sizes of their own, in what `read` wants and one folder more."""
    names = [
        "Real_Train/ChallengeFree/01_14_00_00_0002.bmp",
        "Real_Train/ChallengeFree/01_01_00_00_0001.bmp",
        "Real_Train/CodecError-2/01_06_03_02_0001.bmp",
        "Real_Train/CodecError-5/01_06_03_05_0001.bmp",
        "Real_Train/Haze-2/01_02_12_02_0001.bmp",
        "Real_Train/Haze-5/01_02_12_05_12345.bmp",
        "Real_Test/ChallengeFree/01_03_00_00_0001.bmp",
        "Real_Test/CodecError-2/01_04_03_02_0001.bmp",
        "Real_Test/CodecError-5/01_04_03_05_0001.bmp",
        "Real_Test/Haze-2/01_05_12_02_0001.bmp",
        "Real_Test/Haze-5/01_05_12_05_0001.bmp",
        "Real_Test/Snow-5/01_05_11_05_0001.bmp",
    ]
    for seed, name in enumerate(names):
        write(tmp_path / "CURE-TSR" / name, picture(seed))
    return tmp_path


def test_folders_come_in_the_order_of_split_condition_level_and_name(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = root / "CURE-TSR/Real_Train/Haze-2"
    for left_alone in ("notes.txt", "._01_02_12_02_0001.bmp", "Thumbs.db"):
        (folder / left_alone).write_bytes(b"not an image")
    listing = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda path: sorted(listing(path), reverse=True))
    real = read(root)
    signs = real.signs
    assert signs.images.shape == (11, 3, 28, 28) and signs.origin == "unverified"
    assert signs.labels.tolist() == [0, 13, 5, 5, 1, 1, 2, 3, 3, 4, 4]
    assert (SIGNS[5], SIGNS[13]) == ("stop", "parking")
    one = ["codec error", "codec error", "haze", "haze"]
    assert real.conditions.tolist() == ["clean", "clean", *one, "clean", *one]
    assert real.levels.tolist() == [0, 0, 2, 5, 2, 5, 0, 2, 5, 2, 5]
    assert signs.is_test.tolist() == [False] * 6 + [True] * 5
    # the images were written in the order 1, 0, 2, 3, ...
    for image, seed in zip(signs.images, [1, 0, *range(2, 11)], strict=True):
        assert np.array_equal(image, resize(picture(seed).transpose(2, 0, 1)[None], 28)[0])
    clean = real.clean()
    assert np.array_equal(clean.images, signs.images[[0, 1, 6]])
    assert clean.labels.tolist() == [0, 13, 2] and clean.is_test.tolist() == [False, False, True]


def test_a_missing_set_says_that_it_comes_on_request(tmp_path: Path) -> None:
    with pytest.raises(DataMissing, match=r"ChallengeFree, .* and 7 more folders .*on request"):
        read(tmp_path)


def test_an_empty_folder_is_named(root: Path) -> None:
    (root / "CURE-TSR/Real_Test/Haze-2/01_05_12_02_0001.bmp").unlink()
    with pytest.raises(DataMissing, match="no images in Real_Test/Haze-2 of"):
        read(root)


@pytest.mark.parametrize("content", [b"", b"BM", b"<html>404</html>"])
def test_damaged_images_are_corrupt_in_words(root: Path, content: bytes) -> None:
    (root / "CURE-TSR/Real_Test/Haze-2/01_05_12_02_0001.bmp").write_bytes(content)
    with pytest.raises(DataCorrupt, match=r"01_05_12_02_0001\.bmp cannot be read"):
        read(root)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("01_05_12_04_0002.bmp", r"01_<sign>_12_05_<index>\.bmp"),  # another level
        ("01_05_11_05_0002.bmp", r"01_<sign>_12_05_<index>\.bmp"),  # another challenge
        ("02_05_12_05_0002.bmp", r"01_<sign>_12_05_<index>\.bmp"),  # a drawn sign
        ("sign.bmp", r"01_<sign>_12_05_<index>\.bmp"),
        ("01_00_12_05_0002.bmp", "sign 00, but signs are 1 to 14"),
        ("01_15_12_05_0002.bmp", "sign 15, but signs are 1 to 14"),
    ],
)
def test_wrong_names_are_refused(root: Path, name: str, words: str) -> None:
    write(root / "CURE-TSR/Real_Test/Haze-5" / name, picture(0))
    with pytest.raises(DataCorrupt, match=f"{name}.*{words}"):
        read(root)
