"""What nbval holds a chapter's smoke run to: the lines that its checked cells print.

They are stored as text in tests/notebooks, a block per checked cell, and put under the chapter's
own code when nbval is to run: nothing of a chapter is copied.
"""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from lib.errors import BadInput
from lib.files import write_whole
from lib.numbers import check_lines
from lib.paths import CHAPTERS, ROOT
from lib.run import parameters
from lib.run.workspace import leave_checked

PROFILE = "smoke"
MEASURING = "COMPANION_MEASURING"  # set while expectations are measured: there is nothing to check
FOLDER = ROOT / "tests/notebooks"
EXPECTED = CHAPTERS / "expected"
CHECKED = "nbval-check-output"
BLOCK = "%%\n"  # begins the lines of a cell
# what another machine or day prints differently
UNSTABLE = {
    "a float with more than four decimals": re.compile(r"\d\.\d{5,}|\de[+-]\d\d"),
    "a warning": re.compile(r"warning", re.IGNORECASE),
    "SVG": re.compile(r"<svg", re.IGNORECASE),
}
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:home|mnt|opt|root|tmp|Users|var|work)\b|\b[A-Z]:\\+\w")


def check(chapter: str, values: Mapping[str, float], *, profile: str) -> None:
    """Print `CNN accuracy: expected 0.970 ± 0.020: ok` for each trained number, by its name.

    It says OFF where the number is further off than two standard deviations over eight seeds of
    the smoke profile (chapters/expected, from `make accept`); the number itself is not shown, so
    that every good run prints the same. Other profiles are expected nothing and print nothing.
    Raises UnknownName for a name without expectation.
    """
    leave_checked(values)
    if profile == PROFILE and MEASURING not in os.environ:
        print("\n".join(check_lines(chapter, values, folder=EXPECTED)))


def checked_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """The cells whose printed text nbval compares."""
    return [cell for cell in notebook.cells if CHECKED in cell.metadata.get("tags", [])]


def printed(cell: NotebookNode) -> str:
    """What a cell printed."""
    return "".join(out.text for out in cell.get("outputs", []) if out.output_type == "stream")


def lines_of(executed: NotebookNode) -> str:
    """The printed text of an executed notebook's checked cells, as it is stored."""
    return "".join(BLOCK + printed(cell).rstrip("\n") + "\n" for cell in checked_cells(executed))


def golden(chapter: str, lines: str) -> NotebookNode:
    """The chapter with its smoke parameters, and the stored lines as its checked cells' output.

    Raises BadInput where they are of another number of cells.
    """
    from papermill.iorw import load_notebook_node  # takes seconds
    from papermill.parameterize import parameterize_notebook

    source = load_notebook_node(parameters.read_chapter(chapter))
    given = {"profile": PROFILE} | parameters.profile(PROFILE, chapter)
    notebook: NotebookNode = parameterize_notebook(source, given)
    notebook.cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    texts = [text for text in lines.split(BLOCK) if text]
    checked = checked_cells(notebook)
    if len(texts) != len(checked):
        raise BadInput(
            f"Chapter {chapter} has {len(checked)} checked cells and lines for {len(texts)}: "
            f"run `python -m lib.accept {chapter}`."
        )
    for number, cell in enumerate(notebook.cells):
        tags = {"tags": cell.metadata.tags}
        cell.update(id=f"code-{number}", execution_count=number + 1, metadata=tags)
    for cell, text in zip(checked, texts, strict=True):
        cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=text)]
    notebook.metadata = {"kernelspec": parameters.KERNEL, "language_info": {"name": "python"}}
    return notebook


def write_golden_notebooks(chapters: set[str], folder: Path = FOLDER) -> None:
    """Make the golden notebooks of these chapters, or of all, unless they are up to date."""
    stored = sorted(folder.glob("*.txt"))
    for path in [p for p in stored if p.stem in chapters] or stored:
        text = nbformat.writes(golden(path.stem, path.read_text(encoding="utf-8"))) + "\n"
        target = path.with_suffix(".ipynb")
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            write_whole(target, text)


def faults(executed: NotebookNode) -> list[str]:
    """Every reason why the lines of this smoke run cannot be what others are held to."""
    found = []
    for number, cell in enumerate(c for c in executed.cells if c.cell_type == "code"):
        tags, text = set(cell.metadata.get("tags", [])), printed(cell)
        shown = json.dumps(cell.outputs)
        faults: dict[str, object] = {
            "shows a path of one machine": MACHINE_PATH.search(json.dumps(cell.source) + shown)
        }
        if CHECKED in tags:
            streams = [out.get("name") for out in cell.outputs]
            faults |= {
                "is checked and prints nothing": not text.strip(),
                "is checked and has another output than text": set(streams) - {"stdout"},
                **{f"shows {what}": bad.search(shown) for what, bad in UNSTABLE.items()},
            }
        else:
            faults[f"prints and is not tagged {CHECKED}"] = text and "remove-output" not in tags
        found += [f"code cell {number} {fault}" for fault, seen in faults.items() if seen]
    lines = lines_of(executed).splitlines()
    if not any(line.endswith(": ok") for line in lines):
        found.append("no line compares a trained number with its expectation")
    return found + [f"a number is off: {line!r}" for line in lines if line.endswith(": OFF")]
