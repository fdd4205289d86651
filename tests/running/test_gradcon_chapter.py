"""The GradCon chapter's parameters and bad input, with its cells run in this process."""

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from lib import errors, parameters, results
from lib.data import class_names, idx_sets
from lib.workspace import WORK

# small enough for a second, large enough that scores differ
BASE: dict[str, Any] = {
    "methods": ["CAE", "CAE+Grad"],
    "classes": [3],
    "epochs": 1,
    "train_limit": 48,
    "batch_size": 16,
    "kernel_images": 0,
}
OTHER_VALUES: dict[str, Any] = {
    "classes": [4],
    "seeds": [1],
    "epochs": 2,
    "alpha": 0.3,
    "beta": 1.2,
    "learning_rate": 0.01,
    "batch_size": 8,
    "train_limit": 32,
    "reconstruction": "bce",
}
# tested below by what they do, since another value need not move a number
OTHERWISE = {"profile", "dataset", "data_root", "trust", "selection", "device"}
OTHERWISE |= {"methods", "averaging", "watch", "full_test", "kernel_images", "prolong"}


@pytest.fixture(scope="module")
def base(gradcon_cells) -> pd.DataFrame:
    return gradcon_cells("provenance", **BASE)["rows"]


def write_idx(path: Path, array: np.ndarray) -> None:
    # IDX: two zero bytes, 8 for uint8, the number of axes, then their sizes
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    path.write_bytes(header + array.astype(np.uint8).tobytes())


def write_mnist(root: Path, *, seed: int) -> Path:
    """Noise in MNIST's files: 200 training and 100 test images, ten classes alike."""
    rng = np.random.default_rng(seed)
    folder = root / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for part, n in (("train", 200), ("t10k", 100)):
        write_idx(folder / f"{part}-images-idx3-ubyte", rng.integers(0, 256, (n, 28, 28)))
        write_idx(folder / f"{part}-labels-idx1-ubyte", np.arange(n) % 10)
    return root


def test_every_parameter_is_tried() -> None:
    assert set(OTHER_VALUES) | OTHERWISE == set(parameters.declared("gradcon"))


@pytest.mark.parametrize("name", OTHER_VALUES)
def test_another_value_changes_the_rows(gradcon_cells, base: pd.DataFrame, name: str) -> None:
    rows = gradcon_cells("provenance", **BASE | {name: OTHER_VALUES[name]})["rows"]
    assert len(rows) == len(base)
    assert not np.array_equal(rows["value"], base["value"])


def test_the_same_values_give_the_same_rows(gradcon_cells, base: pd.DataFrame) -> None:
    again = gradcon_cells("provenance", **BASE | {"device": "cpu"})["rows"]
    if torch.cuda.is_available():
        pytest.skip("device auto is another one here")
    same = base.drop(columns="run")  # the run's name tells cpu from auto
    pd.testing.assert_frame_equal(again.drop(columns="run"), same, check_exact=True)


def test_profile_decides_what_counts_as_another_setting(gradcon_cells, base: pd.DataFrame) -> None:
    assert not base["variant"].str.contains("lr=").any()
    found = gradcon_cells("provenance", **BASE | {"profile": "quick"})
    quick = parameters.profile("quick", "gradcon")["learning_rate"]
    assert quick != parameters.declared("gradcon")["learning_rate"].default
    assert found["rows"]["variant"].str.contains("lr=0.001").any()
    assert found["provenance"]["profile"] == "quick"


def test_selection_decides_which_epoch_is_kept(gradcon_cells) -> None:
    # steps so large that the error goes up and down, so that best and last are two epochs
    noisy = BASE | {"epochs": 5, "learning_rate": 0.05}
    kept = {}
    for word in ("best", "last"):
        space = gradcon_cells("fitted", **noisy | {"selection": word})
        kept[word] = [fit.epoch for fit in space["fitted"].values()]
        for fit in space["fitted"].values():
            course = [entry["validation_J"] for entry in fit.history]
            assert fit.epoch == (5 if word == "last" else 1 + int(np.argmin(course)))
    assert kept["best"] != kept["last"]


def test_a_decaying_reference_is_another_one(gradcon_cells, base: pd.DataFrame) -> None:
    rows = gradcon_cells("provenance", **BASE | {"averaging": "decaying"})["rows"]
    assert rows["variant"].str.contains("reference=decaying").any()
    grad = [r[r["score"] == "grad"]["value"].to_numpy() for r in (rows, base)]
    assert not np.array_equal(*grad)


def test_what_a_run_may_add_leaves_its_other_rows_alone(gradcon_cells, base: pd.DataFrame) -> None:
    more = {"methods": ["CAE", "CAE+Grad", "VAE", "VAE+Grad"], "watch": [1, 5]}  # 5: beyond
    more |= {"full_test": True, "kernel_images": 4}
    space = gradcon_cells("no such name", **BASE | more)
    rows, columns = space["rows"], ["table", "method", "score", "class", "variant", "metric"]
    both = rows.merge(base, on=columns, suffixes=("", "_base"))
    # with one epoch the watched network is the selected one
    assert len(both) == len(base) and (both["value"] == both["value_base"]).all()
    added = rows[~rows.set_index(columns).index.isin(base.set_index(columns).index)]
    assert {"VAE", "VAE+Grad", "CAE", "CAE+Grad", "GradCon"} == set(added["method"])
    trained, added = added[added["table"] == "training"], added[added["table"] != "training"]
    assert set(trained["method"]) == {"VAE", "VAE+Grad", "CAE", "CAE+Grad"}
    losses = trained[trained["metric"] == "validation loss"]
    assert losses["variant"].str.contains("epochs_shown=1").all() and len(losses) == 4
    assert set(added[added["method"] == "VAE"]["score"]) == {"recon", "latent", "cross-entropy"}
    assert set(added[added["variant"].str.contains("test=full")]["n"]) == {1000}
    kernel = added[added["table"] == "fisher-kernel"]
    assert set(kernel["metric"]) == {"kernel", "AUROC"}
    watched = added[added["variant"].str.contains("epochs_shown=1")]
    assert len(watched) == 4


def test_a_training_taken_on_leaves_the_shorter_one_alone(
    gradcon_cells, base: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = BASE | {"prolong": 3, "watch": [1, 2, 3, 4]}
    rows = gradcon_cells("provenance", **values)["rows"]
    columns = ["table", "method", "score", "class", "variant", "metric"]
    both = rows.merge(base, on=columns, suffixes=("", "_base"))
    assert len(both) == len(base) and (both["value"] == both["value_base"]).all()
    added = rows[rows["variant"].str.contains("epochs=3")]
    assert sorted(zip(added["method"], added["score"], strict=True)) == [
        ("CAE", "recon"),
        ("CAE+Grad", "grad"),
        ("CAE+Grad", "recon"),
        ("GradCon", "recon+beta*grad"),
    ]
    shown = (
        rows[rows["table"] != "training"]["variant"].str.extract(r"epochs_shown=(\d+)")[0].dropna()
    )
    assert shown.value_counts().to_dict() == {"1": 4, "2": 4, "3": 4}
    # the first three epochs of a training of three are those of one that is taken on
    whole = gradcon_cells("provenance", **BASE | {"epochs": 3})["rows"]
    keys = [*columns[:-2], "metric"]
    plain = whole[whole["variant"] == ""]
    same = added.merge(plain, on=keys, suffixes=("", "_whole"))
    assert len(same) == 4 and (same["value"] == same["value_whole"]).all()
    # with a work folder it goes on from the shorter training's checkpoint, twice
    monkeypatch.setenv(WORK, str(tmp_path))
    for _ in range(2):
        again = gradcon_cells("provenance", **values)["rows"]
        assert (again["value"].to_numpy() == rows["value"].to_numpy()).all()
    kept = {path.name for path in (tmp_path / "checkpoints").iterdir()}
    assert {"CAE-3-0.pt", "CAE-3-0-3.pt", "CAE+Grad-3-0.pt", "CAE+Grad-3-0-3.pt"} <= kept


def test_images_come_from_the_named_set_and_folder(gradcon_cells, tmp_path: Path) -> None:
    values = BASE | {"dataset": "mnist", "batch_size": 4}
    rows = []
    for seed in (0, 1):
        root = write_mnist(tmp_path / str(seed), seed=seed)
        with pytest.raises(errors.DataCorrupt, match="not in the register of known sets"):
            gradcon_cells("images", **values | {"data_root": str(root)})
        found = gradcon_cells("provenance", **values | {"data_root": str(root), "trust": True})
        assert found["provenance"]["data_origin"] == "unverified"
        assert str(tmp_path) not in str(found["provenance"])
        rows.append(found["rows"])
    assert set(rows[0]["dataset"]) - {""} == {"MNIST"}
    assert not np.array_equal(rows[0]["value"], rows[1]["value"])


@pytest.mark.parametrize(
    ("values", "kind", "sentence"),
    [
        (
            {"dataset": "mnist-6k"},
            errors.UnknownName,
            r"known are mnist-5k, .*Did you mean 'mnist-5k'",
        ),
        ({"classes": [10]}, errors.BadInput, "from 0 to 9 for MNIST-5k, but is 10"),
        ({"classes": [-1]}, errors.BadInput, "classes needs entries from 0 up"),
        ({"classes": []}, errors.BadInput, "classes needs entries from 0 up"),
        ({"seeds": []}, errors.BadInput, "seeds needs entries from 0 up"),
        ({"classes": [3, 3]}, errors.BadInput, "classes needs entries from 0 up, each once"),
        ({"seeds": [0, 0]}, errors.BadInput, "seeds needs entries from 0 up, each once"),
        ({"epochs": 0}, errors.BadInput, "epochs must be a whole number of at least 1; it was 0"),
        ({"epochs": -2}, errors.BadInput, "epochs must be a whole number of at least 1; it was -2"),
        ({"batch_size": 0}, errors.BadInput, "batch_size must be a whole number of at least 1"),
        ({"learning_rate": 0.0}, errors.BadInput, "learning_rate must be a number above 0"),
        ({"alpha": 0.0}, errors.BadInput, "alpha must be above 0"),
        ({"alpha": -1.0}, errors.BadInput, "alpha must be above 0"),
        ({"train_limit": -1}, errors.BadInput, "train_limit must be 0"),
        ({"selection": "bst"}, errors.CompanionError, "best"),
        ({"methods": ["CAE"]}, errors.BadInput, "methods needs CAE and CAE\\+Grad"),
        ({"methods": ["CAE", "CAE+Grad", "GAN"]}, errors.BadInput, "methods needs CAE"),
        ({"reconstruction": "l1"}, errors.BadInput, "reconstruction must be one of"),
        ({"averaging": "some"}, errors.BadInput, "reference must be one of"),
        ({"watch": [0]}, errors.BadInput, "watch needs entries from 1 up"),
        ({"watch": [1, 1]}, errors.BadInput, "watch needs entries from 1 up"),
        ({"prolong": 1}, errors.BadInput, "prolong must be 0 or more epochs than 1; it was 1"),
        ({"kernel_images": 1}, errors.BadInput, "kernel_images must be 0 or at least 2"),
        ({"device": "gpu"}, errors.CompanionError, "cuda"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_bad_input_is_one_sentence(
    gradcon_cells, values: dict[str, Any], kind: type[Exception], sentence: str
) -> None:
    parameters.check("gradcon", values)  # so it is the chapter itself that refuses
    with pytest.raises(kind, match=sentence) as told:
        gradcon_cells("provenance", **BASE | values)
    assert "\n" not in str(told.value)


def test_missing_images_name_the_files_and_what_to_do(
    gradcon_cells, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(*args: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(idx_sets, "_fetch", no_network)
    with pytest.raises(errors.DataMissing) as told:
        gradcon_cells("images", **BASE | {"dataset": "mnist", "data_root": str(tmp_path)})
    for words in ("train-images-idx3-ubyte", str(tmp_path), "no network", "COMPANION_DATA"):
        assert words in str(told.value)
    assert "mnist-5k" in str(told.value)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_refused(gradcon_cells, tmp_path: Path) -> None:
    images = write_mnist(tmp_path, seed=0) / "MNIST/raw/train-images-idx3-ubyte"
    images.write_bytes(images.read_bytes()[:-100])
    with pytest.raises(errors.DataCorrupt, match="train-images-idx3-ubyte cannot be read"):
        gradcon_cells("images", **BASE | {"dataset": "mnist", "data_root": str(tmp_path)})


def test_all_cells_run_with_one_class_and_two_seeds(gradcon_cells, base: pd.DataFrame) -> None:
    space = gradcon_cells("no such name", **BASE | {"seeds": [0, 1]})
    rows = space["rows"]
    first = rows[(rows["seed"] == 0) & (rows["class"] == "3")]["value"]
    alone = base[base["class"] == "3"]["value"]
    assert first.tolist() == alone.tolist()  # a second seed changes nothing about the first
    assert space["checked"]


def test_all_cells_run_on_colour_images(gradcon_cells, colour_noise) -> None:
    colour_noise(train=200, test=100)
    space = gradcon_cells("no such name", **BASE | {"dataset": "cifar-10", "batch_size": 8})
    rows = space["rows"]
    assert set(rows["class"]) == {"cat", ""}
    assert rows.loc[rows["metric"] == "parameters", "variant"].tolist() == ["channels=3"]


def as_reference(rows: pd.DataFrame, title: str, names: Sequence[str], **setting: Any):
    """The rows of one class, said of each of these classes of another set and setting.

    AUROCs fall by 0.001 from class to class, so that classes differ.
    """
    single = rows[rows["class"] != ""]
    epochs = {"1": 20, "2": 60, "3": 150}
    variants = {}
    for text in single["variant"].unique():
        given = results.parse_variant(text) | setting
        for key in ("epochs", "epochs_shown"):
            given |= {key: epochs[given[key]]} if key in given else {}
        variants[text] = results.variant(**given)
    told = single.assign(dataset=title, variant=single["variant"].map(variants), run="full")
    step = 0.001 * (told["metric"] == "AUROC")
    return pd.concat(
        [
            told.assign(**{"class": name, "value": told["value"] - i * step})
            for i, name in enumerate(names)
        ]
    )


def test_the_pages_read_each_kind_of_reference(
    chapter_cells, gradcon_cells, glued, names_in_prose, monkeypatch, tmp_path
) -> None:
    more = {"methods": ["CAE", "CAE+Grad", "VAE", "VAE+Grad"], "watch": [1, 2, 3], "epochs": 2}
    more |= {"full_test": True, "kernel_images": 4, "prolong": 3}
    space = gradcon_cells("provenance", **BASE | more)
    rows, digits = space["rows"], [str(i) for i in range(10)]
    three = ["car", "deer", "truck"]
    whole = [
        as_reference(rows, "CIFAR-10", class_names.CIFAR_10),
        as_reference(rows[rows["variant"] == ""], "CIFAR-10", three, loss="bce"),
        as_reference(rows, "MNIST", digits),
        as_reference(rows, "MNIST", digits, lr=0.0001),
    ]
    half = [as_reference(rows, "CIFAR-10", ["plane", "car"])]
    runs = results.runs_frame([space["provenance"] | {"run": "full"}])
    monkeypatch.setattr(results, "reference_runs", lambda: runs)
    (tmp_path / "gradcon").mkdir()
    results.write_rows(tmp_path / "gradcon/rows.csv", rows)
    results.write_runs(tmp_path / "gradcon/runs.csv", runs)
    found, moves, by_class = {}, {}, {}
    for name, parts in (("whole", whole), ("half", half), ("none", [rows.iloc[:0]])):
        table = results.with_averages(results.frame(pd.concat(parts)))
        monkeypatch.setattr(results, "reference_rows", lambda table=table: table)
        build = {"rows_root": str(tmp_path)}
        for page, kept, values in (
            ("gradcon", found, BASE),
            ("moves", moves, build),
            ("classes", by_class, build),
        ):
            glued.clear()
            kept[name] = chapter_cells(page, "no such name", **values)["sentences"]
            assert set(glued) == names_in_prose(page)
    told = found["whole"] | by_class["whole"]
    lacking = {key for key, text in told.items() if " yet" in text}
    assert lacking == {"budget-fashion"}  # no rows of Fashion-MNIST were given
    assert "2 epochs; " in told["budget-cifar"] and "after 2 epochs (at" in told["slow"]
    assert "CAE 1, CAE+Grad 1, VAE 1, VAE+Grad 1" in told["budget-cifar"]
    assert "MNIST, reference, learning rate 0.0001 (10 classes" in told["fisher-line"]
    assert told["direction-line"].startswith("CIFAR-10, reference (1 seed)")
    assert "to the slides" in told["digits-near"]
    assert "of the 10 constrained networks" in told["digits-living"]  # or of them none
    assert told["digits-living"] in told["mnist"] and "the plain VAE's" in told["mnist"]
    assert "under the constraint" in told["digits-variational"]
    assert "On the classes car, deer, truck alone" in told["loss-line"]
    for name in ("half", "none"):
        for key in ("sacrifice", "budget-cifar", "slow"):
            assert " yet" in by_class[name][key]
        assert " yet" in found[name]["cifar-10"] and " yet" in found[name]["mnist"]

    assert moves["whole"]["untried"].startswith("Not tried yet: the weight of the constraint")
    assert "from epoch 60 to 150" in moves["whole"]["course-short"]
    assert moves["whole"]["source"] == moves["half"]["source"] == "reference runs on CIFAR-10"
    assert "n = 2" in moves["half"]["moves-line"]
    assert " yet" in moves["half"]["gap-line"] and " yet" in moves["none"]["gap-line"]
    assert moves["none"]["source"] == "this build, MNIST-5k"
