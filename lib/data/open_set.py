"""The open-set protocol: some classes are nominal, the others anomalies, one division for all."""

import operator
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib.data.images import ImageSet
from lib.errors import BadInput

Indices = NDArray[np.int64]
Classes = tuple[int, ...]

# Nominal classes of the five CIFAR-10 splits in use since Neal et al. 2018 (methods.md 4.1). The
# second repeats the first as a set, so there are four: see `distinct_splits`.
CIFAR10_SPLITS: tuple[Classes, ...] = (
    (0, 6, 4, 9, 1, 7),
    (7, 6, 4, 9, 0, 1),
    (1, 5, 7, 3, 9, 4),
    (8, 6, 1, 9, 0, 7),
    (2, 4, 1, 7, 9, 6),
)


def open_set(
    image_set: ImageSet,
    anomaly_classes: Sequence[int],
    rng: np.random.Generator,
    *,
    nominal_classes: Sequence[int] | None = None,
    shares: tuple[float, float, float] = (0.6, 0.2, 0.2),
    pool: bool = True,
) -> dict[str, Indices]:
    """The protocol of the representation oracle (methods.md 4.1), as sorted int64 index arrays.

    Every class is cut into training, validation and test images by `shares`, rounded; the cuts
    depend on `rng` alone, so that all choices of classes share one division. "train" and
    "validation" hold the nominal classes of their part. "oracle_train" is all of the validation
    part, anomalies included, "test" all of the test part. "train_all" and "validation_all" serve
    the network that is trained on all classes; the latter equals "oracle_train". Nominal are
    `nominal_classes`, by default all but the anomaly classes; a class in neither list is left
    out. With `pool` training and test images of the set are taken together, else only its training
    images are used. Raises BadInput for classes out of range, named twice, on both sides or
    without images, for an empty side, for shares that are not above 0 or do not add up to 1, and
    where a part would be empty. Source: dietterich2021representation, methods.
    """
    count = len(image_set.class_names)
    anomaly = _checked_classes(anomaly_classes, count, "anomaly")
    given = _others(anomaly, count) if nominal_classes is None else nominal_classes
    nominal = _checked_classes(given, count, "nominal")
    both = sorted(set(nominal) & set(anomaly))
    if both:
        raise BadInput(f"A class is either nominal or an anomaly, but {both} were named as both.")
    if len(shares) != 3 or not all(share > 0 for share in shares) or abs(sum(shares) - 1) > 1e-9:
        raise BadInput(f"shares must be three numbers above 0 that add up to 1, not {shares}.")

    labels = image_set.labels
    usable = np.ones(len(labels), bool) if pool else ~image_set.is_test
    train, validation, test = _division(labels, usable, shares, count, rng)
    is_nominal, is_used = np.isin(labels, nominal), np.isin(labels, [*nominal, *anomaly])
    parts = {
        "train": train[is_nominal[train]],
        "validation": validation[is_nominal[validation]],
        "oracle_train": validation[is_used[validation]],
        "test": test[is_used[test]],
        "train_all": train[is_used[train]],
        "validation_all": validation[is_used[validation]],
    }
    for part, members in (("train", train), ("validation", validation), ("test", test)):
        absent = sorted({*nominal, *anomaly} - set(labels[members].tolist()))
        if absent:
            raise BadInput(
                f"{image_set.title} has too few images of the classes {absent} for its {part} part."
            )
    return parts


def class_positions(labels: NDArray[np.int64], classes: Sequence[int]) -> Indices:
    """Place of each label in `classes`, sorted first: what a network of those classes predicts.

    Labels [n] to int64 [n] from 0 to len(classes) - 1. Raises BadInput for a label that is not
    among the classes, and for a class named twice.
    """
    order = np.unique(np.asarray(classes, np.int64))
    if len(order) != len(classes):
        raise BadInput(f"Each class can be named once, but {list(classes)} came.")
    strange = sorted(set(np.unique(labels).tolist()) - set(order.tolist()))
    if strange:
        raise BadInput(f"The labels {strange} are not among the classes {order.tolist()}.")
    return np.searchsorted(order, labels).astype(np.int64)


def places_among(labels: ArrayLike, classes: Sequence[int]) -> Indices:
    """Place of each label in `classes`, in the order given, and -1 for one that is not there.

    Labels [n] to int64 [n]. Raises BadInput for a class named twice.
    """
    if len(set(classes)) < len(classes):
        raise BadInput(f"Each class can be named once, but {list(classes)} came.")
    places = {label: place for place, label in enumerate(classes)}
    return np.array([places.get(label, -1) for label in np.asarray(labels).tolist()], np.int64)


def first_of_each(
    labels: ArrayLike, members: ArrayLike, classes: Sequence[int], most: int
) -> Indices:
    """The first of `members` of each class, at most so many a class, sorted int64.

    `members` are places in `labels` [n]. Raises BadInput for a `most` below 1.
    """
    if most < 1:
        raise BadInput(f"At least one image of each class is wanted, not {most}.")
    given = np.asarray(members, np.int64)
    own = np.asarray(labels)[given]
    return np.sort(np.concatenate([given[own == label][:most] for label in classes]))


def remaining_classes(classes: Sequence[int], count: int) -> Classes:
    """The classes from 0 to `count` - 1 that are not in `classes`, ascending.

    Raises BadInput for classes out of range or named twice, and where none is on either side.
    """
    checked = _checked_classes(classes, count, "given")
    return _checked_classes(_others(checked, count), count, "remaining")


def distinct_splits(splits: Sequence[Sequence[int]]) -> tuple[Classes, ...]:
    """The splits, classes ascending, without those that repeat an earlier one as a set."""
    return tuple(dict.fromkeys(tuple(sorted(split)) for split in splits))


def draw_classes(count: int, wanted: int, rng: np.random.Generator) -> Classes:
    """`wanted` of the classes 0 to `count` - 1, ascending: 20 of 100 are CIFAR-100's anomalies.

    Raises BadInput unless at least one class is drawn and one is left.
    """
    if not 0 < wanted < count:
        raise BadInput(f"From 1 to {count - 1} of {count} classes can be drawn, but not {wanted}.")
    return tuple(sorted(rng.choice(count, wanted, replace=False).tolist()))


def nominal_split(split: int, count: int, rng: np.random.Generator) -> Classes:
    """The nominal classes of one split of `count` classes, ascending.

    Of ten classes those in common use, CIFAR10_SPLITS without its repetition; else all but a fifth
    that `rng` draws, which must be of this split. Raises BadInput for a number without a split, and
    for fewer than five classes. Source: dietterich2021representation; methods.md 4.1.
    """
    if count != 10:
        return remaining_classes(draw_classes(count, count // 5, rng), count)
    known = distinct_splits(CIFAR10_SPLITS)
    if not 0 <= split < len(known):
        raise BadInput(f"There are {len(known)} splits of ten classes, so not number {split}.")
    return known[split]


def _division(
    labels: NDArray[np.int64],
    usable: NDArray[np.bool_],
    shares: tuple[float, float, float],
    count: int,
    rng: np.random.Generator,
) -> list[Indices]:
    """Three sorted parts of the usable images, each with its share of every class."""
    pieces = []
    for label in range(count):  # every class draws, whatever it counts as
        shuffled = rng.permutation(np.flatnonzero((labels == label) & usable))
        n = len(shuffled)
        cuts = round(n * shares[0]), round(n * (shares[0] + shares[1]))
        pieces.append(np.split(shuffled, cuts))
    return [np.sort(np.concatenate(part)) for part in zip(*pieces, strict=True)]


def _others(classes: Sequence[int], count: int) -> Classes:
    return tuple(number for number in range(count) if number not in classes)


def _checked_classes(classes: Sequence[int], count: int, kind: str) -> Classes:
    found = []
    for given in classes:
        try:
            number = -1 if isinstance(given, bool) else operator.index(given)
        except TypeError:
            number = -1
        if not 0 <= number < count:
            raise BadInput(
                f"The {kind} classes must be whole numbers from 0 to {count - 1}, "
                f"but {given!r} came."
            )
        found.append(number)
    if not found:
        raise BadInput(f"There must be at least one class on either side, but no {kind} one is.")
    if len(set(found)) < len(found):
        raise BadInput(f"Each class can be named once, but the {kind} classes are {found}.")
    return tuple(found)
