"""The comparison's settings, protocols and rows, on methods that need no training."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from lib import data, errors, training
from lib.experiments import comparison
from lib.experiments.comparison import Settings, a_tenth, at_share, measure, page_rows
from lib.experiments.methods import CHOSEN, METHODS, WITHOUT
from lib.models import CAE, build
from lib.run import parameters

BASE: dict[str, Any] = {
    "methods": ["OCSVM"],
    "classes": [3],
    "epochs": 7,
    "outlier_shares": [],
    "share_classes": [3],
    "timed": 0,
}
# options by method that another value of a parameter must reach: name in the task or its options
REACHES = {
    "epochs": (9, ("OCSVM", "KDE", "VAE", "GradCon"), "epochs"),  # the first two train nothing
    "dae_epochs": (9, ("DAE",), "epochs"),
    "svdd_epochs": (9, ("DSVDD",), "epochs"),
    "svdd_pretrain": (9, ("DSVDD",), "pretrain_epochs"),
    "lsa_epochs": (9, ("LSA",), "epochs"),
    "alpha": (0.3, ("GradCon",), "alpha"),
    "beta": (0.3, ("GradCon",), "beta"),
    "learning_rate": (0.5, ("OCSVM", "KDE", "VAE", "GradCon"), "learning_rate"),
    "batch_size": (9, ("OCSVM", "KDE", "VAE", "GradCon"), "batch_size"),
    "other_learning_rate": (0.5, ("DAE", "LSA", "DSVDD"), "learning_rate"),
    "other_batch_size": (9, ("DAE", "LSA", "DSVDD"), "batch_size"),
    "precision": ("bfloat16", tuple(METHODS), "precision"),
    "seeds": ([1], tuple(METHODS), "seed"),
    "classes": ([4], tuple(METHODS), "normal"),
    "train_limit": (20, tuple(METHODS), "images"),
}


published_sizes = cache(comparison.published_sizes)


def settings(**values: Any) -> Settings:
    defaults = {name: p.default for name, p in parameters.declared("comparison").items()}
    return Settings(**defaults | BASE | values)


@pytest.fixture
def tasks(monkeypatch, few_digits):
    """What each method is given, none of which trains: all score by an image's brightness."""
    given: dict[str, list[dict[str, Any]]] = {}

    def fake(name):
        def fit(task, **options):
            known = {"images": len(task.train), **vars(task), **options}
            given.setdefault(name, []).append(known)
            brightness = lambda x: x.flatten(1).mean(1)  # noqa: E731
            forms = {"VAE": ["", "KL"], "LSA": ["" if options.get("estimator") else WITHOUT]}
            labelled = ["", CHOSEN] if task.labelled is not None else [""]
            return dict.fromkeys(forms.get(name, labelled if name == "OCSVM" else [""]), brightness)

        return fit

    monkeypatch.setattr(comparison, "METHODS", {name: fake(name) for name in METHODS})
    monkeypatch.setattr(comparison.data, "load", lambda *args, **kwargs: few_digits)

    def untrained(task, *, alpha):
        given.setdefault("shares", []).append({"alpha": alpha, **vars(task)})
        network = build(CAE, training.generator(0, "weights"))
        return training.Fitted(network, training.mean_gradient(network, task.train[:8]), 1, [])

    monkeypatch.setattr(comparison, "train_gradcon", untrained)
    monkeypatch.setattr(comparison, "published_sizes", published_sizes)
    return given


def rows_of(**values: Any):
    rows = measure(settings(**values), progress=lambda line: None).rows
    return rows[rows["table"] != "model-size"].drop(columns="run").reset_index(drop=True)


def test_the_chapter_s_parameters_are_the_settings() -> None:
    assert list(parameters.declared("comparison")) == list(Settings.model_fields)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"methods": ["KDA"]}, "Did you mean 'KDE'"),
        ({"methods": []}, "methods"),
        ({"methods": ["KDE", "KDE"]}, "methods must have each entry once"),
        ({"classes": [3, 3]}, "classes must have each entry once"),
        ({"seeds": [-1]}, "seeds"),
        ({"epochs": 0}, "epochs should be greater than or equal to 1"),
        ({"svdd_pretrain": -1}, "svdd_pretrain"),
        ({"estimator_classes": [5]}, "estimator_classes must be among the classes"),
        ({"alpha": 0.0}, "alpha should be greater than 0"),
        ({"other_learning_rate": -0.1}, "other_learning_rate"),
        ({"outlier_shares": [0.1, 1.0]}, "outlier_shares"),
        ({"outlier_shares": [0.5], "share_classes": []}, "share_classes needs an entry"),
        ({"precision": "half"}, "precision"),
        ({"timed": 2.5}, "timed"),
        ({"nonsense": 1}, "no parameter 'nonsense'"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_bad_settings_are_refused_in_one_sentence(values, sentence) -> None:
    with pytest.raises(errors.CompanionError, match=sentence) as caught:
        settings(**values)
    assert "\n" not in str(caught.value)


def test_a_class_that_the_images_lack_is_refused(tasks) -> None:
    with pytest.raises(errors.BadInput, match="from 0 to 9 for MNIST-5k, but is 12"):
        measure(settings(classes=[12]))


def test_parameters_reach_their_methods_and_no_other(tasks) -> None:
    measure(settings(methods=list(METHODS)), progress=lambda line: None)
    base = {method: given for method, [given] in tasks.items()}
    for name, (value, methods, key) in REACHES.items():
        tasks.clear()
        measure(settings(methods=list(METHODS), **{name: value}), progress=lambda line: None)
        wanted = value[0] if isinstance(value, list) else value
        for method, [given] in tasks.items():
            if method in methods:
                assert base[method][key] != given[key] == wanted, (name, method)
            else:
                assert base[method].get(key) == given.get(key), (name, method)


def test_lsa_gets_its_estimator_where_asked(tasks) -> None:
    rows = rows_of(methods=["LSA"], classes=[3, 4], estimator_classes=[4])
    assert [(task["normal"], task["estimator"]) for task in tasks["LSA"]] == [
        (3, False),
        (4, False),
        (4, True),
    ]
    forms = set(rows[rows["method"] == "LSA"][["class", "variant"]].itertuples(index=False))
    without = f"form={WITHOUT}"
    assert {("3", without), ("4", without), ("4", "")} < forms and ("3", "") not in forms


def test_both_draws_come_from_the_same_scores(tasks, few_digits) -> None:
    test = np.flatnonzero(few_digits.is_test)
    bright = few_digits.images[test].mean((1, 2, 3))
    abnormal = few_digits.labels[test] != 3
    drawn = data.one_class(few_digits, 3, training.numpy_generator(0, "split", 3))["test"]

    def chance(chosen: np.ndarray) -> float:
        # pairs counted one by one, an equal pair as a half
        one, other = bright[chosen & abnormal], bright[chosen & ~abnormal]
        return float(np.mean([(a > b) + (a == b) / 2 for a in one for b in other]))

    rows = rows_of()
    found = rows[rows["method"] == "OCSVM"].set_index("variant")[["value", "n"]]
    # float32 brightness: nearly equal pairs may fall either way, one of 182 or of 1764
    assert found.loc["", "value"] == pytest.approx(chance(np.isin(test, drawn)), abs=6e-3)
    assert found.loc["test=full", "value"] == pytest.approx(chance(test > -1), abs=1e-3)
    assert found.loc["", "n"] == 28 and found.loc["test=full", "n"] == 140
    # the bound is judged without the tenth that chose it, 1 of 14 and 12 of 126
    assert found.loc[f"form={CHOSEN};test=full", "n"] == 140 - 13
    tenth, labels = tasks["OCSVM"][0]["labelled"]
    assert len(tenth) == 13 and labels.sum() == 12


def test_rows_stand_at_the_published_addresses(tasks) -> None:
    rows = rows_of(methods=["VAE", "GradCon"], outlier_shares=[0.5], timed=2)
    sota = rows[rows["table"] == "sota-auroc"].groupby("method")["variant"].apply(set)
    # chapter gradcon has GradCon's main row, of the same images and draws
    assert sota["GradCon"] == {"arm=comparison", "arm=comparison;test=full"}
    assert sota["VAE"] == {"", "test=full", "form=KL", "form=KL;test=full"}
    assert sota["distance to mean"] == {"", "test=full"}
    shares = rows[rows["table"] == "fashion-mnist"]
    # a mean over some of the classes must not pass for the document's
    assert set(shares["variant"]) == {"split=classes 3"}
    assert set(shares["class"]) == {"outliers=50%"}
    times = rows[rows["table"] == "inference-time"].set_index("method")
    assert set(times.index) == {"GPND", "VAE", "GradCon"} and (times["n"] == 2).all()
    own = page_rows(rows)
    assert set(own[own["method"] == "GradCon"]["variant"]) >= {"", "test=full"}


def test_all_classes_make_the_document_s_own_shares(tasks) -> None:
    rows = rows_of(outlier_shares=[0.1, 0.5], share_classes=[*range(10)], alpha=0.3)
    shares = rows[rows["table"] == "fashion-mnist"]
    assert [task["normal"] for task in tasks["shares"]] == [*range(10)]
    assert all(task["alpha"] == 0.3 and task["words"] == ("shares",) for task in tasks["shares"])
    floor = shares[shares["method"] == "accept everything"].set_index("class")
    assert floor.loc["outliers=50%", "value"] == pytest.approx(2 / 3)  # half of them are normal
    assert floor.loc["outliers=50%", "n"] == 10 * 2 * 13  # a fifth of 62 images: 13 in fold one
    assert set(shares[shares["method"] == "GradCon"]["metric"]) == {"AUC", "F1"}
    assert set(floor["variant"]) == {""}


def test_a_threshold_is_chosen_on_the_images_held_out() -> None:
    labels = np.array([0, 0, 1, 1, 0, 0, 1, 1])
    scores = {"all": np.array([0.1, 0.2, 0.3, 0.4, 0.1, 0.35, 0.2, 0.9])}
    held_out, test = np.arange(4), np.arange(4, 8)
    found = at_share(scores, labels, held_out, test)
    # held out: normal up to 0.2; tested: one of two normals passes, and one of two anomalies
    assert found["all", "F1"] == pytest.approx(2 * 1 / (2 * 1 + 1 + 1))
    assert found["all", "AUC"] == 0.75  # three of four pairs
    assert found["accept everything", "F1"] == pytest.approx(2 / 3)


def test_a_tenth_has_both_kinds() -> None:
    labels = np.repeat([0, 1], [4, 50])
    found = a_tenth(labels, np.random.default_rng(0))
    assert (np.diff(found) > 0).all() and np.bincount(labels[found]).tolist() == [1, 5]
    again = a_tenth(labels, np.random.default_rng(1))
    assert not np.array_equal(found, again)


def test_a_run_s_own_settings_stand_in_the_variant(tasks) -> None:
    rows = rows_of(methods=["VAE", "DSVDD", "GradCon", "KDE"], learning_rate=0.5, beta=0.3)
    own = rows[~rows["variant"].str.contains("test|form")].set_index("method")["variant"]
    assert own.to_dict() == {
        "VAE": "lr=0.5",
        "DSVDD": "",
        "GradCon": "arm=comparison;beta=0.3;lr=0.5",
        "KDE": "",
        "distance to mean": "",
    }
