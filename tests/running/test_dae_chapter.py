"""The denoising-autoencoder chapter's parameters and bad input, with its cells run here."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from lib import data, errors, parameters, results, scores, training
from lib.data import ImageSet, loading
from lib.pages import dae
from lib.training import fooling_arrays, resuming

# small enough for seconds, large enough that scores differ; the lowest threshold is one that an
# attack of two steps can reach
BASE: dict[str, Any] = {
    "models": ["CNN", "COOL", "dAE sym", "CNN with negatives"],
    "other_omegas": [],
    "thresholds": [0.1, 0.9],
    "epochs": 1,
    "batch_size": 16,
    "learning_rate": 0.003,
    "attempts": 10,
    "max_steps": 3,
    "dae_max_steps": 2,
    "attacks": 10,
    "attack_steps": 2,
    "alpha_factors": [4.0],
    "restarts": 1,
    "training_classes": [1, 2],
    "class_images": 10,
    "open_epochs": 1,
    "one_classes": [0],
    "traced": 1,
    "probes": 2,
    "sample": 6,
    "toy_steps": 20,
    "toy_noises": [0.2],
}
# each with a name whose cell ends the run, and a table whose numbers must move
OTHER_VALUES: dict[str, tuple[Any, str, str]] = {
    "models": (["CNN", "dAE sym", "dAE asym"], "alphas", "alpha"),
    "negatives": (["noise", "omniglot"], "alphas", "fooling"),
    "other_omegas": ([3], "alphas", "fooling"),
    "sigma": (0.4, "alphas", "alpha"),
    "alpha": (5.0, "alphas", "alpha"),
    "beta": (5.0, "pictures", "rings"),
    "omega": (3, "alphas", "fooling"),
    "thresholds": ([0.3, 0.9], "alphas", "fooling"),
    "seeds": ([1], "alphas", "alpha"),
    "epochs": (2, "alphas", "alpha"),
    "batch_size": (8, "alphas", "alpha"),
    "learning_rate": (0.002, "alphas", "alpha"),
    "attempts": (20, "fooled", "fooling"),
    "max_steps": (30, "fooled", "fooling-steps"),
    "dae_max_steps": (1, "fooled", "fooling"),
    "dae_long_steps": (30, "fooled", "fooling-steps"),
    "attacks": (20, "stronger", "fooling-stronger"),
    "attack_steps": (3, "stronger", "fooling-images"),
    "alpha_factors": ([0.5], "weights_tried", "alpha"),
    "step_factors": ([0.5], "weights_tried", "fooling"),
    "restarts": (4, "stronger", "fooling-stronger"),
    "training_classes": ([2], "REFUSED", "open-set"),
    "few_orders": ([3], "REFUSED", "open-set"),
    "orders": (2, "REFUSED", "open-set"),
    "class_images": (8, "REFUSED", "open-set"),
    "open_epochs": (2, "REFUSED", "open-set"),
    "one_classes": ([1], "by_score", "one-class"),
    "traced": (2, "estimated", "curvature"),
    "probes": (4, "estimated", "curvature"),
    "sample": (4, "clutter_shown", "clutter"),
    "toy_steps": (30, "fields", "theory"),
    "toy_noises": ([0.3], "fields", "theory"),
}
# tested below by what they do, since another value need not move a number
OTHERWISE = {"profile", "dataset", "data_root", "plane", "trust", "device"}
KEYS = [name for name in results.COLUMNS if name not in ("run", "value", "n")]
OF_A_SEED = {"theory", "rings", "training", "fooling", "fooling-stronger", "alpha", "curvature"}
OF_A_SEED |= {"clutter"}


@pytest.fixture(scope="module")
def digits() -> ImageSet:
    """Thirty training and eight test images of each digit, out of the embedded ones."""
    full = data.load("mnist-5k")
    kept = [
        np.flatnonzero((full.labels == digit) & (full.is_test == is_test))[:n]
        for digit in range(10)
        for is_test, n in ((False, 30), (True, 8))
    ]
    members = np.sort(np.concatenate(kept))
    return replace(
        full, **{name: getattr(full, name)[members] for name in ("images", "labels", "is_test")}
    )


def few_probes(model: Callable, x: torch.Tensor, **options: Any) -> torch.Tensor:
    """A rough trace: the exact one costs 784 backward passes, and its own tests check it."""
    if x.ndim == 2:
        return exact_trace(model, x, **options)
    fixed = torch.Generator().manual_seed(0)
    return scores.hutchinson_trace(model, x, probes=2, generator=fixed).mean(1)


exact_trace = scores.jacobian_trace


@pytest.fixture(scope="module")
def cells(chapter_cells, digits: ImageSet) -> Iterator[Any]:
    """Run the chapter on a few digits until `until` is defined; the rows stand before a figure."""

    def load(name: str, **options: Any) -> ImageSet:
        if name == "omniglot":
            return replace(digits, images=255 - digits.images)
        return digits if name == "mnist-5k" else loading.load(name, **options)

    def run(until: str = "provenance", **values: Any) -> dict[str, Any]:
        return chapter_cells("dae", until, **BASE | values)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "load", load)
        patch.setattr(scores, "jacobian_trace", few_probes)
        yield run


@pytest.fixture(scope="module")
def base(cells) -> dict[str, Any]:
    return cells()


def collected(space: dict[str, Any]) -> pd.DataFrame:
    """The rows that stand where a run was ended, checked."""
    return results.frame([*space["collected"], *space["collected_toy"]])


def values_in(rows: pd.DataFrame, table: str) -> list[float]:
    """A table's values, but for those that only repeat a parameter."""
    kept = (rows["table"] == table) & (rows["score"] != dae.LIMIT)
    return rows.loc[kept, "value"].tolist()


def numbers_of(rows: pd.DataFrame) -> pd.Series:
    """The values by what they are."""
    return rows.set_index(KEYS)["value"].sort_index()


def settings_of(rows: pd.DataFrame, *tables: str) -> list[dict[str, str]]:
    kept = rows[rows["table"].isin(tables)]
    return [results.parse_variant(text) for text in kept["variant"].unique()]


def test_every_parameter_is_tried() -> None:
    assert set(OTHER_VALUES) | OTHERWISE == set(parameters.declared("dae"))


@pytest.mark.parametrize("name", OTHER_VALUES)
def test_another_value_changes_the_rows(cells, base: dict[str, Any], name: str) -> None:
    value, until, table = OTHER_VALUES[name]
    found = values_in(collected(cells(until, **{name: value})), table)
    assert found and found != values_in(base["rows"], table)


def test_every_table_is_written(base: dict[str, Any]) -> None:
    wanted = OF_A_SEED | {"fooling-images", "open-set", "one-class"}
    assert set(base["rows"]["table"]) == wanted  # fooling-steps begins at thirty steps


def test_a_collapsed_autoencoder_would_show(base: dict[str, Any]) -> None:
    rows = base["rows"][base["rows"]["metric"] == dae.SPREAD]
    assert set(rows["method"]) == {dae.SYM, "autoencoder"}
    constant = rows["value"] < dae.COLLAPSED
    errors_of = {name: made.reconstruct for name, made in base["made"].items()}
    for method, collapsed in zip(rows["method"], constant, strict=True):
        with torch.no_grad():
            drawn = errors_of[method](base["test_x"])
        assert bool(torch.allclose(drawn[0], drawn[-1], atol=dae.COLLAPSED)) == collapsed


def test_the_same_values_give_the_same_rows(cells, base: dict[str, Any]) -> None:
    if torch.cuda.is_available():
        pytest.skip("device auto is another one here")
    again = cells(device="cpu")["rows"]
    same = base["rows"].drop(columns="run")  # the run's name tells cpu from auto
    pd.testing.assert_frame_equal(again.drop(columns="run"), same, check_exact=True)


def test_a_second_seed_changes_nothing_about_the_first(cells, base: dict[str, Any]) -> None:
    both = cells(seeds=[0, 1])["rows"]
    first = numbers_of(both[both["seed"] == 0])
    pd.testing.assert_series_equal(first, numbers_of(base["rows"]), check_exact=True)
    second = both[both["seed"] == 1]
    assert set(second["table"]) == OF_A_SEED  # orders of classes are no seeds
    for table in OF_A_SEED:
        assert values_in(second, table) != values_in(base["rows"], table)


def test_every_published_number_has_a_row_of_this_run(base: dict[str, Any]) -> None:
    told = results.published("dae-slides")
    told = told[(told["table"] == dae.FOOLING) & (told["dataset"] == "MNIST")]
    told = told[(told["kind"] == "measured") & told["method"].isin(BASE["models"])]
    told = told[told["class"].isin([dae.at(level) for level in (0.0, *BASE["thresholds"])])]
    rows = base["rows"][base["rows"]["variant"] == ""]
    failed = (rows["score"] == dae.RATE) & (rows["value"] == 0)
    never = set(rows.loc[failed, ["method", "class"]].itertuples(index=False, name=None))
    keys = ["table", "method", "score", "class", "metric"]
    ours = set(rows[keys].itertuples(index=False, name=None))
    missing = set(told[keys].itertuples(index=False, name=None)) - ours
    assert len(told) >= 10
    assert all(row[2] == dae.MEAN_STEPS and (row[1], row[3]) in never for row in missing)
    assert any(row[2] == dae.MEAN_STEPS for row in ours)


def test_a_longer_limit_leaves_the_rows_of_the_shorter_one(cells, base: dict[str, Any]) -> None:
    rows = collected(cells("weights_tried", dae_long_steps=4))
    rows = rows[rows["table"] == dae.FOOLING]
    longer = rows["variant"] == "limit=4"
    assert set(rows.loc[longer, "method"]) == {dae.SYM}
    alone = base["rows"][base["rows"]["table"] == dae.FOOLING]
    pd.testing.assert_series_equal(numbers_of(rows[~longer]), numbers_of(alone), check_exact=True)


def test_another_omega_keeps_the_further_networks_apart(cells) -> None:
    rows = collected(cells("fooled", omega=3, other_omegas=[5]))
    cool = settings_of(rows[rows["method"] == dae.COOL], dae.FOOLING)
    assert {setting["omega"] for setting in cool} == {"3", "5"}


def test_settings_of_the_profile_are_the_main_rows(
    cells, base: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert base["provenance"]["profile"] == "custom"
    tables = ("fooling", "fooling-stronger", "fooling-images", "alpha", "curvature")
    tables += ("open-set", "one-class", "clutter")
    named = {"noise", "omega", "alpha"}
    assert not named & {key for s in settings_of(base["rows"], *tables) for key in s}
    values = {"sigma": 0.3, "omega": 3, "alpha": 5.0}
    other = cells(**values, profile="quick")["rows"]
    wanted = {"noise": "0.3", "omega": "3", "alpha": "5"}
    assert all(wanted.items() <= setting.items() for setting in settings_of(other, *tables))

    (tmp_path / "quick.yml").write_text("dae: {sigma: 0.3, omega: 3, alpha: 5}\n")
    monkeypatch.setattr(parameters, "PROFILES", tmp_path)
    main = cells(**values, profile="quick")["rows"]
    assert main["run"].str.startswith("dae-quick-").all()
    assert not named & {key for s in settings_of(main, *tables) for key in s}
    assert main["value"].tolist() == other["value"].tolist()


def test_a_second_run_in_the_same_folder_trains_nothing_anew(
    cells, base: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def counted(word: str, function: Callable) -> Callable:
        def call(*args: Any, **options: Any) -> Any:
            made.append(word)
            return function(*args, **options)

        return call

    monkeypatch.setenv("COMPANION_WORK", str(tmp_path))
    save = counted("epoch", resuming.save_checkpoint)
    monkeypatch.setattr(resuming, "save_checkpoint", save)
    monkeypatch.setattr(fooling_arrays, "fool", counted("attack", training.fool))
    first = cells()["rows"]
    files = sorted((tmp_path / "checkpoints").glob("*.pt"))
    # 4 networks, 3 of each number of classes, and an autoencoder of class 0
    assert made.count("epoch") == len(files) == 11
    assert {"CNN-0.pt", "dAE-sym-0.pt", "COOL-open-0-1-0.pt"} <= {path.name for path in files}
    assert "attack" in made
    written = [path.stat().st_mtime_ns for path in files]

    made.clear()
    again = cells()["rows"]
    assert not made
    assert [path.stat().st_mtime_ns for path in files] == written
    for rows in (first, again):
        pd.testing.assert_frame_equal(rows, base["rows"], check_exact=True)
    stored = results.read_rows(tmp_path / "rows.csv")
    pd.testing.assert_frame_equal(stored, again, check_exact=True)

    # rows of the plane stand on the page, but need not be left
    whole = cells(plane=False)["rows"]
    assert not made
    pd.testing.assert_series_equal(numbers_of(whole), numbers_of(first), check_exact=True)
    left = results.read_rows(tmp_path / "rows.csv")
    assert set(left["dataset"]) == {"MNIST-5k"}
    images_only = whole[whole["dataset"] == "MNIST-5k"]
    pd.testing.assert_series_equal(numbers_of(left), numbers_of(images_only), check_exact=True)


def test_another_set_gives_rows_of_its_own(
    cells, base: dict[str, Any], upside_down: ImageSet
) -> None:
    rows = collected(cells("alphas", dataset="fashion-mnist"))
    assert set(rows["dataset"]) == {"Fashion-MNIST", "toy 2-D"}
    assert values_in(rows, "alpha") != values_in(base["rows"], "alpha")
    told = base["provenance"]
    assert (told["data_sha256"], told["data_origin"]) == (upside_down.sha256, upside_down.origin)


NEEDED = "models needs CNN and dAE sym, and each network once"
ENTRIES = "needs entries from 0 up, each once; it was"
OF_NOISE = "negatives must be noise, and omniglot if wished; it was"
MULTIPLES = "attempts and attacks must be multiples of the 10 classes"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"seeds": []}, rf"seeds {ENTRIES} \[\]"),
        ({"seeds": [-1]}, rf"seeds {ENTRIES} \[-1\]"),
        ({"seeds": [0, 0]}, rf"seeds {ENTRIES} \[0, 0\]"),
        ({"one_classes": []}, rf"one_classes {ENTRIES} \[\]"),
        ({"one_classes": [-1]}, rf"one_classes {ENTRIES} \[-1\]"),
        ({"one_classes": [1, 1]}, rf"one_classes {ENTRIES} \[1, 1\]"),
        ({"one_classes": [10]}, r"one_classes needs classes from 0 to 9; it was \[10\]"),
        ({"models": ["CNN"]}, rf"{NEEDED}; it was \['CNN'\]"),
        ({"models": ["dAE sym"]}, rf"{NEEDED}; it was \['dAE sym'\]"),
        ({"models": ["CNN", "dAE sym", "CNN"]}, NEEDED),
        ({"models": ["CNN", "dAE sym", "COOOL"]}, r"no network 'COOOL'.*Did you mean 'COOL'\?"),
        ({"negatives": []}, rf"{OF_NOISE} \[\]"),
        ({"negatives": ["omniglot"]}, rf"{OF_NOISE} \['omniglot'\]"),
        ({"negatives": ["noise", "letters"]}, rf"{OF_NOISE} \['noise', 'letters'\]"),
        ({"omega": 0}, r"omega must be a whole number of at least 1; it was 0"),
        ({"sigma": -0.1}, r"sigma must be a number of at least 0; it was -0\.1"),
        (
            {"other_omegas": [1]},
            r"other_omegas needs numbers from 2 up but for omega; it was \[1\]",
        ),
        ({"other_omegas": [10]}, r"numbers from 2 up but for omega; it was \[10\]"),
        ({"thresholds": []}, r"Each threshold must lie above 0 and up to 1; they were \[\]"),
        ({"thresholds": [0.0, 0.9]}, r"above 0 and up to 1; they were \[0\.0, 0\.9\]"),
        ({"thresholds": [-0.1]}, r"above 0 and up to 1; they were \[-0\.1\]"),
        ({"thresholds": [0.9, 1.1]}, r"above 0 and up to 1; they were \[0\.9, 1\.1\]"),
        ({"thresholds": [0.9, 0.5]}, r"thresholds must ascend; they were \[0\.9, 0\.5\]"),
        ({"thresholds": [0.9, 0.9]}, r"thresholds must ascend; they were \[0\.9, 0\.9\]"),
        ({"alpha": -1.0}, r"alpha must be a number of at least 0; it was -1\.0"),
        ({"alpha": float("inf")}, r"alpha must be a number of at least 0; it was inf"),
        ({"beta": -1.0}, r"beta must be a number of at least 0; it was -1\.0"),
        ({"beta": float("nan")}, r"beta must be a number of at least 0; it was nan"),
        *(
            ({name: 0}, rf"{name} must be at least 1; it was 0")
            for name in (
                *("max_steps", "dae_max_steps", "attacks", "attack_steps", "restarts", "orders"),
                *("open_epochs", "traced", "probes", "sample", "toy_steps"),
            )
        ),
        ({"toy_noises": []}, "toy_noises needs at least one number"),
        ({"toy_noises": [0.1, 0.0]}, r"toy_noises needs numbers above 0, each once.*0\.0\]"),
        ({"toy_noises": [0.2, 0.2]}, r"toy_noises needs numbers above 0, each once.*0\.2\]"),
        ({"alpha_factors": [-1.0]}, r"alpha_factors needs numbers above 0.*\[-1\.0\]"),
        ({"class_images": 2}, "class_images must be at least 3"),
        ({"dae_long_steps": -5}, "dae_long_steps 0 or more"),
        ({"models": ["CNN", "dAE sym", "autoencoder"]}, "a baseline of one class"),
        ({"negatives": ["noise", "noise"]}, rf"{OF_NOISE} \['noise', 'noise'\]"),
        ({"training_classes": []}, r"training_classes needs an entry, and none that few_orders"),
        ({"few_orders": [2]}, r"needs an entry, and none that few_orders has too"),
        ({"training_classes": [0]}, r"training_classes needs numbers from 1 to 10.*was \[0\]"),
        ({"training_classes": [11]}, r"training_classes needs numbers from 1 to 10.*was \[11\]"),
        ({"training_classes": [2, 2]}, r"from 1 to 10, each once; it was \[2, 2\]"),
        ({"few_orders": [0]}, r"few_orders needs numbers from 1 to 10, each once; it was \[0\]"),
        ({"few_orders": [11]}, r"few_orders needs numbers from 1 to 10, each once; it was \[11\]"),
        ({"attempts": 0}, MULTIPLES),
        ({"attempts": 15}, MULTIPLES),
        ({"attacks": 5}, MULTIPLES),
        ({"epochs": 0}, r"epochs must be a whole number of at least 1; it was 0"),
        ({"batch_size": 0}, r"batch_size must be a whole number of at least 1; it was 0"),
        ({"learning_rate": 0.0}, r"learning_rate must be a number above 0; it was 0\.0"),
        ({"device": "tpu"}, r"device must be auto, cpu or cuda.*it was 'tpu'"),
    ],
    ids=str,
)
def test_bad_input_is_one_sentence(cells, values: dict[str, Any], sentence: str) -> None:
    parameters.check("dae", values)  # so it is the chapter itself that refuses
    with pytest.raises(errors.BadInput, match=sentence) as told:
        cells("fitted", **({"toy_steps": 1} | values))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("shape", [(3, 28, 28), (1, 32, 32)], ids=["colours", "size"])
def test_images_of_another_shape_are_refused(
    cells, digits: ImageSet, monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...]
) -> None:
    other = replace(
        digits,
        title="CIFAR-10",
        images=np.zeros((len(digits.labels), *shape), np.uint8),
    )
    monkeypatch.setattr(data, "load", lambda *args, **options: other)
    with pytest.raises(errors.BadInput, match=r"grey images of 28×28, unlike those of CIFAR-10"):
        cells("fitted", toy_steps=1)


@pytest.mark.parametrize("known", [True, False])
def test_the_open_set_page_reads_this_run_beside_the_reference_there_is(
    base: dict[str, Any], chapter_cells, glued, names_in_prose, monkeypatch, tmp_path, known: bool
) -> None:
    rows = base["rows"]
    (tmp_path / "dae").mkdir()
    results.write_rows(tmp_path / "dae/rows.csv", rows)
    results.write_runs(tmp_path / "dae/runs.csv", results.runs_frame([base["provenance"]]))
    if not known:
        monkeypatch.setattr(results, "reference_rows", lambda: rows.iloc[:0])
    told = chapter_cells("openset", "no such name", rows_root=str(tmp_path))
    assert set(glued) == names_in_prose("openset")
    table = told["one_known"]  # one class is known in this run, ten in the reference
    assert len(table.loc["this build"]) == 2 and ("MNIST" in table.index) == known
    whose = "our reference" if known else "this build"
    assert told["sentences"]["source"] == whose
    assert told["sentences"]["open"].startswith(f"AUROC of unknown classes ({whose}")
    assert not any("not measured" in text for text in told["sentences"].values())
