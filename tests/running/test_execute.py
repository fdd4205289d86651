"""Running a chapter: a whole result in place, or a sentence and nothing."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import jupytext
import nbformat
import pytest

from lib import parameters
from lib.errors import BadInput
from lib.execute import ChapterFailed, execute, main
from lib.paths import ROOT
from lib.results import read_rows, read_runs
from lib.workspace import run_name

RESULT = ["checked.csv", "rows.csv", "runs.csv", "tiny.ipynb"]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def wait_for(happened: Callable[[], object], *, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_run_leaves_a_clean_notebook_and_rows_and_a_failing_one_does_not_touch_them(
    tiny: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "checked.csv").write_text("of an older run")
    assert execute("tiny", profile="smoke", values={"digit": 4}, output=folder) == folder
    assert names(folder) == RESULT  # so .work is gone
    assert read_rows(folder / "rows.csv")["value"].tolist() == [0.4]
    assert read_runs(folder / "runs.csv")["run"].tolist() == ["tiny-4"]
    assert (folder / "checked.csv").read_text() == "name,value\ndigit,4.0\n"

    text = (folder / "tiny.ipynb").read_text()
    notebook = nbformat.reads(text, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == [1, 2, 3, 4, 5]
    assert code[1].source == '# Parameters\nprofile = "smoke"\nrate = 0.002\ndigit = 4\n'
    assert code[4].outputs[0].text == "rows 1\ndigit: expected 3.000 ± 1.000: ok\n"
    for word in (str(tmp_path), str(ROOT), "start_time", "duration", "iopub", '"papermill"'):
        assert word not in text
    assert os.environ.get("COMPANION_WORK") is None

    before = contents(folder)
    capfd.readouterr()
    line = ["tiny", "--profile", "smoke", "--output", str(folder), "--quiet"]
    assert main([*line, "-p", "behave", "fail"]) == 1
    wanted = "Error: Chapter tiny failed in cell 3: ZeroDivisionError: division by zero\n"
    assert capfd.readouterr().err == wanted
    assert main([*line, "-p", "behave", "refuse"]) == 1
    assert capfd.readouterr().err == "Error: There is no such digit.\n"
    assert contents(folder) == before
    assert names(folder) == [".work", *RESULT]


def test_a_dead_kernel_is_told_in_words(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(ChapterFailed, match="process of chapter tiny died"):
        execute("tiny", profile="smoke", values={"behave": "die"}, output=tmp_path / "out")
    assert names(tmp_path / "out") == [".work"]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (["tinny"], "Error: There is no chapter 'tinny'; known are tiny. Did you mean 'tiny'?\n"),
        (["tiny", "--profile", "fast"], "Error: There is no profile 'fast'; known are smoke, full"),
        (["tiny", "-p", "digits", "4"], "Error: Chapter tiny has no parameter 'digits'. Did you"),
        (["tiny", "-p", "digit", "four"], "Error: Parameter digit of chapter tiny takes a value"),
        (["tiny", "-p", "seeds", "[0"], "Error: The value of seeds cannot be read: '[0'.\n"),
    ],
)
def test_what_does_not_exist_is_refused_before_anything_is_written(
    tiny: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    line: list[str],
    sentence: str,
) -> None:
    folder = tmp_path / "out"
    profile = [] if "--profile" in line else ["--profile", "smoke"]
    assert main([*line, *profile, "--output", str(folder)]) == 1
    told = capsys.readouterr().err
    assert told.startswith(sentence)
    assert told.count("\n") == 1
    assert not folder.exists()


def test_list_shows_parameters_and_runs_nothing(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tiny", "--list"]) == 0
    assert "rate = 0.001  # a number with a point\n" in capsys.readouterr().out


def test_after_a_killed_run_the_next_one_starts_clean(tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    work = folder / ".work"
    code = (
        "import sys, pathlib, lib.parameters as p; p.CHAPTERS = pathlib.Path(sys.argv.pop(1));"
        "p.PROFILES = p.CHAPTERS / 'profiles'; from lib.execute import main; sys.exit(main())"
    )
    line = ["tiny", "--profile", "smoke", "--output", str(folder), "--quiet"]
    waiting = ["-p", "behave", "wait", "-p", "digit", "2"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tiny), *line, *waiting], cwd=ROOT, start_new_session=True
    )
    try:
        wait_for(lambda: (work / "started").exists() and (work / "started").read_text())
    finally:
        process.kill()
        process.wait()
    kernel = int((work / "started").read_text())
    wait_for(
        lambda: not is_alive(kernel), seconds=20
    )  # the kernel looks for its parent each second
    assert names(folder) == [".work"]

    (work / "rows.csv").write_text("half a row")  # what a kill at the wrong moment would leave
    execute("tiny", profile="smoke", output=folder, progress=False)
    assert names(folder) == RESULT
    assert read_rows(folder / "rows.csv")["value"].tolist() == [0.3]


def test_plain_papermill_works_on_the_converted_notebook(tiny: Path, tmp_path: Path) -> None:
    source, executed = tmp_path / "tiny.ipynb", tmp_path / "executed.ipynb"
    jupytext.write(jupytext.read(tiny / "tiny.py"), source)
    tool = Path(sys.executable).parent / "papermill"
    options = ["-p", "digit", "4", "--no-progress-bar"]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run(
        [str(tool), str(source), str(executed), *options],
        check=True,
        env=env,
        cwd=tmp_path,
        capture_output=True,
    )
    last = nbformat.read(executed, as_version=4).cells[-1]
    assert last.outputs[0].text == "rows 1\n"


@pytest.mark.parametrize("chapter", parameters.chapter_names())
def test_chapters_say_what_papermill_needs_to_run_them(chapter: str) -> None:
    kernel = jupytext.read(parameters.chapter_path(chapter)).metadata["kernelspec"]
    assert (kernel["name"], kernel["language"]) == ("python3", "python")


def test_two_runs_share_a_name_only_if_they_are_the_same() -> None:
    first = run_name("tiny", {"profile": "smoke", "dataset": "mnist", "seeds": [0]})
    assert first == run_name("tiny", {"seeds": [0], "dataset": "mnist", "profile": "smoke"})
    assert first != run_name("tiny", {"profile": "smoke", "dataset": "mnist", "seeds": [1]})
    assert first.startswith("tiny-smoke-mnist-")


def test_bad_input_is_a_value_error_to_callers() -> None:
    assert issubclass(BadInput, ValueError)


def test_stored_latents_come_along_and_an_older_runs_go(tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    for rate in (0.5, 0.25):
        values = {"digit": 9, "rate": rate}
        execute("tiny", profile="smoke", values=values, output=folder, progress=False)
        assert (folder / "latents/z").read_text() == str(rate)
    execute("tiny", profile="smoke", values={"digit": 4}, output=folder, progress=False)
    assert names(folder) == RESULT
