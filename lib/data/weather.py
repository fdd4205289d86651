"""Random masks of rain, snow, dirt and shade, one for each image, from 0 (clear) to 1."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve, gaussian_filter

Masks = NDArray[np.float32]

BLOT = 2.0  # pixels, standard deviation of a blot of dirt: smaller than a sign, larger than noise
CLEAR = 0.5  # share of a dirty lens that stays clear, so that the sign is hidden in part alone
FLAKE = 0.6  # pixels, standard deviation of a flake: a dot of two or three pixels
STREAK = 8.0  # pixels, length of a streak: a quarter of the image
FAINT = 0.4  # opacity of the faintest flake or streak: they are near and far
SLANT = 20.0  # degrees from the vertical at most; one wind in each image
EDGE = 5.0  # pixels from full shade to full light: an edge that is soft at this size


def dirt(n: int, h: int, w: int, *, rng: np.random.Generator) -> Masks:
    """Blots with soft edges, `[n, h, w]`; half of each image stays clear."""
    noise = rng.standard_normal((n, h, w), np.float32)
    field = gaussian_filter(noise, (0, BLOT, BLOT), mode="wrap")
    field -= np.quantile(field, CLEAR, axis=(1, 2), keepdims=True)
    top = field.max(axis=(1, 2), keepdims=True)
    # an image of one pixel has no blot
    return _opaque(field / np.where(top > 0, top, 1))


def flakes(n: int, h: int, w: int, *, density: float, rng: np.random.Generator) -> Masks:
    """Soft dots, about `density` of them in each pixel, `[n, h, w]`.

    With one state of `rng` the flakes of a lower density are among those of a higher one.
    """
    points = _points(n, h, w, density, rng)
    # times the area of a flake, so that a single one is opaque in its middle
    dots = gaussian_filter(points, (0, FLAKE, FLAKE), mode="wrap") * (2 * np.pi * FLAKE**2)
    return _opaque(dots)


def streaks(n: int, h: int, w: int, *, density: float, rng: np.random.Generator) -> Masks:
    """Thin slanting lines, about `density` of them in each pixel, `[n, h, w]`; nested as flakes.

    All lines of an image have one slant.
    """
    points = _points(n, h, w, density, rng)
    slants = np.radians(rng.uniform(-SLANT, SLANT, n))
    # wrapped around, so that streaks enter at every border
    lines = [convolve(p, _line(float(a)), mode="wrap") for p, a in zip(points, slants, strict=True)]
    return _opaque(np.stack(lines))


def shade(n: int, h: int, w: int, *, rng: np.random.Generator) -> Masks:
    """The side of a random straight line with a soft edge, `[n, h, w]`.

    The line passes the middle at a quarter of the shorter side at most, so it crosses the sign.
    """
    angles = rng.uniform(0, 2 * np.pi, n)[:, None, None]
    shifts = rng.uniform(-0.25, 0.25, n)[:, None, None] * min(h, w)
    rows = np.arange(h)[:, None] - (h - 1) / 2
    columns = np.arange(w) - (w - 1) / 2
    distance = rows * np.sin(angles) + columns * np.cos(angles) - shifts
    return _opaque(distance / EDGE + 0.5)


def _line(slant: float) -> NDArray[np.float32]:
    """A line of one pixel's width and STREAK's length through the middle of a square."""
    reach = int(STREAK // 2) + 1
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    across = np.abs(columns * np.cos(slant) - rows * np.sin(slant))
    along = np.abs(columns * np.sin(slant) + rows * np.cos(slant))
    inside = np.clip(1 - across, 0, 1) * np.clip(STREAK / 2 + 0.5 - along, 0, 1)
    return np.asarray(inside, np.float32)


def _points(n: int, h: int, w: int, density: float, rng: np.random.Generator) -> Masks:
    """Single pixels, each with an opacity of its own; those of a lower density stay."""
    lit = rng.random((n, h, w)) < density
    return np.where(lit, rng.uniform(FAINT, 1, (n, h, w)), 0).astype(np.float32)


def _opaque(opacity: NDArray[np.floating]) -> Masks:
    """Neither less than clear nor more than opaque."""
    return np.asarray(np.clip(opacity, 0, 1), np.float32)
