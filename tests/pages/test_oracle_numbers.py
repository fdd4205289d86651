"""The oracle's numbers by hand, against counting pairs, and under the published names."""

import numpy as np
import pytest
from scipy import stats

from lib.errors import BadInput
from lib.pages import oracle
from lib.results import VARIANT_KEYS, published, variant
from lib.training import NAMED, recipe

ROUNDING = 1e-12  # float64 sums of at most a few hundred terms
Z = stats.norm.ppf(0.975)
# anomalies 3 and 1, normals 2 and 0: three of four pairs in order
LABELS, SCORES = [1, 1, 0, 0], [3, 1, 2, 0]
LOW, HIGH = "AUC, lower 95 % limit", "AUC, upper 95 % limit"
GAP_LOW, GAP_HIGH = "AUC difference, lower 95 % limit", "AUC difference, upper 95 % limit"


def pairs(labels, scores):
    """For each anomaly and each normal image 1 if in order, 1/2 if tied, else 0."""
    labels, scores = np.asarray(labels), np.asarray(scores, dtype=np.float64)
    a, b = scores[labels == 1][:, None], scores[labels == 0][None, :]
    return (a > b) + 0.5 * (a == b)


def drawn(seed, n=60):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % 5 < 2).astype(int)
    return labels, np.round(rng.normal(size=n) + labels, 1), np.round(rng.normal(size=n), 1)


@pytest.mark.parametrize(
    ("network", "method", "settings"),
    [
        ("base", "ResNet34 classifier", {}),
        ("all classes", "oracle representation", {}),
        ("generalized odin", "Generalized ODIN, cosine h, linear g", {}),
        ("reconstruction", "reconstruction network", {}),
        ("no augmentation", "ResNet34 classifier, no augmentation", {}),
        ("rotation", "ResNet34 classifier with rotation task", {}),
        ("recolouring", "ResNet34 classifier with recolouring task", {}),
        ("sobel", "ResNet34 classifier with Sobel task", {}),
        ("hybrid 0.005", "hybrid network", {"lambda": 0.005}),
        ("hybrid 2765", "hybrid network", {"lambda": 2765}),
        ("member 4", "ResNet34 classifier", {"member": 4}),
        ("width 24", "ResNet34 classifier", {"width": 24}),
    ],
)
def test_the_method_of_each_network(network, method, settings):
    recipe(network)  # it is one
    assert oracle.method_of(network) == (method, settings)


@pytest.mark.parametrize(
    ("network", "text"),
    [
        ("hybrid 0.9", "lambda=0.9"),
        ("hybrid 15.4", "lambda=15.4"),
        ("hybrid 2765", "lambda=2765"),
        ("member 1", "member=1"),
        ("width 8", "width=8"),
    ],
)
def test_a_number_makes_the_variant_that_the_claims_name(network, text):
    assert variant(**oracle.method_of(network)[1]) == text


def test_every_named_network_has_its_own_method():
    assert set(oracle.METHODS) == set(NAMED)
    assert len(set(oracle.METHODS.values())) == len(NAMED)
    assert oracle.method_of("base")[0] == oracle.BASE
    assert {setting for setting, _ in oracle.NUMBERED.values()} <= set(VARIANT_KEYS)


@pytest.mark.parametrize("network", ["", "bases", "hybrids 0.9"])
def test_a_network_of_another_name_has_no_method(network):
    with pytest.raises(KeyError):
        oracle.method_of(network)


def test_the_names_are_those_of_the_published_tables():
    told = published()
    told = told[(told["source"] == "oracle-slides") & told["table"].str.startswith("results-")]
    columns = ["table", "method", "score", "class", "metric"]
    found = set(told[columns].itertuples(index=False, name=None))
    wanted = {
        (oracle.Q1_Q2, oracle.BASE, "max logit", oracle.CLASS, oracle.AUC),
        (oracle.Q1_Q2, oracle.DETECTOR, oracle.FOREST, oracle.CLASS, oracle.AUC),
        (oracle.Q1_Q2, oracle.REPRESENTATION, oracle.FOREST, oracle.CLASS, oracle.AUC),
    } | {
        (oracle.GAPS, method, oracle.GAP_SCORE, oracle.CLASS, oracle.GAP_METRIC)
        for method in (oracle.Q1_GAP, oracle.Q2_GAP)
    }
    assert found == wanted
    assert oracle.GENERALIZED_ODIN in set(published()["method"])
    assert oracle.HYBRID in set(published()["method"])


def test_the_forest_s_name_has_its_trees_and_what_it_sees():
    assert oracle.forest_name(1000) == "random forest, 1000 trees, on z"
    assert oracle.forest_name(50, "pixels") == "random forest, 50 trees, on pixels"


def test_detection_by_hand():
    # thresholds from above: (false, true) = (0, 1/2), (1/2, 1/2), (1/2, 1), (1, 1); the step from
    # (0, 1/2) to (1/2, 1/2) meets false = 1 - true at (1/2, 1/2)
    assert oracle.detection(LABELS, SCORES) == {"AUC": 0.75, "equal error rate": 0.5}
    assert oracle.detection([1, 1, 0, 0], [3, 2, 1, 0]) == {"AUC": 1.0, "equal error rate": 0.0}
    assert oracle.detection([1, 1, 0, 0], [0, 1, 2, 3]) == {"AUC": 0.0, "equal error rate": 1.0}
    assert oracle.detection([1, 1, 0, 0], [7, 7, 7, 7]) == {"AUC": 0.5, "equal error rate": 0.5}
    # three and three, one pair of neighbours out of order: at one false alarm of three one miss
    found = oracle.detection([0, 0, 1, 0, 1, 1], [0, 1, 2, 3, 4, 5])
    assert found["AUC"] == pytest.approx(8 / 9, abs=ROUNDING)
    assert found["equal error rate"] == pytest.approx(1 / 3, abs=ROUNDING)


@pytest.mark.parametrize("seed", range(4))
def test_detection_and_its_limits_against_counting_pairs(seed):
    labels, scores, _ = drawn(seed)
    win = pairs(labels, scores)
    assert oracle.detection(labels, scores)["AUC"] == pytest.approx(win.mean(), abs=ROUNDING)
    m, n = win.shape
    variance = np.var(win.mean(1), ddof=1) / m + np.var(win.mean(0), ddof=1) / n
    found = oracle.limits(labels, scores)
    assert set(found) == {LOW, HIGH}
    assert found[LOW] == pytest.approx(win.mean() - Z * variance**0.5, abs=ROUNDING)
    assert found[HIGH] == pytest.approx(min(win.mean() + Z * variance**0.5, 1), abs=ROUNDING)


def test_limits_by_hand():
    # 3 beats 2/2 of the normals and 1 beats 1/2, 2 is below 1/2 and 0 below 2/2 of the anomalies:
    # both variances are (0.25^2 + 0.25^2) / 1 = 0.125, of the AUC 0.125 / 2 + 0.125 / 2
    found = oracle.limits(LABELS, SCORES)
    assert found[LOW] == pytest.approx(0.75 - Z * 0.125**0.5, abs=ROUNDING)
    assert found[HIGH] == 1  # 0.75 + 0.69 is cut


def test_a_gap_by_hand():
    # AUC 1 less AUC 3/4; per anomaly the shares differ by 0 and 1/2, per normal by 1/2 and 0
    found = oracle.gap(LABELS, [3, 2, 1, 0], SCORES)
    half = Z * 0.125**0.5
    assert list(found) == ["AUC difference", GAP_LOW, GAP_HIGH]
    assert found["AUC difference"] == pytest.approx(0.25, abs=ROUNDING)
    assert found[GAP_LOW] == pytest.approx(0.25 - half, abs=ROUNDING)
    assert found[GAP_HIGH] == pytest.approx(0.25 + half, abs=ROUNDING)


@pytest.mark.parametrize("seed", range(4))
def test_a_gap_against_counting_pairs_and_turned_round(seed):
    labels, better, worse = drawn(seed)
    lead = pairs(labels, better) - pairs(labels, worse)
    m, n = lead.shape
    half = Z * (np.var(lead.mean(1), ddof=1) / m + np.var(lead.mean(0), ddof=1) / n) ** 0.5
    found = oracle.gap(labels, better, worse)
    assert found["AUC difference"] == pytest.approx(lead.mean(), abs=ROUNDING)
    aucs = [oracle.detection(labels, scores)["AUC"] for scores in (better, worse)]
    assert found["AUC difference"] == pytest.approx(aucs[0] - aucs[1], abs=ROUNDING)
    assert found[GAP_LOW] == pytest.approx(lead.mean() - half, abs=ROUNDING)
    assert found[GAP_HIGH] == pytest.approx(lead.mean() + half, abs=ROUNDING)
    turned = oracle.gap(labels, worse, better)
    assert turned["AUC difference"] == pytest.approx(-found["AUC difference"], abs=ROUNDING)
    assert turned[GAP_LOW] == pytest.approx(-found[GAP_HIGH], abs=ROUNDING)


def test_a_score_has_no_gap_to_itself():
    labels, scores, _ = drawn(0)
    assert set(oracle.gap(labels, scores, scores).values()) == {0.0}


@pytest.mark.parametrize("numbers", [oracle.detection, oracle.limits])
@pytest.mark.parametrize(
    ("labels", "scores"),
    [([0, 0], [1, 2]), ([0, 1], [1, float("nan")]), ([0, 1, 1], [1, 2]), ([0, 2], [1, 2])],
)
def test_labels_and_scores_that_say_nothing_are_refused(numbers, labels, scores):
    with pytest.raises(BadInput):
        numbers(labels, scores)


def test_the_gap_refuses_either_score():
    for better, worse in ((SCORES[:3], SCORES), (SCORES, SCORES[:3])):
        with pytest.raises(BadInput):
            oracle.gap(LABELS, better, worse)


@pytest.mark.parametrize(
    ("n", "most", "places"),
    [
        (5, 3, [0, 2, 4]),
        (10, 4, [0, 3, 6, 9]),
        (4, 4, [0, 1, 2, 3]),
        (3, 100, [0, 1, 2]),  # no place twice
        (7, 1, [0]),
        (1, 1, [0]),
    ],
)
def test_evenly_by_hand(n, most, places):
    found = oracle.evenly(n, most)
    assert found.tolist() == places and found.dtype == np.int64


@pytest.mark.parametrize(("n", "most"), [(12000, 2000), (10000, 999), (101, 100), (26032, 2000)])
def test_evenly_meets_every_class_of_a_sorted_set_alike(n, most):
    found = oracle.evenly(n, most)
    assert len(found) == most and found[0] == 0 and found[-1] == n - 1
    assert (np.diff(found) > 0).all()
    steps = np.diff(found)
    assert steps.max() - steps.min() <= 1
    shares = np.bincount(found * 10 // n, minlength=10)
    assert shares.max() - shares.min() <= 2


@pytest.mark.parametrize("seed", range(4))
def test_other_images_against_nominal_ones(seed):
    labels, scores, _ = drawn(seed)
    apart = oracle.detection_apart(scores[labels == 0], scores[labels == 1])
    assert apart == oracle.detection(labels, scores)
    with pytest.raises(BadInput):
        oracle.detection_apart(scores, [])


def test_steps_and_gaps_stand_where_the_document_has_them():
    steps = {
        (oracle.BASE, "max logit"): SCORES,
        (oracle.DETECTOR, "forest"): [3, 2, 1, 0],
        (oracle.REPRESENTATION, "forest"): [0, 1, 2, 3],
    }
    found = oracle.steps_and_gaps(LABELS, steps)
    assert list(found) == [
        *((oracle.Q1_Q2, method, score) for method, score in steps),
        (oracle.GAPS, oracle.Q1_GAP, oracle.GAP_SCORE),
        (oracle.GAPS, oracle.Q2_GAP, oracle.GAP_SCORE),
    ]
    assert [numbers["AUC"] for numbers in found.values() if "AUC" in numbers] == [0.75, 1.0, 0.0]
    first, second = list(found.values())[3:]
    assert first == oracle.gap(LABELS, [3, 2, 1, 0], SCORES)
    assert first["AUC difference"] == pytest.approx(0.25, abs=ROUNDING)
    assert second["AUC difference"] == pytest.approx(-1, abs=ROUNDING)
    assert found[oracle.Q1_Q2, oracle.BASE, "max logit"] == {
        **oracle.detection(LABELS, SCORES),
        **oracle.limits(LABELS, SCORES),
    }


def test_two_steps_have_one_gap():
    steps = {(oracle.BASE, "max logit"): SCORES, (oracle.DETECTOR, "forest"): [3, 2, 1, 0]}
    found = oracle.steps_and_gaps(LABELS, steps)
    assert [table for table, *_ in found] == [oracle.Q1_Q2, oracle.Q1_Q2, oracle.GAPS]


def test_ranks_of_networks_by_hand():
    # ranks 1 2 3 4 against 1 2 4 3: 1 - 6 · (0 + 0 + 1 + 1) / (4 · 15) = 0.8
    accuracies = [0.1, 0.2, 0.3, 0.4]
    assert oracle.rank(accuracies, [0.5, 0.6, 0.9, 0.7])[oracle.RANK] == pytest.approx(
        0.8, abs=ROUNDING
    )
    assert oracle.rank(accuracies, [9, 8, 7, 6])[oracle.RANK] == pytest.approx(-1, abs=ROUNDING)
    # two say nothing, nor do numbers that are all the same
    assert oracle.rank([0.1, 0.2], [0.5, 0.6]) == oracle.rank([], []) == {}
    assert oracle.rank([1, 1, 1], [1, 2, 3]) == oracle.rank([1, 2, 3], [1, 1, 1]) == {}
    with pytest.raises(ValueError):
        oracle.rank(accuracies, [0.5, 0.6, 0.7])


def test_choices_on_a_grid_are_the_best_of_their_kind():
    auc = {("ODIN", t, e): 0.0 for e in (0, 0.1, 0.2) for t in (1, 10, 100)}
    auc |= {("ODIN", 1, 0.1): 0.6, ("ODIN", 1, 0.2): 0.7, ("ODIN", 10, 0): 0.8}
    auc |= {("ODIN", 10, 0.2): 0.9, ("ODIN", 1, 0): 1.0}  # best, but no choice of either kind
    assert oracle.odin_choices(auc, "ODIN") == {
        "unperturbed": ("ODIN", 1, 0),
        "temperature 1": ("ODIN", 1, 0),
        "best perturbation": ("ODIN", 1, 0.2),
        "best temperature": ("ODIN", 10, 0),
    }
    auc |= {("max cosine h", 1, 0): 0.2, ("max cosine h", 1, 0.1): 0.5}
    auc |= {("max cosine h", 1, 0.2): 0.5}
    found = oracle.odin_choices(auc, "max cosine h")
    assert found["unperturbed"] == ("max cosine h", 1, 0)
    assert found["best perturbation"] == ("max cosine h", 1, 0.1)  # the first of two
    assert found["temperature 1"] == ("ODIN", 1, 0) and found["best temperature"][1] == 10


def test_without_another_place_nothing_is_the_best():
    found = oracle.odin_choices({("ODIN", 1, 0): 0.5}, "ODIN")
    assert list(found) == ["unperturbed", "temperature 1"]
