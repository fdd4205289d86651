"""Measuring saliency against error: settings, training classes, and which rows come of it."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from lib import data, errors, metrics, numbers, scores
from lib.data import ImageSet
from lib.experiments import localization as lo
from lib.experiments import localization_networks, localization_rows

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
    "sample": 3,
    "attributed": 2,
    "trust": False,
    "device": "auto",
}


def two_stages(attribute: Any, model: nn.Module, fresh: nn.Module, x: Tensor) -> list[np.ndarray]:
    """The maps of the network, of it once more, and of another, in place of every stage's."""
    return [scores.scaled(attribute(each, x)).numpy() for each in (model, model, fresh)]


def mean_row(model: nn.Module, x: Tensor) -> Tensor:
    return scores.input_gradient(model, x).flatten(1)[:, None]


@pytest.fixture(scope="module")
def digits() -> ImageSet:
    """Ten training and four test images of each digit, out of the embedded ones."""
    full = data.load("mnist-5k")
    some = [
        np.flatnonzero((full.labels == digit) & (full.is_test == is_test))[:n]
        for digit in range(10)
        for is_test, n in ((False, 10), (True, 4))
    ]
    members = np.sort(np.concatenate(some))
    parts = {name: getattr(full, name)[members] for name in ("images", "labels", "is_test")}
    return replace(full, **parts)


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
        patch.setattr(lo, "cascading_maps", two_stages)
        yield patch


def measured(**values: Any) -> lo.Measured:
    return lo.measure(lo.Settings(**BASE | values), progress=lambda line: None)


@pytest.fixture(scope="module")
def base() -> lo.Measured:
    return measured()


def value(rows: pd.DataFrame, **cells: Any) -> float:
    """The one value with these cells, of the document's own setting unless they say otherwise."""
    for name, cell in ({"variant": ""} | cells).items():
        rows = rows[rows[name.removesuffix("_")] == cell]
    return float(rows["value"].item())


def test_every_published_number_has_a_row(base: lo.Measured) -> None:
    ours = base.rows[base.rows["variant"] == ""]
    keys = ["table", "method", "score", "class", "metric"]
    wanted = set(numbers.published("localization-paper")[keys].itertuples(index=False, name=None))
    assert not wanted - set(ours[keys].itertuples(index=False, name=None))


def test_rows_are_those_of_the_trained_network_and_its_maps(base: lo.Measured) -> None:
    rows, model, x = base.rows, base.fitted["0-4", 0].model, base.study.x
    saliency, error = base.maps["0-4", 0]
    assert np.array_equal(error, scores.error_map(model, x).numpy())
    novel = base.study.labels > 4
    own = {"method": localization_rows.METHOD}
    shared = metrics.top_k_agreement(saliency, error, k=10)
    for kind, members in (("normal", ~novel), ("novel", novel)):
        place = localization_rows.agreement_place(10, most=False)._asdict() | {"class_": kind}
        assert value(rows, **place, **own) == np.mean(shared[members] <= 5)
        rank = localization_rows.RANKED._asdict() | {"class_": kind}
        wanted = metrics.spearman(saliency[members], error[members]).mean()
        assert value(rows, **rank, **own) == pytest.approx(wanted, abs=1e-12)  # float64 sums
    for digit in range(10):
        share = np.mean(shared[base.study.labels == digit] > 5)
        cells = {"table": "digits-top10-agreement", "class_": str(digit)}
        assert value(rows, **cells, **own) == share
    errors_of = scores.reconstruction_error(model, x).numpy()
    train = scores.reconstruction_error(model, base.study.part(("0-4", 0), "train")).numpy()
    flagged = localization_rows.FLAGGED._asdict()
    above = errors_of[novel] > np.quantile(train, 0.95)
    assert value(rows, **flagged, class_="novel") == above.mean()
    ranked = localization_rows.ranked_place("reconstruction error")._asdict()
    assert value(rows, **ranked, **own) == metrics.auroc(novel.astype(int), errors_of)
    untrained = value(rows, **ranked, method=localization_rows.UNTRAINED)
    assert untrained != value(rows, **ranked, **own)


def test_averages_are_over_kinds_of_planting_and_over_stages(base: lo.Measured) -> None:
    rows = base.rows
    planted = rows[rows["table"].str.startswith("planted")]
    keys = ["method", "score", "metric"]
    average = planted[planted["table"] == "planted-average"].set_index(keys)["value"]
    kinds = planted[planted["table"] != "planted-average"].groupby(keys)
    assert (kinds.size() == 4).all() and len(average) == kinds.ngroups == 4 * 9
    # float64 means of four
    assert average.sort_index().to_numpy() == pytest.approx(kinds["value"].mean().to_numpy())
    sanity = rows[rows["table"] == "sanity-randomisation"]
    stages = sanity[sanity["variant"].str.startswith("randomised=")]
    for metric in ("Spearman", "SSIM"):
        every = stages[stages["metric"] == f"{metric} with the trained network's map"]
        for score, part in every.groupby("score"):
            cells = {"metric": f"mean {metric} over the stages", "score": score}
            assert value(sanity, **cells) == pytest.approx(part["value"].mean())
    first = stages[(stages["variant"] == "randomised=1")]
    # the same map: float64 sums of 784 terms
    assert len(first) == 10 and first["value"].to_numpy() == pytest.approx(1, abs=1e-9)


def test_samples_k_and_variant_are_those_asked_for(base: lo.Measured) -> None:
    asked = {"k": [10, 3], "sample": 4, "attributed": 3, "normal_classes": [5, 2, 0]}
    other = measured(**asked, learning_rate=0.02).rows
    wanted = {"arm": "0+2+5", "lr": "0.02"}
    assert all(wanted.items() <= numbers.parse_variant(v).items() for v in other["variant"])
    assert set(other["table"]) - set(base.rows["table"]) == {
        table.replace("top5", "top3") for table in base.rows["table"] if "top5" in table
    }
    counts = {"planted-average": {4 * 4}, "planted-cut-out": {4}, "sanity-randomisation": {3}}
    for table, count in counts.items():
        assert set(other.loc[other["table"] == table, "n"]) == count


def test_another_seed_changes_nothing_about_the_first(base: lo.Measured) -> None:
    both = measured(seeds=[0, 1]).rows
    keys = [name for name in both.columns if name not in ("run", "value", "n")]
    alone = base.rows.set_index(keys)["value"]
    first = both[both["seed"] == 0].set_index(keys)["value"]
    assert first.equals(alone.loc[first.index]) and len(first) == len(alone)  # exactly
    second = both[both["seed"] == 1].assign(seed=0).set_index(keys)["value"]
    assert second.index.equals(first.index) and not second.equals(first)


def test_controls_swap_the_roles_and_watched_epochs_are_shown() -> None:
    asked = {"watch": [1, 9], "last": 2, "epochs": 4}
    assert lo.Settings(**BASE | asked).shown == {1, 3, 4}
    rows = measured(**asked | {"epochs": 2, "last": 1}, controls=True).rows
    rows = rows[rows["method"] == localization_rows.METHOD]
    settings = rows["variant"].map(numbers.parse_variant)
    arms = settings.map(lambda each: each.get("arm", ""))
    shown = settings.map(lambda each: each.get("epochs_shown", ""))
    assert set(arms) == {"", "5-9", "0-9"} and set(shown) == {"", "1", "2"}
    for arm, part in rows.groupby(arms):
        # each digit's images alone, whatever the network was trained on
        digits = part["table"].str.startswith("digits")
        assert set(part.loc[digits, "class"]) == set("0123456789")
        kinds = {"normal"} if arm == "0-9" else {"normal", "novel"}
        assert set(part.loc[~digits, "class"]) == kinds
        counts = part.loc[part["table"] == "finding6-map-mse", "n"]
        assert set(counts) == ({40} if arm == "0-9" else {20})  # 4 test images of each digit
    maps = rows["table"] == "finding6-map-mse"
    of = rows[maps].groupby([arms, shown])["value"].first()
    assert of[:, ""].nunique() == 3 and of[:, "1"].nunique() == 3
    assert of[:, ""].equals(of[:, "2"]) and not of[:, ""].equals(of[:, "1"])


def test_nothing_is_novel_to_all_classes_but_to_the_author_s_weights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def lent(folder: Path) -> Iterator[tuple[str, dict[str, int], nn.Module]]:
        assert folder == Path("given")
        yield "theirs", {"epochs_shown": 100}, localization_networks.network(3, "cpu")

    monkeypatch.setattr(lo, "author_networks", lent)
    every = list(range(10))
    found = measured(weights="given", normal_classes=every, controls=True)  # a control of its own
    own = found.rows[found.rows["method"] != "theirs"]
    assert not own["class"].str.contains("novel").any()
    assert not own["table"].str.startswith("planted").any() and "AUROC" not in set(own["metric"])
    assert all(numbers.parse_variant(v)["arm"] == "0-9" for v in own["variant"].unique())
    rows = found.rows[found.rows["method"] == "theirs"]
    assert set(rows["variant"]) == {"epochs_shown=100"} and set(rows["class"]) == {
        "normal",
        "novel",
    }
    maps = localization_networks.maps_of(localization_networks.network(3, "cpu"), found.study.x)
    normal = found.study.labels < 5  # the paper's, not the run's
    wanted = metrics.spearman(*maps)[normal].mean()
    place = localization_rows.RANKED._asdict() | {"variant": "epochs_shown=100"}
    assert value(rows, **place, class_="normal") == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "value"),
    [("learning_rate", 0.02), ("noise", 0.2), ("batch_size", 8)],
)
def test_another_setting_trains_another_network(base: lo.Measured, name: str, value: float) -> None:
    study = lo.prepare(lo.Settings(**BASE | {name: value}), "cpu")
    lines: list[str] = []
    trained = lo.train(study, ("0-4", 0), lines.append)
    assert len(lines) == BASE["epochs"]
    before, after = (
        torch.cat([each.flatten() for each in fitted.model.parameters()])
        for fitted in (base.fitted["0-4", 0], trained)
    )
    assert not torch.equal(before, after)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"k": [5, 785]}, "^k.*less than or equal to 784"),
        ({"k": [5, 5]}, "^k must have each entry once"),
        ({"watch": [0]}, "^watch.*greater than or equal to 1"),
        ({"normal_classes": []}, "^normal_classes .*at least 1 item"),
        ({"batch_size": 1}, "^batch_size .*greater than or equal to 2"),
        ({"learning_rate": 0.0}, "^learning_rate .*greater than 0"),
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
