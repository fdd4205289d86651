"""The front door to the image sets: a name in, a checked ImageSet out."""

import csv
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from lib.data import class_names
from lib.data.cifar import read_cifar10, read_cifar100
from lib.data.embedded import read_mnist_5k
from lib.data.files import RawSet, resolve_root
from lib.data.idx_sets import read_fashion_mnist, read_mnist, read_not_mnist
from lib.data.images import ImageSet, content_hash
from lib.data.npz_sets import read_gtsrb, read_svhn_part
from lib.data.omniglot import read_omniglot
from lib.errors import BadInput, DataCorrupt, UnknownName, nearest


class _Source(NamedTuple):
    title: str  # as the documents' tables print it
    class_names: tuple[str, ...]
    read: Callable[[Path, bool], RawSet]  # from the data root; true allows a download


_SOURCES = {
    "mnist-5k": _Source("MNIST-5k", class_names.DIGITS, lambda root, download: read_mnist_5k()),
    "mnist": _Source("MNIST", class_names.DIGITS, read_mnist),
    "fashion-mnist": _Source("Fashion-MNIST", class_names.FASHION_MNIST, read_fashion_mnist),
    "cifar-10": _Source("CIFAR-10", class_names.CIFAR_10, read_cifar10),
    "cifar-100": _Source("CIFAR-100", class_names.CIFAR_100, read_cifar100),
    "gtsrb": _Source("GTSRB-32", class_names.GTSRB, read_gtsrb),
    "svhn-part": _Source("SVHN (part)", class_names.SVHN_PART, read_svhn_part),
    "notmnist": _Source("notMNIST", class_names.NOT_MNIST, read_not_mnist),
    "omniglot": _Source("Omniglot", class_names.OMNIGLOT, read_omniglot),
}
KNOWN = tuple(_SOURCES)


@lru_cache
def known_versions() -> dict[tuple[str, str], str]:
    """Version name ("official", "recovered" or "embedded") by set name and content hash."""
    with Path(__file__).with_name("known_hashes.csv").open(encoding="utf-8", newline="") as file:
        return {(row["name"], row["sha256"]): row["version"] for row in csv.DictReader(file)}


def load(
    name: str,
    *,
    data_root: str | os.PathLike[str] | None = None,
    download: bool = True,
    trust: bool = False,
) -> ImageSet:
    """The image set of that name, training images first, its arrays read-only.

    Files are sought in `data_root`, else the environment variable COMPANION_DATA, else `data/`,
    and downloaded if missing and allowed. `trust` admits content that the register of known
    hashes does not have, with the origin "unverified". Raises UnknownName, DataMissing, or
    DataCorrupt for damaged files and for unknown content without `trust`.
    """
    if name not in _SOURCES:
        raise UnknownName(
            f"There is no image set {name!r}; known are {', '.join(KNOWN)}."
            + nearest(str(name).lower(), KNOWN)
        )
    source = _SOURCES[name]
    root = resolve_root(data_root)
    raw = source.read(root, download)
    sha256 = content_hash(raw.images, raw.labels, raw.is_test)
    origin = "official" if raw.official_files else known_versions().get((name, sha256))
    if origin is None and not trust:
        raise DataCorrupt(
            f"The {source.title} images found with the data root {root} are refused: their content "
            f"hash {sha256} is not in the register of known sets; pass trust=True if you know "
            "where they are from, else put the official files there."
        )
    for array in (raw.images, raw.labels, raw.is_test):
        array.setflags(write=False)
    try:
        return ImageSet(
            name=name,
            title=source.title,
            images=raw.images,
            labels=raw.labels,
            is_test=raw.is_test,
            class_names=source.class_names,
            sha256=sha256,
            origin=origin or "unverified",
        )
    except BadInput as error:
        raise DataCorrupt(
            f"The files of {source.title} do not make an image set: {error}"
        ) from error
