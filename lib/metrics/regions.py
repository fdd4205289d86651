"""All measures of how a map points at a known novel region, under the names that rows have."""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from lib.metrics.localization import (
    aupro,
    chance_average_precision,
    mask_share,
    pixel_auroc,
    pixel_average_precision,
    top_k_hits,
)
from lib.metrics.maps import Values

HITS = 10  # pixels of the hit rate
FALSE_POSITIVES = 0.3  # up to which AUPRO looks, as bergmann2020uninformed
REGION_METRICS: Mapping[str, Callable[[npt.ArrayLike, npt.ArrayLike], Values | float]] = {
    "mean pixel AUROC": pixel_auroc,
    "mean pixel average precision": pixel_average_precision,
    f"mean top-{HITS} hit rate": lambda maps, masks: top_k_hits(maps, masks, k=HITS),
    "AUPRO": lambda maps, masks: aupro(maps, masks, max_false_positive_rate=FALSE_POSITIVES),
}


def region_numbers(maps: npt.ArrayLike, masks: npt.ArrayLike) -> dict[str, float]:
    """Each of REGION_METRICS, the mean over images; in [0, 1], higher where a map points better.

    Maps `[n, h, w]`, higher where a pixel is called more novel and not scaled, since AUPRO compares
    images; masks `[n, h, w]`, true at the novel pixels. Raises BadInput as `pixel_auroc` does.
    """
    return {name: float(np.mean(measure(maps, masks))) for name, measure in REGION_METRICS.items()}


def chance_region_numbers(masks: npt.ArrayLike) -> dict[str, float]:
    """What `region_numbers` would be for pixels in random order. Raises BadInput as it does."""
    precision = float(chance_average_precision(masks).mean())
    # a random map's overlap equals its false positive rate: half of the limit on average
    values = (0.5, precision, float(mask_share(masks).mean()), FALSE_POSITIVES / 2)
    return dict(zip(REGION_METRICS, values, strict=True))
