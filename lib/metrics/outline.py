"""What feeney2021localization says of its pictures, as numbers: large values, the digit's outline,
and how far an input pixel reaches.

The paper gives no numbers here; levels and limits are this book's. Maps are arrays `[n, h, w]`.
"""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from lib.errors import BadInput
from lib.metrics.maps import Values, checked_maps, largest, scaled_maps

INK = 0.5  # a pixel of at least this value is ink: halfway between ground and full stroke
CROSS = np.array([[[0, 1, 0], [1, 1, 1], [0, 1, 0]]], dtype=bool)  # a pixel and its 4 neighbours


def share_of_large(maps: npt.ArrayLike, *, level: float = 0.5) -> Values:
    """Share of pixels that reach `level` times their map's maximum, [n] in [0, 1].

    Maps are from 0 up; one of zeros has no large pixel and gives 0. Raises BadInput as
    `checked_maps` does, for values below 0, and for a level outside (0, 1].
    Source: feeney2021localization, finding 1, "more pixels with large values".
    """
    if not 0 < level <= 1:
        raise BadInput(f"The level must lie in (0, 1], but {level} came.")
    share: Values = (scaled_maps(*checked_maps(maps)) >= level).mean((1, 2))
    return share


def outline_distance(images: npt.ArrayLike, *, threshold: float = INK) -> Values:
    """Euclidean distance of each pixel to the digit's boundary, in pixels, `[n, h, w]` from 0 up.

    Ink is what reaches `threshold`. The boundary are the ink pixels with one of their four
    neighbours below it; outside the picture there is no ink, so ink at the edge is boundary too.
    Raises BadInput as `checked_maps` does, and for an image without ink.
    """
    (found,) = checked_maps(images)
    ink = found >= threshold
    blank = ~ink.any((1, 2))
    if blank.any():
        raise BadInput(
            f"Image {int(blank.argmax())}, counted from 0, has no ink: "
            f"none of its pixels reaches {threshold}."
        )
    boundary = ink & ~ndimage.binary_erosion(ink, structure=CROSS, border_value=0)
    return np.stack([ndimage.distance_transform_edt(~b) for b in boundary])


def missed_share(
    saliency: npt.ArrayLike,
    error: npt.ArrayLike,
    distance: npt.ArrayLike,
    *,
    k: int = 10,
    farther_than: float = 2.0,
    below: float = 0.1,
) -> Values:
    """Share of the k most salient pixels that lie off the outline and have little error, [n].

    In [0, 1]; off the outline means more than `farther_than` pixels by `outline_distance`, little
    means less than `below` times the error map's maximum. Error and distance are from 0 up; an
    error map of zeros is little everywhere. Ties in saliency are broken by position. Raises
    BadInput as `checked_maps` does, for errors below 0, unless 1 <= k <= pixels, for a negative
    `farther_than`, and for `below` outside (0, 1].
    Source: feeney2021localization, finding 1.
    """
    if not farther_than >= 0:
        raise BadInput(f"The distance must be at least 0 pixels, but {farther_than} came.")
    if not 0 < below <= 1:
        raise BadInput(f"The limit of the scaled error must lie in (0, 1], but {below} came.")
    salient, errors, pixels = checked_maps(saliency, error, distance)
    missed = (pixels > farther_than) & (scaled_maps(errors) < below)
    chosen = np.take_along_axis(missed.reshape(len(missed), -1), largest(salient, k), axis=1)
    share: Values = chosen.mean(1)
    return share


def missed_where_inked(
    images: npt.ArrayLike, saliency: npt.ArrayLike, error: npt.ArrayLike
) -> Values:
    """`missed_share` by the outlines of `images`, [n]; NaN for an image without ink.

    Without ink there is no outline. Raises BadInput as `checked_maps` does and for values below 0.
    """
    given, salient, errors = checked_maps(images, saliency, error)
    inked = given.max((1, 2)) >= INK
    missed = np.full(len(given), np.nan)
    if inked.any():
        outlines = outline_distance(given[inked])
        missed[inked] = missed_share(salient[inked], errors[inked], outlines)
    return missed


def reached_share(jacobian: npt.ArrayLike, *, tolerance: float = 1e-3) -> Values:
    """Share of entries above `tolerance` times their row's largest one, signs dropped, [n].

    `jacobian` `[n, p, q]` says how much input pixel q moves error pixel p. The largest entry is
    that of the same error pixel: where the error is nearly zero, so is its derivative. In [0, 1]:
    1 where each input pixel reaches each error pixel, 0 for a jacobian of zeros. Raises BadInput as
    `checked_maps` does, and for a tolerance outside [0, 1).
    Source: feeney2021localization, section 3, "some impact on each pixel of r(x)".
    """
    if not 0 <= tolerance < 1:
        raise BadInput(f"The tolerance must lie in [0, 1), but {tolerance} came.")
    size = np.abs(*checked_maps(jacobian))
    largest = size.max(2, keepdims=True)
    # a product may round to 0 where the largest is tiny; a quotient does not
    share: Values = (size / np.where(largest > 0, largest, 1.0) > tolerance).mean((1, 2))
    return share
