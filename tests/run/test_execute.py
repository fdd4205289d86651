"""Running a chapter: a whole result in place, or a sentence and nothing."""

import io
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import jupytext
import nbformat
import pytest

from lib.numbers import read_rows, read_runs
from lib.paths import ROOT
from lib.run import execute as module
from lib.run import parameters
from lib.run.execute import ChapterFailed, execute, main, plan

RESULT = [".tiny.run", "checked.csv", "rows.csv", "runs.csv", "tiny.ipynb"]
SMOKE = ["tiny", "--profile", "smoke", "--quiet", "--output"]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def wait_for(happened: Callable[[], object], *, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.notebook
def test_a_run_leaves_a_clean_notebook_and_rows_and_a_failing_one_does_not_touch_them(
    tiny: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "unwritable"))
    folder = tmp_path / "out"
    assert execute("tiny", profile="smoke", values={"digit": 9}, output=folder) == folder
    assert names(folder) == sorted([*RESULT, "latents"])
    assert execute("tiny", profile="smoke", values={"digit": 4}, output=folder) == folder
    assert names(folder) == RESULT  # so .work is gone, and the latents of the first run
    assert not list((tmp_path / "build").rglob("*.pt"))
    assert read_rows(folder / "rows.csv")["value"].tolist() == [0.4]
    assert read_runs(folder / "runs.csv")["run"].tolist() == ["tiny-4"]
    assert (folder / "checked.csv").read_text() == "name,value\ndigit,4.0\n"

    text = (folder / "tiny.ipynb").read_text()
    notebook = nbformat.reads(text, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == [1, 2, 3, 4, 5, 6]
    assert code[1].source == '# Parameters\nprofile = "smoke"\nrate = 0.002\ndigit = 4\n'
    assert code[5].outputs[0].text == "rows 1\ndigit: expected 3.000 ± 1.000: ok\n"
    for word in ("/tmp", str(ROOT), "start_time", "duration", "iopub", '"papermill"'):
        assert word not in text
    assert os.environ.get("COMPANION_WORK") is None

    before = contents(folder)
    capfd.readouterr()
    for behave, sentence in {
        "fail": "Error: Chapter tiny failed in cell 3: ZeroDivisionError: division by zero\n",
        "rowless": "Error: Chapter tiny left no rows.\n",
    }.items():
        assert main([*SMOKE, str(folder), "-p", "behave", behave]) == 1
        assert capfd.readouterr().err == sentence
        assert contents(folder) == before


@pytest.mark.notebook
def test_an_error_of_ours_and_a_dead_kernel_are_told_in_words(
    tiny: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([*SMOKE, str(tmp_path / "out"), "-p", "behave", "refuse"]) == 1
    assert capfd.readouterr().err == "Error: There is no such digit.\n"
    assert not (tmp_path / "out").exists()
    with pytest.raises(ChapterFailed, match="process of chapter tiny died"):
        execute("tiny", profile="smoke", values={"behave": "die"}, output=tmp_path / "out")


def test_what_cannot_be_run_is_refused_before_anything_is_written(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for line, sentence in [
        (["tinny"], "Error: There is no chapter 'tinny'; known are tiny. Did you mean 'tiny'?\n"),
        (["tiny", "--profile", "fast"], "Error: There is no profile 'fast'; known are full, smoke"),
        (["tiny", "-p", "digits", "4"], "Error: Chapter tiny has no parameter 'digits'. Did you"),
        (["tiny", "-p", "digit", "four"], "Error: Parameter digit of chapter tiny takes a value"),
        (["tiny", "-p", "seeds", "[0"], "Error: The value '[0' of seeds cannot be read: "),
        (["tiny", "-p", "rate", "1", "-p", "rate", "2"], "Error: A parameter is given twice.\n"),
        (["tiny", "--output", "/dev/null/x"], "Error: Not a directory: /dev/null/x"),
        (["tiny", "--output", "x" * 300], "Error: File name too long: xxx"),
    ]:
        monkeypatch.chdir(tmp_path)
        profile = [] if "--profile" in line else ["--profile", "smoke"]
        output = [] if "--output" in line else ["--output", "out"]
        assert main([*line, *profile, *output]) == 1
        told = capsys.readouterr().err
        assert told.startswith(sentence)
        assert told.count("\n") == 1
        assert names(tmp_path) == ["chapters"]


def test_a_full_disk_is_told_in_words(
    tiny: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> Path:
        raise OSError(28, "No space left on device", "/somewhere")

    monkeypatch.setattr(module, "execute", full)
    assert main(["tiny", "--profile", "smoke"]) == 1
    assert capsys.readouterr().err == "Error: No space left on device: /somewhere.\n"


def test_folders_are_looked_for_from_where_the_caller_stands(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given, folder = plan("tiny", profile="smoke", values={"data_root": "g"})
    assert given["data_root"] == str(tmp_path / "g")
    assert plan("tiny", profile="smoke", values={"data_root": str(tmp_path / "g")})[1] == folder
    assert "data_root" not in plan("tiny", profile="smoke")[0]
    for name in module.USER_FOLDERS:
        monkeypatch.setenv(name, "./g")
        with module._environment("tiny", tmp_path, str(tmp_path)):
            assert os.environ[name] == str(tmp_path / "g")


def test_list_shows_parameters_on_any_terminal(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tiny / "tiny.py"
    path.write_text(path.read_text().replace("a number with a point", "a number ± another"))
    screen = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(screen, encoding="ascii"))
    assert main(["tiny", "--list"]) == 0
    sys.stdout.flush()
    assert b"rate = 0.001  # a number \\xb1 another\n" in screen.getvalue()


@pytest.mark.notebook
def test_a_stopped_run_goes_on_from_its_checkpoint(tiny: Path, tmp_path: Path) -> None:
    folder, scratch = tmp_path / "out", tmp_path / "scratch"
    scratch.mkdir()
    work = folder / ".work"
    code = (
        "import sys, pathlib, lib.run.parameters as p, lib.run.execute as e;"
        "p.CHAPTERS = pathlib.Path(sys.argv.pop(1)); p.PROFILES = p.CHAPTERS / 'profiles';"
        "e.BUILD = p.CHAPTERS.parent / 'build'; sys.exit(e.main())"
    )
    waiting = ["-p", "behave", "wait", "-p", "digit", "2"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tiny), *SMOKE, str(folder), *waiting],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(scratch)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        wait_for(lambda: (work / "started").exists() and (work / "started").read_text())
        kernel = int((work / "started").read_text())
    finally:
        process.terminate()
        said = process.communicate(timeout=60)[1]
    wait_for(lambda: not is_alive(kernel), seconds=30)  # it looks for its parent each second
    assert names(folder) == [".tiny.run", ".work"]
    assert said == f"{module.STOPPED}\n"
    assert names(scratch) == []

    # another call that trains alike goes on from the second epoch
    values = {"digit": 2, "rate": 0.5}
    other = execute("tiny", profile="smoke", values=values, output=tmp_path / "b", progress=False)
    text = (other / "tiny.ipynb").read_text()
    assert "epochs done before 2" in text
    assert not list((tmp_path / "build").rglob("*.pt"))


def test_chapters_say_what_papermill_needs_to_run_them() -> None:
    for chapter in parameters.chapter_names():
        kernel = jupytext.read(parameters.CHAPTERS / f"{chapter}.py").metadata["kernelspec"]
        assert (kernel["name"], kernel["language"]) == ("python3", "python")


def test_a_captioned_cell_keeps_its_figure_alone():
    value = nbformat.v4.new_output("execute_result", {"text/plain": "Text(0, 0, '')"})
    image = nbformat.v4.new_output("display_data", {"image/png": "…", "text/plain": "<Figure>"})
    cells = [
        nbformat.v4.new_code_cell("plot()", outputs=[value, image]),
        nbformat.v4.new_code_cell("plot()", outputs=[value, image]),
    ]
    cells[0].metadata["mystnb"] = {"figure": {"name": "fig-x"}}
    cleaned = module.clean(nbformat.v4.new_notebook(cells=cells))
    assert [cell.outputs for cell in cleaned.cells] == [[image], [value, image]]
