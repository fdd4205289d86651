"""Golden notebooks: a chapter's own code, and the stored lines of what its checked cells print."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jupytext
import nbformat
import pytest
from nbformat import NotebookNode

from lib.errors import BadInput
from lib.numbers import check_line, load_expected
from lib.paths import CHAPTERS
from lib.run import golden, parameters

NAMES = parameters.measured_chapters()
LINES = "%%\nrows 1\ndigit: expected 3.000 ± 1.000: ok\n"


def test_every_chapter_that_measures_has_lines_and_no_other_file_lies_there() -> None:
    assert {path.stem for path in golden.FOLDER.glob("*.txt")} == set(NAMES)


def test_the_lines_are_those_of_the_checked_cells_and_of_every_expectation() -> None:
    for chapter in NAMES:
        text = (golden.FOLDER / f"{chapter}.txt").read_text(encoding="utf-8")
        golden.golden(chapter, text)  # as many cells
        expected = load_expected(CHAPTERS / "expected" / f"{chapter}.csv")
        wanted = {check_line(name, want.mean, expected) for name, want in expected.items()}
        assert wanted == {line for line in text.splitlines() if line.endswith((": ok", ": OFF"))}


def test_a_golden_notebook_has_the_chapters_code_the_smoke_values_and_the_lines(tiny: Path) -> None:
    notebook = golden.golden("tiny", LINES)
    nbformat.validate(notebook)
    sources = [cell.source for cell in notebook.cells]
    theirs = [c.source for c in parameters.read_chapter("tiny").cells if c.cell_type == "code"]
    assert [sources[0], *sources[2:]] == theirs
    assert sources[1] == '# Parameters\nprofile = "smoke"\nrate = 0.002\n'
    texts = [golden.printed(cell) for cell in notebook.cells]
    assert texts == [""] * 5 + ["rows 1\ndigit: expected 3.000 ± 1.000: ok\n"]
    for lines in ("", LINES * 2):
        with pytest.raises(BadInput, match="has 1 checked cells and lines for"):
            golden.golden("tiny", lines)


@pytest.mark.notebook
def test_nbval_passes_what_holds_and_notices_a_wrong_line(tiny_project: Path) -> None:
    lines = tiny_project / "tests/notebooks/tiny.txt"
    lines.write_text(LINES.replace("rows 1", "rows 2"))
    line = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval-lax"]
    done = subprocess.run(
        [*line, "tests/notebooks/tiny.ipynb"],
        cwd=tiny_project,
        env=os.environ | {"PYTHONPATH": str(tiny_project)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and "1 failed, 5 passed" in done.stdout, done.stdout


SOURCE = """\
# %% tags=["parameters"]
profile = "custom"  # its name

# %% tags=["remove-output"]
print(1 / 7)

# %%
figure = None

# %% tags=["nbval-check-output"]
print("images", 5)
"""


def executed() -> NotebookNode:
    """What papermill would leave of SOURCE."""
    notebook: NotebookNode = nbformat.from_dict(jupytext.reads(SOURCE, fmt="py:percent"))
    notebook.cells[1]["outputs"] = [say("0.142857142")]
    notebook.cells[3]["outputs"] = [say("images 5\nrecon: expected 0.970 ± 0.020: ok\n")]
    return notebook


def say(text: str, name: str = "stdout") -> NotebookNode:
    return nbformat.v4.new_output("stream", name=name, text=text)


# put together here, so that no path of a machine stands in the project itself
HOME = "/".join(["", "home", "me", "data"])

Plant = Callable[[list[NotebookNode]], object]
PLANTED: dict[str, tuple[Plant, str]] = {
    "loose print": (
        lambda cells: cells[2].update(outputs=[say("1.2857")]),
        "code cell 2 prints and is not tagged nbval-check-output",
    ),
    "nothing checked": (lambda cells: cells[3].update(outputs=[]), "is checked and prints nothing"),
    "no expectation": (
        lambda cells: cells[3].update(outputs=[say("images 5")]),
        "no line compares a trained number with its expectation",
    ),
    "off": (
        lambda cells: cells[3].outputs.append(say("grad: expected 0.500 ± 0.100: OFF\n")),
        "a number is off: 'grad: expected 0.500 ± 0.100: OFF'",
    ),
    "raw float": (
        lambda cells: cells[3].outputs.append(say("AUROC 0.97123")),
        "code cell 3 shows a float with more than four decimals",
    ),
    "warning": (
        lambda cells: cells[3].outputs.append(say("FutureWarning: soon")),
        "code cell 3 shows a warning",
    ),
    "standard error": (
        lambda cells: cells[3].outputs.append(say("hello", name="stderr")),
        "code cell 3 is checked and has another output than text",
    ),
    "path in an output": (
        lambda cells: cells[2].outputs.append(say(f"read {HOME}")),
        "code cell 2 shows a path of one machine",
    ),
    "drive letter": (
        lambda cells: cells[2].outputs.append(say(r"read C:\data")),
        "code cell 2 shows a path of one machine",
    ),
}


def test_a_run_with_a_planted_fault_is_not_accepted() -> None:
    for name in PLANTED:
        plant, sentence = PLANTED[name]
        notebook = executed()
        plant(notebook.cells)
        assert any(sentence in fault for fault in golden.faults(notebook)), golden.faults(notebook)


def test_what_is_no_fault() -> None:
    for text in ["chapters/expected/gradcon.csv", "a/root", "~/work", "1 / 2"]:
        notebook = executed()
        notebook.cells[3].outputs.append(say(text))
        assert golden.faults(notebook) == []


def test_trained_numbers_are_checked_under_smoke_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    values = {
        name: want.mean
        for name, want in load_expected(CHAPTERS / "expected" / f"{NAMES[0]}.csv").items()
    }
    golden.check(NAMES[0], values, profile="quick")
    assert capsys.readouterr().out == ""
    golden.check(NAMES[0], values, profile="smoke")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(values) and all(line.endswith(": ok") for line in lines)
