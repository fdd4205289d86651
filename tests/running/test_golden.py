"""Golden notebooks stand for their chapters: same code, executed, compared where numbers stand."""

import csv
import re
import statistics

import jupytext
import nbformat
import pytest

from lib import accept, parameters
from lib.golden import code_cells, faults, printed
from lib.paths import CHAPTERS
from lib.results import check_line, load_expected

NAMES = [name for name in parameters.chapter_names() if not parameters.is_assembled(name)]
every_chapter = pytest.mark.parametrize("chapter", NAMES)


def test_every_chapter_has_a_golden_notebook_and_no_other_lies_there() -> None:
    found = {path.stem for path in accept.GOLDEN.glob("*.ipynb")}
    assert {name for name in found if not name.startswith("verdicts-")} == set(NAMES)


@every_chapter
def test_golden_notebook_has_no_fault(chapter: str) -> None:
    notebook = nbformat.read(accept.GOLDEN / f"{chapter}.ipynb", as_version=4)
    source = jupytext.read(parameters.chapter_path(chapter))
    wanted = accept.smoke_parameters(chapter)
    assert faults(notebook, chapter=source, parameters=wanted) == []


@every_chapter
def test_expectations_are_two_standard_deviations_over_eight_seeds(chapter: str) -> None:
    path = CHAPTERS / "expected" / f"{chapter}.csv"
    values: dict[str, dict[str, float]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            values.setdefault(row["name"], {})[row["seed"]] = float(row["value"])
    loaded = load_expected(path)
    assert list(loaded) == list(values)
    for name, by_seed in values.items():
        assert len(by_seed) >= 8
        # the same sums in another order: float64 rounding
        assert loaded[name].mean == pytest.approx(statistics.fmean(by_seed.values()), abs=1e-12)
        width = 2 * statistics.stdev(by_seed.values())
        assert loaded[name].width == pytest.approx(width, abs=1e-12)

    notebook = nbformat.read(accept.GOLDEN / f"{chapter}.ipynb", as_version=4)
    lines = {line for cell in code_cells(notebook) for line in printed(cell).splitlines()}
    wanted = {check_line(name, want.mean, loaded) for name, want in loaded.items()}
    assert wanted == {line for line in lines if re.search(r": (ok|OFF)$", line)}
