"""Stored latents come back, are small, and are refused once anything about them is wrong."""

import hashlib
import re

import numpy as np
import pytest

from lib.errors import BadInput, DataCorrupt, DataMissing
from lib.numbers import read_latents, write_latents


def arrays(n=50, k=16, classes=6, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "z": rng.gamma(1.0, size=(n, k)).astype(np.float32),
        "logits": (5 * rng.normal(size=(n, classes))).astype(np.float32),
        "labels": rng.integers(0, 100, n),
        "indices": np.sort(rng.choice(60_000, n, replace=False)),
    }


@pytest.fixture
def stored(tmp_path):
    path = tmp_path / "latents" / "base-0.npz"
    return path, write_latents(path, **arrays())


def test_round_trip(stored):
    path, sha256 = stored
    found, wanted = read_latents(path, sha256=sha256, rows=50), arrays()
    # half precision has 11 binary digits: one part in 2048; below 6e-5 steps of 6e-8
    for name in ("z", "logits"):
        np.testing.assert_allclose(getattr(found, name), wanted[name], rtol=2**-11, atol=6e-8)
        assert getattr(found, name).dtype == np.float32
    for name in ("labels", "indices"):
        assert np.array_equal(getattr(found, name), wanted[name])
        assert getattr(found, name).dtype == np.int64
    assert [p.name for p in path.parent.iterdir()] == ["base-0.npz"]


def test_the_hash_is_that_of_the_file_and_of_the_numbers_alone(stored, tmp_path):
    path, sha256 = stored
    assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    assert write_latents(tmp_path / "again.npz", **arrays()) == sha256
    assert write_latents(tmp_path / "other.npz", **arrays(seed=1)) != sha256
    turned = {k: np.asfortranarray(v) for k, v in arrays().items()}
    assert write_latents(tmp_path / "turned.npz", **turned) == sha256


def test_files_hold_two_bytes_a_number_and_zeros_for_next_to_nothing(tmp_path):
    dense, sparse = arrays(n=2000), arrays(n=2000)
    sparse["z"] = sparse["z"] * (sparse["z"] > 3)  # one in twenty
    for name, content in (("dense", dense), ("sparse", sparse)):
        write_latents(tmp_path / name, **content)
    size = (tmp_path / "dense").stat().st_size
    assert size < 2000 * (2 * 16 + 2 * 6 + 2 + 4) + 2000  # and some for the container
    assert (tmp_path / "sparse").stat().st_size < 0.6 * size


def test_the_largest_numbers_that_fit_come_back(tmp_path):
    content = arrays(n=2)
    content["z"][0, 0], content["labels"][0] = 65504, 2**15 - 1
    content["indices"][0] = 2**31 - 1
    found = read_latents(tmp_path / "x", sha256=write_latents(tmp_path / "x", **content))
    assert (found.z[0, 0], found.labels[0], found.indices[0]) == (65504, 2**15 - 1, 2**31 - 1)


def test_one_changed_byte_is_refused(stored):
    path, sha256 = stored
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataCorrupt, match=f"base-0.npz is not the file.*{sha256[:12]} is wanted"):
        read_latents(path, sha256=sha256)


def test_another_number_of_rows_is_refused(stored):
    path, sha256 = stored
    with pytest.raises(DataCorrupt, match="must have 49 rows in each array, but has") as caught:
        read_latents(path, sha256=sha256, rows=49)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("change", ["uneven", "single", "unnamed", "no archive"])
def test_files_with_other_arrays_are_refused_even_with_their_hash(tmp_path, change):
    path = tmp_path / "odd.npz"
    content = {
        "z": np.zeros((3, 2), np.float16),
        "logits": np.zeros((3, 2), np.float16),
        "labels": np.zeros(3, np.int16),
        "indices": np.zeros(3, np.int32),
    }
    if change == "uneven":
        content["labels"] = content["labels"][:2]
    if change == "single":
        content["z"] = content["z"].astype(np.float32)
    if change == "unnamed":
        del content["indices"]
    np.savez_compressed(path, **content)
    if change == "no archive":
        path.write_text("z")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    words = "must have 3 rows" if change == "uneven" else "does not hold stored latents"
    with pytest.raises(DataCorrupt, match=words):
        read_latents(path, sha256=sha256)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataMissing, match=r"no stored latents named none\.npz"):
        read_latents(tmp_path / "none.npz", sha256="0")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"z": np.full((50, 16), 1e5)}, "z must be finite and at most 65504"),
        ({"logits": np.full((50, 6), np.nan)}, "logits must be finite"),
        ({"labels": np.full(50, 2**15)}, "labels must be finite and at most 32767"),
        ({"indices": np.arange(49)}, "one row in each array"),
        ({k: v[:0] for k, v in arrays().items()}, "one row in each array"),
    ],
)
def test_numbers_that_cannot_be_stored_are_refused_and_nothing_is_written(tmp_path, change, words):
    with pytest.raises(BadInput, match=re.escape(words)):
        write_latents(tmp_path / "x.npz", **arrays() | change)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file_and_no_part(stored, monkeypatch):
    path, sha256 = stored

    def broken(file, **content):
        file.write(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "savez_compressed", broken)
    with pytest.raises(OSError, match="No space"):
        write_latents(path, **arrays(seed=1))
    assert [p.name for p in path.parent.iterdir()] == ["base-0.npz"]
    assert read_latents(path, sha256=sha256).z.shape == (50, 16)
