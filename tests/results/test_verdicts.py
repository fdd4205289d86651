"""Verdicts on planted claims: true, false, missing, crossing, few seeds, reduced data."""

import json

import pytest

from lib.errors import BadInput
from lib.results import (
    RUN_COLUMNS,
    VERDICTS,
    claim_from,
    evaluate,
    frame,
    measured_text,
    row,
    runs_frame,
    verdict,
    with_averages,
)

SIDE = {
    "table": "baseline-auroc",
    "dataset": "MNIST",
    "score": "recon",
    "class": "average",
    "metric": "AUROC",
}


def claim(rule="greater", *, one=False, each=None, left=None, right=None, **numbers):
    entry = {
        "id": "planted",
        "document": "none",
        "where": "here",
        "claim": "A is better than B",
        "published": {},
        "rule": rule,
        "left": SIDE | {"method": "A"} | (left or {}),
        "scope": "planted",
        **numbers,
    }
    if not one:
        entry["right"] = SIDE | {"method": "B"} | (right or {})
    if each:
        entry["each"] = each
        for side in ("left", "right"):
            entry[side] = {k: v for k, v in entry[side].items() if k not in each}
    return claim_from(entry)


def rows(method, values, *, run="full", first_seed=0, **cells):
    base = {
        "run": run,
        "table": "baseline-auroc",
        "dataset": "MNIST",
        "method": method,
        "score": "recon",
        "class_": "average",
        "metric": "AUROC",
        "n": 20000,
    } | cells
    return [row(**base, seed=first_seed + i, value=v) for i, v in enumerate(values)]


def runs(**profiles):
    """runs.csv with one run per keyword: its profile, or profile and parameters."""
    lines = []
    for name, given in {"full": "full", **profiles}.items():
        profile, parameters = given if isinstance(given, tuple) else (given, {})
        line = dict.fromkeys(RUN_COLUMNS, "") | {"run": name, "profile": profile}
        line |= {"parameters": json.dumps(parameters), "seconds": 1.0, "threads": 1}
        lines.append(line)
    return runs_frame(lines)


def found(planted, *parts, **profiles):
    stand_in = profiles.pop("stand_in", None)
    return verdict(
        planted,
        frame([r for part in parts for r in part]),
        runs=runs(**profiles),
        stand_in=stand_in,
    )


HIGH, LOW = [0.90, 0.91, 0.92], [0.80, 0.82, 0.81]


def test_the_four_words():
    assert set(VERDICTS) == {"reproduced", "partly", "not reproduced", "not tested yet"}


def test_a_true_claim_is_reproduced_and_a_planted_false_one_is_not():
    a, b = rows("A", HIGH), rows("B", LOW)
    true = found(claim(), a, b)
    assert true.verdict == "reproduced" and true.n_seeds == 3
    # pairs 0.10, 0.09, 0.11: mean 0.10, half width 4.303 * 0.01 / sqrt(3)
    half = 4.3027 * 0.01 / 3**0.5
    assert true.compared.mean == pytest.approx(0.10, abs=1e-12)  # float64 sums
    assert true.compared.low == pytest.approx(0.10 - half, abs=1e-6)  # t typed with four decimals
    assert true.left.mean == pytest.approx(0.91) and true.right.mean == pytest.approx(0.81)
    assert measured_text(true) == "0.910 ± 0.025 against 0.810 ± 0.025"
    false = found(claim(), rows("A", LOW), rows("B", HIGH))
    assert false.verdict == "not reproduced"
    assert "difference -0.100 [-0.125, -0.075], wanted above 0.000" in false.reason


def test_seeds_are_paired_so_a_common_shift_drops_out():
    # the sides overlap widely, yet every seed gains about 0.02
    a, b = rows("A", [0.72, 0.82, 0.923]), rows("B", [0.70, 0.80, 0.90])
    assert found(claim(), a, b).verdict == "reproduced"
    # the same numbers with the seeds of one side turned round say nothing
    turned = rows("B", [0.90, 0.80, 0.70])
    assert found(claim(), a, turned).verdict == "partly"


def test_only_shared_seeds_count():
    a, b = rows("A", HIGH), rows("B", LOW, first_seed=1)
    some = found(claim(), a, b)
    assert some.n_seeds == 2
    assert some.compared.mean == pytest.approx((0.91 - 0.80 + 0.92 - 0.82) / 2, abs=1e-12)  # sums
    none = found(claim(), a, rows("B", LOW, first_seed=7))
    assert (none.verdict, none.reason) == (
        "not tested yet",
        "the two sides have no seed in common",
    )


@pytest.mark.parametrize("present", [[], ["A"], ["B"]])
def test_a_missing_row_is_not_tested_yet(present):
    result = found(claim(), *[rows(name, HIGH) for name in present], [])
    assert result.verdict == "not tested yet"
    lacking = "B" if present == ["A"] else "A"
    assert result.reason.startswith(
        f"no row for table baseline-auroc, dataset MNIST, method {lacking}"
    )
    assert measured_text(result) == "" and result.n_seeds == 0


def test_variant_rows_never_stand_in_for_the_main_row():
    control = rows("A", HIGH, variant="alpha=0")
    assert found(claim(), control, rows("B", LOW)).verdict == "not tested yet"


@pytest.mark.parametrize(
    ("rule", "numbers", "values"),
    [
        ("greater", {"margin": 0}, [0.3, -0.1, 0.1]),
        ("at_least", {"bound": 0.5}, [0.4, 0.6, 0.6]),
        ("within", {"target": 0.5, "tolerance": 0.1, "why": "w"}, [0.42, 0.5, 0.64]),
        ("equal", {"target": 0.5}, [0.49, 0.5, 0.51]),
        ("different", {"margin": 0.05, "why": "w"}, [0.3, 0.0, 0.1]),
    ],
)
def test_an_interval_that_crosses_the_bound_is_never_reproduced(rule, numbers, values):
    planted = claim(rule, one=rule not in ("greater", "different"), **numbers)
    other = rows("B", [0.0, 0.0, 0.0])
    assert found(planted, rows("A", values), other).verdict == "partly"  # the mean is inside


@pytest.mark.parametrize(
    ("rule", "numbers", "values", "expected"),
    [
        ("greater", {"margin": 0.2}, [0.3, -0.1, 0.1], "not reproduced"),
        ("greater", {"margin": 0.2}, [0.30, 0.31, 0.32], "reproduced"),
        ("at_least", {"bound": 0.5}, [0.51, 0.51, 0.51], "reproduced"),
        ("at_least", {"bound": 0.5}, [0.49, 0.49, 0.49], "not reproduced"),
        ("at_least", {"bound": 0.5}, [0.4, 0.6, 0.4], "not reproduced"),
        ("within", {"target": 0.5, "tolerance": 0.1, "why": "w"}, [0.6, 0.6, 0.6], "reproduced"),
        (
            "within",
            {"target": 0.5, "tolerance": 0.1, "why": "w"},
            [0.39, 0.39, 0.39],
            "not reproduced",
        ),
        (
            "within",
            {"target": 0.5, "tolerance": 0.1, "why": "w"},
            [0.7, 0.71, 0.72],
            "not reproduced",
        ),
        ("equal", {"target": 0.5}, [0.5, 0.5, 0.5], "reproduced"),
        ("different", {"margin": 0.05, "why": "w"}, [-0.3, -0.31, -0.32], "reproduced"),
        ("different", {"margin": 0.05, "why": "w"}, [0.01, 0.02, 0.01], "not reproduced"),
        # from far below to far above: no evidence in either direction
        ("different", {"margin": 0.05, "why": "w"}, [-0.9, 0.0, 0.9], "not reproduced"),
        ("different", {"margin": 0.05, "why": "w"}, [-0.9, 0.3, 0.9], "partly"),
    ],
)
def test_rules(rule, numbers, values, expected):
    planted = claim(rule, one=rule not in ("greater", "different"), **numbers)
    other = rows("B", [0.0, 0.0, 0.0])
    assert found(planted, rows("A", values), other).verdict == expected


def test_ratio_and_difference_with_a_second_side():
    a, b = rows("A", [0.8, 0.82, 0.84]), rows("B", [0.4, 0.41, 0.42])
    ratio = found(claim("at_least", bound=1.99), a, b)
    assert ratio.verdict == "reproduced" and ratio.compared.mean == pytest.approx(2, abs=1e-12)
    near = claim("within", target=0.41, tolerance=0.1, why="w")
    assert found(near, a, b).compared.mean == pytest.approx(0.41, abs=1e-12)  # float64 sums


@pytest.mark.parametrize("n", [1, 2])
def test_fewer_than_three_seeds_are_at_best_partly(n):
    a, b = rows("A", [0.9] * n), rows("B", [0.8] * n)  # no spread at all, and a clear lead
    result = found(claim(), a, b)
    assert result.verdict == "partly" and "fewer than 3 seeds" in result.reason
    assert found(claim(), b, a, []).verdict == "partly"  # the order of rows does not matter
    assert found(claim(), rows("A", [0.8] * n), rows("B", [0.9] * n)).verdict == "not reproduced"


@pytest.mark.parametrize(
    ("profile", "word"),
    [
        ("smoke", "profile smoke"),
        ("quick", "profile quick"),
        (("full", {"train_limit": 500}), "train_limit 500"),
        (("paper", {"test_limit": 100}), "test_limit 100"),
    ],
)
def test_reduced_runs_are_at_best_partly(profile, word):
    for a, b in (("small", "full"), ("full", "small")):
        result = found(claim(), rows("A", HIGH, run=a), rows("B", LOW, run=b), small=profile)
        assert result.verdict == "partly" and word in result.reason
    wrong = found(claim(), rows("A", LOW, run="small"), rows("B", HIGH), small=profile)
    assert wrong.verdict == "not reproduced"


SIZE = {"table": "model-size", "dataset": "", "score": "", "class": "", "metric": "parameters"}
SIZE_ROW = {"table": "model-size", "dataset": "", "score": "", "class_": "", "metric": "parameters"}
BUDGET = {"width": 64, "epochs": 200}
SMALL_NET, SHORT = "16 of the document's 64 width", "12 of the document's 200 epochs"


@pytest.mark.parametrize(
    ("given", "expected", "named"),
    [
        ({"width": 64, "epochs": 200}, "reproduced", []),
        ({"width": 128, "epochs": 300}, "reproduced", []),  # more is no lack
        ({}, "reproduced", []),  # a run without that parameter has the document's own
        ({"width": 64, "epochs": 12}, "reproduced", [SHORT]),  # a remark
        ({"width": 16, "epochs": 200}, "partly", [SMALL_NET]),  # a limit
        ({"width": 16, "epochs": 12}, "partly", [SMALL_NET, SHORT]),
    ],
)
def test_a_narrower_network_is_a_limit_and_a_shorter_training_a_remark(given, expected, named):
    a, b = rows("A", HIGH, run="x"), rows("B", LOW, run="x")
    result = found(claim(budget=BUDGET), a, b, x=("full", given))
    assert result.verdict == expected
    parts = result.reason.split("; ")
    assert parts[1:] == named  # after the comparison: limits first, remarks last
    # whatever the network, a claim that fails is not saved by it
    wrong = found(
        claim(budget=BUDGET),
        rows("A", LOW, run="x"),
        rows("B", HIGH, run="x"),
        x=("full", given),
    )
    assert wrong.verdict == "not reproduced" and wrong.reason.split("; ")[1:] == named


@pytest.mark.parametrize("narrow", ["A", "B"])
def test_one_narrow_side_is_enough(narrow):
    sides = {name: "narrow" if name == narrow else "full" for name in "AB"}
    a, b = rows("A", HIGH, run=sides["A"]), rows("B", LOW, run=sides["B"])
    given = {"narrow": ("full", {"width": 16})}
    result = found(claim(budget=BUDGET), a, b, **given)
    assert result.verdict == "partly" and result.reason.endswith(SMALL_NET)
    # a run that the claim does not use changes nothing
    a, b = rows("A", HIGH), rows("B", LOW)
    assert found(claim(budget=BUDGET), a, b, **given).verdict == "reproduced"


def test_the_width_counts_only_where_the_claim_has_one():
    a, b = rows("A", HIGH, run="x"), rows("B", LOW, run="x")
    result = found(claim(budget={"epochs": 200}), a, b, x=("full", {"width": 16}))
    assert result.verdict == "reproduced" and "width" not in result.reason


def test_several_widths_are_all_named_and_join_the_other_limits():
    values = [0.90, 0.91]  # two seeds from two runs
    a = rows("A", values[:1], run="x") + rows("A", values[1:], run="y", first_seed=1)
    b = rows("B", LOW[:2], run="x")
    given = {"x": ("full", {"width": 16}), "y": ("quick", {"width": 8})}
    result = found(claim(budget=BUDGET), a, b, **given)
    assert result.verdict == "partly"
    assert result.reason.split("; ")[1:] == [
        "fewer than 3 seeds",
        SMALL_NET,
        "8 of the document's 64 width",
        "profile quick",
    ]


def test_a_narrow_network_in_a_claim_about_several_limits_the_whole():
    planted = claim(budget=BUDGET, each={"class": ["0", "1"]})
    good = rows("A", HIGH, class_="0") + rows("B", LOW, class_="0")
    narrow = rows("A", HIGH, class_="1", run="x") + rows("B", LOW, class_="1", run="x")
    result = found(planted, good, narrow, x=("full", {"width": 16}))
    assert result.verdict == "partly"
    assert result.reason.startswith("1: ") and SMALL_NET in result.reason


def test_an_exact_count_of_another_network_is_not_limited():
    planted = claim("equal", one=True, left=SIZE, target=230721, budget={"width": 64})
    ours = rows("A", [230721], run="x", **SIZE_ROW)
    assert found(planted, ours, x=("full", {"width": 16})).verdict == "reproduced"


def test_full_runs_without_limits_may_reproduce():
    whole = ("paper", {"train_limit": 0, "test_limit": None})
    assert found(claim(), rows("A", HIGH, run="x"), rows("B", LOW), x=whole).verdict == "reproduced"


def test_rows_without_provenance_are_at_best_partly():
    result = found(claim(), rows("A", HIGH, run="lost"), rows("B", LOW))
    assert result.verdict == "partly" and "no provenance for run lost" in result.reason
    result = found(claim(), rows("A", HIGH, run="merged"), rows("B", LOW))
    assert result.verdict == "partly" and "no provenance for run merged" in result.reason


@pytest.mark.parametrize(("profile", "expected"), [("full", "reproduced"), ("smoke", "partly")])
def test_a_merged_average_is_as_reduced_as_its_worst_class(profile, expected):
    parts = [
        rows(method, values, run=run, class_=str(digit))
        for method, values in (("A", HIGH), ("B", LOW))
        for digit, run in enumerate(["other"] + ["full"] * 9)
    ]
    table = with_averages(frame([r for part in parts for r in part]))
    result = verdict(claim(), table, runs=runs(other=profile))
    assert result.verdict == expected


def test_the_embedded_images_are_at_best_partly_and_only_where_asked():
    a, b = rows("A", HIGH, dataset="MNIST-5k"), rows("B", LOW, dataset="MNIST-5k")
    assert found(claim(), a, b).verdict == "not tested yet"
    result = found(claim(), a, b, stand_in={"MNIST": "MNIST-5k"})
    assert result.verdict == "partly" and "MNIST-5k in place of MNIST" in result.reason
    turned = found(
        claim(),
        rows("A", LOW, dataset="MNIST-5k"),
        rows("B", HIGH, dataset="MNIST-5k"),
        stand_in={"MNIST": "MNIST-5k"},
    )
    assert turned.verdict == "not reproduced"
    direct = {"dataset": "MNIST-5k"}
    result = found(claim(left=direct, right=direct), a, b)
    assert result.verdict == "partly" and "data set MNIST-5k" in result.reason


def test_exact_counts_need_neither_seeds_nor_full_data():
    ours = rows("A", [230721], run="small", **SIZE_ROW)
    planted = claim("equal", one=True, left=SIZE, target=230721)
    result = found(planted, ours, small="smoke")
    assert result.verdict == "reproduced"
    assert result.reason == "value 230,721, wanted exactly 230,721"
    assert measured_text(result) == "230,721"
    off = claim("equal", one=True, left=SIZE, target=230722)
    assert found(off, ours, small="smoke").verdict == "not reproduced"
    # 6,338,176 / 230,721 = 27.47; the sides need no seed in common
    ratio = claim("at_least", left=SIZE | {"method": "B"}, right=SIZE | {"method": "A"}, bound=27)
    theirs = rows("B", [6338176], first_seed=5, **SIZE_ROW)
    result = found(ratio, ours, theirs, small="smoke")
    assert result.verdict == "reproduced" and result.compared.mean == 6338176 / 230721
    more = claim("at_least", left=SIZE | {"method": "B"}, right=SIZE | {"method": "A"}, bound=28)
    assert found(more, ours, theirs, small="smoke").verdict == "not reproduced"


def test_counts_that_disagree_are_not_equal():
    planted = claim("equal", one=True, left=SIZE, target=230721)
    assert found(planted, rows("A", [230721, 230722], **SIZE_ROW)).verdict == "not reproduced"


def test_a_claim_about_several_is_as_good_as_its_worst():
    planted = claim(each={"class": ["0", "1", "2"]})

    def sides(digit, a, b):
        return rows("A", a, class_=digit) + rows("B", b, class_=digit)

    good = sides("0", HIGH, LOW) + sides("1", HIGH, LOW)
    assert found(planted, good, sides("2", HIGH, LOW)).verdict == "reproduced"
    missing = found(planted, good)
    assert missing.verdict == "not tested yet" and missing.reason.startswith("2: no row")
    crossing = found(planted, good, sides("2", [0.9, 0.8, 0.85], LOW))
    assert crossing.verdict == "partly" and crossing.reason.startswith("2: difference")
    # one counter-example is enough, even while others are missing
    assert found(planted, sides("1", LOW, HIGH)).verdict == "not reproduced"


def test_two_rows_with_one_seed_are_refused():
    table = frame(rows("A", HIGH) + rows("B", LOW))
    doubled = table.loc[[0, 0, 1, 2, 3, 4, 5]]
    with pytest.raises(BadInput, match=r"Two rows have one seed: .*method A"):
        verdict(claim(), doubled, runs=runs())


def test_scoreboard_keeps_order_and_words():
    planted = [claim(), claim("at_least", one=True, bound=0.95)]
    board = evaluate(planted, frame(rows("A", HIGH) + rows("B", LOW)), runs())
    assert board["verdict"].tolist() == ["reproduced", "not reproduced"]
    assert board["seeds"].tolist() == [3, 3]
    assert board["measured"].tolist() == [
        "0.910 ± 0.025 against 0.810 ± 0.025",
        "0.910 ± 0.025",
    ]
    assert evaluate([], frame([]), runs()).empty


def test_a_claim_whose_premise_fails_is_not_reproduced():
    entry = {
        "document": "none",
        "where": "here",
        "published": {},
        "rule": "greater",
        "scope": "planted",
    }
    sides = {"left": SIDE | {"method": "A"}, "right": SIDE | {"method": "B"}}
    turned = {"left": sides["right"], "right": sides["left"]}
    first = claim_from(entry | sides | {"id": "first", "claim": "A above B"})
    second = entry | turned | {"id": "second", "claim": "B above A"}
    measured = frame([*rows("A", LOW), *rows("B", HIGH)])
    alone = evaluate([first, claim_from(second)], measured, runs())
    assert alone["verdict"].tolist() == ["not reproduced", "reproduced"]
    tied = [first, claim_from(second | {"premise": "first"})]
    both = evaluate(tied, measured, runs())
    assert both["verdict"].tolist() == ["not reproduced", "not reproduced"]
    assert both["reason"][1].endswith("but its premise first is not reproduced")
    # a premise that holds, or is not among the claims, changes nothing
    held = [claim_from(second), claim_from(second | {"id": "third", "premise": "second"})]
    assert set(evaluate(held, measured, runs())["verdict"]) == {"reproduced"}
    assert evaluate(tied[1:], measured, runs())["verdict"].tolist() == ["reproduced"]
