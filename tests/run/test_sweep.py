"""Sweeps: cells with safe names, refused nonsense, merged and published tables."""

import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from lib.errors import BadInput, CompanionError, DataMissing
from lib.numbers import (
    Latents,
    frame,
    latent_store,
    merge,
    read_rows,
    read_runs,
    row,
    write_rows,
    write_runs,
)
from lib.numbers.runs import RUN_COLUMNS, runs_frame
from lib.paths import ROOT
from lib.run import parameters, sweep


def write(path: Path, content: Any) -> Path:
    text = content if isinstance(content, str) else yaml.safe_dump(content)
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    return path


def cells(path: Path) -> dict[str, dict[str, Any]]:
    return sweep.read_sweep(path).cells()


def test_cells_are_the_product_of_the_grid_over_the_fixed_values(
    tiny: Path, tmp_path: Path
) -> None:
    grid = {"digit": [1, 2], "seeds": [[0], [1, 2]]}
    path = write(tmp_path / "s.yml", {"chapter": "tiny", "parameters": {"rate": 0.5}, "grid": grid})
    assert cells(path) == {
        "digit-1_seeds-0": {"rate": 0.5, "digit": 1, "seeds": [0]},
        "digit-1_seeds-1.2": {"rate": 0.5, "digit": 1, "seeds": [1, 2]},
        "digit-2_seeds-0": {"rate": 0.5, "digit": 2, "seeds": [0]},
        "digit-2_seeds-1.2": {"rate": 0.5, "digit": 2, "seeds": [1, 2]},
    }
    assert sweep.read_sweep(path).profile == "full"


def test_changes_are_tried_one_at_a_time_on_every_point(tiny: Path, tmp_path: Path) -> None:
    content = {"chapter": "tiny", "grid": {"digit": [1, 2]}}
    content["changes"] = [{}, {"rate": 0.5}, {"seeds": [3]}]
    assert cells(write(tmp_path / "s.yml", content)) == {
        "digit-1": {"digit": 1},
        "digit-2": {"digit": 2},
        "rate-0.5_digit-1": {"rate": 0.5, "digit": 1},
        "rate-0.5_digit-2": {"rate": 0.5, "digit": 2},
        "seeds-3_digit-1": {"seeds": [3], "digit": 1},
        "seeds-3_digit-2": {"seeds": [3], "digit": 2},
    }


def test_names_hold_nothing_that_a_path_or_a_shell_reads(tiny: Path, tmp_path: Path) -> None:
    words = ["../a", "b c", "d/e", "$f", "g;h", "*"]
    path = write(tmp_path / "s.yml", {"chapter": "tiny", "grid": {"behave": words}})
    names = list(cells(path))
    assert names[:2] == ["behave-a", "behave-b.c"]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in names)


def test_numbers_in_the_file_are_those_of_yaml_1_2(tiny: Path, tmp_path: Path) -> None:
    text = "{chapter: tiny, parameters: {rate: 1e-3}, grid: {seeds: [[010]], behave: [12:30:45]}}"
    values = next(iter(cells(write(tmp_path / "s.yml", text)).values()))
    assert values == {"rate": 0.001, "seeds": [10], "behave": "12:30:45"}


def test_the_projects_own_sweeps_can_run() -> None:
    for path in sorted((ROOT / "sweeps").glob("*.yml")):
        assert cells(path), path


TINY = {"chapter": "tiny", "grid": {"digit": [1]}}
BAD: list[tuple[Any, type[CompanionError], str]] = [
    ("[", BadInput, "s.yml cannot be read: "),
    ("chapter: a\nchapter: b\n", BadInput, "s.yml cannot be read: found duplicate key"),
    ("# \udcff", BadInput, "s.yml cannot be read: it is not encoded as UTF-8"),
    ("", BadInput, "s.yml cannot be used: the file: "),
    ({"chapter": "tiny"}, BadInput, "s.yml cannot be used: grid: Field required"),
    (TINY | {"grids": {}}, BadInput, "grids: Extra inputs are not permitted"),
    (TINY | {"grid": {"digit": 1}}, BadInput, "grid.digit: Input should be a valid list"),
    (TINY | {"grid": {"digit": []}}, BadInput, "grid.digit: List should have at least 1 item"),
    (TINY | {"profile": None}, BadInput, "profile: Input should be a valid string"),
    (TINY | {"changes": []}, BadInput, "changes: List should have at least 1 item"),
    (TINY | {"changes": [{"digit": 3}]}, BadInput, "Two values meet in the cell"),
    (TINY | {"grid": {"digit": [1, 1]}}, BadInput, "Two values meet in the cell"),
]


@pytest.mark.parametrize(("content", "kind", "sentence"), BAD)
def test_bad_files_are_refused(
    tiny: Path, tmp_path: Path, content: Any, kind: type[CompanionError], sentence: str
) -> None:
    path = write(tmp_path / "s.yml", content)
    with pytest.raises(kind, match=sentence):
        cells(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no sweep file s\.yml"):
        cells(tmp_path / "s.yml")


def test_values_reach_the_command_line_as_they_are(tiny: Path) -> None:
    values = {"seeds": [0, 3], "quiet": True, "rate": 1e-9, "behave": "it's #1; rm -rf *: no"}
    words = shlex.split(sweep.command_line(values))
    assert words[0::3] == ["-p"] * 4
    assert parameters.parse("tiny", dict(zip(words[1::3], words[2::3], strict=True))) == values


@pytest.fixture
def sweeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sweeps named mnist, cifar and moves, of which nothing but the name counts."""
    (tmp_path / "sweeps").mkdir()
    monkeypatch.setattr(sweep, "SWEEPS", tmp_path / "sweeps")
    for name in ("mnist", "cifar", "moves"):
        (tmp_path / f"sweeps/{name}.yml").touch()


def leave(folder: Path, run: str, *, digit: int, value: float = 0.5) -> Path:
    measured = row(
        run=run, table="t", method="m", metric="AUROC", class_=digit, value=value, n=1, seed=0
    )
    known = {"run": run, "parameters": "{}", "seconds": 1.0, "threads": 1}
    write_rows(folder / "rows.csv", frame([measured]))
    write_runs(folder / "runs.csv", runs_frame([dict.fromkeys(RUN_COLUMNS, "") | known]))
    return folder


def test_merge_keeps_every_cell_and_refuses_the_same_measurement_twice(tmp_path: Path) -> None:
    one, two = leave(tmp_path / "1", "a", digit=1), leave(tmp_path / "2", "b", digit=2)
    rows, runs = tmp_path / "out/rows.csv", tmp_path / "out/runs.csv"
    sweep.merge_cells([one, two], rows, runs)
    assert read_rows(rows)["class"].tolist() == ["1", "2"]
    assert read_runs(runs)["run"].tolist() == ["a", "b"]
    again = leave(tmp_path / "3", "c", digit=2, value=0.6)
    with pytest.raises(BadInput, match="same measurement came twice"):
        sweep.merge_cells([one, two, again], tmp_path / "no.csv", tmp_path / "no-runs.csv")
    assert not (tmp_path / "no.csv").exists()
    (two / "runs.csv").unlink()
    with pytest.raises(DataMissing):
        sweep.merge_cells([one, two], tmp_path / "no.csv", tmp_path / "no-runs.csv")


def test_publishing_again_replaces_rows_and_runs_and_leaves_others(
    sweeps: None, tmp_path: Path
) -> None:
    reference = tmp_path / "reference"
    sweep.publish("mnist", leave(tmp_path / "1", "old", digit=1), reference)
    sweep.publish("cifar", leave(tmp_path / "2", "other", digit=2), reference)
    target = sweep.publish("mnist", leave(tmp_path / "3", "new", digit=1, value=0.7), reference)
    assert target == reference / "mnist.csv"
    assert read_rows(target)[["run", "value"]].values.tolist() == [["new", 0.7]]
    assert read_rows(reference / "cifar.csv")["run"].tolist() == ["other"]
    assert sorted(read_runs(reference / "runs.csv")["run"]) == ["new", "other"]


def test_what_another_sweep_has_published_stands_once(sweeps: None, tmp_path: Path) -> None:
    reference = tmp_path / "reference"
    sweep.publish("mnist", leave(tmp_path / "1", "base", digit=1), reference)
    within = 0.5 + 0.9 * sweep.ROUNDING
    source = leave(tmp_path / "2", "moved", digit=1, value=within)
    own = read_rows(leave(tmp_path / "3", "moved", digit=2) / "rows.csv")
    write_rows(source / "rows.csv", merge([read_rows(source / "rows.csv"), own]))
    target = sweep.publish("moves", source, reference)
    assert read_rows(target)["class"].tolist() == ["2"]
    assert read_rows(reference / "mnist.csv")["value"].tolist() == [0.5]
    before = target.read_bytes()
    apart = leave(tmp_path / "4", "moved", digit=1, value=0.5 + 1.1 * sweep.ROUNDING)
    with pytest.raises(BadInput, match=r"class 1, .*0\.500000, not 0\.500011"):
        sweep.publish("moves", apart, reference)
    assert target.read_bytes() == before


@pytest.mark.parametrize("name", ["mnist", "runs", "../sweeps/mnist", ""])
def test_publishing_what_was_not_run(
    sweeps: None, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sweep.main(["publish", name, "--from", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert told.startswith("Error: ") and told.count("\n") == 1


def test_publishing_takes_the_latents_along(sweeps: None, tmp_path: Path) -> None:
    numbers = np.ones((4, 3), np.float32)
    places = np.arange(4)
    latents = Latents(z=numbers, logits=numbers, labels=places, indices=places)
    entry = dict.fromkeys((*latent_store.KEYS, *latent_store.ORIGIN), 0)
    source = leave(tmp_path / "1", "a", digit=1)
    latent_store.keep_latents(source / "cell/latents", latents, entry | {"network": "base"})
    sweep.publish("mnist", source, tmp_path / "reference")
    stored = latent_store.stored_latents(tmp_path / "reference/latents")
    assert stored["network"].tolist() == ["base"] and stored["rows"].tolist() == [4]
