"""The numbers of dietterich2021representation by the names under which rows hold them."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import stats

from lib.metrics import Interval, auroc, delong_difference, delong_interval, equal_error_rate

Step = tuple[str, str]  # method and score
OdinPlace = tuple[str, float, float]  # score, temperature and epsilon
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
UNTRAINED_BASE = "untrained ResNet34 classifier"
PIXELS = "pixels + oracle detector"
ENSEMBLE = "deep ensemble"
GENERALIZED_ODIN = "Generalized ODIN, cosine h, linear g"
HYBRID = "hybrid network"
RECONSTRUCTION = "reconstruction network"
COST = "minutes of one core"
RANK = "Spearman of accuracy and AUC"
LOST = "AUC at the last epoch less the largest before"
PROBE, VOTE, NEIGHBOUR = "linear probe on z", "labelled neighbours of z", "distance to nominal z"


def forest_name(trees: int, of: str = "z") -> str:
    """The forest's name as the published tables have it."""
    return f"random forest, {trees} trees, on {of}"


# the reference's forests: by their names a page asks for those of any size (`by_usual_forests`)
TREES, CURVE_TREES = 1000, 200
FOREST, SMALL_FOREST = forest_name(TREES), forest_name(CURVE_TREES)
PIXEL_FOREST = forest_name(TREES, "pixels")

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


def detection_apart(normal: npt.ArrayLike, others: npt.ArrayLike) -> dict[str, float]:
    """`detection` of other images by their scores `[m]` against those of nominal ones `[n]`.

    Higher is more anomalous. Raises BadInput as `detection` does, so also where either is empty.
    """
    both = [np.asarray(normal), np.asarray(others)]
    labels = np.repeat([0, 1], [len(part) for part in both])
    return detection(labels, np.concatenate(both))


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


def steps_and_gaps(
    labels: npt.ArrayLike, steps: Mapping[Step, npt.ArrayLike]
) -> dict[tuple[str, str, str], dict[str, float]]:
    """The talk's numbers by table, method and score: each step's, then the gaps between them.

    Labels `[n]`, 1 for anomalies; `steps` are scores `[n]` of the same images, higher for
    anomalies, in the order of the talk: classifier, oracle detector, oracle representation. Of two
    steps there is one gap. Raises BadInput as `detection` does.
    Source: dietterich2021representation, Q1 and Q2.
    """
    found = {
        (Q1_Q2, method, score): detection(labels, values) | limits(labels, values)
        for (method, score), values in steps.items()
    }
    pairs = zip((Q1_GAP, Q2_GAP), pairwise(steps.values()), strict=False)
    gaps = {(GAPS, name, GAP_SCORE): gap(labels, after, before) for name, (before, after) in pairs}
    return found | gaps


def rank(accuracies: Sequence[float], aucs: Sequence[float]) -> dict[str, float]:
    """Spearman's correlation of networks' accuracies and AUCs, by metric.

    Empty for fewer than three networks, and where either is the same for all. Raises ValueError
    for unequal numbers.
    """
    if len(aucs) < 3 or min(len(set(accuracies)), len(set(aucs))) < 2:
        return {}
    return {RANK: float(stats.spearmanr(accuracies, aucs).statistic)}


def odin_choices(auc: Mapping[OdinPlace, float], score: str) -> dict[str, OdinPlace]:
    """Places of a grid by what they stand for, of two scores: `score` and "ODIN".

    The grid holds an AUC by score, temperature and epsilon. `score` without perturbation and with
    the best one, ODIN at temperature 1 and at the best other one; a best that nothing can be chosen
    for is left out. The first of equal ones is taken.
    """
    moved = [place for place in auc if place[:2] == (score, 1) and place[2] != 0]
    cooled = [place for place in auc if place[0] == "ODIN" and place[1] != 1 and place[2] == 0]
    found: dict[str, OdinPlace] = {"unperturbed": (score, 1, 0), "temperature 1": ("ODIN", 1, 0)}
    found |= {"best perturbation": max(moved, key=auc.__getitem__)} if moved else {}
    return found | ({"best temperature": max(cooled, key=auc.__getitem__)} if cooled else {})


def evenly(n: int, most: int) -> npt.NDArray[np.int64]:
    """At most `most` places out of n, evenly spaced: some sets are sorted by class."""
    return np.linspace(0, n - 1, min(most, n)).round().astype(np.int64)


def _limits(metric: str, interval: Interval) -> dict[str, float]:
    return {
        f"{metric}, lower 95 % limit": interval.low,
        f"{metric}, upper 95 % limit": interval.high,
    }
