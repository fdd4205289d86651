"""Abnormal conditions at five levels, synthesised on small images: what CURE-TSR does to signs."""

import io
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import convolve, gaussian_filter
from torch import Tensor

from lib.data.self_supervised import LUMA
from lib.data.weather import dirt, flakes, shade, streaks
from lib.errors import BadInput, nearest

LEVELS = (1, 2, 3, 4, 5)

Pixels = NDArray[np.float32]
Change = Callable[[Pixels, float, np.random.Generator], Pixels]

MUD = np.array([0.30, 0.25, 0.18], np.float32)  # red, green, blue: dirt is brown
DROP = 0.85  # rain reflects the sky, but less than snow
LIFT = 0.05  # black rises by this much for each stop: a flooded sensor has no black


class Condition(NamedTuple):
    """One kind of change, and its strength at levels 1 to 5."""

    change: Change
    strengths: tuple[float, float, float, float, float]


def apply_condition(images: Tensor, name: str, *, level: int, rng: np.random.Generator) -> Tensor:
    """Copies of `images` under one of CONDITIONS, level 1 (just visible) to 5 (severe).

    `images` float32 `[n, c, h, w]` in [0, 1] with one or three channels; so is what comes back,
    on their device. Strengths are made for sides of 28 to 32 pixels: lengths are in pixels. The
    mean absolute change of a set grows with the level. "dirty lens", "noise", "rain", "shadow" and
    "snow" draw from `rng`, one mask for each image and the same number of draws at each level;
    so one state of `rng` gives one pattern at another strength, and flakes and streaks of a lower
    level are among those of a higher one. The others leave `rng` alone.
    Raises BadInput for another name, another level, other images, and a grey image that is to be
    decolorised. Source: methods.md 1.6; the conditions are CURE-TSR's, the making is our own.
    """
    if name not in CONDITIONS:
        raise BadInput(
            f"There is no condition {name!r}; known are {', '.join(CONDITIONS)}."
            + nearest(str(name), CONDITIONS)
        )
    if isinstance(level, bool) or not isinstance(level, int | np.integer) or level not in LEVELS:
        raise BadInput(f"level must be a whole number from 1 to 5; it was {level!r}.")
    _check(images)
    if name not in (known := conditions_for(images.shape[1])):
        raise BadInput(
            f"{name} changes nothing in images of one channel; "
            f"what applies to them is {', '.join(known)}."
        )
    change, strengths = CONDITIONS[name]
    changed = change(images.detach().cpu().numpy(), strengths[level - 1], rng)
    # filters leave the range by rounding
    return torch.from_numpy(np.clip(changed, 0, 1).astype(np.float32)).to(images.device)


def conditions_for(channels: int) -> tuple[str, ...]:
    """Names of the conditions that change images of one or of three channels, in their order.

    Raises BadInput for another number of channels.
    """
    if channels not in (1, 3):
        raise BadInput(f"Images have one or three channels, but {channels!r} came.")
    return tuple(name for name in CONDITIONS if channels == 3 or name != "decolorization")


def _blend(x: Pixels, other: Pixels | float, share: Pixels | float) -> Pixels:
    return x + (other - x) * share


def _grey(x: Pixels) -> Pixels:
    return np.tensordot(np.array(LUMA, np.float32), x, (0, 1))[:, None]


def _sizes(x: Pixels) -> tuple[int, int, int]:
    n, _, h, w = x.shape
    return n, h, w


def _lens_blur(x: Pixels, radius: float, _: np.random.Generator) -> Pixels:
    reach = int(np.ceil(radius))
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    # a pixel at the rim counts by the part of it that the disc covers, to first order
    disc = np.clip(radius + 0.5 - np.hypot(rows, columns), 0, 1)
    return np.asarray(convolve(x, (disc / disc.sum())[None, None], mode="nearest"))


def _codec_error(x: Pixels, quality: float, _: np.random.Generator) -> Pixels:
    coded = np.empty_like(x)
    for i, image in enumerate(x):
        file = io.BytesIO()
        pixels = np.rint(image.transpose(1, 2, 0) * 255).astype(np.uint8)
        Image.fromarray(pixels.squeeze(2) if len(image) == 1 else pixels).save(
            file, "JPEG", quality=int(quality)
        )
        with Image.open(file, formats=["JPEG"]) as read:
            coded[i] = np.atleast_3d(np.asarray(read)).transpose(2, 0, 1) / np.float32(255)
    return coded


def _dirty_lens(x: Pixels, opacity: float, rng: np.random.Generator) -> Pixels:
    masks = np.minimum(opacity * dirt(*_sizes(x), rng=rng), 1)[:, None]
    colour = MUD[None, :, None, None]
    return _blend(x, colour if x.shape[1] == 3 else _grey(colour), masks)


def _rain(x: Pixels, density: float, rng: np.random.Generator) -> Pixels:
    return _blend(x, DROP, streaks(*_sizes(x), density=density, rng=rng)[:, None])


def _snow(x: Pixels, density: float, rng: np.random.Generator) -> Pixels:
    return _blend(x, 1.0, flakes(*_sizes(x), density=density, rng=rng)[:, None])


# In CURE-TSR's order. Level 1 can be seen beside the clean image; at level 5 the sign can just be
# made out. Both were judged by eye on signs of 32 and digits of 28 pixels.
CONDITIONS: dict[str, Condition] = {
    # share of grey: the last is no colour at all
    "decolorization": Condition(
        lambda x, share, _: _blend(x, _grey(x), share), (0.3, 0.5, 0.7, 0.85, 1.0)
    ),
    # radius of the disc in pixels: beyond 3.5 a digit's loops and a sign's symbol are gone
    "lens blur": Condition(_lens_blur, (1.0, 1.5, 2.1, 2.8, 3.5)),
    # quality of the JPEG: below 8 small symbols go, block by block
    "codec error": Condition(_codec_error, (60, 35, 20, 13, 8)),
    # share of black: at 0.8 white is at 51 of 255
    "darkening": Condition(lambda x, share, _: _blend(x, 0.0, share), (0.3, 0.45, 0.6, 0.7, 0.8)),
    # opacity of the thickest dirt; above 1 the blots get hard and wide, half of the image at most
    "dirty lens": Condition(_dirty_lens, (0.7, 1.1, 1.7, 2.7, 4.5)),
    # stops: brightness doubles with each; at 1.6 all above 0.3 is white
    "exposure": Condition(
        lambda x, stops, _: np.minimum(x * 2**stops + LIFT * stops, 1),
        (0.35, 0.65, 0.95, 1.25, 1.6),
    ),
    # standard deviation in pixels; a disc of radius r blurs like one of r/2
    "Gaussian blur": Condition(
        lambda x, sigma, _: gaussian_filter(x, (0, 0, sigma, sigma), mode="nearest"),
        (0.6, 0.9, 1.3, 1.7, 2.2),
    ),
    # standard deviation of a pixel: 0.05 is just seen, at 0.4 a dark sign drowns
    "noise": Condition(
        lambda x, deviation, rng: x + deviation * rng.standard_normal(x.shape, np.float32),
        (0.06, 0.11, 0.17, 0.24, 0.32),
    ),
    # streaks for each pixel: eight to sixty in the image
    "rain": Condition(_rain, (0.008, 0.016, 0.028, 0.042, 0.06)),
    # share of black in the shade
    "shadow": Condition(
        lambda x, share, rng: _blend(x, 0.0, share * shade(*_sizes(x), rng=rng)[:, None]),
        (0.3, 0.48, 0.63, 0.75, 0.85),
    ),
    # flakes for each pixel: twenty to a hundred and thirty in the image
    "snow": Condition(_snow, (0.02, 0.04, 0.065, 0.095, 0.13)),
    # share of white: contrast falls to a fifth
    "haze": Condition(lambda x, share, _: _blend(x, 1.0, share), (0.2, 0.35, 0.5, 0.65, 0.8)),
}


def _check(x: Tensor) -> None:
    if x.ndim != 4 or x.shape[1] not in (1, 3) or 0 in x.shape or x.dtype != torch.float32:
        raise BadInput(
            "A condition needs float32 images [n, c, h, w] with one or three channels, at least "
            f"one of them, but {x.dtype} {list(x.shape)} came."
        )
    if not ((x >= 0) & (x <= 1)).all():  # also refuses NaN
        raise BadInput("The images must have values in [0, 1], but another value came.")
