"""Evaluation protocols: from labels and a generator to named, disjoint index arrays.

Each array is sorted int64 and indexes the whole image set. The order of the draws is fixed, so
that options which only cut an array short (`train_limit`, `share`) leave the rest as it was.
"""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lib.data.images import ImageSet
from lib.errors import BadInput

Indices = NDArray[np.int64]
FOLDS = 5


def anomaly_labels(labels: NDArray[np.int64], normal_class: int) -> Indices:
    """1 where the label is not the normal class (an anomaly), else 0; shape as `labels`."""
    return np.not_equal(labels, normal_class).astype(np.int64)


def one_class(
    image_set: ImageSet,
    normal_class: int,
    rng: np.random.Generator,
    *,
    validation_share: float = 0.1,
    balanced: bool = True,
    train_limit: int = 0,
) -> dict[str, Indices]:
    """The one-class protocol of GradCon on MNIST and CIFAR-10 (methods.md 1.5).

    "train" and "validation": the class's training images, `validation_share` of them (rounded)
    in the latter; a positive `train_limit` then keeps that many of "train". "test": all test
    images of the class and, if `balanced`, equally many others drawn without replacement over the
    other classes; else all test images. Raises BadInput for a class or share out of range, and
    where a part would be empty.
    """
    normal_class = _checked_class(image_set, normal_class)
    _check_share(validation_share, "validation_share")
    if train_limit < 0:
        raise BadInput(f"train_limit must be 0 (all) or positive, but is {train_limit}.")

    normal = image_set.labels == normal_class
    shuffled = rng.permutation(np.flatnonzero(normal & ~image_set.is_test))
    cut = round(len(shuffled) * validation_share)
    validation, train = shuffled[:cut], shuffled[cut:]
    test_normal = np.flatnonzero(normal & image_set.is_test)
    others = np.flatnonzero(~normal & image_set.is_test)
    if balanced:
        if len(others) < len(test_normal):
            raise BadInput(
                f"A balanced test set needs {len(test_normal)} test images of other classes, but "
                f"there are {len(others)}."
            )
        others = rng.choice(others, len(test_normal), replace=False)
    parts = {
        "train": train[:train_limit] if train_limit else train,
        "validation": validation,
        "test normals": test_normal,
        "test others": others,
    }
    _check_filled(parts, image_set, normal_class)
    return _sorted(train=[parts["train"]], validation=[validation], test=[test_normal, others])


def several_classes(
    image_set: ImageSet,
    normal_classes: Sequence[int],
    rng: np.random.Generator,
    *,
    validation_share: float = 0.1,
) -> dict[str, Indices]:
    """Some classes are normal, the others novel, as in the localization paper (methods.md 3.2).

    All training images are divided, `validation_share` of them (rounded) for validation; "train"
    and "validation" are the normal ones of either part, so that other normal classes share the
    same division. "test_normal" and "test_novel": all test images, in which "test_novel" is empty
    if every class is normal. Raises BadInput for no class, one named twice, a class or share out
    of range, and where another part would be empty.
    """
    normal = [_checked_class(image_set, number) for number in normal_classes]
    if not normal or len(set(normal)) < len(normal):
        raise BadInput(f"normal_classes must name classes, each once, but is {normal_classes!r}.")
    _check_share(validation_share, "validation_share")

    is_normal = np.isin(image_set.labels, normal)
    shuffled = rng.permutation(np.flatnonzero(~image_set.is_test))
    cut = round(len(shuffled) * validation_share)
    test = np.flatnonzero(image_set.is_test)
    parts = {
        "train": shuffled[cut:][is_normal[shuffled[cut:]]],
        "validation": shuffled[:cut][is_normal[shuffled[:cut]]],
        "test_normal": test[is_normal[test]],
    }
    _check_filled(parts, image_set, normal)
    return _sorted(**{k: [v] for k, v in parts.items()}, test_novel=[test[~is_normal[test]]])


def outlier_share(
    image_set: ImageSet,
    normal_class: int,
    rng: np.random.Generator,
    *,
    share: float,
    fold: int = 0,
) -> dict[str, Indices]:
    """The Fashion-MNIST protocol of GradCon and GPND (methods.md 1.5), one rotation of five.

    Training and test images are pooled and cut into five class-wise folds: `fold` for the test,
    the next one for validation, three for training. "train": normals of three folds;
    "validation": normals of the validation fold; "validation_mixed" and "test": normals of their
    fold plus others of it, so that others make up `share` to the nearest image. No image is
    repeated: where others are too few, normals are left out. Equal seeds give equal folds for
    every rotation and share. Raises BadInput for a class, share or fold out of range, and where a
    part would be empty.
    """
    normal_class = _checked_class(image_set, normal_class)
    _check_share(share, "share")
    if not isinstance(fold, int) or fold not in range(FOLDS):
        raise BadInput(f"fold must be a whole number from 0 to {FOLDS - 1}, but is {fold!r}.")

    folds = _class_wise_folds(image_set.labels, rng)
    held_out = {"test": folds[fold], "validation": folds[(fold + 1) % FOLDS]}
    training = np.concatenate([folds[(fold + step) % FOLDS] for step in range(2, FOLDS)])
    normals, others = {}, {}
    for part, members in held_out.items():
        is_normal = image_set.labels[members] == normal_class
        normals[part] = rng.permutation(members[is_normal])
        others[part] = rng.permutation(members[~is_normal])
    train = training[image_set.labels[training] == normal_class]

    _check_filled({"train": train}, image_set, normal_class)
    mixed = {}
    for part in held_out:
        kinds = normals[part], others[part]
        names = f"{part} normals", f"{part} others"
        _check_filled(dict(zip(names, kinds, strict=True)), image_set, normal_class)
        counts = _mixture(len(kinds[0]), len(kinds[1]), share)
        mixed[part] = [kind[:count] for kind, count in zip(kinds, counts, strict=True)]
        _check_filled(dict(zip(names, mixed[part], strict=True)), image_set, normal_class)
    return _sorted(
        train=[train],
        validation=[normals["validation"]],
        validation_mixed=mixed["validation"],
        test=mixed["test"],
    )


def _class_wise_folds(labels: NDArray[np.int64], rng: np.random.Generator) -> list[Indices]:
    """Five parts of all indices, each with a fifth of every class to within one image."""
    pieces = [
        np.array_split(rng.permutation(np.flatnonzero(labels == label)), FOLDS)
        for label in np.unique(labels)
    ]
    return [np.concatenate(fold) for fold in zip(*pieces, strict=True)]


def _mixture(n_normal: int, n_other: int, share: float) -> tuple[int, int]:
    """How many normals and others to take, as many as there are, for this share of others."""
    wanted = round(n_normal * share / (1 - share))
    if wanted <= n_other:
        return n_normal, wanted
    return round(n_other * (1 - share) / share), n_other


def _checked_class(image_set: ImageSet, normal_class: Any) -> int:
    last = len(image_set.class_names) - 1
    try:
        number = -1 if isinstance(normal_class, bool) else operator.index(normal_class)
    except TypeError:
        number = -1
    if not 0 <= number <= last:
        raise BadInput(
            f"normal_class must be a whole number from 0 to {last} for {image_set.title}, "
            f"but is {normal_class!r}."
        )
    if not (image_set.labels == number).any():
        raise BadInput(f"{image_set.title} has no image of class {number}.")
    return number


def _check_share(share: float, name: str) -> None:
    if not 0 < share < 1:  # also refuses NaN
        raise BadInput(f"{name} must lie between 0 and 1, both excluded, but is {share}.")


def _check_filled(
    parts: dict[str, Indices], image_set: ImageSet, normal_class: int | list[int]
) -> None:
    for name, members in parts.items():
        if not len(members):
            raise BadInput(
                f"The part {name!r} of {image_set.title} with normal class {normal_class} would "
                "be empty: there are too few images for this split."
            )


def _sorted(**parts: list[Indices]) -> dict[str, Indices]:
    return {name: np.sort(np.concatenate(pieces)) for name, pieces in parts.items()}
