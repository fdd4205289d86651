"""Finding, fetching and safely reading the files of the full image sets."""

import contextlib
import os
import socket
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lib.errors import DataCorrupt, DataMissing
from lib.paths import ROOT

ENVIRONMENT_VARIABLE = "COMPANION_DATA"
OFFLINE = "use the set 'mnist-5k', which needs no files"
NETWORK_TIMEOUT = 30.0  # seconds; torchvision sets none, and a silent network would hang for ever


class RawSet(NamedTuple):
    """What a reader returns: images `[n, c, h, w]`, labels, split, and who vouches for it."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    is_test: NDArray[np.bool_]
    official_files: bool = False  # true when the files' own published checksums were compared


def join_parts(
    train: tuple[NDArray[np.uint8], NDArray[np.int64]],
    test: tuple[NDArray[np.uint8], NDArray[np.int64]],
    *,
    official_files: bool = False,
) -> RawSet:
    """Training images first, then test images, as one RawSet."""
    return RawSet(
        np.concatenate([train[0], test[0]]),
        np.concatenate([train[1], test[1]]),
        np.arange(len(train[1]) + len(test[1])) >= len(train[1]),
        official_files,
    )


def resolve_root(data_root: str | os.PathLike[str] | None) -> Path:
    """The folder of the image sets, absolute: the argument, else COMPANION_DATA, else `data/`.

    An empty text counts as not given, so that a chapter's parameter can default to "".
    """
    root = data_root or os.environ.get(ENVIRONMENT_VARIABLE) or ROOT / "data"
    return Path(root).expanduser().absolute()


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn any failure of the block that parses `path` into DataCorrupt, in words.

    A file that may not be opened is DataMissing. No message advises deleting: these files have no
    checksum that could have failed.
    """
    try:
        yield
    except DataCorrupt:
        raise
    except PermissionError as error:
        raise DataMissing(f"{path} may not be read: give yourself the right to.") from error
    except Exception as error:  # parsers of damaged bytes fail in more ways than can be listed
        raise DataCorrupt(
            f"{path} cannot be read ({_in_words(error)}): it is damaged or not what its name says."
        ) from error


def channels_first(path: Path, images: NDArray[Any], side: int = 32) -> NDArray[np.uint8]:
    """Colour images of a file as uint8 `[n, 3, side, side]`, from that order or `[n, h, w, 3]`.

    Also from rows `[n, 3·side²]`, in which CIFAR puts one channel after the other. Raises
    DataCorrupt for other shapes and types: reshaped unseen, they would become noise.
    """
    first, last = (3, side, side), (side, side, 3)
    if images.dtype != np.uint8 or images.shape[1:] not in (first, last, (3 * side**2,)):
        raise DataCorrupt(
            f"The images in {path} must be uint8 of shape [n, {side}, {side}, 3] or "
            f"[n, 3, {side}, {side}], but are {images.dtype} of shape {list(images.shape)}."
        )
    if images.shape[1:] == last:
        return np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    return images.reshape(-1, *first)


def whole_numbers(path: Path, labels: object, n: int) -> NDArray[np.int64]:
    """Labels of a file as int64 `[n]`, from any kind of whole number; DataCorrupt for others."""
    array = np.asarray(labels)
    if array.shape != (n,) or array.dtype.kind not in "iu":
        raise DataCorrupt(
            f"The labels in {path} must be {n} whole numbers, one for each image, but are "
            f"{array.dtype} of shape {list(array.shape)}."
        )
    return array.astype(np.int64)


def require(
    title: str,
    folder: Path,
    missing: Sequence[str],
    *,
    fetch: Callable[[], None] | None,
    advice: str = OFFLINE,
) -> None:
    """Return if nothing is missing, else call `fetch`; raise DataMissing if that is no help.

    `fetch` is None where downloading is not allowed or not possible.
    """
    if not missing:
        return
    reason = "downloading is not possible or not allowed"
    cause: Exception | None = None
    if fetch is not None:
        try:
            return fetch()
        except Exception as error:  # sockets, HTTP, archives and disks each have their own kinds
            reason, cause = f"the download failed ({_in_words(error)})", error
    raise DataMissing(
        f"{title} is not there: {', '.join(missing)} not found in {folder}, and {reason}; "
        f"put the files there, name another folder with data_root or the environment variable "
        f"{ENVIRONMENT_VARIABLE}, or {advice}."
    ) from cause


def fetch_into(
    root: Path, folder: str, missing: Sequence[str], download: Callable[[str], object]
) -> None:
    """Call `download(scratch)`, then move the missing files into `root/folder`.

    The scratch folder lies below `root`, so a broken download never leaves a half-written file
    where a later run would read it.
    """
    made = not root.exists()
    root.mkdir(parents=True, exist_ok=True)
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(NETWORK_TIMEOUT)
    try:
        with TemporaryDirectory(prefix=".download-", dir=root) as scratch:
            download(scratch)
            (root / folder).mkdir(parents=True, exist_ok=True)
            for name in missing:
                os.replace(Path(scratch, folder, name), root / folder / name)
    finally:
        socket.setdefaulttimeout(timeout)
        if made:
            with contextlib.suppress(OSError):  # not empty: the download worked
                root.rmdir()


def _in_words(error: Exception) -> str:
    text = textwrap.shorten(str(error), 160, placeholder=" ...")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
