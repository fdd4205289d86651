"""Whether an autoencoder has learned to draw anything, and if not, whether it still can."""

import math
from typing import Literal

from lib.errors import BadInput

State = Literal["dead", "on a plateau", "learned"]
HALF_A_GREY_LEVEL = 0.5 / 255  # what no image file could show


def learning_state(explained_variance: float, pixel_range: float) -> State:
    """The state of a network by what it draws of held-out images.

    "dead": no pixel changes with the input by half a grey level, so the network draws one image for
    all. "on a plateau": it draws worse than the mean image would, but not always the same. Else
    "learned". `explained_variance` up to 1, 0 for drawing the mean image; `pixel_range` in [0, 1],
    how far the pixel that changes most does. Raises BadInput for numbers outside.
    """
    if not (explained_variance <= 1 and math.isfinite(explained_variance)):
        raise BadInput(f"The explained variance is at most 1; it was {explained_variance}.")
    if not 0 <= pixel_range <= 1:
        raise BadInput(f"The range of a pixel is within [0, 1]; it was {pixel_range}.")
    if pixel_range < HALF_A_GREY_LEVEL:
        return "dead"
    return "on a plateau" if explained_variance < 0 else "learned"
