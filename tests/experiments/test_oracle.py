"""The oracle's settings and rows: each setting moves what it should, and nothing before it."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lib import data, errors, training
from lib.data import ImageSet
from lib.experiments import oracle, oracle_rows, oracle_study
from lib.numbers import latent_store, variant
from lib.numbers import published as published_rows
from lib.run import parameters

# small enough for seconds, large enough that scores differ
BASE: dict[str, Any] = {
    "profile": "custom",
    "dataset": "mnist-5k",
    "data_root": "",
    "networks": ["base", "all classes"],
    "extra": [],
    "splits": [0],
    "seeds": [0],
    "latents": False,
    "store": [],
    "width": 2,
    "epochs": 1,
    "learning_rate": 0.1,
    "schedule": "one-cycle",
    "batch_size": 16,
    "precision": "float32",
    "trees": 10,
    "curve_trees": 5,
    "labelled": [3, 6],
    "far": ["noise"],
    "temperatures": [1, 10],
    "epsilons": [0.0, 0.01],
    "sample": 12,
    "trust": False,
    "device": "cpu",
}
KEYS = ["table", "dataset", "method", "score", "class", "variant", "metric"]
# read from the weights, and so left out where z and logits come from a folder
OF_WEIGHTS = {"far", "far-average", "over-training", "odin-best"}
Measure = Callable[..., oracle.Measured]


@pytest.fixture(scope="module")
def digits() -> ImageSet:
    """Twenty images of each digit, out of the embedded ones."""
    full = data.load("mnist-5k")
    members = np.sort(np.concatenate([np.flatnonzero(full.labels == d)[:20] for d in range(10)]))
    parts = {name: getattr(full, name)[members] for name in ("images", "labels", "is_test")}
    return replace(full, **parts)


@pytest.fixture(autouse=True)
def lent(digits: ImageSet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lend the digits to whoever loads them, upside down under another name."""

    def load(name: str, **options: Any) -> ImageSet:
        return digits if name == "mnist-5k" else replace(digits, images=digits.images[:, :, ::-1])

    monkeypatch.setattr(data, "load", load)


def measured(**values: Any) -> oracle.Measured:
    settings = oracle.Settings(**BASE | values)
    return oracle.measure(settings, progress=lambda line: None)


@pytest.fixture(scope="module")
def measure() -> Measure:
    """The base settings' run, made once."""
    return cache(measured)


def values_of(rows: pd.DataFrame, seed: int = 0) -> pd.Series:
    """The values of one experiment by what they are."""
    return rows[rows["seed"] == seed].set_index(KEYS)["value"].sort_index()


def test_each_setting_moves_its_tables(measure: Measure) -> None:
    values = {"trees": 5, "curve_trees": 3, "labelled": [2, 3], "far": ["mnist"], "sample": 10}
    rows = measured(**values, temperatures=[1, 50], epsilons=[0.0, 0.05]).rows
    for table in ("results-q1-q2", "few-labels", "left-out", "far", "odin-best"):
        found, base = (each[each["table"] == table] for each in (rows, measure().rows))
        assert len(found) and found["value"].tolist() != base["value"].tolist(), table


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("epochs", 3),
        ("learning_rate", 0.02),
        ("schedule", "steps"),
        ("batch_size", 8),
        ("precision", "bfloat16"),
    ],
)
def test_each_setting_of_the_training_reaches_it(
    monkeypatch: pytest.MonkeyPatch, word: str, value: Any
) -> None:
    given: dict[str, Any] = {}

    def fit_recipe(recipe: Any, network: Any, *images: Any, **options: Any) -> None:
        given.update(options, width=network.trunk[0].out_channels)
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "fit_recipe", fit_recipe)
    with pytest.raises(KeyboardInterrupt):
        measured(**{word: value}, width=3, seeds=[4])
    assert given[word] == value and given["width"] == 3 and given["seed"] == 4
    assert given["keep"][-1] == given["epochs"]


def test_a_second_split_changes_nothing_about_the_first(measure: Measure) -> None:
    rows = measured(splits=[0, 2]).rows
    assert set(rows["seed"]) == {0, 2}
    first, other = values_of(rows), values_of(rows, 2)
    pd.testing.assert_series_equal(first, values_of(measure().rows), check_exact=True)
    both = other.index.intersection(first.index)
    assert {"results-q1-q2", "results-gaps"} <= set(both.get_level_values("table"))
    assert not other[both].equals(first[both])


def test_one_network_of_all_classes_serves_every_split() -> None:
    settings = oracle.Settings(**BASE | {"splits": [0, 2], "seeds": [0, 1]})
    study = oracle_study.prepare(settings, "cpu")
    keys = {study.key(name, pair) for name, pair in study.asked_for()}
    assert {key for key in keys if key[0] == "all classes"} == {
        ("all classes", 0, 0),
        ("all classes", 0, 1),
    }
    assert len(keys) == 6
    test = {pair: part["test"].tolist() for pair, part in study.parts.items()}
    assert test[0, 0] == test[2, 0] != test[0, 1]


def test_every_published_result_has_a_row(measure: Measure) -> None:
    published = published_rows("oracle-slides")
    published = published[published["table"].isin(["results-q1-q2", "results-gaps"])]
    score = published["score"].str.replace("1000 trees", f"{BASE['trees']} trees")
    keys = ["table", "method", "score", "class", "metric"]
    wanted = set(published.assign(score=score)[keys].itertuples(index=False, name=None))
    assert len(wanted) == 5
    assert not wanted - set(measure().rows[keys].itertuples(index=False, name=None))


def test_gaps_are_the_differences_of_the_aucs(measure: Measure) -> None:
    rows = measure().rows
    steps = rows[(rows["table"] == "results-q1-q2") & (rows["metric"] == "AUC")]["value"]
    gaps = rows[rows["metric"] == "AUC difference"]["value"]
    # abs=1e-12: sums of at most a few hundred float64 terms
    assert np.diff(steps.to_numpy()) == pytest.approx(gaps.to_numpy(), abs=1e-12)


def test_what_sets_a_run_apart_from_its_profile_stands_in_its_rows(measure: Measure) -> None:
    own = parameters.own_values("oracle", "custom")
    assert own["width"] != 2 and own["epochs"] != 1
    rows = measure().rows
    page = oracle.page_rows(rows, measure().study.settings.changed)
    assert set(rows.loc[rows["table"] == "results-q1-q2", "variant"]) == {"epochs=1;width=2"}
    page = page[page["table"].isin(["results-q1-q2", "few-labels"])]
    # pages ask for the reference's trees and the profile's own settings
    assert set(page["variant"]) == {"", "labelled=3", "labelled=6"}
    assert set(page["score"]) == {"max logit", oracle.FOREST, oracle.SMALL_FOREST}
    other = oracle.Settings(**BASE | {"dataset": "mnist", "learning_rate": 0.02})
    assert other.changed == {"lr": 0.02, "width": 2}


def test_the_page_s_scores_are_those_of_the_rows(measure: Measure) -> None:
    found = measure()
    rows = found.rows[(found.rows["table"] == "results-q1-q2") & (found.rows["metric"] == "AUC")]
    for values, auc in zip(found.forests.values(), rows["value"][1:], strict=True):
        assert oracle_rows.detection(found.base.y, values)["AUC"] == auc


def test_stored_latents_give_the_same_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["base", "all classes", "generalized odin", "hybrid 0.9", "member 1", "width 3"]
    values = {"extra": names[2:]}
    with monkeypatch.context() as patch:
        patch.setenv("COMPANION_WORK", str(tmp_path))
        trained = measured(**values, store=names).rows
    monkeypatch.setattr(latent_store, "LATENTS", tmp_path / "latents")
    table = latent_store.stored_latents(tmp_path / "latents")
    assert dict(zip(table["network"], table["width"], strict=True)) == (
        {name: 3 if name == "width 3" else 2 for name in sorted(names)}
    )
    of_weights = trained["table"].isin(OF_WEIGHTS)
    assert set(trained.loc[of_weights, "table"]) == OF_WEIGHTS
    of_head = trained["score"] == "max cosine h"  # stored logits are h / g alone
    assert (trained["table"] == "networks")[of_head].sum() == 2
    of_weights |= of_head
    wanted = values_of(trained[~of_weights])
    assert {"networks", "ensembles", "reflection-accuracy"} <= set(
        wanted.index.get_level_values("table")
    )
    found = measured(**values, latents=True).rows
    pd.testing.assert_series_equal(values_of(found), wanted, check_exact=True)

    for other in ({"width": 4}, {"epochs": 2}):
        with pytest.raises(errors.BadInput, match="are of width 2 and 1 epochs: set width and ep"):
            measured(latents=True, **other)
    for other in ({"splits": [1]}, {"dataset": "fashion-mnist"}):
        monkeypatch.setattr(
            latent_store, "LATENTS", tmp_path / ("x" if "dataset" in other else "latents")
        )
        with pytest.raises(errors.BadInput, match="No z of the base network is stored"):
            measured(latents=True, **other)


def test_colour_images_grey_far_ones_and_many_classes(
    digits: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = 2 * digits.labels + np.arange(len(digits.labels)) % 2
    many = {"labels": labels, "class_names": tuple(map(str, range(20)))}
    colours = replace(digits, images=np.repeat(digits.images, 3, axis=1), **many)
    monkeypatch.setattr(data, "load", lambda name, **_: colours if name == "cifar-100" else digits)
    settings = oracle.Settings(
        **BASE | {"dataset": "cifar-100", "far": ["mnist", "noise"], "splits": [0, 7]}
    )
    study = oracle_study.prepare(settings, "cpu")
    assert study.pixels.shape[1:] == (3, 32, 32)
    assert {name: tuple(x.shape) for name, x in study.far.items()} == {
        "mnist": (12, 3, 32, 32),
        "noise": (12, 3, 32, 32),
    }
    # a fifth of many classes is drawn for the anomalies, anew for each split
    assert len(study.nominal(0)) == len(study.nominal(7)) == 16
    assert study.nominal(0) != study.nominal(7)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"splits": [0, 0]}, r"^splits must have each entry once; it was \[0, 0\]"),
        ({"networks": ["all classes"]}, "^networks and extra name base"),
        ({"extra": ["base"]}, "^networks and extra name base, and each network once"),
        ({"extra": ["hybird 0.9"]}, r"^networks and extra: .*Did you mean 'hybrid 0.9'\?$"),
        ({"store": ["sobel"]}, "^store can name trained networks only, not 'sobel'"),
        ({"far": ["mnist-5k"]}, "^far must name other images than dataset"),
        ({"batch_size": 1}, "^batch_size .* greater than or equal to 2"),
        ({"epsilons": [0.1]}, "epsilons 0"),
        ({"epsilons": [0.0, float("inf")]}, r"^epsilons\.1 .* finite number; it was inf"),
        ({"temperatures": [10]}, "^temperatures must hold 1"),
        ({"widht": 4}, "Did you mean 'width'"),
    ],
    ids=str,
)
def test_a_bad_setting_is_one_sentence(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises((errors.BadInput, errors.UnknownName), match=sentence) as problem:
        oracle.Settings(**BASE | values)
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"labelled": [3, 100]}, r"labelled can reach the 16 labelled anomalies of split 0"),
        ({"splits": [4]}, "There are 4 splits of ten classes, so not number 4"),
    ],
)
def test_what_does_not_fit_the_images_is_refused_before_training(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, Any], sentence: str
) -> None:
    monkeypatch.setattr(training, "fit_recipe", None)  # calling it would be a TypeError
    with pytest.raises(errors.BadInput, match=sentence):
        measured(**values)


def test_the_method_of_each_network() -> None:
    assert set(oracle.METHODS) == set(training.NAMED)
    assert len(set(oracle.METHODS.values())) == len(training.NAMED)
    for network, method, text in (
        ("base", "ResNet34 classifier", ""),
        ("hybrid 0.005", "hybrid network", "lambda=0.005"),
        ("hybrid 2765", "hybrid network", "lambda=2765"),
        ("member 4", "ResNet34 classifier", "member=4"),
        ("width 24", "ResNet34 classifier", "width=24"),
    ):
        found, settings = oracle_rows.method_of(network)
        assert (found, variant(**settings)) == (method, text)


def test_detection_by_hand() -> None:
    # three of four pairs in order; thresholds from above: (false, true) = (0, 1/2), (1/2, 1/2)
    found = oracle_rows.detection([1, 1, 0, 0], [3, 1, 2, 0])
    assert found == {"AUC": 0.75, "equal error rate": 0.5}


def test_the_choices_of_an_odin_grid_by_hand() -> None:
    auc = {
        ("ODIN", 1, 0): 0.5,
        ("ODIN", 1, 0.1): 0.6,
        ("ODIN", 1, 0.2): 0.6,  # the first of equal ones is taken
        ("ODIN", 10, 0): 0.7,
        ("ODIN", 100, 0): 0.8,
        ("ODIN", 100, 0.1): 0.9,  # moved and cooled: neither question's
        ("h", 1, 0): 0.4,
        ("h", 1, 0.2): 0.3,
    }
    cooled = {"temperature 1": ("ODIN", 1, 0), "best temperature": ("ODIN", 100, 0)}
    assert oracle_rows.odin_choices(auc, "ODIN") == (
        {"unperturbed": ("ODIN", 1, 0), "best perturbation": ("ODIN", 1, 0.1)} | cooled
    )
    assert oracle_rows.odin_choices(auc, "h") == (
        {"unperturbed": ("h", 1, 0), "best perturbation": ("h", 1, 0.2)} | cooled
    )
    assert set(oracle_rows.odin_choices({("ODIN", 1, 0): 0.5}, "ODIN")) == {
        "unperturbed",
        "temperature 1",
    }
