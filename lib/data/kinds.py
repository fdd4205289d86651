"""Which images are normal to a network and which are novel, and a few of each."""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from lib.errors import BadInput

Members = NDArray[np.bool_]


def normal_and_novel(
    labels: NDArray[np.int64], normal_classes: Collection[int]
) -> dict[str, Members]:
    """Which images of `labels` `[n]` are "normal" and which "novel" to a network, bool `[n]`.

    Normal are those of the classes it was trained on. A kind without images is left out.
    """
    normal = np.isin(labels, list(normal_classes))
    return {k: members for k, members in (("normal", normal), ("novel", ~normal)) if members.any()}


def evenly_spaced(members: Members, most: int) -> NDArray[np.int64]:
    """At most `most` positions of the images in `members` `[n]`, ascending, with first and last.

    Not the first ones, since some sets are sorted by class. Raises BadInput for `most` below 1.
    """
    if most < 1:
        raise BadInput(f"At least one image must be allowed, but {most} came.")
    positions = np.flatnonzero(members)
    count = min(most, len(positions))
    return positions[np.linspace(0, len(positions) - 1, count).round().astype(np.int64)]
