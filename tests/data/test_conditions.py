"""Conditions: strengths by hand, one pattern at all levels, stronger with the level."""

import io
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from lib.data import ImageSet, to_float
from lib.data.conditions import CONDITIONS, LEVELS, apply_condition, conditions_for
from lib.data.cure_tsr import CONDITION_FOLDERS
from lib.data.weather import dirt, flakes, shade, streaks
from lib.errors import BadInput

RANDOM = ["dirty lens", "noise", "rain", "shadow", "snow"]
FIXED = [name for name in CONDITIONS if name not in RANDOM]
ROUNDING = 1e-6  # a few units in the last place of float32 values up to 1


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def apply(x: Tensor, name: str, level: int, seed: int = 0) -> Tensor:
    return apply_condition(x, name, level=level, rng=seeded(seed))


@pytest.fixture(scope="session")
def digits(mnist_5k: ImageSet) -> Tensor:
    return to_float(mnist_5k.images[::50])


@pytest.fixture(scope="session")
def signs() -> Tensor:
    """Eight drawn signs, 32×32: a coloured ring around a light face with a dark bar."""
    rng = seeded(100)
    rows, columns = torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij")
    x = torch.empty(8, 3, 32, 32)
    for image in x:
        distance = torch.hypot(rows - rng.uniform(14, 17), columns - rng.uniform(14, 17))
        colours = torch.from_numpy(rng.uniform(0.05, 0.95, (2, 3, 1)).astype(np.float32))
        image[:] = colours[0, ..., None]
        image[:, distance < 12] = colours[1]
        image[:, distance < 9] = 0.9
        image[:, 13:18, 11:21] = 0.1
    return x


def dotted() -> Tensor:
    x = torch.zeros(1, 1, 15, 15)
    x[..., 7, 7] = 1
    return x


def ramp(channels: int = 1) -> Tensor:
    return torch.linspace(0, 1, channels * 256).view(1, channels, 16, 16)


# --- all conditions


def test_the_conditions_are_those_of_cure_tsr_in_its_order() -> None:
    assert list(CONDITIONS) == list(CONDITION_FOLDERS)[1:]
    assert len(CONDITIONS) == 12 and set(RANDOM) < set(CONDITIONS)
    assert conditions_for(3) == tuple(CONDITIONS)
    assert conditions_for(1) == tuple(CONDITIONS)[1:]  # all but the first, decolorization


@pytest.mark.parametrize("name", CONDITIONS)
def test_the_mean_change_grows_with_the_level(digits: Tensor, signs: Tensor, name: str) -> None:
    for x in (digits, signs):
        if name not in conditions_for(x.shape[1]):
            continue
        changes = []
        for level in LEVELS:
            y = apply(x, name, level)
            assert y.shape == x.shape and y.dtype == torch.float32
            assert y.min() >= 0 and y.max() <= 1
            changes.append(float((y - x).abs().mean()))
        assert changes[0] > 1 / 255  # more than a grey level on average: it can be seen
        assert all(more > 1.05 * less for less, more in pairwise(changes)), changes
    if name in RANDOM:  # one pattern grows in place
        steps = [(apply(signs, name, level) - signs).abs() for level in LEVELS]
        for less, more in pairwise(steps):
            assert (more >= less - ROUNDING).all() and (more > less + 0.01).any()


def test_same_seed_same_images_and_no_trace(signs: Tensor) -> None:
    before_change = signs.clone()
    before, drawn = torch.get_rng_state(), np.random.get_state()[1].copy()
    for name in CONDITIONS:
        first, again, other = (apply(signs, name, 3, seed) for seed in (0, 0, 1))
        assert torch.equal(first, again)
        assert torch.equal(first, other) == (name in FIXED)
        first.zero_()
    assert torch.equal(signs, before_change)
    assert torch.equal(torch.get_rng_state(), before)
    assert np.array_equal(np.random.get_state()[1], drawn)


def test_all_levels_draw_the_same_number(signs: Tensor) -> None:
    for name in RANDOM:
        states = []
        for level in (1, 5):
            rng = seeded()
            apply_condition(signs, name, level=level, rng=rng)
            states.append(rng.bit_generator.state)
        assert states[0] == states[1] != seeded().bit_generator.state


@pytest.mark.parametrize("name", ["codec error", "rain"])
def test_grey_images_stay_grey_in_three_channels(digits: Tensor, name: str) -> None:
    y = apply(digits.expand(-1, 3, -1, -1), name, 3)
    assert torch.equal(y[:, 0], y[:, 1]) and torch.equal(y[:, 0], y[:, 2])
    assert torch.allclose(y[:, :1], apply(digits, name, 3), atol=ROUNDING)


# --- strengths by hand


@pytest.mark.parametrize(
    ("name", "level", "wanted"),
    [
        # red of 0.8 with a brightness of 0.299·0.8 = 0.2392
        ("decolorization", 1, [0.7 * 0.8 + 0.3 * 0.2392, 0.3 * 0.2392, 0.3 * 0.2392]),
        ("decolorization", 5, [0.2392, 0.2392, 0.2392]),
        ("darkening", 1, [0.7 * 0.8, 0, 0]),
        ("darkening", 5, [0.2 * 0.8, 0, 0]),
        ("haze", 1, [0.8 + 0.2 * 0.2, 0.2, 0.2]),
        ("haze", 5, [0.2 * 0.8 + 0.8, 0.8, 0.8]),
        # 0.8·2^0.35 is above 1; black rises by 0.05 for each of 0.35 and 1.6 stops
        ("exposure", 1, [1, 0.0175, 0.0175]),
        ("exposure", 5, [1, 0.08, 0.08]),
    ],
)
def test_changes_of_each_pixel_by_hand(name: str, level: int, wanted: list[float]) -> None:
    x = torch.tensor([0.8, 0, 0]).view(1, 3, 1, 1).expand(2, -1, 4, 5)
    y = apply(x, name, level)
    assert torch.allclose(y, torch.tensor(wanted).view(1, 3, 1, 1).expand(2, -1, 4, 5), atol=1e-6)


def test_a_dot_becomes_a_disc() -> None:
    # radius 1: the middle whole, its neighbours half, the diagonal ones 1.5 - 1.41421 = 0.08579
    kernel = torch.tensor([[0.08579, 0.5, 0.08579], [0.5, 1, 0.5], [0.08579, 0.5, 0.08579]])
    wanted = torch.zeros(15, 15)
    wanted[6:9, 6:9] = kernel / (1 + 4 * 0.5 + 4 * 0.08579)
    assert torch.allclose(apply(dotted(), "lens blur", 1)[0, 0], wanted, atol=1e-5)  # five digits
    # radius 3.5: even up to a distance of 3, nothing from 4 on
    y = apply(dotted(), "lens blur", 5)[0, 0]
    distance = torch.hypot(*torch.meshgrid(*[torch.arange(-7.0, 8)] * 2, indexing="ij"))
    inner = y[distance <= 3]
    assert torch.allclose(inner, inner[0].expand_as(inner)) and inner[0] > 0.02
    assert (y[distance >= 4] == 0).all()


def test_a_dot_becomes_a_bell() -> None:
    # standard deviation 0.9 at level 2; the filter ends at 4 deviations, where exp(-8) is left
    bell = torch.exp(-(torch.arange(-7.0, 8) ** 2) / (2 * 0.9**2))
    bell /= bell.sum()
    y = apply(dotted(), "Gaussian blur", 2)[0, 0]
    assert torch.allclose(y, bell[:, None] * bell, atol=1e-4)  # less than exp(-8)


@pytest.mark.parametrize(("level", "quality", "channels"), [(1, 60, 3), (5, 8, 1)])
def test_codec_error_is_what_pillow_writes(level: int, quality: int, channels: int) -> None:
    # every pixel has a colour of its own, so that shared colours and mixed-up planes would show
    x = torch.from_numpy(seeded().random((1, channels, 20, 28), np.float32))
    pixels = (x[0] * 255).round().byte().numpy()
    file = io.BytesIO()
    image = (
        Image.fromarray(pixels[0])
        if channels == 1
        else Image.merge("RGB", [Image.fromarray(plane) for plane in pixels])
    )
    image.save(file, format="JPEG", quality=quality)
    bands = Image.open(file).split()
    wanted = np.stack([np.asarray(band) for band in bands])[None] / 255
    y = apply(x, "codec error", level)
    assert np.allclose(y.numpy(), wanted, atol=ROUNDING)


def test_noise_is_one_draw_times_the_deviation() -> None:
    # at 0.5 nothing is clipped within 4.5 deviations of 0.11; 1,536 draws hardly go that far
    x = torch.full((2, 3, 16, 16), 0.5)
    one, two = ((apply(x, "noise", level) - x) for level in (1, 2))
    assert torch.allclose(one / 0.06, two / 0.11, atol=1e-4)  # float32 at 0.5, divided by 0.06
    # the deviation of 1,536 draws is within 1/√(2·1536) = 2 %; four times that
    assert float(one.std()) == pytest.approx(0.06, rel=0.08)


def test_shadow_darkens_one_side_by_its_share() -> None:
    x = torch.full((20, 3, 32, 32), 0.8)
    one, five = (1 - apply(x, "shadow", level) / x for level in (1, 5))
    assert torch.allclose(one / 0.3, five / 0.85, atol=1e-5)  # division by 0.3 enlarges rounding
    assert torch.equal(five[:, 0], five[:, 2])
    assert (five.flatten(1).amin(1) == 0).all()
    full = five.flatten(1).amax(1)
    assert torch.allclose(full, torch.full((20,), 0.85), atol=ROUNDING)


def test_dirt_is_brown_and_snow_and_rain_are_light() -> None:
    x = torch.zeros(4, 3, 28, 28)
    y = apply(x, "dirty lens", 5)
    thickest = y.flatten(2).amax(2)
    assert torch.allclose(thickest, torch.tensor([0.30, 0.25, 0.18]).expand(4, 3), atol=ROUNDING)
    # 0.299·0.30 + 0.587·0.25 + 0.114·0.18 = 0.25697
    thickest = apply(x[:, :1], "dirty lens", 5).flatten(1).amax(1)
    assert torch.allclose(thickest, torch.full((4,), 0.25697), atol=ROUNDING)
    white = torch.ones(4, 3, 28, 28)
    assert torch.equal(apply(white, "snow", 5), white)
    assert float(apply(white, "rain", 5).min()) == pytest.approx(0.85, abs=ROUNDING)


# --- masks


def test_half_of_a_dirty_lens_is_clear_and_its_thickest_spot_is_full() -> None:
    masks = dirt(3, 28, 28, rng=seeded())
    assert ((masks == 0).mean((1, 2)) == 0.5).all()
    assert (masks.max((1, 2)) == 1).all()
    assert (dirt(2, 1, 1, rng=seeded()) == 0).all()


def test_shade_has_a_straight_soft_edge_near_the_middle() -> None:
    masks = shade(15, 32, 32, rng=seeded())
    # no two neighbours differ by more than a fifth, as the edge is five pixels wide
    for axis in (1, 2):
        assert np.abs(np.diff(masks, axis=axis)).max() <= 0.2 + ROUNDING
    # a line within 8 of the middle leaves a strip of 7.5 pixels, less half an edge, on either side
    assert (masks == 0).any((1, 2)).all() and (masks == 1).any((1, 2)).all()
    # inside the soft edge the mask is a plane: its second differences vanish
    second = np.abs(np.diff(masks, 2, axis=2))
    inside = (masks > 0) & (masks < 1)
    plane = inside[:, :, 2:] & inside[:, :, 1:-1] & inside[:, :, :-2]
    assert plane.any() and second[plane].max() < ROUNDING


def test_flakes_and_streaks_are_as_many_as_the_density_says() -> None:
    # mean opacity (0.4 + 1)/2 = 0.7; a flake has the sum 2π·0.6² = 2.262, a streak that of its
    # length, 8; few enough that they hardly meet. 6 in 1,000 of 100·10,000 pixels are 6,000
    # points, of which the deviation is 1.3 %; 5 % are more than three times that.
    options = {"density": 0.006, "rng": seeded()}
    assert flakes(100, 100, 100, **options).mean() == pytest.approx(0.006 * 0.7 * 2.262, rel=0.05)
    assert streaks(100, 100, 100, **options).mean() == pytest.approx(0.006 * 0.7 * 8, rel=0.05)
    for mask in (flakes, streaks):
        assert (mask(2, 28, 28, density=0, rng=seeded()) == 0).all()


# --- bad input


def test_unknown_conditions_are_refused_with_the_known_names() -> None:
    with pytest.raises(BadInput, match=r"known are .*, haze\. Did you mean 'Gaussian blur'"):
        apply(ramp(), "gaussian blur", 1)


def test_other_levels_are_refused() -> None:
    for level in [0, 6, 1.0, True]:
        with pytest.raises(BadInput, match=r"level must be a whole number from 1 to 5; it was"):
            apply(ramp(), "haze", level)


def test_bad_images_are_refused() -> None:
    for change, words in [
        (lambda x: x[:0], r"\[0, 3, 16, 16\] came"),
        (lambda x: x[:, :2], r"one or three channels.*\[1, 2, 16, 16\] came"),
        (lambda x: x.byte(), r"float32 images.*torch.uint8"),
        (lambda x: x * 1.01, r"values in \[0, 1\]"),
        (lambda x: x * float("nan"), r"values in \[0, 1\]"),
    ]:
        with pytest.raises(BadInput, match=words):
            apply(change(ramp(3)), "haze", 1)


def test_grey_images_cannot_lose_their_colour() -> None:
    words = "decolorization changes nothing in images of one channel; what applies .* lens blur, "
    with pytest.raises(BadInput, match=words):
        apply(ramp(), "decolorization", 5)
