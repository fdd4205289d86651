"""Known and asked images of the oracle: by hand, in any order, and refused where a side lacks."""

import numpy as np
import pytest
import torch

from lib.data import left_out, own_accuracy, sides
from lib.errors import BadInput

# six images of the classes 3, 5 and 8, of which 3 is nominal; places 20 to 25 of their set
LABELS = np.array([3, 5, 8, 3, 5, 8])
INDICES = np.arange(20, 26)
Z = np.arange(12, dtype=np.float32).reshape(6, 2)
LOGITS = np.array([[1, 0], [0, 1], [0, 2], [0, 1], [3, 1], [1, 2]], np.float32)
TEST = [25, 23, 24, 99]


def made(**changes):
    given = {"z": Z, "logits": LOGITS, "labels": LABELS, "indices": INDICES} | changes
    return sides(**given, test=TEST, nominal=[3])


def test_images_are_divided_by_their_places():
    found = made()
    assert found.known_labels.tolist() == [3, 5, 8] and found.known_y.tolist() == [0, 1, 1]
    assert found.known_z.tolist() == Z[:3].tolist()
    assert found.labels.tolist() == [3, 5, 8] and found.y.tolist() == [0, 1, 1]
    assert found.z.tolist() == Z[3:].tolist()
    assert torch.equal(found.logits, torch.from_numpy(LOGITS[3:]))
    assert found.y.dtype == found.known_y.dtype == np.int64


def test_the_images_keep_their_order():
    turned = made(z=Z[::-1], logits=LOGITS[::-1], labels=LABELS[::-1], indices=INDICES[::-1])
    for name, values in made()._asdict().items():
        assert np.array_equal(np.asarray(getattr(turned, name)), np.asarray(values)[::-1])


def test_unequal_rows_and_empty_sides_are_refused():
    with pytest.raises(BadInput, match="Each image needs one row"):
        made(labels=LABELS[:5])
    for places, count in ((INDICES + 100, 0), (np.full(6, 23), 6)):
        with pytest.raises(BadInput, match=f"{count} of 6 are asked"):
            made(indices=places)


def test_each_anomaly_class_is_left_out_once():
    found = list(left_out(made()))
    assert [part.label for part in found] == [5, 8]
    assert all(type(part.label) is int for part in found)  # names of random streams
    assert found[0].asked.tolist() == [True, True, False]  # the nominal image and class 5
    assert found[0].kept.tolist() == [True, False, True]
    assert found[1].asked.tolist() == [True, False, True]
    assert found[1].kept.tolist() == [True, True, False]


def test_accuracy_counts_the_images_of_the_networks_own_classes():
    # asked logits name places 1, 0, 1; of the classes 5 and 8 the truth is places 0, 1
    assert own_accuracy(made(), [5, 8]) == 1.0
    assert own_accuracy(made(), [8, 5]) == 1.0  # a network sorts its classes
    # of the classes 3 and 5: named 1, 0, but 0, 1 is right
    assert own_accuracy(made(), [3, 5]) == 0.0
    assert own_accuracy(made(), [3, 8]) == 0.5
    with pytest.raises(BadInput, match="2 logits cannot name 3 classes"):
        own_accuracy(made(), [3, 5, 8])
