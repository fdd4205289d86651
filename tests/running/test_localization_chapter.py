"""The localization chapter's parameters and bad input, with its cells run in this process."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from lib import data, errors, parameters, results, scores
from lib.data import ImageSet
from lib.pages import localization as lo

# small enough for seconds, large enough that scores differ
BASE: dict[str, Any] = {
    "epochs": 1,
    "batch_size": 16,
    "controls": False,
    "sample": 6,
    "attributed": 2,
}
# each with a name whose cell ends the run, and a table whose numbers must move
OTHER_VALUES: dict[str, tuple[Any, str, str]] = {
    "normal_classes": ([0, 1, 2, 3, 5], "collected", "finding6-map-mse"),
    "controls": (True, "collected", "finding6-map-mse"),
    "seeds": ([1], "collected", "finding6-map-mse"),
    "epochs": (2, "collected", "finding6-map-mse"),
    "learning_rate": (0.02, "collected", "finding6-map-mse"),
    "noise": (0.2, "collected", "finding6-map-mse"),
    "batch_size": (8, "collected", "finding6-map-mse"),
    "k": ([10, 3], "collected", "figure2-top3-agreement"),
    "sample": (4, "has_novel", "planted-average"),
    "attributed": (1, "STAGES", "sanity-randomisation"),
}
# tested below by what they do, since another value need not move a number
OTHERWISE = {"profile", "dataset", "data_root", "trust", "device"}


@pytest.fixture(scope="module")
def digits() -> ImageSet:
    """Twelve training and six test images of each digit, out of the embedded ones."""
    full = data.load("mnist-5k")
    kept = [
        np.flatnonzero((full.labels == digit) & (full.is_test == is_test))[:n]
        for digit in range(10)
        for is_test, n in ((False, 12), (True, 6))
    ]
    return chosen(full, np.sort(np.concatenate(kept)))


def chosen(whole: ImageSet, kept: np.ndarray) -> ImageSet:
    parts = {name: getattr(whole, name)[kept] for name in ("images", "labels", "is_test")}
    return replace(whole, **parts)


def mean_row(model: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    return scores.input_gradient(model, x).flatten(1)[:, None]


@pytest.fixture(scope="module")
def cells(chapter_cells, digits: ImageSet) -> Iterator[Any]:
    """Run the chapter on a few digits until `until` is defined; the rows stand before a figure."""

    def run(until: str = "provenance", **values: Any) -> dict[str, Any]:
        return chapter_cells("localization", until, **BASE | values)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "load", lambda *args, **kwargs: digits)
        # the costliest parts, whose values no test here reads: fewer draws, and the mean over the
        # rows of a Jacobian instead of 784 backward passes
        patch.setattr(lo, "chance_numbers", partial(lo.chance_numbers, draws=20))
        patch.setattr(scores, "smooth_gradient", partial(scores.smooth_gradient, samples=2))
        patch.setattr(scores, "error_jacobian", mean_row)
        yield run


@pytest.fixture(scope="module")
def base(cells) -> dict[str, Any]:
    return cells()


def collected(space: dict[str, Any]) -> pd.DataFrame:
    """The rows that stand where a run was ended, checked."""
    return results.frame(space["collected"])


def variants(rows: pd.DataFrame) -> list[dict[str, str]]:
    return [results.parse_variant(text) for text in rows["variant"].unique()]


def final_values(rows: pd.DataFrame, table: str) -> list[float]:
    """A table's values, but for those that were read before the last epoch."""
    shown = rows["variant"].str.contains("epochs_shown")
    return rows.loc[(rows["table"] == table) & ~shown, "value"].tolist()


def test_every_parameter_is_tried() -> None:
    assert set(OTHER_VALUES) | OTHERWISE == set(parameters.declared("localization"))


@pytest.mark.parametrize("name", OTHER_VALUES)
def test_another_value_changes_the_rows(cells, base: dict[str, Any], name: str) -> None:
    value, until, table = OTHER_VALUES[name]
    found = final_values(collected(cells(until, **{name: value})), table)
    assert found and found != final_values(base["rows"], table)


def test_the_same_values_give_the_same_rows(cells, base: dict[str, Any]) -> None:
    again = cells(device="cpu")["rows"]
    if torch.cuda.is_available():
        pytest.skip("device auto is another one here")
    same = base["rows"].drop(columns="run")  # the run's name tells cpu from auto
    pd.testing.assert_frame_equal(again.drop(columns="run"), same, check_exact=True)


def test_a_second_seed_changes_nothing_about_the_first(cells, base: dict[str, Any]) -> None:
    both = collected(cells("collected", seeds=[0, 1]))
    keys = [name for name in both.columns if name not in ("run", "value", "n")]
    alone = base["rows"].set_index(keys)["value"]
    first = both[both["seed"] == 0].set_index(keys)["value"]
    assert first.equals(alone.loc[first.index])  # exactly
    second = both[both["seed"] == 1].assign(seed=0).set_index(keys)["value"]
    assert second.index.equals(first.index) and not second.equals(first)


def test_every_published_number_has_a_row_of_this_run(base: dict[str, Any]) -> None:
    rows = base["rows"]
    ours = rows[(rows["variant"] == "") & (rows["dataset"] == "MNIST-5k")]
    keys = ["table", "method", "score", "class", "metric"]
    missing = set(results.published("localization-paper")[keys].itertuples(index=False, name=None))
    assert not missing - set(ours[keys].itertuples(index=False, name=None))


def test_controls_swap_the_roles_and_take_all_classes(cells) -> None:
    rows = collected(cells("collected", controls=True))
    rows = rows[rows["method"] == lo.METHOD]
    arms = rows["variant"].map(lambda text: results.parse_variant(text).get("arm", ""))
    assert set(arms) == {"", "5-9", "0-9"}
    for arm, part in rows.groupby(arms):
        both = {"normal", "novel", "normal - novel"}
        wanted = {"normal"} if arm == "0-9" else both
        assert set(part["class"]) & both == wanted
        # each digit's images alone, whatever the network was trained on
        assert set(part.loc[part["table"] == "digits-top5-agreement", "class"]) == set("0123456789")
    errors_of_arms = {
        tuple(final_values(part, "finding6-map-mse")[:2]) for _, part in rows.groupby(arms)
    }
    assert len(errors_of_arms) == 3


def test_nothing_is_novel_to_a_network_of_all_classes(cells) -> None:
    found = cells(normal_classes=list(range(10)), controls=True)  # a control of its own
    rows = found["rows"]
    assert not rows["class"].str.contains("novel").any()
    assert not rows["table"].str.startswith(("planted", "finding4")).any()
    assert "AUROC" not in set(rows["metric"])
    assert {setting.get("arm") for setting in variants(rows)} == {"0-9"}
    # all 6 test images of each digit are normal
    assert set(rows.loc[rows["table"] == "finding2-spearman", "n"]) == {60}


def test_settings_of_the_profile_are_the_main_rows(
    cells, base: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert base["provenance"]["profile"] == "custom"
    assert not {"lr", "noise", "arm"} & {key for s in variants(base["rows"]) for key in s}
    values = {"normal_classes": [5, 2, 0], "learning_rate": 0.02, "noise": 0.2}
    other = collected(cells("collected", **values))
    wanted = {"arm": "0+2+5", "lr": "0.02", "noise": "0.2"}
    assert all(wanted.items() <= setting.items() for setting in variants(other))

    lines = [f"  {name}: {value}\n" for name, value in values.items()]
    (tmp_path / "quick.yml").write_text("localization:\n" + "".join(lines))
    monkeypatch.setattr(parameters, "PROFILES", tmp_path)
    main = collected(cells("collected", **values, profile="quick"))
    assert main["run"].str.startswith("localization-quick-").all()
    assert {key for setting in variants(main) for key in setting} == {"epochs_shown"}
    assert main["value"].tolist() == other["value"].tolist()


def test_another_set_gives_rows_of_its_own(
    cells, base: dict[str, Any], upside_down: ImageSet
) -> None:
    rows = collected(cells("collected", dataset="fashion-mnist"))
    assert set(rows["dataset"]) == {"Fashion-MNIST"}
    table = "finding6-map-mse"
    assert final_values(rows, table) != final_values(base["rows"], table)
    told = base["provenance"]
    assert (told["data_sha256"], told["data_origin"]) == (upside_down.sha256, upside_down.origin)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"k": []}, r"k needs entries from 1 up, each once; it was \[\]"),
        ({"k": [0]}, r"k needs entries from 1 up, each once; it was \[0\]"),
        ({"k": [5, 785]}, r"k takes numbers up to the 784 pixels of an image; it was \[5, 785\]"),
        ({"k": [5, 5]}, r"k needs entries from 1 up, each once; it was \[5, 5\]"),
        ({"sample": 0}, "sample must be at least 1; it was 0"),
        ({"attributed": 0}, "attributed must be at least 1; it was 0"),
        ({"seeds": []}, r"seeds needs entries from 0 up, each once; it was \[\]"),
        ({"seeds": [-1]}, r"seeds needs entries from 0 up, each once; it was \[-1\]"),
        ({"seeds": [0, 0]}, r"seeds needs entries from 0 up, each once; it was \[0, 0\]"),
        ({"normal_classes": [0, 0]}, r"normal_classes needs entries .*; it was \[0, 0\]"),
        ({"normal_classes": [10]}, "from 0 to 9 for MNIST-5k, but is 10"),
        ({"normal_classes": [-1]}, r"normal_classes needs entries from 0 up.*; it was \[-1\]"),
        ({"epochs": 0}, "epochs must be a whole number of at least 1; it was 0"),
        ({"batch_size": 1}, "batch_size must be at least 2; it was 1"),
        ({"normal_classes": []}, r"normal_classes needs entries .*; it was \[\]"),
        ({"learning_rate": 0.0}, "learning_rate must be a number above 0; it was 0.0"),
        ({"noise": -0.1}, "noise must be a number of at least 0; it was -0.1"),
        ({"device": "gpu"}, "device must be auto, cpu or cuda.*it was 'gpu'"),
    ],
    ids=str,
)
def test_bad_input_is_one_sentence(cells, values: dict[str, Any], sentence: str) -> None:
    parameters.check("localization", values)  # so it is the chapter itself that refuses
    with pytest.raises(errors.BadInput, match=sentence) as told:
        cells("fitted", **values)
    assert "\n" not in str(told.value)


def test_colour_images_are_refused(cells, colour_noise) -> None:
    colour_noise(train=10, test=10)
    with pytest.raises(errors.BadInput, match="takes grey images, but those of CIFAR-10 have col"):
        cells("splits", dataset="cifar-10")


def test_a_set_without_images_of_a_normal_class_is_refused(
    cells, digits: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    zeros = chosen(digits, np.flatnonzero(digits.labels == 0))
    for few, sentence in (
        (zeros, "MNIST-5k has no image of class 1"),
        (replace(zeros, class_names=("0",)), "from 0 to 0 for MNIST-5k, but is 1"),
    ):
        monkeypatch.setattr(data, "load", lambda *args, few=few, **kwargs: few)
        with pytest.raises(errors.BadInput, match=sentence):
            cells("splits")


def test_a_set_of_one_class_has_nothing_novel(
    cells, digits: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    zeros = chosen(digits, np.flatnonzero(digits.labels == 0))
    zeros = replace(zeros, class_names=("0",))
    monkeypatch.setattr(data, "load", lambda *args, **kwargs: zeros)
    rows = collected(cells("collected", normal_classes=[0], controls=True, batch_size=4))
    assert set(rows["class"]) == {"normal", "0"}
