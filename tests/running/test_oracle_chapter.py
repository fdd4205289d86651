"""The oracle chapter's parameters and bad input, with its cells run in this process."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from lib import data, errors, parameters, results
from lib.data import ImageSet, loading
from lib.pages import oracle, oracle_page
from lib.results import latent_store

# small enough for seconds, large enough that scores differ
BASE: dict[str, Any] = {
    "networks": ["base", "all classes"],
    "extra": [],
    "width": 2,
    "epochs": 1,
    "batch_size": 16,
    "trees": 10,
    "curve_trees": 5,
    "labelled": [3, 6],
    "temperatures": [1, 10],
    "epsilons": [0.0, 0.01],
    "sample": 12,
}
# each with a table whose numbers must move
OTHER_VALUES: dict[str, tuple[Any, str]] = {
    "networks": (["base", "all classes", "generalized odin"], "networks"),
    "extra": (["hybrid 0.9"], "networks"),
    "splits": ([1], "networks"),
    "seeds": ([1], "networks"),
    "width": (4, "networks"),
    "epochs": (2, "networks"),
    "learning_rate": (0.02, "networks"),
    "schedule": ("steps", "networks"),
    "batch_size": (8, "networks"),
    "precision": ("bfloat16", "networks"),
    "trees": (5, "networks"),
    "curve_trees": (3, "left-out"),
    "labelled": ([2], "few-labels"),
    "far": (["other"], "far"),
    "temperatures": ([1, 10, 50], "odin"),
    "epsilons": ([0.0, 0.01, 0.05], "odin"),
    "sample": (8, "odin"),
}
# tested below by what they do, since another value need not move a number
OTHERWISE = {"profile", "dataset", "data_root", "latents", "store", "trust", "device"}
# what is read from the weights, and so is left out where z and logits come from a folder (as are
# summaries over several epochs, which these runs do not have)
OF_WEIGHTS = {"far", "far-average", "budget", "over-training", "odin", "odin-best"}
TIME = "minutes of one core"  # the one metric that no values fix
KEYS = ["table", "dataset", "method", "score", "class", "variant", "metric"]


@pytest.fixture(scope="module")
def digits() -> ImageSet:
    """Twenty images of each digit, out of the embedded ones."""
    full = data.load("mnist-5k")
    kept = [np.flatnonzero(full.labels == digit)[:20] for digit in range(10)]
    return chosen(full, np.sort(np.concatenate(kept)))


def chosen(whole: ImageSet, kept: np.ndarray) -> ImageSet:
    parts = {name: getattr(whole, name)[kept] for name in ("images", "labels", "is_test")}
    return replace(whole, **parts)


@pytest.fixture(scope="module")
def cells(chapter_cells, digits: ImageSet) -> Iterator[Any]:
    """Run the chapter on a few digits until `until` is defined; the rows stand before a figure."""

    def load(name: str, **options: Any) -> ImageSet:
        if name == "other":
            return replace(digits, images=255 - digits.images)
        return digits if name == "mnist-5k" else loading.load(name, **options)

    def run(until: str = "provenance", **values: Any) -> dict[str, Any]:
        return chapter_cells("oracle", until, **BASE | values)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "load", load)
        yield run


@pytest.fixture(scope="module")
def base(cells) -> dict[str, Any]:
    return cells()


def numbers_of(rows: pd.DataFrame, seed: int) -> pd.Series:
    """The values of one experiment by what they are, without the time that it took."""
    kept = rows[(rows["seed"] == seed) & (rows["metric"] != TIME)]
    return kept.set_index(KEYS)["value"].sort_index()


def values_in(rows: pd.DataFrame, table: str) -> list[float]:
    return rows.loc[rows["table"] == table, "value"].tolist()


def test_every_parameter_is_tried() -> None:
    assert set(OTHER_VALUES) | OTHERWISE == set(parameters.declared("oracle"))


@pytest.mark.parametrize("name", OTHER_VALUES)
def test_another_value_changes_the_rows(cells, base: dict[str, Any], name: str) -> None:
    value, table = OTHER_VALUES[name]
    found = values_in(cells(**{name: value})["rows"], table)
    assert found and found != values_in(base["rows"], table)


def test_the_same_values_give_the_same_rows(cells, base: dict[str, Any]) -> None:
    if torch.cuda.is_available():
        pytest.skip("device auto is another one here")
    again = cells(device="cpu")["rows"]
    pd.testing.assert_series_equal(
        numbers_of(again, 0), numbers_of(base["rows"], 0), check_exact=True
    )
    assert again["n"].tolist() == base["rows"]["n"].tolist()


@pytest.mark.parametrize(
    ("values", "second", "trained"),
    [
        # one network of all classes serves both splits, but each seed divides the images anew
        ({"splits": [0, 2]}, 2, [("all classes", 0, 0), ("base", 0, 0), ("base", 2, 0)]),
        (
            {"seeds": [0, 1]},
            100,
            [("all classes", 0, 0), ("all classes", 0, 1), ("base", 0, 0), ("base", 0, 1)],
        ),
    ],
    ids=["split", "seed"],
)
def test_a_second_split_or_seed_changes_nothing_about_the_first(
    cells, base: dict[str, Any], values: dict[str, Any], second: int, trained: list[Any]
) -> None:
    found = cells(**values)
    rows = found["rows"]
    assert set(rows["seed"]) == {0, second}
    alone, first = numbers_of(base["rows"], 0), numbers_of(rows, 0)
    pd.testing.assert_series_equal(first, alone, check_exact=True)
    other = numbers_of(rows, second)
    both = other.index.intersection(first.index)
    assert {oracle.Q1_Q2, oracle.GAPS, "networks"} <= set(both.get_level_values("table"))
    assert not other[both].equals(first[both])
    assert sorted(found["fitted"]) == trained
    test_of_first, test_of_other = (parts["test"] for parts in found["parts"].values())
    assert np.array_equal(test_of_first, test_of_other) == ("splits" in values)


def test_the_rows_seed_counts_splits_and_seeds(cells) -> None:
    rows = cells(splits=[1], seeds=[2])["rows"]
    assert set(rows["seed"]) == {201}


def test_every_published_result_has_a_row_of_this_run(base: dict[str, Any]) -> None:
    told = results.published("oracle-slides")
    told = told[told["table"].isin([oracle.Q1_Q2, oracle.GAPS])]
    score = told["score"].str.replace("1000 trees", f"{BASE['trees']} trees")
    keys = ["table", "method", "score", "class", "metric"]
    wanted = set(told.assign(score=score)[keys].itertuples(index=False, name=None))
    ours = base["rows"]
    assert len(wanted) == 5
    assert not wanted - set(ours[keys].itertuples(index=False, name=None))


def test_the_equal_error_rate_stands_beside_every_auc(base: dict[str, Any]) -> None:
    rows = base["rows"]
    keys = ["table", "method", "score", "variant", "seed"]
    tables = ["networks", "results-q1-q2", "far", "left-out", "odin", "odin-best", "hybrid-chosen"]
    beside = rows[rows["table"].isin(tables)]
    auc, eer = (
        set(beside.loc[beside["metric"] == metric, keys].itertuples(index=False, name=None))
        for metric in (oracle.AUC, oracle.EER)
    )
    assert auc and auc == eer


def test_gaps_are_the_differences_of_the_aucs(base: dict[str, Any]) -> None:
    rows = base["rows"]
    steps = rows[(rows["table"] == oracle.Q1_Q2) & (rows["metric"] == oracle.AUC)]["value"]
    gaps = rows[(rows["table"] == oracle.GAPS) & (rows["metric"] == oracle.GAP_METRIC)]["value"]
    assert np.diff(steps.to_numpy()) == pytest.approx(gaps.to_numpy(), abs=1e-12)  # rounding


def test_settings_of_the_profile_are_the_main_rows(
    cells, base: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert base["provenance"]["profile"] == "custom"
    own = parameters.profile("quick", "oracle")
    assert own["width"] != 2 and own["epochs"] != 1
    other = cells(profile="quick")["rows"]
    assert set(other.loc[other["table"] == oracle.Q1_Q2, "variant"]) == {"epochs=1;width=2"}

    (tmp_path / "quick.yml").write_text("oracle: {width: 2, epochs: 1}\n")
    monkeypatch.setattr(parameters, "PROFILES", tmp_path)
    main = cells(profile="quick")["rows"]
    assert main["run"].str.startswith("oracle-quick-").all()
    assert set(main.loc[main["table"].isin([oracle.Q1_Q2, oracle.GAPS]), "variant"]) == {""}
    kept = [rows.loc[rows["metric"] != TIME, "value"].tolist() for rows in (main, other)]
    assert kept[0] == kept[1]


def test_stored_latents_give_the_same_rows(
    cells, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [*BASE["networks"], "hybrid 0.9", "member 1", "width 3"]
    values = {"extra": names[2:]}
    with monkeypatch.context() as patch:
        patch.setenv("COMPANION_WORK", str(tmp_path))
        trained = cells(**values, store=names)["rows"]
    monkeypatch.setattr(latent_store, "LATENTS", tmp_path / "latents")
    table = latent_store.stored_latents(tmp_path / "latents")
    assert table["network"].tolist() == sorted(names)
    assert table["width"].tolist() == [3 if name == "width 3" else 2 for name in sorted(names)]

    rows = cells(**values, latents=True)["rows"]
    of_weights = trained["table"].isin(OF_WEIGHTS)
    assert set(trained.loc[of_weights, "table"]) == OF_WEIGHTS
    wanted = numbers_of(trained[~of_weights], 0)
    assert {"networks", "ensembles", "hybrid-chosen"} <= set(wanted.index.get_level_values("table"))
    pd.testing.assert_series_equal(numbers_of(rows, 0), wanted, check_exact=True)

    for name, value in (("width", 4), ("epochs", 2)):
        with pytest.raises(errors.BadInput, match="are of width 2 and 1 epochs: set width and ep"):
            cells("forests", latents=True, **{name: value})
    with pytest.raises(errors.BadInput, match="No z of the base network is stored for MNIST-5k"):
        cells("forests", latents=True, splits=[1])
    monkeypatch.setattr(latent_store, "LATENTS", tmp_path / "nothing")
    with pytest.raises(errors.BadInput, match="No z of the base network is stored for MNIST-5k"):
        cells("forests", latents=True)


def test_latents_of_other_images_are_not_taken(
    cells, digits: ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("COMPANION_WORK", str(tmp_path))
        cells("forests", networks=["base"], store=["base"])
    monkeypatch.setattr(latent_store, "LATENTS", tmp_path / "latents")
    cells("forests", networks=["base"], latents=True)
    monkeypatch.setattr(data, "load", lambda name, **options: replace(digits, sha256="0" * 64))
    with pytest.raises(errors.BadInput, match="No z of the base network is stored for MNIST-5k"):
        cells("forests", networks=["base"], latents=True)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"seeds": []}, r"seeds needs entries from 0 up, each once; it was \[\]"),
        ({"seeds": [-1]}, "seeds needs entries from 0 up"),
        ({"splits": []}, r"splits needs entries from 0 up, each once; it was \[\]"),
        ({"splits": [-1]}, "splits needs entries from 0 up"),
        ({"splits": [0, 0]}, r"splits needs entries from 0 up, each once; it was \[0, 0\]"),
        ({"splits": [4]}, "There are 4 splits of ten classes, so not number 4"),
        ({"labelled": []}, r"labelled needs entries from 1 up, each once; it was \[\]"),
        ({"labelled": [0]}, "labelled needs entries from 1 up"),
        ({"networks": ["all classes"]}, "networks must have the base network"),
        ({"extra": ["hybird 0.9"]}, "no network 'hybird 0.9'.*Did you mean 'hybrid 0.9'"),
        ({"networks": ["base", "rotations"]}, "no network 'rotations'.*Did you mean 'rotation'"),
        ({"networks": ["base", "base"]}, "Each network can be named once"),
        ({"extra": ["base"]}, "Each network can be named once"),
        ({"store": ["sobel"]}, "store can name trained networks only"),
        ({"sample": 0}, "sample and trees must be at least 1"),
        ({"trees": 0}, "sample and trees must be at least 1"),
        ({"curve_trees": 0}, "sample and trees must be at least 1"),
        ({"batch_size": 1}, "batch_size at least 2"),
        ({"epsilons": []}, "epsilons need 0 and none below"),
        ({"epsilons": [0.1]}, "epsilons need 0"),
        ({"epsilons": [0.0, -0.1]}, "epsilons need 0 and none below"),
        ({"temperatures": [10]}, "temperatures 1"),
        ({"temperatures": [1, 0]}, "none that is not above 0"),
        ({"width": 0}, "width must be a whole number of at least 1; it was 0"),
        ({"epochs": 0}, "epochs must be a whole number of at least 1; it was 0"),
        ({"learning_rate": 0.0}, "learning_rate must be a number above 0; it was 0.0"),
        ({"schedule": "cosine"}, "schedule must be one of"),
        ({"precision": "float8"}, "precision must be one of"),
        ({"far": ["mnist-5k"]}, "far must name other images than those of the run"),
        ({"device": "gpu"}, "device must be auto, cpu or cuda.*it was 'gpu'"),
    ],
    ids=str,
)
def test_bad_input_is_one_sentence(cells, values: dict[str, Any], sentence: str) -> None:
    parameters.check("oracle", values)  # so it is the chapter itself that refuses
    with pytest.raises(errors.BadInput, match=sentence) as told:
        cells("forests", **values)
    assert "\n" not in str(told.value)


def test_unknown_far_images_are_told_in_words(cells) -> None:
    with pytest.raises(errors.UnknownName, match="Did you mean 'notmnist'"):
        cells("forests", far=["notminst"])


def test_another_set_gives_rows_of_its_own(
    cells, base: dict[str, Any], upside_down: ImageSet
) -> None:
    rows = cells(dataset="fashion-mnist")["rows"]
    assert set(rows["dataset"]) == {"Fashion-MNIST"}
    assert values_in(rows, oracle.Q1_Q2) != values_in(base["rows"], oracle.Q1_Q2)


def test_colour_images_and_grey_far_ones(
    cells, digits: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    colours = np.repeat(digits.images, 3, axis=1)
    wide = replace(digits, title="CIFAR-10", name="cifar-10", images=colours)
    sets = {"cifar-10": wide, "grey": digits}
    monkeypatch.setattr(data, "load", lambda name, **options: sets[name])
    found = cells(dataset="cifar-10", far=["grey", "noise"])
    assert found["rows"]["variant"].str.contains("far=grey").any()
    assert found["pixels"].shape[1] == 3


def test_a_fifth_of_many_classes_is_drawn_for_the_anomalies(
    cells, digits: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = 2 * digits.labels + np.arange(len(digits.labels)) % 2
    many = replace(digits, labels=labels, class_names=tuple(map(str, range(20))))
    monkeypatch.setattr(data, "load", lambda name, **options: many)
    nominal = cells("levels", splits=[0, 7])["nominal_of"]
    assert len(nominal(0)) == len(nominal(7)) == 16
    assert nominal(0) != nominal(7)


def test_both_pages_read_each_kind_of_reference(
    cells, chapter_cells, glued, names_in_prose, monkeypatch, tmp_path
) -> None:
    extra = ["hybrid 0.9", "reconstruction", "rotation", "member 1"]
    space = cells(extra=extra, networks=[*BASE["networks"], "generalized odin"])
    rows = space["rows"]
    (tmp_path / "oracle").mkdir()
    results.write_rows(tmp_path / "oracle/rows.csv", rows)
    results.write_runs(tmp_path / "oracle/runs.csv", results.runs_frame([space["provenance"]]))
    assert set(rows.loc[rows["table"] == oracle.Q1_Q2, "variant"]) == {"epochs=1;width=2"}
    whole = oracle_page.sources(rows, rows, "CIFAR-10", {})["this build"].rows
    told = [results.parse_variant(text) for text in whole["variant"]]
    own = ("epochs", "width")  # which a reference's variants do not have
    bare = [results.variant(**{k: v for k, v in each.items() if k not in own}) for each in told]
    bare = np.where(whole["table"] == "budget", whole["variant"], bare)  # which tells both
    whole = whole.assign(dataset="CIFAR-10", run="full", variant=bare)
    told = {}
    for name, table in (("whole", whole), ("none", rows.iloc[:0])):
        monkeypatch.setattr(results, "reference_rows", lambda table=table: results.frame(table))
        for page, values in (("oracle", {}), ("improvements", {"rows_root": str(tmp_path)})):
            glued.clear()
            if page == "oracle":
                cells("no such name", extra=extra)
            else:
                told[name] = chapter_cells(page, "no such name", **values)["sentences"]
            assert set(glued) == names_in_prose(page)
    assert told["whole"]["changes-source"] == "our reference"
    assert told["whole"]["changes"].startswith("First split of CIFAR-10, our reference")
    assert told["none"]["changes-source"] == "this build"
    assert told["none"]["changes"].startswith("First split of MNIST-5k, this build")
