"""Where results may go: nothing of anybody else's is deleted, and one run at a time."""

import os
from pathlib import Path

import pytest

from lib.errors import BadInput
from lib.paths import ROOT
from lib.run.execute import main
from lib.run.folder import place, run_folder


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def finish(folder: Path, chapter: str = "tiny", **files: str) -> None:
    """A run that leaves a notebook and these files."""
    with run_folder(folder, chapter) as work:
        for name, text in ({"rows.csv": "rows"} | files).items():
            (work / name).parent.mkdir(exist_ok=True)
            (work / name).write_text(text)
        (work / f"{chapter}.ipynb").write_text("notebook")
        place(work, work / f"{chapter}.ipynb")


def test_a_folder_with_other_things_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    for names in (["runs.csv", "latents/z"], ["notes"], ["rows.csv"], ["other.ipynb", "rows.csv"]):
        folder = tmp_path / names[0].replace(".", "")
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(f"kept {name}")
        before = contents(folder)
        with pytest.raises(BadInput, match="holds other things than a run of tiny"):
            finish(folder)
        assert contents(folder) == before


@pytest.mark.parametrize("output", ["results/reference", "chapters", ".", ""])
def test_the_projects_own_folders_are_refused(
    output: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    before = sorted(os.listdir(output or "."))
    assert main(["conditions", "--profile", "smoke", "--output", output]) == 1
    told = capsys.readouterr().err
    assert told.startswith("Error: The output folder") and told.count("\n") == 1
    assert sorted(os.listdir(output or ".")) == before


def test_a_run_takes_the_place_of_an_earlier_one_and_of_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "a/b"
    finish(folder, **{"checked.csv": "first", "latents/z": "first"})
    (folder / "notes").write_text("mine")
    finish(folder, **{"rows.csv": "second"})
    left = contents(folder)
    mine = {"notes": b"mine", ".tiny.run": b""}
    assert left == mine | {"tiny.ipynb": b"notebook", "rows.csv": b"second"}
    with pytest.raises(BadInput, match="holds other things than a run of other"):
        finish(folder, "other")
    assert contents(folder) == left


def test_a_run_that_leaves_nothing_leaves_no_folder_but_one_that_was_there(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "new/er", tmp_path / "empty"):
        with pytest.raises(ZeroDivisionError), run_folder(folder, "tiny"):
            raise ZeroDivisionError
    assert os.listdir(tmp_path) == ["empty"] and not os.listdir(tmp_path / "empty")


def test_what_a_killed_run_has_done_stays_for_the_next(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), run_folder(tmp_path, "tiny") as work:
        (work / "checkpoints").mkdir()
        (work / "rows.csv").write_text("half a row")
        raise ZeroDivisionError
    with run_folder(tmp_path, "tiny") as work:
        assert os.listdir(work) == ["checkpoints"]
        assert work == tmp_path / ".work"


def test_a_second_run_in_one_folder_is_told_so(tmp_path: Path) -> None:
    with run_folder(tmp_path, "tiny") as work:
        (work / "rows.csv").write_text("of the first")
        with pytest.raises(BadInput, match=r"Another run is using the folder .*choose another\.$"):
            finish(tmp_path)
        assert (work / "rows.csv").read_text() == "of the first"
    finish(tmp_path)  # the first has ended


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(BadInput, match="is a file"):
        finish(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"
