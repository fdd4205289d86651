"""nbval notices a negated score and shifted expectations: the checked lines check something."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pytest

from lib import parameters
from lib.paths import ROOT
from lib.results import load_expected

pytestmark = pytest.mark.notebook

NAMES = [name for name in parameters.chapter_names() if not parameters.is_assembled(name)]
every_chapter = pytest.mark.parametrize("chapter", NAMES)
# the score whose sign is turned: its file, its line, and the line that is put there
RECONSTRUCTION = ("lib/scores/reconstruction.py", "return error\n", "return -error\n")
GRADIENT = (
    *("lib/scores/gradcon.py", "    grad = -torch.stack(layers).mean(0)\n"),
    "    grad = torch.stack(layers).mean(0)\n",
)
NEGATED = {
    "gradcon": GRADIENT,
    "conditions": GRADIENT,
    "oracle": (
        *("lib/scores/logits.py", "return -_checked(logits).amax(-1)\n"),
        "return _checked(logits).amax(-1)\n",
    ),
    "dae": (
        *("lib/scores/confidence.py", "return -log_outputs.amax(1)\n"),
        "return log_outputs.amax(1)\n",
    ),
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of all that a golden notebook reads."""
    copy = tmp_path / "project"
    leave_out = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    for name in ("lib", "chapters", "results", "tests/notebooks"):
        shutil.copytree(ROOT / name, copy / name, ignore=leave_out)
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


def nbval(project: Path, chapter: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "pytest", "-vv", "--color=no", "--nbval-lax"]
    env = {k: v for k, v in os.environ.items() if k != "COMPANION_WORK"}
    return subprocess.run(
        [*line, "-p", "no:cacheprovider", f"tests/notebooks/{chapter}.ipynb"],
        cwd=project,
        env=env | {"PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        check=False,
    )


def off_names(report: str, names: Iterable[str]) -> set[str]:
    """The names whose checked line nbval's report shows as OFF, which no golden notebook holds."""
    lines = report.replace("\\n", "\n")  # as pytest shows the ends of lines
    found = {
        name: re.search(rf"^\W*{re.escape(name)}: expected \S+ ± \S+: OFF", lines, re.MULTILINE)
        for name in names
    }
    return {name for name, match in found.items() if match}


@every_chapter
def test_a_negated_score_fails(project: Path, chapter: str) -> None:
    file, line, negated = NEGATED.get(chapter, RECONSTRUCTION)
    path = project / file
    text = path.read_text()
    assert text.count(line) == 1
    path.write_text(text.replace(line, negated))
    result = nbval(project, chapter)
    assert result.returncode == 1, result.stdout
    assert "Cell outputs differ" in result.stdout
    expected = load_expected(project / "chapters/expected" / f"{chapter}.csv")
    assert off_names(result.stdout, expected)


@every_chapter
def test_expectations_shifted_by_twice_their_width_fail_line_by_line(
    project: Path, chapter: str
) -> None:
    path = project / "chapters/expected" / f"{chapter}.csv"
    expected = load_expected(path)
    table = pd.read_csv(path)
    table["value"] += table["name"].map({name: 2 * e.width for name, e in expected.items()})
    table.to_csv(path, index=False)
    result = nbval(project, chapter)
    assert result.returncode == 1, result.stdout
    assert off_names(result.stdout, expected) == set(expected)
