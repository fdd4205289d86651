"""Where the localization page's numbers stand in the rows, and how they come of values per image.

Source: feeney2021localization; sections and findings as the document counts them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib import metrics

METHOD = "LSA autoencoder, no estimator"
UNTRAINED = "untrained LSA autoencoder"
ERROR, SALIENCY = "reconstruction error", "saliency"
BOTH = f"{SALIENCY} vs {ERROR}"
SQUARED = f"squared {BOTH}"
TO_ERROR = f"{SALIENCY} to {ERROR}"

Values = NDArray[np.float64]


class Place(NamedTuple):
    """Where a number stands in the result rows."""

    table: str
    score: str
    metric: str


Numbers = dict[Place, Any]  # floats of Python or numpy
MISSED = Place(
    "finding1-missed", BOTH, "share of the 10 most salient pixels off the outline with small error"
)
LARGE = {
    score: Place(
        "finding1-large-pixels", score, "share of pixels at least 0.5 of the map's maximum"
    )
    for score in (SALIENCY, ERROR)
}
RANKED = Place("finding2-spearman", BOTH, "mean Spearman correlation")
REACH = Place(
    "section3-reach",
    ERROR,
    "share of entries of dr/dx above a thousandth of their error pixel's largest",
)
FLAGGED = Place(
    "novelty-decision", ERROR, "share of images above the 95th percentile of training errors"
)


def agreement_place(k: int, *, most: bool) -> Place:
    """The share of images in which more than half of the top k agree, or (not `most`) the rest."""
    part = f"{k // 2 + 1}-{k}" if most else f"0-{k // 2}"
    return Place(f"table1-top{k}-agreement", BOTH, f"fraction of test images with agreement {part}")


def mean_agreement_place(k: int) -> Place:
    """The mean number of the k largest pixels that both maps have."""
    return Place(f"figure2-top{k}-agreement", BOTH, "mean agreement")


def distance_place(k: int) -> Place:
    """How far the worst of the k most salient pixels lies from its match, in pixels."""
    metric = "mean over images of maximum distance to best match, pixels"
    return Place(f"finding5-max-distance-top{k}", TO_ERROR, metric)


def ranked_place(score: str) -> Place:
    """The AUROC of a score that ranks novel images above normal ones."""
    return FLAGGED._replace(score=score, metric="AUROC")


def sanity_place(score: str, metric: str, *, mean: bool = False) -> Place:
    """A similarity with the trained network's map after one part or, `mean`, over all stages."""
    words = f"mean {metric} over the stages" if mean else f"{metric} with the trained network's map"
    return Place("sanity-randomisation", score, words)


def paper_numbers(shared: Mapping[str, Values], *, ks: Sequence[int]) -> Numbers:
    """Table 1, figure 2's mean, mode and end, findings 5 and 6 over some images.

    `shared` holds one value per image by name, as `metrics.correspondence` gives it.
    """
    numbers: Numbers = {}
    for k in ks:
        agreement = shared[f"agreement {k}"]
        total = mean_agreement_place(k)._replace(
            metric=f"fraction of test images with agreement {k}"
        )
        mode = Place(f"finding3-top{k}-mode", BOTH, f"most frequent top-{k} agreement")
        numbers |= {
            agreement_place(k, most=False): np.mean(agreement <= k // 2),
            agreement_place(k, most=True): np.mean(agreement > k // 2),
            mean_agreement_place(k): agreement.mean(),
            total: np.mean(agreement == k),
            mode: np.bincount(agreement.astype(np.int64)).argmax(),
            distance_place(k): shared[f"distance {k}"].mean(),
        }
    for score, name in ((BOTH, "map error"), (SQUARED, "squared map error")):
        place = Place("finding6-map-mse", score, "mean squared error between max-scaled maps")
        numbers[place] = shared[name].mean()
    return numbers


def chance_numbers(
    height: int, width: int, *, ks: Sequence[int], rng: np.random.Generator, draws: int = 4000
) -> Numbers:
    """What agreement and distance would be of unrelated maps; `draws` pairs for the distance."""
    numbers: Numbers = {}
    for k in ks:
        numbers |= {
            agreement_place(k, most=False): metrics.chance_top_k_cdf(k // 2, k, height * width),
            mean_agreement_place(k): metrics.chance_top_k(k, height * width),
            distance_place(k): metrics.chance_max_distance(k, height, width, rng=rng, draws=draws),
        }
    return numbers


def picture_values(images: ArrayLike, saliency: ArrayLike, error: ArrayLike) -> dict[Place, Values]:
    """Findings 1 and 2 per image, `[n]`: pixels missed, rank correlation, large pixels.

    Images and maps `[n, h, w]`, all from 0 up. NaN where a number is not defined: missed pixels
    need ink, ranks need maps that are not constant.
    """
    return {
        MISSED: metrics.missed_where_inked(images, saliency, error),
        RANKED: metrics.spearman(saliency, error),
        LARGE[SALIENCY]: metrics.share_of_large(saliency),
        LARGE[ERROR]: metrics.share_of_large(error),
    }


def shifted(maps: Values, by: int) -> Values:
    """The maps `[n, h, w]` moved right by whole pixels; zeros come in, what leaves is lost."""
    moved = np.zeros_like(maps)
    moved[..., by:] = maps[..., : maps.shape[-1] - by]
    return moved


def change_numbers(saliency: Values, error: Values) -> dict[str, Numbers]:
    """Section 2.3 and 3.1: similarities after a harmless change of saliency, by the change's name.

    With the error map after a change of values, with saliency itself after a shift; "" is no
    change. Maps `[n, h, w]`, scaled to a maximum of 1.
    """
    found: dict[str, Numbers] = {}
    for word, changed in (("", saliency), ("squared", saliency**2), ("halved", saliency / 2)):
        table, histograms = "section2.3-metrics", metrics.histogram_correlation(changed, error)
        found[word] = {
            Place(table, BOTH, "SSIM"): metrics.ssim(changed, error).mean(),
            Place(table, BOTH, "Pearson of gradient histograms"): np.nanmean(histograms),
        }
    for word, by in (("", 0), ("shift-1", 1), ("shift-5", 5)):
        pair, own = (shifted(saliency, by), saliency), ("section2.3-self", "saliency vs itself")
        found[word] = found.get(word, {}) | {
            Place(*own, "top-10 agreement"): metrics.top_k_agreement(*pair, k=10).mean(),
            Place(*own, "maximum distance, pixels"): metrics.max_distance(*pair, k=10).mean(),
        }
    return found
