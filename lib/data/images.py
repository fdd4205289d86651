"""Images at rest: one labelled set, its content hash, and the ways to change its pixels."""

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from lib.data.self_supervised import grey
from lib.errors import BadInput


@dataclass(frozen=True, eq=False)
class ImageSet:
    """A labelled set of images with the hash of its content and where it came from.

    images: uint8 `[n, c, h, w]`; labels: int64 `[n]`, positions in `class_names`;
    is_test: bool `[n]`, true for the official test images. `origin` is the version name of
    `known_hashes.csv`, or "unverified". Raises BadInput if shapes, types or labels do not fit.
    """

    name: str
    title: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    is_test: NDArray[np.bool_]
    class_names: tuple[str, ...]
    sha256: str
    origin: str

    def __post_init__(self) -> None:
        _check_pixels(self.images)
        n, last = len(self.images), len(self.class_names) - 1
        for word, array, dtype in (
            ("labels", self.labels, "int64"),
            ("is_test", self.is_test, "?"),
        ):
            if array.shape != (n,) or array.dtype != dtype:
                raise BadInput(
                    f"{word} must be {np.dtype(dtype)} of shape ({n},), one for each image, "
                    f"but is {array.dtype} of shape {array.shape}."
                )
        if n and not 0 <= self.labels.min() <= self.labels.max() <= last:
            raise BadInput(
                f"labels must lie between 0 and {last}, "
                f"but reach from {self.labels.min()} to {self.labels.max()}."
            )


def content_hash(
    images: NDArray[np.uint8], labels: NDArray[np.int64], is_test: NDArray[np.bool_]
) -> str:
    """SHA-256 in hexadecimal over shape and pixels, then the labels, then the split.

    Depends on the values alone: not on byte order, memory layout or the file they came from.
    """
    digest = hashlib.sha256()
    for array, dtype in ((images, "u1"), (labels, "<i8"), (is_test, "u1")):
        digest.update(f"{array.shape}".encode())
        digest.update(np.ascontiguousarray(array, dtype=dtype).data)
    return digest.hexdigest()


def to_float(images: NDArray[np.uint8]) -> torch.Tensor:
    """Images as a float32 tensor `[n, c, h, w]` in [0, 1], the pixel value divided by 255."""
    _check_pixels(images)
    # astype copies, so the tensor never shares memory with a read-only array
    return torch.from_numpy(images.astype(np.float32)).div_(255)


def resize(images: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Images `[n, c, size, size]` in uint8, with Pillow's antialiased Lanczos filter.

    The array itself comes back if it has that size already. Raises BadInput if `size` is below 1.
    """
    _check_pixels(images)
    if size < 1:
        raise BadInput(f"size must be at least 1, but is {size}.")
    n, c, h, w = images.shape
    if (h, w) == (size, size):
        return images
    resized = np.empty((n, c, size, size), np.uint8)
    for i in range(n):
        for j in range(c):  # Lanczos treats each channel alone, so grey planes serve any c
            plane = Image.fromarray(images[i, j]).resize((size, size), Image.Resampling.LANCZOS)
            resized[i, j] = np.asarray(plane)
    return resized


def pad(images: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Images `[n, c, size, size]` in uint8: each in the middle of a black frame, no pixel changed.

    Raises BadInput for images larger than `size`, and where no frame of equal sides fits.
    """
    _check_pixels(images)
    h, w = images.shape[2:]
    if max(h, w) > size or (size - h) % 2 or (size - w) % 2:
        raise BadInput(
            f"Images of {h}x{w} pixels have no equal frame that makes them {size}x{size}."
        )
    rows, columns = (size - h) // 2, (size - w) // 2
    return np.pad(images, ((0, 0), (0, 0), (rows, rows), (columns, columns)))


def with_channels(images: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """Images `[n, channels, h, w]` in uint8: grey ones three times over, or colours made grey.

    The array itself comes back if it has that many channels already. Raises BadInput for other
    numbers of channels than one and three.
    """
    _check_pixels(images)
    if not {images.shape[1], channels} <= {1, 3}:
        raise BadInput(
            f"Images have one or three channels: {images.shape[1]} cannot become {channels}."
        )
    if images.shape[1] == channels:
        return images
    if channels == 3:
        return np.repeat(images, 3, axis=1)
    brightness = grey(to_float(images))[:, :1]
    return np.asarray((brightness * 255).round().to(torch.uint8))


def check_range(**images: torch.Tensor) -> None:
    """Raise BadInput for float images that leave [0, 1], by the names they are given under.

    Pixel values from 0 to 255 as floats would train and score without a word. NaN is refused too.
    """
    for word, x in images.items():
        if x.numel() and x.is_floating_point() and not (x.min() >= 0 and x.max() <= 1):
            raise BadInput(
                f"The {word} images must lie in [0, 1], but reach from {float(x.min()):g} to "
                f"{float(x.max()):g}; divide pixel values by 255."
            )


def check_ink(what: str, x: torch.Tensor, *, ink: float) -> None:
    """Raise BadInput unless `x` `[n, 1, h, w]` in [0, 1] has a pixel of at least `ink` in each."""
    if x.ndim != 4 or x.shape[1] != 1 or 0 in x.shape:
        raise BadInput(
            f"The {what} images must be [n, 1, h, w], at least one of them, but "
            f"{list(x.shape)} came."
        )
    if not ((x >= 0) & (x <= 1)).all():  # also refuses NaN
        raise BadInput(f"The {what} images must have values in [0, 1], but another value came.")
    blank = (x.flatten(1).amax(1) < ink).nonzero().flatten()
    if len(blank):
        raise BadInput(f"The {what} image {int(blank[0])} has no ink: no pixel reaches {ink}.")


def _check_pixels(images: NDArray[np.uint8]) -> None:
    if images.ndim != 4 or images.dtype != np.uint8:
        raise BadInput(
            f"images must be uint8 of shape [n, c, h, w], "
            f"but is {images.dtype} of shape {images.shape}."
        )
