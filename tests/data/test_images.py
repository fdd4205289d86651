"""ImageSet, content hash, floats, resizing and padding."""

import hashlib

import numpy as np
import pytest
import torch

from lib.data import ImageSet, content_hash, pad, resize, to_float, with_channels
from lib.errors import BadInput

IMAGES = np.arange(24, dtype=np.uint8).reshape(2, 3, 2, 2)
LABELS = np.array([1, 0], np.int64)
IS_TEST = np.array([False, True])


def image_set(**changes: object) -> ImageSet:
    parts = {
        "name": "toy",
        "title": "Toy",
        "images": IMAGES,
        "labels": LABELS,
        "is_test": IS_TEST,
        "class_names": ("a", "b"),
        "sha256": "",
        "origin": "unverified",
    }
    return ImageSet(**{**parts, **changes})


def test_hash_is_sha256_of_shape_and_bytes_written_out_by_hand() -> None:
    text = (
        b"(2, 3, 2, 2)"
        + bytes(range(24))
        + b"(2,)"
        + bytes([1, 0, 0, 0, 0, 0, 0, 0] + [0] * 8)  # 1 and 0 as little-endian int64
        + b"(2,)"
        + bytes([0, 1])
    )
    assert content_hash(IMAGES, LABELS, IS_TEST) == hashlib.sha256(text).hexdigest()


def test_hash_ignores_memory_layout_and_byte_order() -> None:
    strided = np.asfortranarray(IMAGES)
    assert not strided.flags.c_contiguous
    assert content_hash(strided, LABELS.astype(">i8"), IS_TEST) == content_hash(
        IMAGES, LABELS, IS_TEST
    )


def test_hash_sees_shape_pixels_labels_and_split() -> None:
    hashes = {
        content_hash(IMAGES, LABELS, IS_TEST),
        content_hash(IMAGES.reshape(2, 3, 4, 1), LABELS, IS_TEST),
        content_hash(IMAGES + np.uint8(1), LABELS, IS_TEST),
        content_hash(IMAGES, LABELS[::-1], IS_TEST),
        content_hash(IMAGES, LABELS, ~IS_TEST),
    }
    assert len(hashes) == 5


def test_image_set_refuses_parts_that_do_not_fit() -> None:
    for changes, words in [
        ({"images": IMAGES[0]}, "shape"),
        ({"images": IMAGES.astype(np.float32)}, "float32"),
        ({"labels": LABELS[:1]}, r"\(2,\)"),
        ({"labels": LABELS.astype(np.int32)}, "int32"),
        ({"is_test": IS_TEST.astype(np.uint8)}, "uint8"),
        ({"labels": np.array([0, 2])}, "0 to 2"),
        ({"labels": np.array([-1, 1])}, "-1"),
    ]:
        with pytest.raises(BadInput, match=words):
            image_set(**changes)


def test_to_float_divides_by_255() -> None:
    pixels = np.array([0, 51, 102, 255], np.uint8).reshape(1, 1, 2, 2)
    pixels.setflags(write=False)  # a loaded set is read-only; torch would warn if memory was shared
    floats = to_float(pixels)
    assert floats.dtype == torch.float32
    # 51/255 = 1/5 and 102/255 = 2/5; a correctly rounded quotient, so no tolerance is needed
    assert torch.equal(floats, torch.tensor([[[[0.0, 0.2], [0.4, 1.0]]]]))
    floats.zero_()
    assert pixels.max() == 255


def test_resize_agrees_with_the_filter_written_out() -> None:
    """A second implementation: Lanczos with three lobes, widened by the scale, both directions."""
    images = np.random.default_rng(3).integers(0, 256, (1, 1, 32, 32), np.uint8)
    scale = 32 / 28
    centres = (np.arange(28) + 0.5) * scale
    distance = (np.arange(32) + 0.5 - centres[:, None]) / scale  # [28, 32]
    weights = np.where(abs(distance) < 3, np.sinc(distance) * np.sinc(distance / 3), 0)
    weights /= weights.sum(axis=1, keepdims=True)
    # Pillow rounds and clips to grey levels after each direction, across first
    across = np.clip(np.round(images[0, 0] @ weights.T), 0, 255)
    expected = np.clip(weights @ across, 0, 255)
    # half a grey level for the last rounding, and 0.01 for Pillow's fixed-point weights
    assert abs(resize(images, 28)[0, 0] - expected).max() <= 0.51
    colours = np.random.default_rng(0).integers(0, 256, (3, 2, 9, 9), np.uint8)
    assert np.array_equal(resize(colours, 5)[2, 1], resize(colours[2:, 1:], 5)[0, 0])
    assert resize(IMAGES, 2) is IMAGES


def test_pad_puts_each_image_in_the_middle_of_a_black_frame() -> None:
    images = np.random.default_rng(5).integers(1, 256, (2, 3, 28, 28), np.uint8)
    padded = pad(images, 32)
    assert padded.shape == (2, 3, 32, 32) and padded.dtype == np.uint8
    # (32 - 28) / 2 = 2 black pixels on each side, and no pixel of an image is black here
    assert np.array_equal(padded[:, :, 2:30, 2:30], images)
    assert np.count_nonzero(padded) == images.size


def test_pad_refuses_frames_that_do_not_fit() -> None:
    for shape, size in [
        ((28, 28), 26),  # larger than the frame
        ((28, 28), 31),  # three pixels cannot be shared between two sides
        ((3, 4), 6),  # nor here, from top to bottom
    ]:
        with pytest.raises(BadInput, match=f"{shape[0]}x{shape[1]} pixels.*{size}x{size}"):
            pad(np.zeros((1, 1, *shape), np.uint8), size)


def test_grey_images_are_repeated_and_colours_made_grey() -> None:
    grey = IMAGES[:, :1]
    assert with_channels(IMAGES, 3) is IMAGES and with_channels(grey, 1) is grey
    wide = with_channels(grey, 3)
    assert wide.shape == (2, 3, 2, 2) and all((wide[:, c] == grey[:, 0]).all() for c in range(3))
    flat = with_channels(IMAGES, 1)
    assert flat.shape == (2, 1, 2, 2) and flat.dtype == np.uint8
    # the first pixel is red 0, green 4, blue 8: 4 · 0.587 + 8 · 0.114 = 3.26
    assert flat[0, 0, 0, 0] == 3
    assert np.array_equal(with_channels(wide, 1), grey)  # grey stays what it was


def test_other_numbers_of_channels_are_refused() -> None:
    for images, channels in [(IMAGES[:, :2], 1), (IMAGES, 2)]:
        with pytest.raises(BadInput, match=f"{images.shape[1]} cannot become {channels}"):
            with_channels(images, channels)
