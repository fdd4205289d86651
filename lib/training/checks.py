"""Refusals that every training rule shares."""

import math

from torch import Tensor

from lib.data import check_range
from lib.errors import BadInput


def check_counts(**counts: object) -> None:
    """Raise BadInput unless each is a whole number of at least 1."""
    for name, value in counts.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise BadInput(f"{name} must be a whole number of at least 1; it was {value!r}.")


def check_positive(**numbers: object) -> None:
    """Raise BadInput unless each is a finite number above 0."""
    for name, value in numbers.items():
        if not _is_number(value) or value <= 0:  # type: ignore[operator]
            raise BadInput(f"{name} must be a number above 0; it was {value!r}.")


def check_not_negative(**numbers: object) -> None:
    """Raise BadInput unless each is a finite number of at least 0."""
    for name, value in numbers.items():
        if not _is_number(value) or value < 0:  # type: ignore[operator]
            raise BadInput(f"{name} must be a number of at least 0; it was {value!r}.")


def check_images(**images: Tensor) -> None:
    """Raise BadInput where a set of images is empty, or has floats that leave [0, 1]."""
    check_some(**images)
    check_range(**images)


def check_some(**images: Tensor) -> None:
    """Raise BadInput where a set of images is empty."""
    for word, x in images.items():
        if len(x) == 0:
            raise BadInput(f"There are no {word} images.")


def _is_number(value: object) -> bool:
    return type(value) is not bool and isinstance(value, int | float) and math.isfinite(value)
