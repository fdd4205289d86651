"""Three numbers side by side, each under its name."""

import pandas as pd
import pytest

from lib.errors import BadInput
from lib.metrics import Interval
from lib.results import frame, interval_text, join_published, published, row, three_numbers


def rows(dataset, cells, *, seed=0, variant="", method="CAE", score="recon"):
    return frame(
        [
            row(
                run=f"{dataset}-{seed}",
                table="baseline-auroc",
                dataset=dataset,
                method=method,
                score=score,
                class_=class_,
                variant=variant,
                seed=seed,
                metric="AUROC",
                value=value,
                n=10,
            )
            for class_, value in cells.items()
        ]
    )


def test_join_needs_every_key_and_an_empty_variant():
    main = rows("CIFAR-10", {"plane": 0.7, "average": 0.6, "zebra": 0.5})
    control = rows("CIFAR-10", {"plane": 0.4}, variant="alpha=0")
    other = rows("MNIST", {"average": 0.9})
    joined = join_published(pd.concat([main, control, other]), published())
    assert joined["value"].tolist() == [0.7, 0.6, 0.5, 0.4, 0.9]
    assert joined["published"].fillna(-1).tolist() == [0.682, 0.564, -1, -1, -1]


def test_join_refuses_ambiguous_published_rows():
    told = published("gradcon-slides").head(1)
    with pytest.raises(BadInput, match="share their keys"):
        join_published(rows("CIFAR-10", {"plane": 0.7}), pd.concat([told, told]))


def test_interval_text():
    assert interval_text(Interval(0.968, 0.964, 0.972, 3)) == "0.968 ± 0.004"
    assert interval_text(Interval(0.968, float("-inf"), float("inf"), 1)) == "0.968"
    assert interval_text(Interval(230721.0, 230721.0, 230721.0, 1), decimals=0) == "230,721"


def test_three_numbers_stand_under_their_names():
    here = pd.concat(
        [
            rows("MNIST-5k", {"1": 0.99, "0": 0.95, "average": 0.97}),
            rows("MNIST-5k", {"0": 0.5}, method="mean brightness", score=""),
            rows("MNIST-5k", {"0": 0.1}, variant="alpha=0"),
        ]
    )
    # mean 0.96, standard deviation 0.01, half width 4.303 * 0.01 / sqrt(3) = 0.0248
    reference = pd.concat(
        [rows("MNIST", {"0": v}, seed=s) for s, v in enumerate((0.95, 0.96, 0.97))]
    )
    shown = three_numbers(
        here,
        reference,
        published(),
        table="baseline-auroc",
        dataset="MNIST-5k",
        published_dataset="MNIST",
    )
    assert shown.index.names == ["method", "score", "numbers", "data"]
    assert shown.index.tolist() == [
        ("CAE", "recon", "reference", "MNIST"),
        ("CAE", "recon", "this build", "MNIST-5k"),
        ("mean brightness", "", "this build", "MNIST-5k"),
    ]
    assert shown.columns.tolist() == ["0", "1", "average"]
    assert shown.values.tolist() == [
        ["0.960 ± 0.025", "", ""],
        ["0.950", "0.990", "0.970"],
        ["0.500", "", ""],
    ]


def test_document_order_and_published_cells():
    here = rows("CIFAR-10", {"plane": 0.7}, method="untrained CAE")
    shown = three_numbers(here, frame([]), published(), table="baseline-auroc", dataset="CIFAR-10")
    assert shown.columns.tolist()[:2] == ["plane", "car"] and shown.columns[-1] == "average"
    assert shown.index[0] == ("CAE", "recon", "published", "CIFAR-10")
    assert shown.iloc[0]["average"] == "0.564"
    assert shown.index[-1] == ("untrained CAE", "recon", "this build", "CIFAR-10")
    few = three_numbers(
        here, frame([]), published(), table="baseline-auroc", dataset="CIFAR-10", methods=["CAE"]
    )
    assert few.index.tolist() == [("CAE", "recon", "published", "CIFAR-10")]


def test_nothing_to_show_and_doubled_cells():
    empty = three_numbers(frame([]), frame([]), published(), table="none", dataset="MNIST")
    assert empty.shape == (0, 0)
    one = rows("MNIST", {"0": 0.9})
    with pytest.raises(BadInput, match="claim the same cell"):
        three_numbers(
            pd.concat([one, one]), one, published(), table="baseline-auroc", dataset="MNIST"
        )


def test_intervals_can_be_kept_to_the_average():
    both = [
        rows("MNIST", {"0": 0.8 + s, "average": 0.8 + s}, seed=i) for i, s in ((0, 0), (1, 0.1))
    ]
    shown = three_numbers(
        pd.concat(both),
        frame([]),
        published(),
        table="baseline-auroc",
        dataset="MNIST",
        intervals_in=["average"],
    )
    # two seeds, 0.8 and 0.9: half width t(1) * 0.0707 / sqrt(2) = 12.706 * 0.05 = 0.635
    assert shown.values.tolist() == [["0.850", "0.850 ± 0.635"]]
