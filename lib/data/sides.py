"""The two sides of an oracle's experiment: images whose labels it sees, and images it is asked."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from lib.data.open_set import class_positions
from lib.errors import BadInput

Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Sides(NamedTuple):
    """A network's z with 1 for anomalies and the image classes: m known images, n that are asked.

    `known_z` `[m, k]`, `known_y` and `known_labels` `[m]`; `z` `[n, k]`, `y` and `labels` `[n]`,
    and the logits `[n, classes]` of the asked ones.
    """

    known_z: NDArray[np.float32]
    known_y: Indices
    known_labels: Indices
    z: NDArray[np.float32]
    y: Indices
    labels: Indices
    logits: torch.Tensor


class LeftOut(NamedTuple):
    """An anomaly class, the asked images `[n]` that judge it, and the known ones `[m]` without."""

    label: int
    asked: Mask
    kept: Mask


def sides(
    z: NDArray[np.float32],
    logits: NDArray[np.float32],
    labels: Indices,
    indices: Indices,
    *,
    test: ArrayLike,
    nominal: Sequence[int],
) -> Sides:
    """Divide one row per image: those whose place is in `test` are asked, the others known.

    `labels` are classes, of which those not in `nominal` are anomalies; `indices` the images'
    places in their set. The order stays. Raises BadInput for unequal numbers of rows, and where a
    side is empty. Source: dietterich2021representation, oracle anomaly detection.
    """
    if len({len(part) for part in (z, logits, labels, indices)}) > 1:
        raise BadInput("Each image needs one row of z and of logits, a label and a place.")
    asked = np.isin(indices, test)
    if asked.all() or not asked.any():
        raise BadInput(f"Both sides need images, but {int(asked.sum())} of {len(z)} are asked.")
    anomalous = 1 - np.isin(labels, nominal).astype(np.int64)
    return Sides(
        known_z=z[~asked],
        known_y=anomalous[~asked],
        known_labels=labels[~asked],
        z=z[asked],
        y=anomalous[asked],
        labels=labels[asked],
        logits=torch.from_numpy(logits[asked]),
    )


def own_accuracy(found: Sides, classes: Sequence[int]) -> float:
    """Share of the asked images of `classes` that a network of these classes names rightly.

    Raises BadInput where the logits are of another number of classes.
    """
    if found.logits.shape[1] != len(classes):
        raise BadInput(f"{found.logits.shape[1]} logits cannot name {len(classes)} classes.")
    inside = np.isin(found.labels, classes)
    targets = class_positions(found.labels[inside], classes)
    return float((found.logits[inside].argmax(1).numpy() == targets).mean())


def left_out(found: Sides) -> Iterator[LeftOut]:
    """Each anomaly class among the asked images: to be judged beside all nominal ones, unseen.

    Source: dietterich2021representation, "may not reflect open space".
    """
    for label in np.unique(found.labels[found.y == 1]):
        asked = (found.y == 0) | (found.labels == label)
        yield LeftOut(int(label), asked, found.known_labels != label)
