"""Averages over classes appear only when every class is there."""

import pandas as pd
import pytest

from lib.errors import BadInput
from lib.numbers import CLASSES, frame, row, with_averages


def rows(classes, *, run="r1", seed=0, variant="", table="baseline-auroc", dataset="Toy"):
    return frame(
        [
            row(
                run=run,
                table=table,
                dataset=dataset,
                method="CAE",
                score="recon",
                class_=class_,
                variant=variant,
                seed=seed,
                metric="AUROC",
                value=value,
                n=10,
            )
            for class_, value in classes.items()
        ]
    )


COUNTS = {"Toy": 3}


def averages(table, counts=COUNTS):
    found = with_averages(table, counts)
    return found[found["class"] == "average"]


def test_plain_mean_and_summed_n():
    found = averages(rows({"0": 0.5, "1": 0.6, "2": 0.7}))
    assert found["value"].tolist() == [pytest.approx((0.5 + 0.6 + 0.7) / 3, abs=1e-15)]  # one ulp
    assert found["n"].tolist() == [30]
    assert found["run"].tolist() == ["r1"]


def test_no_average_while_a_class_is_missing_or_the_data_set_unknown():
    assert averages(rows({"0": 0.5, "1": 0.6})).empty
    assert averages(rows({"0": 0.5, "1": 0.6, "2": 0.7}, dataset="Other")).empty


def test_seeds_and_variants_never_mix():
    parts = [
        rows({"0": 0.1, "1": 0.2, "2": 0.3}),
        rows({"0": 0.4, "1": 0.5}, seed=1),
        rows({"2": 0.6}, seed=2),
        rows({"0": 0.7, "1": 0.8, "2": 0.9}, variant="layer=1"),
    ]
    found = averages(pd.concat(parts))
    assert found[["seed", "variant"]].values.tolist() == [[0, ""], [0, "layer=1"]]


def test_an_average_names_all_runs_behind_it():
    several = averages(pd.concat([rows({"0": 0.1}), rows({"2": 0.3, "1": 0.2}, run="r2")]))
    assert several["run"].tolist() == ["r1+r2"]


def test_other_rows_are_left_alone_and_a_second_pass_adds_nothing():
    shares = rows({f"outliers={share}%": 0.9 for share in (10, 20, 30)}, table="fashion-mnist")
    once = with_averages(pd.concat([rows({"0": 0.1, "1": 0.2, "2": 0.3}), shares]), COUNTS)
    assert len(once) == 7
    pd.testing.assert_frame_equal(with_averages(once, COUNTS), once)
    single = rows({"": 0.5})
    pd.testing.assert_frame_equal(with_averages(single, {"Toy": 1}), single)


def test_more_classes_than_the_data_set_has_is_refused():
    with pytest.raises(BadInput, match="Toy has 3 classes, but 4 came"):
        with_averages(rows({str(c): 0.5 for c in range(4)}), COUNTS)


def test_class_counts_of_the_real_sets():
    assert CLASSES["CIFAR-100"] == 100
    assert {CLASSES[name] for name in ("MNIST", "MNIST-5k", "Fashion-MNIST", "CIFAR-10")} == {10}
