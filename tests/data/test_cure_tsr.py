"""Reading CURE-TSR's folders, on a few images drawn into the same layout."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lib.data import resize
from lib.data.cure_tsr import CONDITION_FOLDERS, SIGNS, CureTsr, clean_signs, read_cure_tsr
from lib.errors import BadInput, DataCorrupt, DataMissing

CHOICE = {"conditions": ["clean", "codec error", "haze"], "levels": [2, 5]}


def picture(seed: int, h: int, w: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (h, w, 3), np.uint8)


def write(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Eleven images of sizes of their own, in what CHOICE wants and one folder more."""
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
        write(tmp_path / "CURE-TSR" / name, picture(seed, 20 + 5 * seed, 61 - 3 * seed))
    return tmp_path


def test_chosen_folders_come_in_the_order_of_split_condition_level_and_name(root: Path) -> None:
    found = read_cure_tsr(root, **CHOICE)
    assert found.images.shape == (11, 3, 28, 28) and found.images.dtype == np.uint8
    assert found.labels.tolist() == [0, 13, 5, 5, 1, 1, 2, 3, 3, 4, 4]
    assert found.labels.dtype == found.levels.dtype == np.int64
    one = ["codec error", "codec error", "haze", "haze"]
    assert found.conditions.tolist() == ["clean", "clean", *one, "clean", *one]
    assert found.levels.tolist() == [0, 0, 2, 5, 2, 5, 0, 2, 5, 2, 5]
    assert found.is_test.tolist() == [False] * 6 + [True] * 5
    assert SIGNS[found.labels[2]] == "stop" and SIGNS[found.labels[1]] == "parking"
    # the images were written in the order 1, 0, 2, 3, ...
    for image, seed in zip(found.images, [1, 0, *range(2, 11)], strict=True):
        pixels = picture(seed, 20 + 5 * seed, 61 - 3 * seed).transpose(2, 0, 1)
        assert np.array_equal(image, resize(pixels[None], 28)[0])


def test_images_are_averaged_when_they_shrink(tmp_path: Path) -> None:
    pixels = np.zeros((112, 112, 3), np.uint8)
    pixels[::2] = 255  # without averaging, each row would be black or white
    pixels[..., 2] = 40
    write(tmp_path / "CURE-TSR/Real_Test/ChallengeFree/01_01_00_00_0001.bmp", pixels)
    image = read_cure_tsr(tmp_path, conditions=["clean"], splits=["test"]).images[0]
    # the mean is 127.5; Lanczos may ring near the border, and values are rounded
    assert np.abs(image[:2, 2:-2].astype(float) - 127.5).max() < 3
    assert (image[2] == 40).all()


def test_a_choice_reads_those_folders_alone(root: Path) -> None:
    found = read_cure_tsr(root, conditions=["snow"], levels=(5,), splits=["test"])
    assert (found.labels.tolist(), found.conditions.tolist()) == ([4], ["snow"])
    # the order of the choice does not matter, nor do repetitions
    one = read_cure_tsr(root, **CHOICE)
    two = read_cure_tsr(root, conditions=[*CHOICE["conditions"][::-1], "haze"], levels=[5, 2, 2])
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    # clean images have no level
    assert len(read_cure_tsr(root, conditions=["clean"], levels=[1]).labels) == 3


def test_the_order_of_the_disk_does_not_matter(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = read_cure_tsr(root, **CHOICE).labels
    listing = Path.iterdir
    for turned in (False, True):
        monkeypatch.setattr(Path, "iterdir", lambda p, t=turned: sorted(listing(p), reverse=t))
        assert read_cure_tsr(root, **CHOICE).labels.tolist() == labels.tolist()


def test_every_folder_of_the_set_is_read_by_default(tmp_path: Path) -> None:
    number = 0
    for split in ("Real_Train", "Real_Test"):
        for code, folder in enumerate(CONDITION_FOLDERS.values()):
            for level in range(1, 6) if code else [0]:
                name = f"{folder}-{level}" if code else folder
                file = f"01_{number % 14 + 1:02}_{code:02}_{level:02}_{number:04}.bmp"
                write(tmp_path / "CURE-TSR" / split / name / file, picture(number, 4, 4))
                number += 1
    found = read_cure_tsr(tmp_path)
    assert len(found.labels) == number == 2 * (1 + 12 * 5)
    assert found.labels.tolist() == [i % 14 for i in range(number)]
    assert found.conditions[:7].tolist() == ["clean"] + ["decolorization"] * 5 + ["lens blur"]
    assert found.levels[:7].tolist() == [0, 1, 2, 3, 4, 5, 1]


def test_other_and_hidden_files_are_left_alone(root: Path) -> None:
    before = read_cure_tsr(root, **CHOICE)
    folder = root / "CURE-TSR/Real_Train/Haze-2"
    (folder / "notes.txt").write_text("not an image")
    (folder / "._01_02_12_02_0001.bmp").write_bytes(b"left by an archive")
    (folder / "Thumbs.db").write_bytes(b"left by a viewer")
    assert np.array_equal(read_cure_tsr(root, **CHOICE).images, before.images)


def test_a_missing_set_says_that_it_comes_on_request(tmp_path: Path) -> None:
    with pytest.raises(DataMissing) as caught:
        read_cure_tsr(tmp_path)
    words = str(caught.value)
    assert "no images in Real_Train/ChallengeFree, Real_Train/Decolorization-1, " in words
    # 2 splits of 61 folders, three of them named
    assert f"and 119 more folders of {tmp_path / 'CURE-TSR'}, " in words
    assert "no download, because its authors hand it out on request only" in words
    assert "put its folders Real_Train and Real_Test there" in words
    assert "\n" not in words


def test_only_the_missing_folders_are_named(root: Path) -> None:
    with pytest.raises(DataMissing, match=r"no images in Real_Train/Snow-5 of .*CURE-TSR, and"):
        read_cure_tsr(root, conditions=["snow"], levels=[5])
    # a folder without images is as good as none
    (root / "CURE-TSR/Real_Test/Haze-5/01_05_12_05_0001.bmp").unlink()
    with pytest.raises(DataMissing, match=r"no images in Real_Test/Haze-5 of"):
        read_cure_tsr(root, **CHOICE)


@pytest.mark.parametrize(
    "garble",
    [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content[:10],
        lambda content: b"<html>404</html>",
        # a width of 0, which the format has in bytes 18 to 21
        lambda content: content[:18] + bytes(4) + content[22:],
    ],
)
def test_damaged_image_is_corrupt_in_words(root: Path, garble: Callable[[bytes], bytes]) -> None:
    path = root / "CURE-TSR/Real_Test/Haze-5/01_05_12_05_0001.bmp"
    path.write_bytes(garble(path.read_bytes()))
    with pytest.raises(DataCorrupt, match=r"01_05_12_05_0001\.bmp cannot be read") as caught:
        read_cure_tsr(root, **CHOICE)
    assert "\n" not in str(caught.value)


def test_other_formats_under_that_name_are_refused(root: Path) -> None:
    path = root / "CURE-TSR/Real_Test/Haze-5/01_05_12_05_0001.bmp"
    Image.fromarray(picture(0, 9, 9)).save(path, format="PNG")
    with pytest.raises(DataCorrupt, match="cannot be read"):
        read_cure_tsr(root, **CHOICE)


def test_palettes_and_grey_become_colour(root: Path) -> None:
    path = root / "CURE-TSR/Real_Test/Haze-5/01_05_12_05_0001.bmp"
    Image.new("L", (28, 28), 70).save(path)
    assert (read_cure_tsr(root, **CHOICE).images[-1] == 70).all()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sign.bmp", "not named as the images of Real_Test/Haze-5 are: 01_<sign>_12_05_<index>"),
        ("01_05_12_05.bmp", "not named as"),
        ("01_05_12_05_x.bmp", "not named as"),
        ("01_05_12_05_0002.bmp.bmp", "not named as"),
        ("1_5_12_5_0002.bmp", "not named as"),
        ("01_05_12_04_0002.bmp", "not named as"),  # another level
        ("01_05_11_05_0002.bmp", "not named as"),  # another challenge
        ("02_05_12_05_0002.bmp", "not named as"),  # a drawn sign among the real ones
        ("01_00_12_05_0002.bmp", "names the sign 0, but signs are 1 to 14"),
        ("01_15_12_05_0002.bmp", "names the sign 15, but signs are 1 to 14"),
    ],
)
def test_wrong_names_are_corrupt_in_words(root: Path, name: str, words: str) -> None:
    write(root / "CURE-TSR/Real_Test/Haze-5" / name, picture(0, 9, 9))
    with pytest.raises(DataCorrupt, match=words) as caught:
        read_cure_tsr(root, **CHOICE)
    assert name in str(caught.value)


def test_bad_choices_are_refused(root: Path) -> None:
    for options, words in [
        ({"conditions": ["fog"]}, "no condition 'fog'; known are clean, decolorization, .*haze"),
        ({"conditions": ["Haze"]}, r"Did you mean 'haze'\?"),
        ({"conditions": "haze"}, "at least one condition, in a list, .*; 'haze' came"),
        ({"conditions": []}, r"at least one condition, .*; \[\] came"),
        ({"levels": [0]}, "no level 0; known are 1, 2, 3, 4, 5"),
        ({"levels": [6]}, "no level 6"),
        ({"levels": [True]}, "no level True"),
        ({"levels": []}, "at least one level"),
        ({"splits": ["Real_Train"]}, "no split 'Real_Train'; known are train, test"),
        ({"splits": "test"}, "at least one split, in a list"),
    ]:
        with pytest.raises(BadInput, match=words):
            read_cure_tsr(root, **CHOICE | options)


def test_clean_signs_are_those_to_which_nothing_was_done():
    images = np.arange(4 * 3 * 28 * 28, dtype=np.uint8).reshape(4, 3, 28, 28)
    found = CureTsr(
        images,
        np.array([0, 1, 2, 3]),
        np.array(["clean", "haze", "clean", "clean"]),
        np.array([0, 2, 0, 0]),
        np.array([False, False, False, True]),
    )
    clean = clean_signs(found)
    assert clean.labels.tolist() == [0, 2, 3] and clean.is_test.tolist() == [False, False, True]
    assert np.array_equal(clean.images, images[[0, 2, 3]])
    assert clean.origin == "unverified" and len(clean.sha256) == 64
