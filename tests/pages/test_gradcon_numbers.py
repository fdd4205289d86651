"""What is read off several GradCon rows at once: kernel ratios and what moves the number."""

import pandas as pd
import pytest

from lib.pages.gradcon import (
    GRADCON,
    course_changes,
    course_means,
    courses,
    epochs_of,
    kernel_means,
    kernel_ratios,
    layers,
    losses,
    moves,
)
from lib.results import frame, row


def gradcon_row(value, *, class_="3", seed=0, variant="", **cells):
    given = {"run": "r", "table": "sota-auroc", "dataset": "MNIST", "method": "GradCon"}
    given |= {"score": GRADCON, "metric": "AUROC", "n": 10, "variant": variant}
    return row(**given | cells | {"class_": class_, "seed": seed, "value": value})


def kernel_row(value, kind, *, class_="3", seed=0, setting=""):
    cells = {"table": "fisher-kernel", "method": "CAE", "score": "mean absolute kernel"}
    cells |= {"metric": "kernel"}
    variant = f"condition={kind}{setting}"
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


def test_kernel_ratios_by_seed_are_those_of_the_means_over_classes():
    rows = frame(
        [
            kernel_row(1.0, "normal"),
            kernel_row(3.0, "normal", class_="4"),
            kernel_row(9.0, "abnormal"),
            kernel_row(3.0, "abnormal", class_="4"),
            kernel_row(2.0, "normal", seed=1),
            kernel_row(2.0, "abnormal", seed=1),
        ]
    )
    found = kernel_ratios(rows, "MNIST").loc["mean absolute kernel"]
    # (9 + 3) / 2 over (1 + 3) / 2, not the mean of 9 / 1 and 3 / 3
    assert found.loc[0].tolist() == [2.0, 6.0, 3.0]
    assert found.loc[1, "ratio"] == 1.0


def test_kernels_of_another_setting_stay_apart():
    rows = frame(
        [
            kernel_row(value, kind, setting=setting)
            for setting, values in (("", (1.0, 2.0)), (";lr=0.01", (1.0, 5.0)))
            for kind, value in zip(("normal", "abnormal"), values, strict=True)
        ]
    )
    assert kernel_means(rows, "MNIST")["ratio"].tolist() == [2.0]
    assert kernel_means(rows, "MNIST", setting={"lr": 0.01})["ratio"].tolist() == [5.0]


def test_a_change_is_compared_over_the_networks_that_both_have():
    rows = frame(
        [
            gradcon_row(0.6, class_="3"),
            gradcon_row(0.8, class_="4"),
            gradcon_row(0.9, class_="3", variant="alpha=1"),
            gradcon_row(0.1, class_="5", variant="alpha=1"),  # the base has no class 5
            gradcon_row(0.5, class_="4", variant="beta=2"),
            gradcon_row(0.7, class_="4", variant="loss=bce"),
            gradcon_row(0.3, class_="4", variant="alpha=1;beta=2"),  # two changes at once
            gradcon_row(0.2, class_="4", variant="epochs_shown=3"),
        ]
    )
    found = moves(rows, "MNIST").set_index("what")
    alone = ["weight in training 1", "weight in the score 2", "trained on cross-entropy"]
    assert found.index.tolist() == alone
    assert found.loc["weight in training 1"].tolist() == [0.9, 0.6, 1, ("3",), "alpha"]
    assert found.loc["weight in the score 2"].tolist() == [0.5, 0.8, 1, ("4",), "beta"]


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


def test_a_seed_with_fewer_classes_stands_beside_the_mean_over_these():
    rows = frame(
        [
            gradcon_row(0.6, class_="3", seed=0),
            gradcon_row(0.9, class_="4", seed=0),
            gradcon_row(0.8, class_="3", seed=1),
        ]
    )
    found = moves(rows, "MNIST").set_index("what")
    assert found.loc["seed 1 alone", "base"] == pytest.approx(0.7, abs=1e-12)  # float64
    assert found["classes"].tolist() == [("3", "4"), ("3",)]
    assert found["key"].tolist() == ["seed", "seed"]


def test_lines_over_more_classes_come_first():
    rows = frame(
        [
            *(gradcon_row(0.6, class_=name) for name in "34"),
            gradcon_row(0.9, class_="3", variant="alpha=1"),
            *(gradcon_row(0.7, class_=name, variant="test=full") for name in "34"),
        ]
    )
    assert moves(rows, "MNIST")["n"].tolist() == [2, 1]


def watched_row(value, epoch, *, setting="", **cells):
    given = {"table": "baseline-auroc", "method": "CAE", "score": "recon"}
    keys = sorted(filter(None, [f"epochs_shown={epoch}", *setting.split(";")]))
    return gradcon_row(value, variant=";".join(keys), **given | cells)


def test_a_course_is_over_networks_that_have_all_epochs():
    rows = frame(
        [
            *(watched_row(v, e) for e, v in ((1, 0.5), (2, 0.6), (4, 0.9))),
            *(watched_row(v, e, seed=1) for e, v in ((1, 0.1), (2, 0.3))),  # not taken on to 4
            *(watched_row(v, e, method="VAE", seed=1) for e, v in ((1, 0.2), (2, 0.4))),
        ]
    )
    wide = courses(rows, "MNIST")
    means = course_means(wide)
    assert means.values.tolist() == [
        ["CAE recon", 1, 0.5, 1],
        ["CAE recon", 2, 0.6, 1],
        ["CAE recon", 4, 0.9, 1],
        ["VAE recon", 1, 0.2, 1],
        ["VAE recon", 2, 0.4, 1],
    ]
    early = course_changes(wide, 1, 2).loc["CAE recon"]
    # both seeds have these epochs: (0.1 + 0.2) / 2
    assert early["change"].mean == pytest.approx(0.15, abs=1e-12)  # float64
    assert (early["n"], early["up"], early["change"].n) == (2, 2, 2)
    assert course_changes(wide, 2, 4).index.tolist() == ["CAE recon"]
    assert course_changes(wide, 2, 8).empty


def test_courses_know_the_control_and_the_setting():
    constrained = {"method": "CAE+Grad", "score": "grad"}
    rows = frame(
        [
            watched_row(0.1, 1, setting="lr=0.01"),
            watched_row(0.2, 1, setting="alpha=1;lr=0.01", **constrained),
            watched_row(0.3, 1, setting="alpha=0;lr=0.01", **constrained),
            watched_row(0.4, 1),
            watched_row(0.5, 1, **constrained),
        ]
    )
    found = courses(rows, "MNIST", setting={"alpha": 1, "lr": 0.01})[1].droplevel(["class", "seed"])
    assert found.to_dict() == {"CAE recon": 0.1, "CAE+Grad grad": 0.2, "CAE grad": 0.3}
    assert courses(rows, "MNIST")[1].tolist() == [0.4, 0.5]


def test_a_course_of_losses_is_read_from_the_training_table():
    cells = {"table": "training", "score": "", "metric": "validation loss"}
    rows = frame([watched_row(2.0, 1, **cells), watched_row(1.0, 3, **cells), watched_row(0.5, 1)])
    wide = courses(rows, "MNIST", metric="validation loss")
    assert wide.loc["CAE"].values.tolist() == [[2.0, 1.0]]


def test_layers_of_one_setting():
    cells = {"table": "baseline-auroc", "method": "CAE+Grad", "score": "grad"}
    rows = frame(
        [
            gradcon_row(0.1 * i, variant=f"layer={i}{setting}", **cells)
            for i in range(1, 5)
            for setting in ("", ";lr=0.01")
        ]
    )
    found = layers(rows, "MNIST")
    assert found["layer"].tolist() == [1, 2, 3, 4] and set(found["variant"].str[:5]) == {"layer"}
    assert layers(rows, "MNIST", setting={"lr": 0.01})["variant"].str.endswith("lr=0.01").all()
    assert layers(rows, "CIFAR-10").empty


def test_losses_are_compared_over_the_networks_that_have_both():
    cells = {"table": "baseline-auroc", "method": "VAE", "score": "recon"}
    rows = frame(
        [
            gradcon_row(0.5, class_="3", **cells),
            gradcon_row(0.9, class_="4", **cells),
            gradcon_row(0.7, class_="3", variant="loss=bce", **cells),
            gradcon_row(0.6, class_="3"),
            gradcon_row(0.8, class_="3", variant="loss=bce"),
            gradcon_row(0.8, class_="4", **cells | {"method": "untrained CAE"}),
        ]
    )
    found = losses(rows, "MNIST")
    assert found.loc[("VAE", "recon")].tolist() == [0.5, 0.7, 1]
    assert found.loc[("GradCon", GRADCON)].tolist() == [0.6, 0.8, 1]
    assert found.attrs["classes"] == ["3"] and len(found) == 2
    assert losses(rows.iloc[:2], "MNIST").empty


def test_epochs_are_those_of_the_runs_behind_one_setting():
    rows = frame(
        [
            *[gradcon_row(0.5, seed=seed, class_=c, run="r") for seed in (2, 1) for c in "34"],
            gradcon_row(0.5, seed=0, run="long"),
            gradcon_row(0.6, variant="alpha=1", run="other"),
        ]
    )
    epochs = {"r": 20, "other": 5, "long": 60, "unused": 1}
    runs = pd.DataFrame(
        {"run": list(epochs), "parameters": [f'{{"epochs": {n}}}' for n in epochs.values()]}
    )
    assert epochs_of(rows, runs, "MNIST") == {20: [1, 2], 60: [0]}
    assert epochs_of(rows, runs, "MNIST", setting={"alpha": 1}) == {5: [0]}
    assert epochs_of(rows, runs, "CIFAR-10") == {}


def test_without_rows_there_is_nothing_to_tell():
    none = pd.DataFrame(columns=frame([gradcon_row(0.5)]).columns)
    assert moves(frame(none), "MNIST").empty
    assert moves(frame([gradcon_row(0.5)]), "CIFAR-10").empty
    assert kernel_ratios(frame(none), "MNIST").empty
    assert course_means(courses(frame(none), "MNIST")).empty
    assert losses(frame(none), "MNIST").empty
    assert layers(frame(none), "MNIST").empty
