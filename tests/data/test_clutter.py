"""Clutter stays outside the digit's mask, and two digits share a canvas."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from lib.data.clutter import cluttered, two_digits
from lib.errors import BadInput

Pair = tuple[Tensor, Tensor]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="session")
def digits() -> Pair:
    """Thirty digits and twenty others: a lying and a standing bar with soft borders, anywhere."""
    g = seeded(100)
    x = torch.zeros(50, 1, 28, 28)
    for image in x[:, 0]:
        row, column, up, left = torch.randint(4, 16, (4,), generator=g).tolist()
        image[row : row + 3, left : left + 9] = 0.9
        image[up : up + 9, column : column + 3] = 0.7
    x = avg_pool2d(x, 3, stride=1, padding=1)
    return x[:30], x[30:]


def dotted(size: int, row: int, column: int, *, dot: float = 1.0, ground: float = 0.0) -> Tensor:
    """One image with a single pixel on even ground."""
    x = torch.full((1, 1, size, size), ground)
    x[0, 0, row, column] = dot
    return x


# --- clutter


def test_clutter_never_touches_the_mask(digits: Pair) -> None:
    x, others = digits
    images, masks = cluttered(x, others, generator=seeded())
    assert images.shape == x.shape and images.dtype == torch.float32
    assert masks.shape == (30, 28, 28) and masks.dtype == torch.bool
    assert images.min() >= 0 and images.max() <= 1
    change = (images - x)[:, 0]
    assert (change[masks] == 0).all()
    assert (change >= 0).all()
    assert masks[x[:, 0] >= 0.1].all()
    # every image gets some: four pieces of ink hardly all fall on a mask of a quarter of the image
    assert (change.flatten(1).amax(1) > 0.1).all()
    # four windows of 49 pixels at most
    assert ((change > 0).sum((1, 2)) <= 4 * 49).all()


def test_the_mask_by_hand() -> None:
    # a dot grows to 3×3, a corner to 2×2; 0.09 is no ink
    x = torch.cat([dotted(9, 4, 5, dot=0.1), dotted(9, 0, 8), dotted(9, 4, 4, ground=0.09)])
    _, masks = cluttered(x, dotted(9, 4, 4), generator=seeded())
    wanted = torch.zeros(3, 9, 9, dtype=torch.bool)
    wanted[0, 3:6, 4:7] = wanted[1, 0:2, 7:9] = wanted[2, 3:6, 3:6] = True
    assert torch.equal(masks, wanted)


def test_a_piece_by_hand() -> None:
    # the only ink of the other image is at (6, 6) of 13×13: the window of 5 around it is a frame of
    # 0.05 with the dot in the middle; in a digit whose ink is the corner it lies somewhere whole
    x, other = dotted(13, 0, 0), dotted(13, 6, 6, dot=0.8, ground=0.05)
    images, masks = cluttered(
        x.expand(1500, -1, -1, -1), other, generator=seeded(), pieces=1, window=5
    )
    seen = set()
    for image in images[:, 0]:
        (where,) = (image == 0.8).nonzero().tolist()
        seen.add(tuple(where))
        row, column = where
        wanted = torch.zeros(13, 13)
        wanted[row - 2 : row + 3, column - 2 : column + 3] = 0.05
        wanted[row, column] = 0.8
        wanted[masks[0]] = x[0, 0][masks[0]]
        assert torch.equal(image, wanted)
    # 9·9 places; one is missed by 1,500 draws with a probability of 81 · (80/81)^1500 = 7e-7.
    # The centre is at 2 or more, so the digit's mask in rows and columns 0 and 1 never hides it.
    assert seen == {(r, c) for r in range(2, 11) for c in range(2, 11)}


def test_same_seed_same_clutter_and_no_trace(digits: Pair) -> None:
    copies, state = [x.clone() for x in digits], torch.get_rng_state()
    first, again, other = (cluttered(*digits, generator=seeded(s)) for s in (0, 0, 1))
    assert torch.equal(first[0], again[0]) and not torch.equal(first[0], other[0])
    assert all(torch.equal(first[1], m[1]) for m in (again, other))  # masks are not drawn
    assert all(torch.equal(a, b) for a, b in zip(digits, copies, strict=True))
    assert torch.equal(torch.get_rng_state(), state)


BAD = [
    (lambda x: x[:0], r"images must be \[n, 1, h, w\].*\[0, 1, 28, 28\]"),
    (lambda x: x.expand(-1, 3, -1, -1), r"images must be \[n, 1, h, w\].*\[2, 3, 28, 28\]"),
    (lambda x: x * 1.01, r"images must have values in \[0, 1\]"),
    (lambda x: x * float("nan"), r"images must have values in \[0, 1\]"),
]


def test_bad_images_for_clutter_are_refused() -> None:
    for change, words in [
        *BAD,
        (lambda x: torch.cat([x[:1], x[1:] * 0.09]), "image 1 has no ink: no pixel"),
    ]:
        x = dotted(28, 4, 4).repeat(2, 1, 1, 1)
        with pytest.raises(BadInput, match=f"digit {words}"):
            cluttered(change(x), x, generator=seeded())
        with pytest.raises(BadInput, match=f"other {words}"):
            cluttered(x, change(x), generator=seeded())


def test_bad_options_are_refused() -> None:
    for options, words in [
        ({"pieces": 0}, "pieces must be a whole number of at least 1; it was 0"),
        ({"window": 2.5}, "window must be a whole number of at least 1; it was 2.5"),
        ({"window": 10}, "window of 10 pixels does not fit into images of 9×9"),
        ({"others": dotted(8, 4, 4)}, r"one size, but \[9, 9\] and \[8, 8\] came"),
    ]:
        x = dotted(9, 4, 4)
        with pytest.raises(BadInput, match=words):
            cluttered(**{"digits": x, "others": x, "generator": seeded()} | options)


# --- two digits


def test_two_digits_by_hand() -> None:
    left, right = torch.zeros(2, 1, 28, 28), torch.zeros(2, 1, 28, 28)
    left[0, 0, 0:2, 0:2] = torch.tensor([[1.0, 0.5], [0.5, 0.0]])  # 2×2 pixels of mean 0.5
    right[0, 0, 27, 27] = 1.0  # a mean of 0.25
    right[1] = 1.0
    images, masks = two_digits(left, right)
    wanted = torch.zeros(2, 1, 28, 28)
    wanted[0, 0, 7, 0], wanted[0, 0, 20, 27] = 0.5, 0.25
    wanted[1, 0, 7:21, 14:] = 1.0
    assert torch.equal(images, wanted) and images.dtype == torch.float32
    assert masks.shape == (2, 2, 28, 28) and masks.dtype == torch.bool
    assert masks[:, 0, :, :14].all() and not masks[:, 0, :, 14:].any()
    assert torch.equal(masks[:, 1], ~masks[:, 0])


def test_other_sizes_and_numbers_of_two_digits_are_refused() -> None:
    x = dotted(28, 4, 4)
    with pytest.raises(BadInput, match=r"right images must be \[n, 1, 28, 28\], but \[1, 1, 14"):
        two_digits(x, x[..., :14, :14])
    with pytest.raises(BadInput, match="as many left as right images, but 1 and 2 came"):
        two_digits(x, x.repeat(2, 1, 1, 1))
