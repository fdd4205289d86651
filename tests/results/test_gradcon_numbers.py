"""What is read off several GradCon rows at once: kernel ratios and what moves the number."""

import pandas as pd
import pytest

from lib.results import frame, row
from lib.results.gradcon import GRADCON, kernel_means, moves


def gradcon_row(value, *, class_="3", seed=0, variant="", **cells):
    given = {"run": "r", "table": "sota-auroc", "dataset": "MNIST", "method": "GradCon"}
    given |= {"score": GRADCON, "metric": "AUROC", "n": 10, "variant": variant}
    return row(**given | cells | {"class_": class_, "seed": seed, "value": value})


def kernel_row(value, kind, *, class_="3", seed=0):
    cells = {"table": "fisher-kernel", "method": "CAE", "score": "mean absolute kernel"}
    cells |= {"metric": "kernel"}
    variant = f"condition={kind}"
    return gradcon_row(value, class_=class_, seed=seed, variant=variant, **cells)


def test_kernel_ratios_are_of_the_means_over_seeds():
    rows = frame(
        [
            kernel_row(1.0, "normal", seed=0),
            kernel_row(3.0, "normal", seed=1),
            kernel_row(4.0, "abnormal", seed=0),
            kernel_row(8.0, "abnormal", seed=1),
            kernel_row(5.0, "normal", class_="4"),
            kernel_row(5.0, "abnormal", class_="4"),
        ]
    )
    found = kernel_means(rows, "MNIST")
    assert found.loc[("mean absolute kernel", "3")].tolist() == [2.0, 6.0, 3.0]
    assert found.loc[("mean absolute kernel", "4"), "ratio"] == 1.0
    assert kernel_means(rows, "CIFAR-10").empty


def test_a_change_is_compared_over_the_networks_that_both_have():
    rows = frame(
        [
            gradcon_row(0.6, class_="3"),
            gradcon_row(0.8, class_="4"),
            gradcon_row(0.9, class_="3", variant="alpha=1"),
            gradcon_row(0.1, class_="5", variant="alpha=1"),  # the base has no class 5
            gradcon_row(0.5, class_="4", variant="beta=2"),
            gradcon_row(0.3, class_="4", variant="alpha=1;beta=2"),  # two changes at once
            gradcon_row(0.2, class_="4", variant="epochs_shown=3"),
        ]
    )
    found = moves(rows, "MNIST").set_index("what")
    assert found.index.tolist() == ["weight in training 1", "weight in the score 2"]
    assert found.loc["weight in training 1"].tolist() == [0.9, 0.6, 1]
    assert found.loc["weight in the score 2"].tolist() == [0.5, 0.8, 1]


def test_the_base_may_have_a_setting_of_its_own():
    rows = frame(
        [
            gradcon_row(0.6, variant="lr=0.01"),
            gradcon_row(0.7, variant="beta=2;lr=0.01"),
            gradcon_row(0.9, variant="beta=2"),
        ]
    )
    found = moves(rows, "MNIST", setting={"lr": 0.01})
    assert found[["what", "value", "base"]].values.tolist() == [["weight in the score 2", 0.7, 0.6]]


def test_seeds_are_told_apart_where_there_are_several():
    rows = frame([gradcon_row(0.6, seed=0), gradcon_row(0.8, seed=1)])
    found = moves(rows, "MNIST")
    assert found["what"].tolist() == ["seed 0 alone", "seed 1 alone"]
    assert found["value"].tolist() == [0.6, 0.8]
    assert found["base"].tolist() == pytest.approx([0.7, 0.7], abs=1e-12)  # float64


def test_without_rows_there_is_nothing_to_tell():
    none = pd.DataFrame(columns=frame([gradcon_row(0.5)]).columns)
    assert moves(frame(none), "MNIST").empty
    assert moves(frame([gradcon_row(0.5)]), "CIFAR-10").empty
