"""The denoising autoencoder's numbers by hand, against scipy, and under the published names."""

import numpy as np
import pytest
from scipy import stats

from lib.errors import BadInput
from lib.pages import dae
from lib.results import published

ROUNDING = 1e-12  # float64, a handful of operations
# successes after 0, 10, 20 and 30 steps, and one attempt without
STEPS = [10, -1, 30, 0, 20]
LOW, HIGH = "fooling rate, low", "fooling rate, high"


def wilson(successes, n):
    """The interval's formula, z to all digits."""
    z, share = stats.norm.ppf(0.975), successes / n
    scale = 1 + z**2 / n
    centre = (share + z**2 / (2 * n)) / scale
    half = z / scale * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5
    return centre - half, centre + half


def place(score, threshold, metric):
    return dae.Place("fooling", score, f"threshold={threshold}%", metric)


@pytest.mark.parametrize(
    ("threshold", "text"),
    [(0, "0"), (0.0, "0"), (0.9, "90"), (0.99, "99"), (0.999, "99.9"), (1, "100"), (1.0, "100")],
)
def test_thresholds_in_names(threshold, text):
    assert dae.at(threshold) == f"threshold={text}%"
    assert dae.word_of(threshold) == f"at {text} %"


@pytest.mark.parametrize("hundredths", range(101))
def test_no_rounding_shows_in_a_name(hundredths):
    """100 times 0.57 is 56.99999999999999 in float64."""
    assert dae.at(hundredths / 100) == f"threshold={hundredths}%"
    assert dae.word_of(hundredths / 100) == f"at {hundredths} %"


@pytest.mark.parametrize("count", [1, 6, 10])
def test_the_cell_of_a_number_of_classes(count):
    assert dae.classes_of(count) == f"classes={count}"


def test_the_names_are_those_of_the_published_tables():
    told = published("dae-slides")
    told = told[told["table"] == dae.FOOLING]
    columns = ["method", "score", "class", "metric"]
    found = set(told[columns].itertuples(index=False, name=None))
    accuracies = {(dae.ACCURACY, dae.at(level), dae.FRACTION) for level in (0, 0.9, 0.99)}
    attacks = {
        (score, dae.at(level), metric)
        for score, metric in ((dae.RATE, dae.FRACTION), (dae.MEAN_STEPS, dae.COUNT))
        for level in (0.9, 0.99)
    }
    methods = (dae.CNN, dae.COOL, dae.SYM, dae.ASYM)
    assert found == {(method, *cells) for method in methods for cells in accuracies | attacks}


def test_a_place_has_the_cells_that_tell_rows_apart():
    assert dae.Place._fields == ("table", "score", "class_", "metric")


def test_fooling_numbers_by_hand():
    # four of five, after (10 + 30 + 0 + 20) / 4 steps
    assert dae.fooling_numbers(STEPS, 0.9, limit=100) == {
        place("fooling rate", 90, "fraction"): 0.8,
        place("step limit", 90, "optimizer steps"): 100.0,
        place("average steps", 90, "optimizer steps"): 15.0,
    }


@pytest.mark.parametrize(
    ("limit", "rate", "mean"),
    [
        (100, 0.8, 15.0),
        (30, 0.8, 15.0),  # a success at the limit is one
        (29, 0.6, 10.0),
        (19, 0.4, 5.0),
        (1, 0.2, 0.0),  # that which needed no step
    ],
)
def test_attempts_beyond_the_limit_fail(limit, rate, mean):
    found = dae.fooling_numbers(STEPS, 0.99, limit=limit)
    assert found[place("fooling rate", 99, "fraction")] == pytest.approx(rate, abs=ROUNDING)
    assert found[place("average steps", 99, "optimizer steps")] == mean
    assert found[place("step limit", 99, "optimizer steps")] == limit


@pytest.mark.parametrize("steps", [[-1, -1, -1], [50, -1, 60]])
def test_without_a_success_within_the_limit_there_are_no_mean_steps(steps):
    assert dae.fooling_numbers(steps, 0.9, limit=49) == {
        place("fooling rate", 90, "fraction"): 0.0,
        place("step limit", 90, "optimizer steps"): 49.0,
    }


def test_the_numbers_are_plain_and_leave_the_steps_alone():
    steps = np.array(STEPS)
    found = dae.fooling_numbers(steps, 0.9, limit=20)
    assert {type(value) for value in found.values()} == {float}
    assert steps.tolist() == STEPS
    assert {type(value) for value in dae.attack_numbers(steps).values()} == {float}
    assert {type(value) for value in dae.rate_curve(steps, [0, 20])} == {float}
    assert steps.tolist() == STEPS


@pytest.mark.parametrize(
    ("steps", "limit"),
    [([], 10), ([[1, 2], [3, 4]], 10), (5, 10), (STEPS, 0), (STEPS, -1)],
)
def test_fooling_numbers_refuse_in_words(steps, limit):
    words = f"Attempts .* and a limit of at least 1 are needed, not {limit}"
    with pytest.raises(BadInput, match=words):
        dae.fooling_numbers(steps, 0.9, limit=limit)


def test_attack_numbers_by_hand():
    # 4 of 5: with z = 1.96 and z^2 = 3.8415, centre (0.8 + 0.38415) / 1.7683 = 0.66966, half width
    # 1.96 / 1.7683 * sqrt(0.8 * 0.2 / 5 + 3.8415 / 100) = 1.1084 * 0.26536 = 0.29412
    found = dae.attack_numbers(STEPS)
    assert list(found) == ["fooling rate", LOW, HIGH]
    assert found["fooling rate"] == 0.8
    # five digits were carried
    assert (found[LOW], found[HIGH]) == pytest.approx((0.37554, 0.96378), abs=2e-4)


@pytest.mark.parametrize(
    ("successes", "n"), [(0, 20), (1, 20), (7, 20), (20, 20), (0, 1), (1, 1), (69, 200)]
)
def test_the_limits_against_the_formula_and_scipy(successes, n):
    steps = np.where(np.arange(n) < successes, 3, -1)
    found = dae.attack_numbers(steps)
    assert found["fooling rate"] == successes / n
    limits = stats.binomtest(successes, n).proportion_ci(confidence_level=0.95, method="wilson")
    for low, high in (wilson(successes, n), (limits.low, limits.high)):
        assert found[LOW] == pytest.approx(low, abs=ROUNDING)
        assert found[HIGH] == pytest.approx(high, abs=ROUNDING)
    assert 0 <= found[LOW] <= successes / n <= found[HIGH] <= 1


def test_no_success_does_not_mean_a_rate_of_zero():
    # 0 of 200, the document's "0 %": the upper limit is z^2 / (200 + z^2) = 3.84 / 203.84
    found = dae.attack_numbers(np.full(200, -1))
    z = stats.norm.ppf(0.975)
    assert found[LOW] == 0
    assert found[HIGH] == pytest.approx(z**2 / (200 + z**2), abs=ROUNDING)


def test_one_success_among_restarts_is_enough():
    # the first attempt never succeeds, the second at its second start, the third at both, and the
    # fourth from the start
    steps = [[-1, -1], [-1, 8], [5, 9], [0, -1]]
    assert dae.attack_numbers(steps) == dae.attack_numbers([-1, 8, 5, 0])
    assert dae.attack_numbers(steps)["fooling rate"] == 0.75
    one = np.array(STEPS)[:, None]
    assert dae.attack_numbers(one) == dae.attack_numbers(STEPS)


def test_the_order_of_attempts_and_of_restarts_does_not_matter():
    steps = np.random.default_rng(0).integers(-1, 2, (30, 3))
    found = dae.attack_numbers(steps)
    assert 0 < found["fooling rate"] < 1
    assert dae.attack_numbers(steps[::-1]) == dae.attack_numbers(steps[:, ::-1]) == found


@pytest.mark.parametrize("steps", [[], np.zeros((0, 3)), 5, np.zeros((2, 2, 2))])
def test_attack_numbers_refuse_in_words(steps):
    with pytest.raises(BadInput, match="at least one attempt"):
        dae.attack_numbers(steps)


def test_the_curve_by_hand():
    # 0 is reached at once, 10, 20 and 30 at that very step
    shown = [0, 9, 10, 20, 29, 30, 1000]
    assert dae.rate_curve(STEPS, shown) == [0.2, 0.2, 0.4, 0.6, 0.6, 0.8, 0.8]
    assert dae.rate_curve([-1, -1], [0, 10_000]) == [0.0, 0.0]
    assert dae.rate_curve(STEPS, []) == []


def test_the_curve_rises_to_the_rate_at_each_limit():
    rng = np.random.default_rng(1)
    steps = np.where(rng.random(50) < 0.3, -1, rng.integers(0, 200, 50))
    shown = [1, 5, 20, 80, 150, 500]
    curve = dae.rate_curve(steps, shown)
    assert curve == sorted(curve) and curve[0] < curve[-1] < 1
    for limit, rate in zip(shown, curve, strict=True):
        found = dae.fooling_numbers(steps, 0.9, limit=limit)
        assert found[place("fooling rate", 90, "fraction")] == rate
    assert curve[-1] == dae.attack_numbers(steps)["fooling rate"]


def test_no_attempts_make_no_curve_and_no_rate():
    with pytest.raises(BadInput, match="at least one attempt"):
        dae.rate_curve([], [10])
    with pytest.raises(BadInput, match="at least one attempt"):
        dae.attack_numbers(np.empty((5, 0), int))


def test_places_of_the_document_s_tables():
    rate = {"table": "fooling", "score": "fooling rate", "class_": "threshold=90%"}
    assert dae.cells(dae.RATE, 0.9) == rate | {"metric": "fraction"}
    for score in (dae.MEAN_STEPS, dae.LIMIT):
        assert dae.cells(score, 0.9) == rate | {"score": score, "metric": "optimizer steps"}


def test_printed_values_are_those_of_one_set_network_and_threshold():
    told = published("dae-slides")
    kept = told[(told["table"] == "fooling") & (told["dataset"] == "MNIST")]
    kept = kept[(kept["score"] == "accuracy") & (kept["method"] == dae.SYM)]
    for level in (0.0, 0.9, 0.99):
        line = kept[kept["class"] == dae.at(level)]
        assert len(line) == 1
        found = dae.printed_value(told, "MNIST", dae.SYM, dae.ACCURACY, level)
        assert found == line["value"].iloc[0]
    assert dae.printed_value(told, "MNIST", dae.SYM, dae.ACCURACY, 0.5) is None
    assert dae.printed_value(told, "MNIST-5k", dae.SYM, dae.ACCURACY, 0.9) is None


def test_decisions_by_hand():
    # classes 0 and 1 known; images: 0 right, 1 refused, an unknown one refused, one taken for 0
    called, truth = [0, -1, -1, 0], [0, 1, -1, -1]
    found = dae.decision_numbers(called, truth, classes=2, word="at 90 %")
    # F1 of class 0: 2 * 1 / (2 + 1); of class 1: 0; of reject: 2 * 1 / (2 + 2)
    assert found == {
        ("accuracy with reject", "accuracy at 90 %"): 0.5,
        ("F-measure", "macro F-measure at 90 %"): pytest.approx((2 / 3 + 0 + 1 / 2) / 3),
    }


def test_open_set_numbers_by_hand():
    # classes 0 and 1 known; the last two images are unknown
    truth = [0, 1, -1, -1]
    outputs = np.array([[0.95, 0.0], [0.0, 0.6], [0.95, 0.0], [0.1, 0.2]])
    opinions = {
        "network": (outputs, 1 - outputs.max(1), None),
        "machine": (outputs, -outputs.max(1), 1.0 + 1e-7),  # chosen on outputs, and past 1
    }
    ranks = {"further": [0.0, 1.0, 2.0, 3.0]}
    found = dae.open_numbers(opinions, ranks, truth, thresholds=[0.5, 0.9], classes=2)

    def accuracy(method, word):
        return found[dae.Cell(method, "accuracy with reject", f"accuracy {word}")]

    assert accuracy("network", "at 50 %") == 0.75  # all but the third
    assert accuracy("network", "at 90 %") == 0.5  # and the second is refused
    assert accuracy("machine", "at its own threshold") == 0.5 == accuracy("refuse all", "at 90 %")
    # the unknown beat (0.05, 0.4) by score 0.05 and 0.8: a tie and a loss, then two wins
    assert found[dae.Cell("network", "rejection score", "AUROC")] == pytest.approx(2.5 / 4)
    assert found[dae.Cell("machine", "rejection score", "AUROC")] == pytest.approx(2.5 / 4)
    assert found[dae.Cell("further", "rejection score", "AUROC")] == 1.0
    f = {cell.method for cell in found if cell.score == "F-measure"}
    assert f == {"network", "machine", "refuse all"} and len(found) == 4 + 2 + 4 + 3
    # without an unknown image there is nothing to rank
    known = dae.open_numbers(opinions, ranks, [0, 1, 0, 1], thresholds=[0.5], classes=2)
    assert not any(cell.metric == "AUROC" for cell in known)
