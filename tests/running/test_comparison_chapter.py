"""The comparison chapter's parameters and bad input, with its cells run in this process."""

import functools
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from lib import data, errors, methods, parameters, results
from lib.data import ImageSet

# one class, one epoch, and none of the parts that a test does not ask for
BASE: dict[str, Any] = {
    "classes": [3],
    "epochs": 1,
    "dae_epochs": 1,
    "svdd_epochs": 1,
    "svdd_pretrain": 1,
    "lsa_epochs": 1,
    "batch_size": 16,
    "outlier_shares": [],
    "share_classes": [3],
    "timed": 0,
}
SHARES = {"outlier_shares": [0.5], "methods": ["OCSVM"]}
# another value, and what else is run so that it shows, which is as little as possible
OTHER_VALUES: dict[str, tuple[Any, dict[str, Any]]] = {
    "methods": (["KDE"], {"methods": ["OCSVM"]}),
    "classes": ([4], {"methods": ["OCSVM"]}),
    "seeds": ([1], {"methods": ["OCSVM"]}),
    "epochs": (2, {"methods": ["VAE"]}),
    "dae_epochs": (2, {"methods": ["DAE"]}),
    "svdd_epochs": (2, {"methods": ["DSVDD"]}),
    "svdd_pretrain": (0, {"methods": ["DSVDD"]}),
    "lsa_epochs": (2, {"methods": ["LSA"]}),
    "estimator_classes": ([3], {"methods": ["LSA"]}),
    "alpha": (0.3, {"methods": ["GradCon"]}),
    "beta": (1.2, {"methods": ["GradCon"]}),
    "learning_rate": (0.01, {"methods": ["GradCon"]}),
    "batch_size": (8, {"methods": ["GradCon"]}),
    "other_learning_rate": (0.01, {"methods": ["DSVDD"]}),
    "other_batch_size": (8, {"methods": ["DSVDD"]}),
    "precision": ("bfloat16", {"methods": ["DAE"], "dae_epochs": 4, "other_batch_size": 8}),
    "train_limit": (20, {"methods": ["OCSVM"]}),
    "outlier_shares": ([0.2], SHARES),
    "share_classes": ([4], SHARES),
    "timed": (2, {"methods": ["OCSVM"]}),
    "trivial": (False, {"methods": ["OCSVM"]}),
    "ranked": (False, {"methods": ["OCSVM"]}),
}
# tested below by what they do
OTHERWISE = {"profile", "dataset", "data_root", "trust", "device"}

Cells = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def few_digits() -> ImageSet:
    """48 training and 14 test images of each digit of the embedded set."""
    whole = data.load("mnist-5k")
    kept = []
    for label in range(10):
        for test, count in ((False, 48), (True, 14)):
            members = np.flatnonzero((whole.labels == label) & (whole.is_test == test))
            kept.append(members[:count])
    index = np.sort(np.concatenate(kept))
    return replace(
        whole,
        images=whole.images[index],
        labels=whole.labels[index],
        is_test=whole.is_test[index],
    )


@pytest.fixture(scope="module")
def cells(chapter_cells: Cells, few_digits: ImageSet) -> Iterator[Cells]:
    """The chapter on few digits, with the sizes counted and the reference read once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "load", lambda *args, **kwargs: few_digits)
        patch.setattr(methods, "published_sizes", functools.cache(methods.published_sizes))
        patch.setattr(results, "reference_rows", functools.cache(results.reference_rows))
        yield partial(chapter_cells, "comparison")


@pytest.fixture(scope="module")
def rows_of(cells: Cells) -> Callable[..., pd.DataFrame]:
    """The rows of BASE with other values, each kept."""
    kept: dict[str, pd.DataFrame] = {}

    def run(**values: Any) -> pd.DataFrame:
        key = repr(sorted(values.items()))
        if key not in kept:
            kept[key] = cells("provenance", **BASE | values)["rows"]
        return kept[key].drop(columns="run")

    return run


def test_every_parameter_is_tried() -> None:
    assert set(OTHER_VALUES) | OTHERWISE == set(parameters.declared("comparison"))


@pytest.mark.parametrize("name", OTHER_VALUES)
def test_another_value_changes_the_rows(rows_of: Callable[..., pd.DataFrame], name: str) -> None:
    value, around = OTHER_VALUES[name]
    base, other = rows_of(**around), rows_of(**around | {name: value})
    assert not base.equals(other)
    if name not in (
        "methods",
        "estimator_classes",
        "timed",
        "trivial",
        "ranked",
    ):  # which add or replace rows
        assert len(other) == len(base)
        measured = ~base["table"].isin(["model-size"]) & (base["method"] != "distance to mean")
        assert not np.array_equal(base["value"][measured], other["value"][measured])


def test_the_same_values_give_the_same_rows(cells: Cells, rows_of) -> None:
    if torch.cuda.is_available():
        pytest.skip("device auto is another one here")
    values = {"methods": ["KDE", "DSVDD", "GradCon"], "outlier_shares": [0.5]}
    again = cells("provenance", **BASE | values | {"device": "cpu"})["rows"].drop(columns="run")
    pd.testing.assert_frame_equal(again, rows_of(**values), check_exact=True)


def test_a_method_s_rows_do_not_depend_on_the_others(rows_of) -> None:
    together = rows_of(methods=["KDE", "DSVDD", "GradCon"], outlier_shares=[0.5])
    alone = rows_of(methods=["DSVDD"])
    kept = together[together["method"] == "DSVDD"]
    same = alone[alone["method"] == "DSVDD"]
    assert kept.to_dict("records") == same.to_dict("records")


def test_classes_run_apart_make_the_rows_of_one_run(rows_of) -> None:
    one = rows_of(methods=["KDE", "DAE"], classes=[3, 4])
    halves = [rows_of(methods=["KDE", "DAE"], classes=[number]) for number in (3, 4)]
    names = ["table", "method", "class", "variant"]
    merged = results.merge([part.assign(run="any") for part in halves])
    pd.testing.assert_frame_equal(
        merged.drop(columns="run").sort_values(names, ignore_index=True),
        one.sort_values(names, ignore_index=True)[[*merged.columns.drop("run")]],
        check_exact=True,
    )


def test_averages_of_the_page_are_formed_from_merged_rows(cells: Cells, rows_of) -> None:
    halves = [rows_of(methods=["OCSVM"], classes=[*half]) for half in (range(5), range(5, 10))]
    merged = results.merge([part.assign(run=str(i)) for i, part in enumerate(halves)])
    averages = results.with_averages(merged)
    averages = averages[(averages["class"] == "average") & (averages["variant"] == "")]
    assert set(averages["method"]) == {"OCSVM", "distance to mean"}
    assert set(averages["run"]) == {"merged"} and set(averages["n"]) == {10 * 28}


def test_nothing_is_ranked_where_only_times_are_wanted(rows_of) -> None:
    rows = rows_of(methods=["OCSVM", "VAE"], ranked=False, timed=2)
    assert set(rows["table"]) == {"model-size", "inference-time"}
    times = rows[rows["table"] == "inference-time"]
    assert set(times["method"]) == {"OCSVM", "VAE", "GPND", "GradCon"}


def test_both_draws_come_from_the_same_scores(cells: Cells, few_digits: ImageSet) -> None:
    space = cells("provenance", **BASE | {"methods": ["OCSVM"]})
    scored = space["scored"][0, 3, "OCSVM", ""]
    test = np.flatnonzero(few_digits.is_test)
    abnormal = few_digits.labels[test] != 3

    def chance(chosen: np.ndarray) -> float:
        # pairs counted one by one, an equal pair as a half
        one, other = scored[chosen & abnormal], scored[chosen & ~abnormal]
        return float(np.mean([(a > b) + (a == b) / 2 for a in one for b in other]))

    rows = space["rows"]
    found = rows[rows["method"] == "OCSVM"].set_index("variant")[["value", "n"]]
    everything = np.ones(len(test), bool)
    draw = np.isin(test, space["splits"][0, 3]["test"])
    assert found.loc["", "value"] == pytest.approx(chance(draw), abs=1e-12)  # sums in another order
    assert found.loc["test=full", "value"] == pytest.approx(chance(everything), abs=1e-12)
    assert found.loc["", "n"] == 28 and found.loc["test=full", "n"] == 140
    bound = found.loc["form=chosen by test labels;test=full"]
    assert bound["n"] == 140 - 13  # a tenth of 14 and of 126, rounded down


def test_rows_carry_the_names_of_the_published_tables(rows_of) -> None:
    everything = rows_of(methods=["KDE", "DSVDD", "GradCon"], outlier_shares=[0.5])
    sota = everything[everything["table"] == "sota-auroc"]
    assert set(sota[sota["method"] == "GradCon"]["variant"]) == {
        "arm=comparison",
        "arm=comparison;test=full",
    }
    assert set(sota[sota["method"] == "KDE"]["variant"]) == {"", "test=full"}
    assert set(sota["class"]) == {"3"}
    shares = everything[everything["table"] == "fashion-mnist"]
    # means over some of the classes must not pass for the document's
    assert set(shares["variant"]) == {"split=classes 3"}
    assert set(shares["class"]) == {"outliers=50%"}
    sizes = everything[everything["metric"] == "parameters"].set_index(["method", "variant"])
    assert sizes["value"].to_dict() == {
        ("AnoGAN", ""): 6_338_176,
        ("GPND", ""): 6_766_243,
        ("LSA", ""): 13_690_160,
        ("LSA", "form=stored"): 26_401_072,
    }


def test_all_classes_make_the_document_s_own_row(rows_of) -> None:
    rows = rows_of(**SHARES | {"share_classes": list(range(10))})
    shares = rows[rows["table"] == "fashion-mnist"]
    assert set(shares["variant"]) == {""}
    floor = shares[shares["method"] == "accept everything"]
    assert floor["value"].item() == pytest.approx(2 / 3)  # half of the images are normal
    assert floor["n"].item() == 10 * 2 * 13  # a fifth of 62 images is 13, in the first fold


def test_gradcon_and_the_vae_are_those_of_their_own_page(chapter_cells: Cells, cells, rows_of):
    asked = {"classes": [3], "epochs": 1, "batch_size": 16, "kernel_images": 0, "full_test": True}
    own = chapter_cells("gradcon", "provenance", **asked)["rows"]
    ours = rows_of(methods=["VAE", "GradCon"])

    def value(rows: pd.DataFrame, **names: str) -> float:
        kept = rows[(rows[list(names)] == pd.Series(names)).all(axis=1)]
        return float(kept["value"].item())

    gradcon = {"method": "GradCon", "score": "recon+beta*grad", "table": "sota-auroc"}
    # scored in batches of other sizes: at most some pair of equal images changes its order
    for variant, same in (("arm=comparison", ""), ("arm=comparison;test=full", "test=full")):
        assert value(ours, **gradcon, variant=variant) == pytest.approx(
            value(own, **gradcon, variant=same), abs=1e-3
        )
    latent = value(own, method="VAE", score="latent", variant="", metric="AUROC")
    kl = value(ours, method="VAE", variant="form=KL")
    assert kl == pytest.approx(latent, abs=1e-3)


def test_profile_decides_what_counts_as_another_setting(
    cells: Cells, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = BASE | {"methods": ["DSVDD"], "other_learning_rate": 0.01}
    assert cells("rows", **values)["rows"]["variant"].str.contains("lr=0.01").any()
    monkeypatch.setattr(parameters, "profile", lambda *names: {"other_learning_rate": 0.01})
    rows = cells("rows", **values | {"profile": "quick"})["rows"]
    assert not rows["variant"].str.contains("lr=").any()


def test_every_glued_name_is_used_and_made(
    cells: Cells, glued: dict[str, Any], names_in_prose: Callable[[str], set[str]]
) -> None:
    values = {"timed": 2, "outlier_shares": [0.1, 0.5], "estimator_classes": [3]}
    space = cells("no such name", **BASE | values | {"train_limit": 24})
    assert names_in_prose("comparison") == set(glued)
    assert all(str(value) for value in glued.values())
    assert set(space["checked"]) == {"OCSVM", "KDE", "DAE", "DSVDD", "GradCon"}
    rows = space["rows"]
    times = rows[rows["table"] == "inference-time"].set_index(["method", "variant"])["value"]
    assert (times > 0).all()
    assert set(times.index) == {
        *((name, "") for name in (*methods.METHODS, "GPND")),
        ("LSA", "form=without estimator"),
    }
    compared = rows[rows["table"] == "sota-auroc"]
    assert set(compared["method"]) == {*methods.METHODS, "distance to mean"}


@pytest.mark.parametrize(
    "values",
    [
        {"methods": ["KDE"]},
        {"methods": ["LSA"], "timed": 1},
        {"methods": ["LSA"], "timed": 1, "ranked": False},
        {"methods": ["OCSVM"], "ranked": False, "outlier_shares": [0.5]},
        {"methods": ["GradCon", "OCSVM"], "seeds": [0, 1], "classes": [3, 4]},
    ],
    ids=["KDE alone", "LSA timed", "only times", "only shares", "two seeds and classes"],
)
def test_all_cells_run_with_parts_left_out(cells: Cells, values: dict[str, Any]) -> None:
    space = cells("no such name", **BASE | values)
    assert "GradCon" in space["totals"]
    if "timed" in values:  # GradCon stands beside every time
        assert {("GradCon", ""), ("GPND", "")} < set(space["times"])


def test_all_cells_run_on_colour_images(cells: Cells, colour_noise) -> None:
    colour_noise(train=150, test=50)
    chosen = ["VAE", "DAE", "LSA", "DSVDD", "GradCon"]
    space = cells("no such name", **BASE | {"methods": chosen, "timed": 1})
    assert {name for name, size in space["sizes"].items() if size == 32} == {"DAE", "LSA"}
    rows = space["rows"]
    forms = rows[(rows["method"] == "VAE") & (rows["table"] == "sota-auroc")]["variant"]
    assert set(forms) == {"", "test=full", "form=ELBO", "form=ELBO;test=full"}  # KL is the main one
    assert set(rows[rows["table"] == "inference-time"]["variant"]) == {
        "channels=3",
        "channels=3;form=without estimator",
    }


def test_claims_are_judged_by_this_run_s_rows(cells: Cells) -> None:
    claims = [claim.id for claim in results.load_claims() if claim.id.startswith("comparison-")]
    if not claims:
        pytest.skip("the ledger has no claims of this page yet")
    space = cells("checked", **BASE | {"methods": ["GradCon"], "timed": 1})
    verdicts = space["board"].this_build.set_index("id")["verdict"]
    counted = [name for name in claims if "parameters" in name]
    assert counted and all(verdicts[name] == "reproduced" for name in counted)


@pytest.mark.parametrize(
    ("values", "kind", "sentence"),
    [
        ({"methods": ["KDA"]}, errors.UnknownName, r"known are OCSVM, .*Did you mean 'KDE'"),
        ({"methods": ["OCGAN"]}, errors.UnknownName, "OCGAN has published rows only"),
        ({"methods": []}, errors.BadInput, "methods needs at least one entry"),
        ({"classes": []}, errors.BadInput, "classes needs entries from 0 up"),
        ({"seeds": []}, errors.BadInput, "seeds needs entries from 0 up"),
        ({"methods": ["KDE", "KDE"]}, errors.BadInput, "methods must not name one entry twice"),
        ({"classes": [3, 3]}, errors.BadInput, "classes needs entries from 0 up, each once"),
        ({"outlier_shares": [0.1, 0.1]}, errors.BadInput, "must not name one entry twice"),
        ({"seeds": [-1]}, errors.BadInput, "seeds needs entries from 0 up"),
        ({"classes": [10]}, errors.BadInput, "from 0 to 9 for MNIST-5k, but is 10"),
        ({"estimator_classes": [5]}, errors.BadInput, "must be among the classes"),
        ({"epochs": 0}, errors.BadInput, "epochs must be at least 1; it was 0"),
        ({"lsa_epochs": 0}, errors.BadInput, "lsa_epochs must be at least 1; it was 0"),
        ({"svdd_pretrain": -1}, errors.BadInput, "svdd_pretrain must be at least 0; it was -1"),
        ({"batch_size": 0}, errors.BadInput, "batch_size must be at least 1"),
        ({"timed": -1}, errors.BadInput, "timed must be at least 0; it was -1"),
        ({"train_limit": -1}, errors.BadInput, "train_limit must be at least 0"),
        ({"alpha": 0.0}, errors.BadInput, "alpha and learning_rate must be above 0"),
        ({"other_learning_rate": -0.1}, errors.BadInput, "other_learning_rate must be at least 0"),
        ({"outlier_shares": [0.1, 1.0]}, errors.BadInput, "between 0 and 1; 1.0 does not"),
        ({"outlier_shares": [0.0]}, errors.BadInput, "between 0 and 1; 0.0 does not"),
        (
            {"outlier_shares": [0.5], "share_classes": []},
            errors.BadInput,
            "share_classes needs at least one entry",
        ),
        (
            {"outlier_shares": [0.5], "share_classes": [12]},
            errors.BadInput,
            "from 0 to 9 for MNIST-5k, but is 12",
        ),
        ({"precision": "half"}, errors.BadInput, "precision must be one of"),
        ({"device": "gpu"}, errors.BadInput, "cuda"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_bad_input_is_one_sentence(
    cells: Cells, values: dict[str, Any], kind: type[Exception], sentence: str
) -> None:
    parameters.check("comparison", values)  # so it is the chapter itself that refuses
    with pytest.raises(kind, match=sentence) as told:
        cells("provenance", **BASE | values)
    assert "\n" not in str(told.value)
