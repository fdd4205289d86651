"""The numbers of dietterich2021representation by the names under which rows hold them."""

import numpy as np
import numpy.typing as npt

from lib.metrics import Interval, auroc, delong_difference, delong_interval, equal_error_rate

CLASS = "nominal vs anomaly"
AUC, EER = "AUC", "equal error rate"
Q1_Q2, GAPS = "results-q1-q2", "results-gaps"
Q1_GAP, Q2_GAP, GAP_SCORE, GAP_METRIC = (
    *("Q1 detector gap", "Q2 representation gap"),
    *("difference of AUC", "AUC difference"),
)
BASE = "ResNet34 classifier"
DETECTOR = "ResNet34 classifier + oracle detector"
REPRESENTATION = "oracle representation + oracle detector"
UNTRAINED = "untrained ResNet34 + oracle detector"
PIXELS = "pixels + oracle detector"
ENSEMBLE = "deep ensemble"
GENERALIZED_ODIN = "Generalized ODIN, cosine h, linear g"
HYBRID = "hybrid network"
RECONSTRUCTION = "reconstruction network"
PROBE, VOTE, NEIGHBOUR = "linear probe on z", "labelled neighbours of z", "distance to nominal z"


def forest_name(trees: int, of: str = "z") -> str:
    """The forest's name as the published tables have it."""
    return f"random forest, {trees} trees, on {of}"


METHODS = {
    "base": BASE,
    "all classes": "oracle representation",
    "generalized odin": GENERALIZED_ODIN,
    "reconstruction": RECONSTRUCTION,
    "no augmentation": f"{BASE}, no augmentation",
    "rotation": f"{BASE} with rotation task",
    "recolouring": f"{BASE} with recolouring task",
    "sobel": f"{BASE} with Sobel task",
}
# networks that a number tells apart: what it is a setting of, and of which method
NUMBERED = {"hybrid": ("lambda", HYBRID), "member": ("member", BASE), "width": ("width", BASE)}


def method_of(network: str) -> tuple[str, dict[str, float]]:
    """The method of a network of `lib.training.recipe`, and what makes it a variant of that."""
    word, _, number = network.partition(" ")
    if word in NUMBERED:
        setting, method = NUMBERED[word]
        return method, {setting: float(number)}
    return METHODS[network], {}


def detection(labels: npt.ArrayLike, scores: npt.ArrayLike) -> dict[str, float]:
    """AUC and equal error rate of scores that are higher for anomalies (label 1), by metric.

    Raises BadInput as `auroc` does.
    """
    return {AUC: auroc(labels, scores), EER: equal_error_rate(labels, scores)}


def limits(labels: npt.ArrayLike, scores: npt.ArrayLike) -> dict[str, float]:
    """DeLong's 95 % limits of the AUC, by metric. Raises BadInput as `delong_interval` does."""
    return _limits(AUC, delong_interval(labels, scores))


def gap(labels: npt.ArrayLike, better: npt.ArrayLike, worse: npt.ArrayLike) -> dict[str, float]:
    """AUC of one score less that of another, with DeLong's 95 % limits, by metric.

    All of shape [n], labels 1 for anomalies. Raises BadInput as `delong_difference` does.
    Source: dietterich2021representation, Q1 and Q2.
    """
    found = delong_difference(labels, better, worse)
    return {GAP_METRIC: found.mean, **_limits(GAP_METRIC, found)}


def evenly(n: int, most: int) -> npt.NDArray[np.int64]:
    """At most `most` places out of n, evenly spaced: some sets are sorted by class."""
    return np.linspace(0, n - 1, min(most, n)).round().astype(np.int64)


def _limits(metric: str, interval: Interval) -> dict[str, float]:
    return {
        f"{metric}, lower 95 % limit": interval.low,
        f"{metric}, upper 95 % limit": interval.high,
    }
