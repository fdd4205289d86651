"""The open-set protocol: one division for all splits, counts, disjointness and bad input."""

from collections.abc import Callable

import numpy as np
import pytest

from lib.data import (
    CIFAR10_SPLITS,
    ImageSet,
    class_positions,
    distinct_splits,
    first_of_each,
    nominal_split,
    open_set,
    places_among,
    remaining_classes,
)
from lib.errors import BadInput

Toy = Callable[..., ImageSet]
PARTS = ("train_all", "validation_all", "test")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_parts_of_the_embedded_digits(mnist_5k: ImageSet) -> None:
    split = open_set(mnist_5k, [2, 3, 5, 8], rng())
    # 500 images of each digit, training and test together: 300, 100 and 100
    assert {name: len(part) for name, part in split.items()} == {
        "train": 6 * 300,
        "validation": 6 * 100,
        "oracle_train": 10 * 100,
        "test": 10 * 100,
        "train_all": 10 * 300,
        "validation_all": 10 * 100,
    }
    labels = mnist_5k.labels
    for name, each in (("train_all", 300), ("validation_all", 100), ("test", 100)):
        assert np.bincount(labels[split[name]], minlength=10).tolist() == [each] * 10
    for name in ("train", "validation"):
        assert set(labels[split[name]]) == {0, 1, 4, 6, 7, 9}


def test_parts_are_sorted_and_the_three_of_the_division_disjoint(mnist_5k: ImageSet) -> None:
    split = open_set(mnist_5k, [0, 9], rng())
    for part in split.values():
        assert part.dtype == np.int64
        assert (np.diff(part) > 0).all()  # ascending without repeats
    together = np.concatenate([split[name] for name in PARTS])
    assert np.array_equal(np.sort(together), np.arange(5000))


def test_all_splits_share_one_division(mnist_5k: ImageSet) -> None:
    first, second = (open_set(mnist_5k, classes, rng(4)) for classes in ([0, 1], [9, 5, 2]))
    for name in PARTS:
        assert np.array_equal(first[name], second[name])
    assert not np.array_equal(first["train"], second["train"])


def test_a_class_that_is_not_used_moves_no_other_image(mnist_5k: ImageSet) -> None:
    whole = open_set(mnist_5k, [8, 9], rng(4))
    fewer = open_set(mnist_5k, [8], rng(4), nominal_classes=[0, 1, 2])
    for name in PARTS:
        kept = np.isin(mnist_5k.labels[whole[name]], [0, 1, 2, 8])
        assert np.array_equal(fewer[name], whole[name][kept])
    assert set(mnist_5k.labels[fewer["train"]]) == {0, 1, 2}


def test_without_pooling_the_official_test_images_are_left_out(mnist_5k: ImageSet) -> None:
    split = open_set(mnist_5k, [1], rng(), pool=False)
    together = np.concatenate([split[name] for name in PARTS])
    assert np.array_equal(np.sort(together), np.flatnonzero(~mnist_5k.is_test))
    assert len(split["test"]) == 10 * 80  # a fifth of 400 training images of each digit


def test_shares_are_rounded_class_by_class(toy_set: Toy) -> None:
    # 7 images: cuts at 4.2 and 5.6; 13: at 7.8 and 10.4
    split = open_set(toy_set([4, 9], [3, 4]), [1], rng())
    labels = toy_set([4, 9], [3, 4]).labels
    counts = [np.bincount(labels[split[name]]).tolist() for name in PARTS]
    assert counts == [[4, 8], [2, 2], [1, 3]]
    halves = open_set(toy_set([4, 8], [4, 4]), [1], rng(), shares=(0.5, 0.25, 0.25))
    assert [len(halves[name]) for name in PARTS] == [4 + 6, 2 + 3, 2 + 3]


def test_class_out_of_range_names_the_range(mnist_5k: ImageSet) -> None:
    for number in [-1, 10, True]:
        with pytest.raises(BadInput, match="anomaly classes must be whole numbers from 0 to 9"):
            open_set(mnist_5k, [number], rng())
        with pytest.raises(BadInput, match="nominal classes must be whole numbers from 0 to 9"):
            open_set(mnist_5k, [4], rng(), nominal_classes=[number])


def test_classes_that_make_no_split_are_refused(mnist_5k: ImageSet) -> None:
    for anomaly, nominal, words in [
        ([1, 2], [2, 3, 1], r"either nominal or an anomaly, but \[1, 2\] were named as both"),
        ([], None, "no anomaly one is"),
        (list(range(10)), None, "no nominal one is"),
        ([1], [], "no nominal one is"),
        ([1, 1], None, r"the anomaly classes are \[1, 1\]"),
        ([1], [2, 2], r"the nominal classes are \[2, 2\]"),
    ]:
        with pytest.raises(BadInput, match=words):
            open_set(mnist_5k, anomaly, rng(), nominal_classes=nominal)


def test_shares_that_are_no_division_are_refused(mnist_5k: ImageSet) -> None:
    for shares in [
        (0.6, 0.4, 0.0),
        (0.6, 0.2, 0.3),
        (0.5, 0.5),
        (np.nan, 0.2, 0.2),
    ]:
        with pytest.raises(BadInput, match="three numbers above 0 that add up to 1"):
            open_set(mnist_5k, [1], rng(), shares=shares)


def test_too_few_images_of_a_class(toy_set: Toy) -> None:
    for train, part in [([9, 0, 9], "train"), ([9, 1, 9], "validation"), ([9, 2, 9], "test")]:
        # one image is cut at 0.6 and 0.8, both 1 when rounded; two at 1.2 and 1.6, so at 1 and 2
        with pytest.raises(BadInput, match=rf"too few images of the classes \[1\] for its {part}"):
            open_set(toy_set(train, [0, 0, 0]), [0], rng())
        fine = open_set(toy_set(train, [0, 0, 0]), [0], rng(), nominal_classes=[2])
        assert len(fine["train"]) == 5  # 9 · 0.6 = 5.4


def test_the_five_published_splits_are_four() -> None:
    assert [len(set(split)) for split in CIFAR10_SPLITS] == [6] * 5
    found = distinct_splits(CIFAR10_SPLITS)
    assert found == (
        (0, 1, 4, 6, 7, 9),
        (1, 3, 4, 5, 7, 9),
        (0, 1, 6, 7, 8, 9),
        (1, 2, 4, 6, 7, 9),
    )
    assert remaining_classes(found[0], 10) == (2, 3, 5, 8)


def test_positions_count_the_sorted_classes() -> None:
    found = class_positions(np.array([9, 0, 4, 9]), (4, 9, 0))
    assert found.tolist() == [2, 0, 1, 2]
    assert found.dtype == np.int64
    with pytest.raises(BadInput, match=r"labels \[3\] are not among the classes \[0, 4\]"):
        class_positions(np.array([0, 3]), (4, 0))
    with pytest.raises(BadInput, match="named once"):
        class_positions(np.array([0]), (0, 0))


def test_splits_of_ten_classes_are_the_published_ones() -> None:
    found = nominal_split(7, 100, rng(7))  # a fifth is drawn for the anomalies
    assert len(set(found)) == 80 and found == nominal_split(7, 100, rng(7)) != tuple(range(80))
    state = rng().bit_generator.state
    drawing = rng()
    assert nominal_split(0, 10, drawing) == (0, 1, 4, 6, 7, 9)
    assert nominal_split(3, 10, drawing) == (1, 2, 4, 6, 7, 9)
    assert drawing.bit_generator.state == state  # nothing is drawn for them
    for split in (4, -1):
        with pytest.raises(BadInput, match=f"4 splits of ten classes, so not number {split}"):
            nominal_split(split, 10, rng())


def test_places_follow_the_order_that_is_given():
    assert places_among([3, 1, 7, 3, 0], [7, 3]).tolist() == [1, -1, 0, 1, -1]
    assert places_among(np.array([], np.int64), [1]).tolist() == []
    assert places_among([1], []).dtype == np.int64
    with pytest.raises(BadInput, match=r"named once, but \[1, 1\]"):
        places_among([1], [1, 1])


def test_the_first_of_each_class_stay_in_order():
    #         0  1  2  3  4  5  6  7
    labels = [2, 1, 2, 1, 2, 0, 2, 1]
    # members in another order: of class 2 come 6 and 2, of class 1 come 7 and 1, 5 is neither
    found = first_of_each(labels, [6, 7, 2, 5, 1, 0, 3], [2, 1], 2)
    assert found.tolist() == [1, 2, 6, 7] and found.dtype == np.int64
    assert first_of_each(labels, [6, 7, 2], [1], 5).tolist() == [7]  # fewer than asked for
    assert first_of_each(labels, np.arange(8), [0, 1, 2], 8).tolist() == list(range(8))
    with pytest.raises(BadInput, match="At least one image of each class is wanted, not 0"):
        first_of_each(labels, [1], [1], 0)
