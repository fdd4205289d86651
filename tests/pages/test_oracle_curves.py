"""What the oracle's figures draw, on a few planted rows."""

import numpy as np
import pandas as pd
import pytest

from lib.pages import oracle
from lib.pages import oracle_curves as curves
from lib.pages.oracle_tables import Source
from lib.results import frame, row

AUC, EER = oracle.AUC, oracle.EER


def planted(value, *, table, metric=AUC, seed=0, **cells):
    names = {"dataset": "CIFAR-10", "class_": oracle.CLASS, "n": 9, "method": oracle.BASE} | cells
    return row(run="planted", table=table, metric=metric, value=value, seed=seed, **names)


def source(*rows, dataset="CIFAR-10", **setting):
    return Source(frame(rows), dataset, setting)


def steps(values, **more):
    """The three AUCs of Q1 and Q2, as far as there are values."""
    places = [
        (oracle.BASE, "max logit"),
        (oracle.DETECTOR, oracle.FOREST),
        (oracle.REPRESENTATION, oracle.FOREST),
    ]
    return [
        planted(value, table=oracle.Q1_Q2, method=method, score=score, **more)
        for value, (method, score) in zip(values, places, strict=False)
    ]


EMPTY = source()
TOLD = pd.DataFrame(
    {
        "table": oracle.Q1_Q2,
        "dataset": ["CIFAR-10"] * 3 + ["CIFAR-100"] * 3,
        "value": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
    }
)


def test_bars_are_published_reference_and_own_where_all_three_are_known():
    reference = source(*steps([0.5, 0.6, 0.7]), *steps([0.7, 0.8, 0.9], seed=1))
    own = source(*steps([0.8, 0.9, 1.0], dataset="MNIST"), dataset="MNIST")
    both = {"reference": reference, "this build": own}
    titles = ["CIFAR-10", "CIFAR-100", "CIFAR-10", "SVHN", "MNIST"]
    found = curves.step_bars(both, TOLD, titles)
    # of CIFAR-100 the document alone tells
    assert {title: list(bars) for title, bars in found.items()} == {
        "CIFAR-10": ["published", "reference"],
        "MNIST": ["this build"],
    }
    printed, ours = found["CIFAR-10"].values()
    assert [(bar.low, bar.mean, bar.high) for bar in printed] == [
        (v, v, v) for v in (0.1, 0.2, 0.3)
    ]
    assert [bar.mean for bar in ours] == pytest.approx([0.6, 0.7, 0.8], abs=1e-12)  # rounding
    assert all(bar.n == 2 for bar in ours)
    assert [bar.mean for bar in found["MNIST"]["this build"]] == [0.8, 0.9, 1.0]


def test_a_missing_step_leaves_its_source_out_but_the_main_set_keeps_its_panel():
    both = {"reference": source(*steps([0.5, 0.6])), "this build": source(dataset="MNIST")}
    found = curves.step_bars(both, TOLD, ["CIFAR-10", "CIFAR-100", "MNIST"])
    assert {title: list(bars) for title, bars in found.items()} == {"CIFAR-10": ["published"]}


def test_a_curve_takes_the_rows_that_differ_in_one_setting():
    few = {"table": "few-labels", "score": "forest"}
    told = source(
        planted(0.5, variant="labelled=10;width=2", **few),
        planted(0.7, variant="labelled=10;width=2", seed=1, **few),
        planted(0.9, variant="labelled=30;width=2", **few),
        planted(0.1, variant="labelled=10", **few),
        planted(0.1, variant="labelled=10;noise=1;width=2", **few),
        planted(0.1, variant="width=2", **few),
        planted(0.1, variant="labelled=10;width=2", metric=EER, **few),
        planted(0.1, variant="labelled=10;width=2", dataset="MNIST", **few),
        width=2,
    )
    found = curves.curve(told, "labelled", table="few-labels")
    assert found["labelled"].tolist() == ["10", "30"]
    assert found.iloc[0, 1:].tolist() == pytest.approx([0.6, 0.5, 0.7], abs=1e-12)  # rounding
    assert found.iloc[1, 1:].tolist() == [0.9, 0.9, 0.9]
    errors = curves.curve(told, "labelled", table="few-labels", metric=EER)
    assert errors["mean"].tolist() == [0.1]
    nothing = curves.curve(told, "labelled", table="far")
    assert nothing.empty and list(nothing.columns) == ["labelled", "mean", "min", "max"]


def test_left_out_classes_are_paired_with_themselves():
    pairs = {("cat", 0): (0.9, 0.6), ("dog", 0): (0.8, 0.7), ("cat", 1): (0.7, 0.5)}
    rows = [
        planted(value, table="left-out", variant=f"arm={arm};left_out={name}", seed=seed)
        for (name, seed), both in pairs.items()
        for arm, value in zip(("seen", "unseen"), both, strict=True)
    ]
    error = planted(0.1, table="left-out", variant="arm=seen;left_out=cat", metric=EER)
    told = source(*rows, error)
    found = curves.left_out_pairs(told)
    assert found["seen"].to_dict() == {("cat", 0): 0.9, ("cat", 1): 0.7, ("dog", 0): 0.8}
    assert found.loc[("dog", 0), "unseen"] == 0.7
    assert len(curves.left_out_pairs(EMPTY)) == 0


def test_far_images_stand_beside_the_anomaly_classes():
    far = {"table": "far", "variant": "far=SVHN"}
    reference = source(
        *steps([0.5, 0.6]),
        planted(0.7, score="max logit", **far),
        planted(0.8, score="max logit", seed=1, **far),
        planted(0.9, method=oracle.DETECTOR, score=oracle.FOREST, **far),
    )
    own = source(*steps([0.4], dataset="MNIST"), dataset="MNIST")
    found = curves.far_means({"reference": reference, "this build": own})
    # this build has no forest at all: its column is left out
    assert list(found) == ["max logit, reference", "forest, reference", "max logit, this build"]
    assert list(found.index) == ["SVHN", "anomaly classes"]
    assert found["max logit, reference"].tolist() == pytest.approx([0.75, 0.5])
    assert found["forest, reference"].tolist() == [0.9, 0.6]
    assert np.isnan(found.loc["SVHN", "max logit, this build"])


def test_the_grid_of_odin_has_numbers_for_its_axes():
    told = source(
        *(
            planted(
                t / 1000 + e, table="odin", score="ODIN", variant=f"epsilon={e};temperature={t}"
            )
            for t in (10, 1000, 1)
            for e in (0.001, 0)
        ),
        planted(0.9, table="odin", score="max cosine h", variant="epsilon=0;temperature=1"),
        planted(0.9, table="odin", score="ODIN", method="other", variant="epsilon=0;temperature=1"),
    )
    found = curves.odin_grid(told, oracle.BASE)
    assert list(found.index) == [0, 0.001] and list(found.columns) == [1, 10, 1000]
    assert found.loc[0.001, 10] == pytest.approx(0.011, abs=1e-12)  # rounding
    assert curves.odin_grid(told, "other").to_numpy().tolist() == [[0.9]]
    assert len(curves.odin_grid(told, "none")) == 0


def test_a_course_has_a_column_per_metric_or_score():
    course = {"table": "over-training", "variant": "epochs_shown=2"}
    told = source(
        planted(0.3, metric="training loss", **course),
        planted(0.7, score="max logit", **course),
        planted(0.2, score="max logit", metric=EER, **course),
        planted(0.6, score="max logit", table="over-training", variant="epochs_shown=10"),
        planted(0.1, score="max logit", seed=1, **course),
    )
    found = curves.along_training(told)
    assert list(found.index) == [2, 10] and set(found) == {"training loss", "max logit"}
    assert found["max logit"].tolist() == [0.7, 0.6]  # the first split alone
    assert found.loc[2, "training loss"] == 0.3 and np.isnan(found.loc[10, "training loss"])
    assert len(curves.along_training(EMPTY)) == 0


def test_finished_networks_have_accuracy_and_auc():
    accuracy = {"metric": "test accuracy", "table": "networks"}
    told = source(
        planted(0.9, **accuracy),
        planted(0.8, variant="member=1", **accuracy),
        planted(0.7, table="networks", score="max logit"),
        planted(0.6, table="networks", score="max logit", variant="member=1"),
        planted(0.5, table="networks", score="entropy"),
        planted(0.4, table="networks", score="max logit", method="untrained"),
        planted(0.3, seed=1, **accuracy),
    )
    found = curves.finished_networks(told)
    assert list(found) == ["method", "variant", "accuracy", "auc"]
    assert found[["accuracy", "auc"]].to_numpy().tolist() == [[0.9, 0.7], [0.8, 0.6]]
    assert len(curves.finished_networks(EMPTY)) == 0


def test_a_figure_tells_of_the_first_source_that_has_rows():
    own = source(planted(0.5, table="odin", score="ODIN"))
    other = source(planted(0.5, table="odin", method="other"))
    both = {"reference": other, "this build": own}
    assert curves.told_by(both, table="odin") == "reference"
    assert curves.told_by(both, table="odin", method=oracle.BASE) == "this build"
    assert curves.told_by(both, table="over-training") == "this build"
