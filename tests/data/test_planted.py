"""Planted regions: by hand, on many seeds, and never outside their mask."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from lib.data import PLANTED, ImageSet, plant, to_float
from lib.errors import BadInput, UnknownName

Pair = tuple[Tensor, Tensor]
PASTED = ["stroke", "patch"]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="session")
def digits(mnist_5k: ImageSet) -> Pair:
    """Thirty normal and twenty novel test images: digits 0 to 4 and 5 to 9."""
    pixels, labels = to_float(mnist_5k.images), torch.tensor(mnist_5k.labels)
    is_test = torch.tensor(mnist_5k.is_test)
    return pixels[is_test & (labels < 5)][::16][:30], pixels[is_test & (labels >= 5)][::25]


def dotted(size: int, row: int, column: int, *, dot: float = 1.0, ground: float = 0.0) -> Tensor:
    """One image with a single pixel on even ground."""
    x = torch.full((1, 1, size, size), ground)
    x[0, 0, row, column] = dot
    return x


def box(mask: Tensor) -> tuple[int, int, int, int]:
    """First and last row and first and last column of a mask."""
    rows, columns = mask.nonzero().unbind(1)
    return int(rows.min()), int(rows.max()), int(columns.min()), int(columns.max())


@pytest.mark.parametrize("kind", PLANTED)
def test_images_differ_from_the_normal_ones_in_the_mask_alone(digits: Pair, kind: str) -> None:
    normals, novels = digits
    images, masks = plant(kind, normals, novels, generator=seeded())
    assert images.shape == normals.shape and images.dtype == torch.float32
    assert masks.shape == (30, 28, 28) and masks.dtype == torch.bool
    assert images.min() >= 0 and images.max() <= 1
    assert (masks.sum((1, 2)) >= 8).all()
    change = (images - normals)[:, 0]
    assert (change[~masks] == 0).all()
    if kind == "cut-out":
        assert (images[:, 0][masks] == 0.5).all()
    else:
        assert (change[masks].abs() > 0.1).all()
    if kind == "stroke":
        assert (change >= 0).all()
    if kind == "erased stroke":
        assert (images[:, 0][masks] == 0).all()
    # no region is larger than its window
    side = {"stroke": 10, "patch": 10, "erased stroke": 7, "cut-out": 7}[kind]
    for top, bottom, left, right in map(box, masks):
        assert bottom - top < side and right - left < side


# --- by hand


@pytest.mark.parametrize("kind", PASTED)
def test_a_pasted_window_stands_around_its_ink_and_within_reach(kind: str) -> None:
    # the novel image has ink at one pixel alone, so that every window is centred there
    normals = dotted(28, 14, 14).expand(800, -1, -1, -1)
    novel = dotted(28, 13, 12, dot=0.8, ground=0.4)
    images, masks = plant(kind, normals, novel, generator=seeded())
    shifts = set()
    for image, mask in zip(images[:, 0], masks, strict=True):
        centre = (image == 0.8).nonzero()
        # a stroke whose centre falls on the brighter dot leaves no trace of it
        row, column = centre[0].tolist() if len(centre) else (14, 14)
        shifts.add((row - 14, column - 14))
        # five rows before the centre and four after it: ten in all
        window = torch.zeros(28, 28, dtype=torch.bool)
        window[row - 5 : row + 5, column - 5 : column + 5] = True
        wanted = 0.4 * window
        wanted[row, column] = 0.8
        if kind == "stroke":  # the dot is brighter than what is added
            wanted[14, 14], window[14, 14] = 1.0, False
        assert torch.equal(image, wanted)
        assert torch.equal(mask, window)
    # one of 81 places is missed by 800 draws with a probability of 81 · (80/81)^800 = 0.004, and
    # the seed is fixed
    reach = range(-4, 5)
    assert shifts == {(r, c) for r in reach for c in reach}


def test_an_erased_disk_by_hand() -> None:
    # pixels within 3.5 of the centre, row by row: 3, 5, 7, 7, 7, 5, 3
    normals = torch.full((60, 1, 28, 28), 0.7)
    images, masks = plant("erased stroke", normals, normals, generator=seeded())
    inner = [
        mask
        for mask in masks
        if box(mask)[0] > 0 and box(mask)[1] < 27 and box(mask)[2] > 0 and box(mask)[3] < 27
    ]
    assert len(inner) > 10
    for mask in inner:
        top, bottom, left, right = box(mask)
        assert mask[top : bottom + 1].sum(1).tolist() == [3, 5, 7, 7, 7, 5, 3]
        assert mask[:, left : right + 1].sum(0).tolist() == [3, 5, 7, 7, 7, 5, 3]
    assert torch.equal(images[:, 0], 0.7 * ~masks)


def test_a_cut_out_square_by_hand() -> None:
    for row, column in [(10, 14), (0, 0), (1, 26)]:
        normal = dotted(28, row, column)
        images, masks = plant("cut-out", normal, normal, generator=seeded())
        wanted = torch.zeros(28, 28, dtype=torch.bool)
        wanted[max(row - 3, 0) : row + 4, max(column - 3, 0) : column + 4] = True
        assert torch.equal(masks[0], wanted)
        assert torch.equal(images[0, 0], 0.5 * wanted)


def test_small_regions_are_drawn_again() -> None:
    # of 26 ink pixels one stands alone: 25 of 26 first draws would do
    normals = torch.zeros(300, 1, 28, 28)
    normals[..., 3, 3], normals[..., 15:20, 15:20] = 1, 1
    images, masks = plant("erased stroke", normals, normals, generator=seeded())
    assert (images[:, 0, 3, 3] == 1).all()
    assert (masks.sum((1, 2)) >= 8).all()


# --- randomness and traces


@pytest.mark.parametrize("kind", ["stroke", "cut-out"])
def test_the_generator_alone_decides(digits: Pair, kind: str) -> None:
    torch.manual_seed(1)
    first = plant(kind, *digits, generator=seeded())
    torch.manual_seed(2)
    before = torch.get_rng_state()
    again = plant(kind, *digits, generator=seeded())
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    other = plant(kind, *digits, generator=seeded(1))
    moved = (first[1] != other[1]).any(2).any(1)
    assert moved.float().mean() > 0.8  # an equal place twice is rare among a hundred ink pixels


# --- bad input


def test_an_unknown_kind_names_the_nearest() -> None:
    x = dotted(9, 4, 4)
    with pytest.raises(UnknownName, match=r"known are stroke, patch.*Did you mean 'cut-out'\?"):
        plant("cutout", x, x, generator=seeded())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x: x[:0], r"images must be \[n, 1, h, w\].*\[0, 1, 9, 9\]"),
        (lambda x: x * 1.01, r"images must have values in \[0, 1\]"),
        (lambda x: x * float("nan"), r"images must have values in \[0, 1\]"),
        (lambda x: torch.cat([x[:1], x[1:] * 0.4]), "image 1 has no ink: no pixel reaches 0.5"),
    ],
)
def test_nonsense_is_refused_in_words(change: Callable[[Tensor], Tensor], words: str) -> None:
    x = dotted(9, 4, 4).repeat(2, 1, 1, 1)
    for kind in PLANTED:
        with pytest.raises(BadInput, match=f"normal {words}"):
            plant(kind, change(x), x, generator=seeded())
    for kind in PASTED:
        with pytest.raises(BadInput, match=f"novel {words}"):
            plant(kind, x, change(x), generator=seeded())


def test_images_of_two_sizes_are_refused() -> None:
    for kind in PASTED:
        with pytest.raises(BadInput, match=r"one size, but \[9, 9\] and \[9, 8\] came"):
            plant(kind, dotted(9, 4, 4), dotted(9, 4, 4)[..., :8], generator=seeded())


def test_an_image_without_room_for_a_region_is_named() -> None:
    for kind in ["stroke", "patch", "erased stroke"]:
        # one pixel of ink cannot lose eight, and one that is added or moved makes two at most
        dot, full = dotted(12, 6, 6), torch.ones(1, 1, 12, 12)
        normals = torch.cat([full, dot]) if kind == "erased stroke" else dot
        words = f"Normal image {len(normals) - 1} got no {kind} of at least 8 pixels in 100 draws"
        with pytest.raises(BadInput, match=words):
            plant(kind, normals, dot, generator=seeded())
