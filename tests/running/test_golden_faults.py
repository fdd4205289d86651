"""Each guard of golden notebooks sees the fault that is planted for it."""

from collections.abc import Callable

import jupytext
import nbformat
import pytest
from nbformat import NotebookNode

from lib.golden import faults, golden, printed, prints_numbers

# A small chapter and its golden notebook, without a fault until one is planted.

SOURCE = """\
# %% tags=["parameters"]
profile = "custom"  # its name
epochs = 9  # how many

# %% tags=["remove-output"]
print(epochs / 7)

# %%
print("no number here")

# %% tags=["nbval-check-output"]
print("images", 5)
print("recon: expected 0.970 ± 0.020: ok")
"""
PARAMETERS = {"profile": "smoke", "epochs": 2}
TEXT = "images 5\nrecon: expected 0.970 ± 0.020: ok\n"


def executed() -> NotebookNode:
    """What papermill would leave of SOURCE."""
    cells = jupytext.reads(SOURCE, fmt="py:percent").cells
    injected = nbformat.v4.new_code_cell('# Parameters\nprofile = "smoke"\nepochs = 2\n')
    injected.metadata["tags"] = ["injected-parameters"]
    cells.insert(1, injected)
    for count, cell in enumerate(cells, start=1):
        cell["execution_count"] = count
        text = TEXT if count == len(cells) else f"said by cell {count}\n"
        cell["outputs"] = [nbformat.v4.new_output("stream", name="stdout", text=text)]
    cells.insert(0, nbformat.v4.new_markdown_cell("# Prose"))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def found_in(notebook: NotebookNode) -> list[str]:
    chapter = jupytext.reads(SOURCE, fmt="py:percent")
    return faults(notebook, chapter=chapter, parameters=PARAMETERS)


def test_a_golden_notebook_keeps_the_text_of_checked_cells_only() -> None:
    kept = golden(executed())
    nbformat.validate(kept)
    assert [cell.cell_type for cell in kept.cells] == ["code"] * 5
    assert [printed(cell) for cell in kept.cells] == ["", "", "", "", TEXT]
    assert found_in(kept) == []


def output(kind: str, **content: object) -> NotebookNode:
    return nbformat.v4.new_output(kind, **content)


def say(text: str, name: str = "stdout") -> NotebookNode:
    return output("stream", name=name, text=text)


# put together here, so that no path of a machine stands in the project itself
HOME, SCRATCH = (f"/{root}/data" for root in ("home/me", "tmp"))

Plant = Callable[[list[NotebookNode]], object]
PLANTED: dict[str, tuple[Plant, str]] = {
    "not executed": (
        lambda cells: cells[3].update(execution_count=None),
        "code cell 3 was not executed",
    ),
    "other code": (
        lambda cells: cells[2].update(source="print(epochs / 8)"),
        "code cell 1 of the chapter is another one here",
    ),
    "other tags": (
        lambda cells: cells[3].metadata.update(tags=["remove-output"]),
        "code cell 2 of the chapter is another one here",
    ),
    "missing cell": (lambda cells: cells.pop(3), "3 code cells, but the chapter has 4"),
    "other parameters": (
        lambda cells: cells[1].update(source='profile = "smoke"\nepochs = 3'),
        "the injected parameters are {'profile': 'smoke', 'epochs': 3}, but",
    ),
    "no parameters": (lambda cells: cells.pop(1), "there must be one cell of injected parameters"),
    "loose output": (
        lambda cells: cells[2].outputs.append(say("1.2857")),
        "code cell 2 keeps outputs that nbval does not compare",
    ),
    "nothing checked": (lambda cells: cells[4].update(outputs=[]), "is checked and prints nothing"),
    "no expectation": (
        lambda cells: cells[4].update(outputs=[say("images 5")]),
        "no line compares a trained number with its expectation",
    ),
    "off": (
        lambda cells: cells[4].outputs.append(say("grad: expected 0.500 ± 0.100: OFF\n")),
        "a number is off: 'grad: expected 0.500 ± 0.100: OFF'",
    ),
    "raw float": (
        lambda cells: cells[4].outputs.append(say("AUROC 0.97123")),
        "code cell 4 shows a float with more than four decimals",
    ),
    "rounding noise": (
        lambda cells: cells[4].outputs.append(say("difference 3e-08")),
        "code cell 4 shows a float with more than four decimals",
    ),
    "warning": (
        lambda cells: cells[4].outputs.append(say("FutureWarning: soon")),
        "code cell 4 shows a warning",
    ),
    "standard error": (
        lambda cells: cells[4].outputs.append(say("hello", name="stderr")),
        "code cell 4 is checked and has another output than printed text",
    ),
    "SVG": (
        lambda cells: cells[4].outputs.append(
            output("display_data", data={"image/svg+xml": "<svg/>"})
        ),
        "code cell 4 shows SVG",
    ),
    "path in an output": (
        lambda cells: cells[4].outputs.append(say(f"read {HOME}")),
        f"a path of one machine: 'read {HOME}'",
    ),
    "path in the code": (
        lambda cells: cells[0].update(source=f'root = "{SCRATCH}"'),
        f"a path of one machine: 'root = \"{SCRATCH}\"'",
    ),
    "drive letter": (
        lambda cells: cells[4].outputs.append(say(r"read C:\data")),
        r"a path of one machine: 'read C:\\data'",
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_seen(name: str) -> None:
    plant, sentence = PLANTED[name]
    notebook = golden(executed())
    plant(notebook.cells)
    assert any(sentence in fault for fault in found_in(notebook)), found_in(notebook)


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("print(epochs)", "prints numbers and is not tagged nbval-check-output"),
        ("x = 1;", None),
    ],
)
def test_faults_that_the_chapter_has_itself(source: str, fault: str | None) -> None:
    notebook, chapter = golden(executed()), jupytext.reads(SOURCE, fmt="py:percent")
    notebook.cells[3]["source"] = chapter.cells[2]["source"] = source
    found = faults(notebook, chapter=chapter, parameters=PARAMETERS)
    assert found == ([f"code cell 3 {fault}"] if fault else [])


def test_a_trailing_semicolon_counts_in_a_checked_cell() -> None:
    notebook, chapter = golden(executed()), jupytext.reads(SOURCE, fmt="py:percent")
    notebook.cells[4]["source"] = chapter.cells[3]["source"] = "print(5);"
    found = faults(notebook, chapter=chapter, parameters=PARAMETERS)
    assert found == ["code cell 4 is checked and has a trailing semicolon"]


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        ("print('fixed text', 'and more')", False),
        ("value = 0.5", False),
        ("print(f'{value:.2f}')", True),
        ("def report(v):\n    print('epoch', v)", True),
        ("%time print(value)", True),  # not plain Python
    ],
)
def test_what_counts_as_printing_numbers(source: str, answer: bool) -> None:
    assert prints_numbers(source) is answer


@pytest.mark.parametrize("text", ["chapters/expected/gradcon.csv", "a/root", "~/work", "1 / 2"])
def test_what_is_no_machine_path(text: str) -> None:
    notebook = golden(executed())
    notebook.cells[4].outputs.append(say(text))
    assert found_in(notebook) == []
