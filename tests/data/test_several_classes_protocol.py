"""The protocol of several normal classes: counts, disjointness, swapped roles and bad input."""

from collections.abc import Callable

import numpy as np
import pytest

from lib.data import ImageSet, several_classes
from lib.errors import BadInput

Toy = Callable[..., ImageSet]
LOW, HIGH = range(5), range(5, 10)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("normal", [range(10), [8, 0, 3]])
def test_parts_of_the_embedded_digits(mnist_5k: ImageSet, normal: list[int]) -> None:
    split = several_classes(mnist_5k, normal, rng())
    labels, is_test = mnist_5k.labels, mnist_5k.is_test
    is_normal = np.isin(labels, normal)
    assert set(split) == {"train", "validation", "test_normal", "test_novel"}
    # 400 training and 100 test images of each digit
    both = np.concatenate([split["train"], split["validation"]])
    assert len(both) == 400 * len(normal)
    assert set(both) == set(np.flatnonzero(is_normal & ~is_test))
    assert np.array_equal(split["test_normal"], np.flatnonzero(is_normal & is_test))
    assert np.array_equal(split["test_novel"], np.flatnonzero(~is_normal & is_test))


def test_parts_are_sorted_disjoint_int64(mnist_5k: ImageSet) -> None:
    for normal in (LOW, range(10)):
        split = several_classes(mnist_5k, normal, rng())
        for part in split.values():
            assert part.dtype == np.int64
            assert (np.diff(part) > 0).all()  # ascending without repeats
        together = np.concatenate(list(split.values()))
        assert len(np.unique(together)) == len(together)


def test_the_validation_share_is_taken_over_all_training_images(mnist_5k: ImageSet) -> None:
    for share, wanted in ((0.1, 400), (0.25, 1000), (0.00015, 1)):  # of 4000; 0.6 is rounded
        split = several_classes(mnist_5k, range(10), rng(), validation_share=share)
        assert (len(split["train"]), len(split["validation"])) == (4000 - wanted, wanted)
    # 400 drawn from 4000 of which half are normal: hypergeometric with the mean 200 and the
    # variance 400 · 1/2 · 1/2 · 3600/3999 = 90, so five standard deviations are 47
    sizes = [len(several_classes(mnist_5k, LOW, rng(s))["validation"]) for s in range(20)]
    assert all(abs(size - 200) < 47 for size in sizes)
    assert len(set(sizes)) > 1


def test_swapped_roles_share_the_division(mnist_5k: ImageSet) -> None:
    low, high, all_of_them = (
        several_classes(mnist_5k, normal, rng(3)) for normal in (LOW, HIGH, range(10))
    )
    for part in ("train", "validation"):
        both = np.sort(np.concatenate([low[part], high[part]]))
        assert np.array_equal(both, all_of_them[part])
    assert np.array_equal(low["test_normal"], high["test_novel"])
    assert np.array_equal(low["test_novel"], high["test_normal"])


def test_no_class_and_repeated_classes_are_refused(mnist_5k: ImageSet) -> None:
    for normal in [[], [1, 1], [1, 2, np.int64(1)]]:
        with pytest.raises(BadInput, match="must name classes, each once"):
            several_classes(mnist_5k, normal, rng())


def test_class_out_of_range_names_the_range(mnist_5k: ImageSet) -> None:
    for wrong in [10, True]:
        with pytest.raises(BadInput, match="from 0 to 9"):
            several_classes(mnist_5k, [0, wrong], rng())


def test_too_few_images(toy_set: Toy) -> None:
    for train, test, share, words in [
        ([0, 9, 9], [0, 9, 9], 0.5, "no image of class 0"),
        ([0, 9, 9], [5, 9, 9], 0.5, "'train'"),
        ([9, 0, 0], [5, 9, 9], 0.05, "'validation'"),  # 0.45 images
        ([9, 0, 0], [5, 9, 9], 0.95, "'train'"),  # 8.55 images of 9 for validation
        ([9, 9, 9], [0, 9, 9], 0.5, "'test_normal'"),
    ]:
        with pytest.raises(BadInput, match=words):
            several_classes(toy_set(train, test), [0], rng(), validation_share=share)
