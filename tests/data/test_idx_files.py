"""Reading and fetching sets in MNIST's layout, on tiny fake files."""

import gzip
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torchvision

from lib.data import load
from lib.errors import DataCorrupt, DataMissing, UnknownName

Write = Callable[..., tuple[np.ndarray, np.ndarray]]
FOLDERS = {"mnist": "MNIST/raw", "fashion-mnist": "FashionMNIST/raw"}

pytestmark = pytest.mark.usefixtures("no_debian_package")


@pytest.mark.parametrize(("name", "zipped"), [("mnist", True), ("fashion-mnist", False)])
def test_files_are_read_in_order(tmp_path: Path, write_idx: Write, name: str, zipped: bool) -> None:
    images, labels = write_idx(tmp_path / FOLDERS[name], zipped=zipped)
    before = sorted(tmp_path.rglob("*"))
    image_set = load(name, data_root=tmp_path, download=False, trust=True)
    assert np.array_equal(image_set.images, images)
    assert np.array_equal(image_set.labels, labels)
    assert image_set.is_test.tolist() == [False] * 20 + [True] * 10
    assert image_set.origin == "unverified"
    assert sorted(tmp_path.rglob("*")) == before  # unpacked elsewhere, nothing left behind


def test_environment_variable_names_the_root(
    tmp_path: Path, write_idx: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, _ = write_idx(tmp_path / "MNIST/raw")
    monkeypatch.setenv("COMPANION_DATA", str(tmp_path))
    for data_root in (None, ""):
        image_set = load("mnist", data_root=data_root, download=False, trust=True)
        assert np.array_equal(image_set.images, images)
    with pytest.raises(DataMissing):  # the argument goes first
        load("mnist", data_root=tmp_path / "elsewhere", download=False, trust=True)


def test_debian_folder_serves_when_the_root_has_none(
    tmp_path: Path, write_idx: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, _ = write_idx(tmp_path / "package")
    monkeypatch.setattr("lib.data.idx_sets.DEBIAN_FASHION_MNIST", tmp_path / "package")
    image_set = load("fashion-mnist", data_root=tmp_path / "none", trust=True)
    assert np.array_equal(image_set.images, images)
    with pytest.raises(DataMissing):
        load("mnist", data_root=tmp_path / "none", download=False)


@pytest.mark.parametrize("name", ["fashion-mnist", "cifar-10", "gtsrb", "omniglot"])
def test_missing_files_are_named_with_a_way_out(tmp_path: Path, name: str) -> None:
    file = {
        "cifar-10": "data_batch_3",
        "gtsrb": "gtsrb32.npz",
        "omniglot": "images_background_small2",
    }
    with pytest.raises(DataMissing) as caught:
        load(name, data_root=tmp_path / "none", download=False)
    message = str(caught.value)
    wanted = [file.get(name, "t10k-labels-idx1-ubyte"), str(tmp_path), "data_root"]
    wanted += ["COMPANION_DATA", "mnist-5k"]
    wanted += ["dataset-fashion-mnist"] if name == "fashion-mnist" else []
    for part in wanted:
        assert part in message
    assert not (tmp_path / "none").exists()


GARBLE = {
    "empty": lambda content: b"",
    "truncated": lambda content: content[: len(content) // 2],
    "text": lambda content: b"<html>404</html>",
}


@pytest.mark.parametrize(
    ("file", "zipped", "kind"),
    [
        ("train-images-idx3-ubyte", "gz", "truncated"),
        ("train-images-idx3-ubyte", "inside gz", "truncated"),
        ("t10k-labels-idx1-ubyte", "plain", "truncated"),
        ("t10k-labels-idx1-ubyte", "plain", "empty"),
        ("t10k-labels-idx1-ubyte", "gz", "text"),
    ],
)
def test_damaged_file_is_corrupt_in_words(
    tmp_path: Path, write_idx: Write, file: str, zipped: str, kind: str
) -> None:
    write_idx(tmp_path / "MNIST/raw", zipped=zipped != "plain")
    path = tmp_path / "MNIST/raw" / (file if zipped == "plain" else f"{file}.gz")
    if zipped == "inside gz":
        path.write_bytes(gzip.compress(GARBLE[kind](gzip.decompress(path.read_bytes()))))
    else:
        path.write_bytes(GARBLE[kind](path.read_bytes()))
    with pytest.raises(DataCorrupt, match=file) as caught:
        load("mnist", data_root=tmp_path, download=False, trust=True)
    assert "\n" not in str(caught.value)


def test_labels_of_another_set_are_refused(tmp_path: Path, write_idx: Write) -> None:
    folder = tmp_path / "MNIST/raw"
    write_idx(folder)
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(
        (folder / "train-labels-idx1-ubyte.gz").read_bytes()
    )
    with pytest.raises(DataCorrupt, match="10 images with 20 labels"):
        load("mnist", data_root=tmp_path, download=False, trust=True)


def test_labels_out_of_range_are_refused_even_when_trusted(
    tmp_path: Path, write_idx: Write
) -> None:
    folder = tmp_path / "MNIST/raw"
    write_idx(folder)
    path = folder / "t10k-labels-idx1-ubyte.gz"
    content = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(content[:-1] + b"\x0a"))
    with pytest.raises(DataCorrupt, match="between 0 and 9"):
        load("mnist", data_root=tmp_path, download=False, trust=True)


def test_download_lands_whole_in_the_root(
    tmp_path: Path, write_idx: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeouts = []

    def download(dataset: torchvision.datasets.MNIST) -> None:
        timeouts.append(socket.getdefaulttimeout())
        write_idx(Path(dataset.raw_folder), zipped=False)

    monkeypatch.setattr(torchvision.datasets.MNIST, "download", download)
    root = tmp_path / "new" / "root"
    image_set = load("mnist", data_root=root, trust=True)
    assert len(image_set.images) == 30
    assert [path.name for path in root.iterdir()] == ["MNIST"]  # the scratch folder is gone
    assert timeouts[0] is not None and socket.getdefaulttimeout() is None
    monkeypatch.undo()
    assert load("mnist", data_root=root, download=False, trust=True).sha256 == image_set.sha256


@pytest.mark.parametrize("error", [URLError("no route"), RuntimeError("Error\ndownloading")])
def test_broken_download_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def download(dataset: torchvision.datasets.MNIST) -> None:
        folder = Path(dataset.raw_folder)
        folder.mkdir(parents=True)
        (folder / "train-images-idx3-ubyte").write_bytes(b"half")
        raise error

    monkeypatch.setattr(torchvision.datasets.MNIST, "download", download)
    with pytest.raises(DataMissing, match="the download failed") as caught:
        load("mnist", data_root=tmp_path / "root")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "root").exists()


def test_unknown_name_lists_the_known_ones() -> None:
    for name, suggestion in [("mnits", "'mnist'"), ("CIFAR10", "'cifar-10'"), ("imagenet", "")]:
        with pytest.raises(UnknownName, match="mnist-5k, mnist, fashion-mnist") as caught:
            load(name)
        assert ("Did you mean" in str(caught.value)) == bool(suggestion)
        assert suggestion in str(caught.value)
