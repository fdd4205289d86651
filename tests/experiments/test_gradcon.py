"""GradCon's settings refuse nonsense, and each of them moves the rows it should."""

import ast
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lib.errors import BadInput, UnknownName
from lib.experiments import gradcon
from lib.experiments.gradcon import Measured, Settings, learning_states
from lib.run import parameters

# small enough for a second, large enough that scores differ
TINY: dict[str, Any] = {
    "methods": ["CAE", "CAE+Grad"],
    "classes": [3],
    "epochs": 1,
    "train_limit": 32,
    "batch_size": 16,
    "kernel_images": 0,
}
KEYS = ["table", "method", "score", "class", "variant", "metric", "seed"]


def settings(**values: Any) -> Settings:
    defaults = {name: p.default for name, p in parameters.declared("gradcon").items()}
    return Settings(**defaults | TINY | values)


@pytest.fixture(scope="module", autouse=True)
def small(few_digits):
    """A few digits in place of all, so that a run takes half a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gradcon, "load", lambda *args, **kwargs: few_digits)
        yield


@cache
def _measured(values: str) -> Measured:
    return gradcon.measure(settings(**ast.literal_eval(values)), progress=lambda _: None)


def measure(**values: Any) -> Measured:
    return _measured(repr(values))


def rows(**values: Any) -> pd.DataFrame:
    return measure(**values).rows


def test_the_chapter_declares_exactly_the_settings() -> None:
    assert list(parameters.declared("gradcon")) == list(Settings.model_fields)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"classes": []}, "classes"),
        ({"epochs": 0}, "epochs should be greater than or equal to 1"),
        ({"alpha": 0.0}, "alpha should be greater than 0"),
        ({"methods": ["CAE"]}, r"methods needs CAE and CAE\+Grad together"),
        ({"methods": ["CAE", "CAE+Grad", "VAE+Grad"]}, "methods needs VAE"),
        ({"vae_loss": "bce"}, "vae_loss"),
        ({"watch": [0]}, "watch"),
        ({"prolong": 1}, "prolong must be 0 or more epochs than 1"),
        ({"kernel_images": 1}, "kernel_images must be 0 or at least 2"),
        ({"stacked": True, "selection": "last"}, "stacked needs selection best"),
    ],
)
def test_a_bad_value_is_one_sentence(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence) as problem:
        settings(**values)
    assert "\n" not in str(problem.value)


def test_a_wrong_name_has_the_nearest_beside_it() -> None:
    with pytest.raises(UnknownName, match="'epochs'"):
        settings(epoch=3)


@pytest.mark.parametrize(
    "values",
    [
        {"alpha": 0.3},
        {"beta": 1.2},
        {"learning_rate": 0.01},
        {"reconstruction": "bce"},
    ],
    ids=lambda values: next(iter(values)),
)
def test_another_value_moves_the_rows(values: dict[str, Any]) -> None:
    same = [*rows()["value"]] == [*rows(**values)["value"]]
    assert not same


def test_a_changed_setting_is_named_in_the_variant() -> None:
    found = rows(learning_rate=0.01)
    assert set(found.loc[found["method"] == "CAE", "variant"]) == {"lr=0.01"}
    # what only the combined score hangs on is not said of the others
    heavier = rows(beta=1.2)
    assert set(heavier.loc[heavier["variant"].str.contains("beta=1.2"), "method"]) == {"GradCon"}


def test_the_same_settings_give_the_same_rows_and_a_second_seed_leaves_the_first() -> None:
    both = rows(seeds=[0, 1])
    first = both[both["seed"] == 0]
    pd.testing.assert_frame_equal(
        first.drop(columns="run").reset_index(drop=True), rows().drop(columns="run")
    )


def test_the_variational_pair_alone_leaves_the_rest_out() -> None:
    crossed = rows(methods=["VAE", "VAE+Grad"])
    assert set(crossed["method"]) == {"VAE", "VAE+Grad"}
    assert set(crossed["variant"]) == {"", "alpha=0"}
    others = crossed[crossed["table"] == "other-error-auroc"]
    assert set(others["score"]) == {"squared error"}
    squared = rows(methods=["VAE", "VAE+Grad"], vae_loss="squared error")
    assert set(squared["variant"]) == {"loss=squared error", "alpha=0;loss=squared error"}
    # were both trained on one loss, each image would have the same squared error
    pair = ["VAE", "VAE+Grad"]
    own = measure(methods=pair, vae_loss="squared error").classes[0].scores["VAE"]["recon"]
    crossed_error = measure(methods=pair).classes[0].scores["VAE"]["squared error"]
    assert not np.array_equal(own, crossed_error)


def test_networks_trained_at_once_give_the_rows_of_those_trained_alone() -> None:
    together = rows(stacked=True, classes=[3, 4], watch=[1])
    alone = rows(classes=[3, 4], watch=[1])
    both = together.merge(alone, on=KEYS, suffixes=("", "_alone"))
    assert len(both) == len(together) == len(alone)
    # float32 sums in another order move a score by some 1e-6, and an AUROC by a pair or two of 196
    assert np.allclose(both["value"], both["value_alone"], rtol=0.001, atol=0.011)


def test_what_a_run_may_add_leaves_its_other_rows_alone() -> None:
    more = rows(watch=[1, 2, 3, 9], prolong=3, full_test=True, kernel_images=4)
    both = more.merge(rows(), on=KEYS, suffixes=("", "_base"))
    assert len(both) == len(rows()) and np.array_equal(both["value"], both["value_base"])
    variants = more["variant"].str
    assert set(more[variants.contains("test=full")]["n"]) == {140}
    assert set(more[more["table"] == "fisher-kernel"]["metric"]) == {"kernel", "AUROC"}
    shown = more[more["table"] != "training"]["variant"].str.extract(r"epochs_shown=(\d+)")[0]
    assert shown.value_counts().to_dict() == {"1": 4, "2": 4, "3": 4}
    prolonged = more[variants.contains("epochs=3")]
    assert {*prolonged["method"]} == {"CAE", "CAE+Grad", "GradCon"}
    # the first epochs of a training are those of a longer one
    whole = rows(epochs=3)
    plain = whole[whole["variant"] == ""]
    same = prolonged.merge(plain, on=["table", "method", "score", "class"], suffixes=("", "_whole"))
    assert len(same) == 4 and (same["value"] == same["value_whole"]).all()


def test_states_are_counted_apart_where_a_pixels_range_was_measured() -> None:
    lines = [
        ("CAE", "0", -1.0, 0.0),  # draws black
        ("CAE", "1", 0.5, 0.9),
        ("CAE+Grad", "0", -0.2, 0.3),
        ("CAE+Grad", "1", -0.2, None),  # from a run that did not measure it
        ("CAE+Grad", "average", -0.2, 0.3),
    ]
    made = [
        {"method": m, "dataset": "MNIST", "class": c, "seed": 0, "metric": metric, "value": value}
        for m, c, *values in lines
        for metric, value in zip(("explained variance", "pixel range"), values, strict=True)
        if value is not None
    ]
    found = learning_states(pd.DataFrame(made))
    assert found.loc["CAE"].to_dict() == {
        "learned": 1,
        "on a plateau": 0,
        "dead": 1,
        "dead or on a plateau": 0,
    }
    assert found.loc["CAE+Grad"].tolist() == [0, 1, 0, 1]
