"""Measuring saliency against error: settings, training classes, and which rows come of it."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from lib import data, errors, numbers, scores
from lib.data import ImageSet
from lib.experiments import localization as lo
from lib.experiments import localization_rows

# small enough for seconds, large enough that scores differ
BASE: dict[str, Any] = {
    "profile": "custom",
    "dataset": "mnist-5k",
    "data_root": "",
    "weights": "",
    "normal_classes": [0, 1, 2, 3, 4],
    "controls": False,
    "seeds": [0],
    "epochs": 1,
    "watch": [1, 5],
    "last": 0,
    "learning_rate": 0.01,
    "noise": 0.0,
    "batch_size": 16,
    "k": [5, 10],
    "sample": 6,
    "attributed": 2,
    "trust": False,
    "device": "auto",
}


def mean_row(model: nn.Module, x: Tensor) -> Tensor:
    return scores.input_gradient(model, x).flatten(1)[:, None]


@pytest.fixture(scope="module")
def digits() -> ImageSet:
    """Twelve training and six test images of each digit, out of the embedded ones."""
    full = data.load("mnist-5k")
    some = [
        np.flatnonzero((full.labels == digit) & (full.is_test == is_test))[:n]
        for digit in range(10)
        for is_test, n in ((False, 12), (True, 6))
    ]
    return chosen(full, np.sort(np.concatenate(some)))


def chosen(whole: ImageSet, members: np.ndarray) -> ImageSet:
    parts = {name: getattr(whole, name)[members] for name in ("images", "labels", "is_test")}
    return replace(whole, **parts)


@pytest.fixture(scope="module", autouse=True)
def few(digits: ImageSet) -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "load", lambda *args, **kwargs: digits)
        # the costliest parts, whose values no test here reads: fewer draws, and the mean over the
        # rows of a Jacobian instead of 784 backward passes
        fewer = partial(localization_rows.chance_numbers, draws=20)
        patch.setattr(localization_rows, "chance_numbers", fewer)
        patch.setattr(scores, "smooth_gradient", partial(scores.smooth_gradient, samples=2))
        patch.setattr(scores, "integrated_gradients", partial(scores.integrated_gradients, steps=2))
        patch.setattr(scores, "error_jacobian", mean_row)
        yield patch


def measured(**values: Any) -> pd.DataFrame:
    return lo.measure(lo.Settings(**BASE | values)).rows


@pytest.fixture(scope="module")
def base() -> pd.DataFrame:
    return measured()


def at_the_end(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[~rows["variant"].str.contains("epochs_shown")]


def test_every_published_number_has_a_row(base: pd.DataFrame) -> None:
    ours = base[base["variant"] == ""]
    keys = ["table", "method", "score", "class", "metric"]
    wanted = set(numbers.published("localization-paper")[keys].itertuples(index=False, name=None))
    assert not wanted - set(ours[keys].itertuples(index=False, name=None))


def test_samples_k_and_variant_are_those_asked_for(base: pd.DataFrame) -> None:
    asked = {"k": [10, 3], "sample": 4, "attributed": 3, "normal_classes": [5, 2, 0]}
    other = lo.measure(lo.Settings(**BASE | asked), variant={"lr": 0.02}, run="mine").rows
    assert set(other["run"]) == {"mine"}
    wanted = {"arm": "0+2+5", "lr": "0.02"}
    assert all(wanted.items() <= numbers.parse_variant(v).items() for v in other["variant"])
    assert set(other["table"]) - set(base["table"]) == {
        table.replace("top5", "top3") for table in base["table"] if "top5" in table
    }
    counts = {
        table: set(other.loc[other["table"] == table, "n"])
        for table in ("planted-average", "planted-cut-out", "sanity-randomisation")
    }
    assert counts == {
        "planted-average": {4 * 4},
        "planted-cut-out": {4},
        "sanity-randomisation": {3},
    }


def test_another_seed_changes_nothing_about_the_first(base: pd.DataFrame) -> None:
    both = measured(seeds=[0, 1])
    keys = [name for name in both.columns if name not in ("run", "value", "n")]
    alone = base.set_index(keys)["value"]
    first = both[both["seed"] == 0].set_index(keys)["value"]
    assert first.equals(alone.loc[first.index]) and len(first) == len(alone)  # exactly
    second = both[both["seed"] == 1].assign(seed=0).set_index(keys)["value"]
    assert second.index.equals(first.index) and not second.equals(first)


def test_watched_and_last_epochs_are_shown() -> None:
    asked = {"watch": [1, 9], "last": 2, "epochs": 4}
    assert lo.Settings(**BASE | asked).shown == {1, 3, 4}
    rows = measured(**asked)
    shares = rows[(rows["table"] == "table1-top5-agreement") & (rows["class"] == "normal")]
    shares = shares[shares["method"] == localization_rows.METHOD].drop_duplicates("variant")
    variants = [f"epochs_shown={epoch}" for epoch in (1, 3, 4)]
    assert set(shares["variant"]) == {"", *variants}
    by_variant = shares.set_index("variant")["value"]
    assert by_variant[""] == by_variant["epochs_shown=4"]
    validated = set(rows.loc[rows["table"] == "training", "variant"])
    assert validated == {"", "epochs_shown=1", "epochs_shown=3"}  # the last stands alone


def test_controls_swap_the_roles_and_take_all_classes() -> None:
    rows = measured(controls=True)
    rows = rows[rows["method"] == localization_rows.METHOD]
    arms = rows["variant"].map(lambda text: numbers.parse_variant(text).get("arm", ""))
    assert set(arms) == {"", "5-9", "0-9"}
    both = {"normal", "novel", "normal - novel"}
    for arm, part in rows.groupby(arms):
        assert set(part["class"]) & both == ({"normal"} if arm == "0-9" else both)
        # where nothing is novel the document's groups of digits are compared all the same
        assert ({"0-4", "5-9"} <= set(part["class"])) == (arm == "0-9")
        # each digit's images alone, whatever the network was trained on
        assert set(part.loc[part["table"] == "digits-top5-agreement", "class"]) == set("0123456789")
    maps = at_the_end(rows[rows["table"] == "finding6-map-mse"])
    assert maps.groupby(arms)["value"].first().nunique() == 3


def test_nothing_is_novel_to_a_network_of_all_classes() -> None:
    every = list(range(10))
    rows = measured(normal_classes=every, controls=True)  # a control of its own
    assert not rows["class"].str.contains("novel").any()
    assert not rows["table"].str.startswith(("planted", "finding4")).any()
    assert "AUROC" not in set(rows["metric"])
    assert all(numbers.parse_variant(v)["arm"] == "0-9" for v in rows["variant"].unique())
    # all 6 test images of each digit are normal
    assert set(rows.loc[rows["table"] == "finding2-spearman", "n"]) == {60}
    # the document's two groups together are all images
    shares = at_the_end(rows[rows["table"] == "table1-top5-agreement"])
    shares = shares[shares["method"] == localization_rows.METHOD].drop_duplicates("class")
    by_class = shares.set_index("class")["value"]
    # float64 means of halves of equal size
    assert by_class["normal"] == pytest.approx((by_class["0-4"] + by_class["5-9"]) / 2, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "value"),
    [("learning_rate", 0.02), ("noise", 0.2), ("batch_size", 8), ("epochs", 2)],
)
def test_another_setting_trains_another_network(name: str, value: float) -> None:
    weights = []
    for settings in (BASE, BASE | {name: value}):
        study = lo.prepare(lo.Settings(**settings), "cpu")
        lines: list[str] = []
        trained = lo.train(study, ("0-4", 0), lines.append)
        weights.append(torch.cat([each.flatten() for each in trained.model.parameters()]))
        assert len(lines) == settings["epochs"]
    assert not torch.equal(*weights)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"k": []}, "^k .*at least 1 item"),
        ({"k": [5, 785]}, "^k.*less than or equal to 784"),
        ({"k": [5, 5]}, "^k has an entry twice"),
        ({"watch": [0]}, "^watch.*greater than 0"),
        ({"sample": 0}, "^sample .*greater than 0"),
        ({"attributed": 0}, "^attributed .*greater than 0"),
        ({"seeds": [-1]}, "^seeds.*greater than or equal to 0"),
        ({"normal_classes": []}, "^normal_classes .*at least 1 item"),
        ({"epochs": 0}, "^epochs .*greater than 0"),
        ({"batch_size": 1}, "^batch_size .*greater than or equal to 2"),
        ({"learning_rate": 0.0}, "^learning_rate .*greater than 0"),
        ({"noise": -0.1}, "^noise .*greater than or equal to 0"),
        ({"normal_classes": [10]}, "from 0 to 9 for MNIST-5k, but is 10"),
    ],
    ids=str,
)
def test_bad_input_is_one_sentence(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(errors.BadInput, match=sentence) as problem:
        lo.prepare(lo.Settings(**BASE | values), "cpu").splits  # noqa: B018
    assert "\n" not in str(problem.value)


def test_colour_images_are_refused(digits: ImageSet, monkeypatch: pytest.MonkeyPatch) -> None:
    colours = replace(digits, images=digits.images.repeat(3, 1), title="CIFAR-10")
    monkeypatch.setattr(data, "load", lambda *args, **kwargs: colours)
    with pytest.raises(errors.BadInput, match="takes grey images, but those of CIFAR-10 have col"):
        lo.prepare(lo.Settings(**BASE), "cpu")


def test_an_arm_is_named_by_its_classes() -> None:
    assert [lo.arm(c) for c in ([0, 1, 2, 3, 4], [9, 7, 8], [3], [5, 0, 2])] == [
        *("0-4", "7-9", "3-3", "0+2+5")
    ]
