"""Golden notebooks: executed smoke runs that keep only what nbval compares, and their faults."""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import nbformat
from nbformat import NotebookNode

CHECKED = "nbval-check-output"
# a cell with one of these either is compared, or shows no number to the reader
SETTLED = {CHECKED, "remove-output"}
INJECTED = "injected-parameters"
# what another machine prints differently
UNSTABLE = {
    "a float with more than four decimals": re.compile(r"\d\.\d{5,}|\de[+-]\d\d"),
    "a warning": re.compile(r"warning", re.IGNORECASE),
    "SVG": re.compile(r"<svg", re.IGNORECASE),
}
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:home|mnt|opt|root|tmp|Users|var|work)\b|\b[A-Z]:\\+\w")


def golden(executed: NotebookNode) -> NotebookNode:
    """The code cells of an executed notebook, with the printed text of the checked ones only."""
    cells = []
    for number, cell in enumerate(code_cells(executed)):
        kept = nbformat.from_dict(cell)
        kept["id"] = f"code-{number}"
        kept["metadata"] = {"tags": tags(cell)}
        if CHECKED not in tags(cell):
            kept["outputs"] = []
        cells.append(kept)
    metadata = {"kernelspec": executed.metadata["kernelspec"], "language_info": {"name": "python"}}
    notebook: NotebookNode = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
    return notebook


def faults(
    notebook: NotebookNode, *, chapter: NotebookNode, parameters: Mapping[str, Any]
) -> list[str]:
    """Every reason why this golden notebook cannot stand for its chapter, in words.

    `chapter` is the notebook as Jupytext reads it, `parameters` what the smoke profile sets.
    """
    found = [*_other_code(notebook, chapter), *_other_parameters(notebook, parameters)]
    for number, cell in enumerate(code_cells(notebook)):
        found += [f"code cell {number} {fault}" for fault in _cell_faults(cell)]
    lines = [line for cell in code_cells(notebook) for line in printed(cell).splitlines()]
    if not any(line.endswith(": ok") for line in lines):
        found.append("no line compares a trained number with its expectation")
    found += [f"a number is off: {line!r}" for line in lines if line.endswith(": OFF")]
    found += [f"a path of one machine: {text!r}" for text in _machine_paths(notebook)]
    return found


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """The code cells that are not empty."""
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def tags(cell: NotebookNode) -> list[str]:
    """The tags of a cell."""
    return list(cell.metadata.get("tags", []))


def printed(cell: NotebookNode) -> str:
    """What a cell printed."""
    return "".join(out.text for out in cell.get("outputs", []) if out.output_type == "stream")


def _other_code(notebook: NotebookNode, chapter: NotebookNode) -> Iterator[str]:
    ours = [cell for cell in code_cells(notebook) if INJECTED not in tags(cell)]
    theirs = code_cells(chapter)
    if len(ours) != len(theirs):
        yield f"{len(ours)} code cells, but the chapter has {len(theirs)}"
    for number, (mine, other) in enumerate(zip(ours, theirs, strict=False)):
        if mine.source != other.source or tags(mine) != tags(other):
            yield f"code cell {number} of the chapter is another one here"


def _other_parameters(notebook: NotebookNode, parameters: Mapping[str, Any]) -> Iterator[str]:
    cells = code_cells(notebook)
    places = [number for number, cell in enumerate(cells) if INJECTED in tags(cell)]
    if len(places) != 1 or "parameters" not in tags(cells[places[0] - 1]):
        yield "there must be one cell of injected parameters, right after their defaults"
        return
    try:
        values = {
            ast.unparse(statement.targets[0]): ast.literal_eval(statement.value)
            for statement in ast.parse(cells[places[0]].source).body
            if isinstance(statement, ast.Assign)
        }
    except (SyntaxError, ValueError):
        values = {}
    if values != dict(parameters):
        yield f"the injected parameters are {values}, but the profile sets {dict(parameters)}"


def _cell_faults(cell: NotebookNode) -> Iterator[str]:
    if cell.execution_count is None:
        yield "was not executed"
    if CHECKED not in tags(cell):
        if cell.outputs:
            yield "keeps outputs that nbval does not compare"
        if not SETTLED & set(tags(cell)) and prints_numbers(cell.source):
            yield f"prints numbers and is not tagged {CHECKED}"
        return
    if not printed(cell).strip():
        yield "is checked and prints nothing"
    if any(line.rstrip().endswith(";") for line in cell.source.splitlines()):
        yield "is checked and has a trailing semicolon"
    if any(out.output_type != "stream" or out.name != "stdout" for out in cell.outputs):
        yield "is checked and has another output than printed text"
    shown = json.dumps(cell.outputs)
    yield from (f"shows {what}" for what, pattern in UNSTABLE.items() if pattern.search(shown))


def prints_numbers(source: str) -> bool:
    """Whether the code prints anything but fixed text (which may be a number)."""
    try:
        tree = ast.parse(source)
    except SyntaxError:  # IPython's own syntax, such as %time
        return "print(" in source
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return any(
        isinstance(call.func, ast.Name)
        and call.func.id == "print"
        and not all(isinstance(a, ast.Constant) and isinstance(a.value, str) for a in call.args)
        for call in calls
    )


def _machine_paths(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from (line.strip() for line in value.splitlines() if MACHINE_PATH.search(line))
    elif isinstance(value, Mapping):
        yield from (path for part in value.values() for path in _machine_paths(part))
    elif isinstance(value, list):
        yield from (path for part in value for path in _machine_paths(part))
