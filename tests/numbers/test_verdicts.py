"""Verdicts on planted claims: true, false, missing, crossing, few seeds, a smaller budget."""

from typing import Any

import pytest

from lib.errors import BadInput
from lib.numbers import Lookup, Verdict, frame, judge_all
from tests.numbers.conftest import MakeBook, Rows, printed_of, rows_of, runs_of

HIGH, LOW = [0.90, 0.91, 0.92], [0.80, 0.82, 0.81]
AB = {"c": {"rule": "A > B"}}


def both(a: list[float] = HIGH, b: list[float] = LOW, **cells: Any) -> Rows:
    return rows_of("A", a, **cells) + rows_of("B", b, **cells)


@pytest.fixture
def judged(make: MakeBook):
    def verdict(claims: dict[str, Any] | str, *parts: Rows, **more: Any) -> Verdict:
        entries = {"c": {"rule": claims}} if isinstance(claims, str) else claims
        return make(entries, *parts, **more).verdicts["c"]

    return verdict


def test_a_true_claim_is_reproduced_and_a_planted_false_one_is_not(judged) -> None:
    true = judged("A > B", both())
    assert true.verdict == "reproduced" and true.n_seeds == 3
    # pairs 0.10, 0.09, 0.11: mean 0.10, half width 4.303 * 0.01 / sqrt(3)
    half = 4.3027 * 0.01 / 3**0.5
    assert true.compared.mean == pytest.approx(0.10, abs=1e-12)  # float64 sums
    assert true.compared.low == pytest.approx(0.10 - half, abs=1e-6)  # t typed with four decimals
    assert true.measured == "0.910 ± 0.025 against 0.810 ± 0.025"
    false = judged("A > B", both(LOW, HIGH))
    assert false.verdict == "not reproduced"
    assert "difference -0.100 [-0.125, -0.075], wanted above 0.000" in false.reason


def test_seeds_are_paired_so_a_common_shift_drops_out(judged) -> None:
    # the sides overlap widely, yet every seed gains about 0.02
    a = [0.72, 0.82, 0.923]
    assert judged("A > B", both(a, [0.70, 0.80, 0.90])).verdict == "reproduced"
    # the same numbers with the seeds of one side turned round say nothing
    assert judged("A > B", both(a, [0.90, 0.80, 0.70])).verdict == "partly"


def test_only_shared_seeds_count(judged) -> None:
    some = judged("A > B", rows_of("A", HIGH), rows_of("B", LOW, first_seed=1))
    assert some.n_seeds == 2
    assert some.compared.mean == pytest.approx((0.91 - 0.80 + 0.92 - 0.82) / 2, abs=1e-12)  # sums
    none = judged("A > B", rows_of("A", HIGH), rows_of("B", LOW, first_seed=7))
    assert none.verdict == "not tested yet"
    assert none.reason == "the two sides have no seed in common"


def test_a_missing_row_is_not_tested_yet(judged) -> None:
    for present, lacking in [([], "A"), (["A"], "B"), (["B"], "A")]:
        found = judged("A > B", *[rows_of(name, HIGH) for name in present])
        assert found.verdict == "not tested yet" and found.measured == "" and found.n_seeds == 0
        assert found.reason.startswith(
            f"not measured yet: table baseline-auroc, dataset MNIST, method {lacking}"
        )


def test_variant_rows_never_stand_in_for_the_main_row(judged) -> None:
    control = rows_of("A", HIGH, variant="alpha=0")
    assert judged("A > B", control, rows_of("B", LOW)).verdict == "not tested yet"
    names = {"control": {"method": "A", "alpha": 0}}
    assert judged("control > B", control, rows_of("B", LOW), names=names).verdict == "reproduced"


def test_a_ratio_is_taken_seed_by_seed(judged) -> None:
    found = judged("A / B >= 1.99", both([0.8, 0.82, 0.84], [0.4, 0.41, 0.42]))
    assert found.verdict == "reproduced" and found.compared.mean == pytest.approx(2, abs=1e-12)
    assert found.reason.startswith("ratio 2.000")


def test_fewer_than_three_seeds_are_at_best_partly(judged) -> None:
    for n in [1, 2]:
        found = judged("A > B", both([0.9] * n, [0.8] * n))  # no spread at all, and a clear lead
        assert found.verdict == "partly" and "fewer than 3 seeds" in found.reason
        # few seeds are no smaller budget: a claim that fails is refuted
        assert judged("A > B", both([0.8] * n, [0.9] * n)).verdict == "not reproduced"


def test_reduced_runs_prove_and_refute_nothing(judged) -> None:
    for profile, word in [
        ("smoke", "profile smoke"),
        ("quick", "profile quick"),
        (("full", {"train_limit": 500}), "train_limit 500"),
        (("paper", {"test_limit": 100}), "test_limit 100"),
    ]:
        for side in ["A", "B"]:
            run = {name: "small" if name == side else "full" for name in "AB"}
            for a, b, verdict in ((HIGH, LOW, "partly"), (LOW, HIGH, "not at this budget")):
                parts = rows_of("A", a, run=run["A"]), rows_of("B", b, run=run["B"])
                found = judged("A > B", *parts, runs=runs_of(small=profile))
                assert found.verdict == verdict and word in found.reason


BUDGET = {"width": 64, "epochs": 200}
SMALL_NET, SHORT = "16 of the document's 64 width", "12 of the document's 200 epochs"


def test_the_budget(judged) -> None:
    for given, holds, fails, named in [
        ({"width": 64, "epochs": 200}, "reproduced", "not reproduced", []),
        ({"width": 128, "epochs": 300}, "reproduced", "not reproduced", []),  # more is no lack
        ({}, "reproduced", "not reproduced", []),  # a run without it has the document's own
        ({"width": 64, "epochs": 12}, "reproduced", "not at this budget", [SHORT]),  # a remark
        ({"width": 16, "epochs": 200}, "partly", "not at this budget", [SMALL_NET]),  # a limit
        ({"width": 16, "epochs": 12}, "partly", "not at this budget", [SMALL_NET, SHORT]),
    ]:
        more = {"budget": BUDGET, "runs": runs_of(x=("full", given))}
        true = judged("A > B", both(run="x"), **more)
        false = judged("A > B", both(LOW, HIGH, run="x"), **more)
        assert (true.verdict, false.verdict) == (holds, fails)
        for found in (true, false):  # after the comparison: limits first, remarks last
            assert found.reason.split("; ")[1:] == named


def test_fewer_attempts_are_remarked_but_excuse_nothing(judged) -> None:
    more = {"budget": {"attempts": 200}, "runs": runs_of(x=("full", {"attempts": 100}))}
    found = judged("A > B", both(LOW, HIGH, run="x"), **more)
    assert found.verdict == "not reproduced"
    assert found.reason.endswith("100 of the document's 200 attempts")


def test_a_claim_may_have_a_budget_of_its_own(judged) -> None:
    runs = runs_of(x=("full", {"width": 16}))
    own = {"c": {"rule": "A > B", "budget": {}}}
    assert judged(own, both(run="x"), budget=BUDGET, runs=runs).verdict == "reproduced"


def test_several_lacks_are_all_named(judged) -> None:
    a = rows_of("A", [0.90], run="x") + rows_of("A", [0.91], run="y", first_seed=1)
    runs = runs_of(x=("full", {"width": 16}), y=("quick", {"width": 8}))
    found = judged("A > B", a, rows_of("B", LOW[:2], run="x"), budget=BUDGET, runs=runs)
    assert found.reason.split("; ")[1:] == [
        "fewer than 3 seeds",
        SMALL_NET,
        "8 of the document's 64 width",
        "profile quick",
    ]


def test_rows_without_provenance_prove_and_refute_nothing(judged) -> None:
    for run in ("lost", "full+lost"):
        for a, b, verdict in ((HIGH, LOW, "partly"), (LOW, HIGH, "not at this budget")):
            found = judged("A > B", rows_of("A", a, run=run), rows_of("B", b))
            assert found.verdict == verdict and "no provenance for run lost" in found.reason


def test_a_merged_average_is_as_reduced_as_its_worst_class(judged) -> None:
    for profile, expected in [("full", "reproduced"), ("smoke", "partly")]:
        parts = [
            both(run=run, class_=str(digit)) for digit, run in enumerate(["other"] + ["full"] * 9)
        ]
        assert judged("A > B", *parts, runs=runs_of(other=profile)).verdict == expected


def test_embedded_images_count_only_where_asked_and_prove_nothing(make: MakeBook) -> None:
    book = make(AB, both(LOW, HIGH))
    assert book.verdicts["c"].verdict == "not reproduced"
    claims = book.ledger.claims.values()
    for a, b, verdict in ((HIGH, LOW, "partly"), (LOW, HIGH, "not at this budget")):
        build = Lookup(frame(both(a, b, dataset="MNIST-5k")), runs_of())
        assert judge_all(claims, build)["c"].verdict == "not tested yet"
        found = judge_all(claims, build, stand_in={"MNIST": "MNIST-5k"})["c"]
        assert found.verdict == verdict and "MNIST-5k in place of MNIST" in found.reason


SIZE = {"table": "model-size", "dataset": "", "score": "", "class": "", "metric": "parameters"}


def test_exact_counts_need_neither_seeds_nor_full_data(judged) -> None:
    cells = SIZE | {"class_": ""}
    cells.pop("class")
    names = {"ours": SIZE | {"method": "A"}, "theirs": SIZE | {"method": "B"}}
    more = {"names": names, "runs": runs_of(small=("smoke", {"width": 16})), "budget": BUDGET}
    parts = [
        rows_of("A", [230721], run="small", **cells),
        rows_of("B", [6338176], run="small", first_seed=5, **cells),
    ]
    found = judged("ours = 230721", *parts, **more)
    assert found.verdict == "reproduced" and found.measured == "230,721"
    assert found.reason == "value 230,721, wanted exactly 230,721"
    assert judged("ours = 230722", *parts, **more).verdict == "not reproduced"
    # 6,338,176 / 230,721 = 27.47; the sides need no seed in common
    found = judged("theirs / ours >= 27", *parts, **more)
    assert found.verdict == "reproduced" and found.compared.mean == 6338176 / 230721
    assert judged("theirs / ours >= 28", *parts, **more).verdict == "not reproduced"
    unequal = rows_of("A", [230721, 230722], run="small", **cells)
    assert judged("ours = 230721", unequal, **more).verdict == "not reproduced"


def test_a_claim_about_several_is_as_good_as_its_worst(judged) -> None:
    claim = {"c": {"rule": "A > B", "each": {"class": ["0", "1", "2"]}}}
    good = [both(class_=digit) for digit in "01"]
    assert judged(claim, *good, both(class_="2")).verdict == "reproduced"
    missing = judged(claim, *good)
    assert missing.verdict == "not tested yet" and missing.reason.startswith("2: not measured")
    crossing = judged(claim, *good, both([0.9, 0.8, 0.85], class_="2"))
    assert crossing.verdict == "partly" and crossing.reason.startswith("2: difference")
    # one counter-example is enough, even while others are missing
    assert judged(claim, both(LOW, HIGH, class_="1")).verdict == "not reproduced"


def test_two_rows_with_one_seed_are_refused(make: MakeBook) -> None:
    book = make(AB, both())
    table = frame(both())
    doubled = Lookup(table.loc[[0, 0, 1, 2, 3, 4, 5]], runs_of())
    with pytest.raises(BadInput, match=r"Two rows have one seed: .*method A"):
        judge_all(book.ledger.claims.values(), doubled)


def test_a_value_is_compared_with_the_documents_own(judged) -> None:
    printed = printed_of({"A": 0.905, "B": 0.7})
    near = judged("A = published ± 0.05", both(), printed=printed)
    assert near.verdict == "reproduced" and "wanted 0.905 ± 0.050" in near.reason
    # the printed difference is 0.205, ours 0.10
    apart = judged("A - B = published ± 0.05", both(), printed=printed)
    assert apart.verdict == "not reproduced" and "wanted 0.205 ± 0.050" in apart.reason
