"""nbval notices a negated score and shifted expectations: the checked lines check something."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from lib import parameters
from lib.paths import ROOT
from lib.results import Expected, load_expected

pytestmark = pytest.mark.notebook

NAMES = [name for name in parameters.chapter_names() if not parameters.is_assembled(name)]
EXPECTED = "chapters/expected"
Report = subprocess.CompletedProcess[str]
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


def nbval(project: Path, chapter: str) -> Report:
    line = [sys.executable, "-m", "pytest", "-vv", "--color=no", "--nbval-lax"]
    env = {k: v for k, v in os.environ.items() if k != "COMPANION_WORK"}
    return subprocess.run(
        [*line, "-p", "no:cacheprovider", f"tests/notebooks/{chapter}.ipynb"],
        cwd=project,
        # one thread each, as in `make test`: two run at once
        env=env | {"PYTHONPATH": str(project), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def negate_a_score(project: Path, chapter: str) -> None:
    file, line, negated = NEGATED.get(chapter, RECONSTRUCTION)
    path = project / file
    text = path.read_text()
    assert text.count(line) == 1
    path.write_text(text.replace(line, negated))


def shift_expectations(project: Path, chapter: str) -> None:
    path, expected = project / EXPECTED / f"{chapter}.csv", expected_of(chapter, project)
    table = pd.read_csv(path)
    table["value"] += table["name"].map({name: 2 * e.width for name, e in expected.items()})
    table.to_csv(path, index=False)


FAULTS: Mapping[str, Callable[[Path, str], None]] = {
    "negated": negate_a_score,
    "shifted": shift_expectations,
}


@dataclass(frozen=True)
class Planted:
    """What nbval says of a chapter with a fault, by fault."""

    chapter: str
    reports: Mapping[str, Report]


@pytest.fixture(scope="module", params=NAMES)
def planted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Planted:
    chapter: str = request.param
    leave_out = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")

    def report(fault: str) -> Report:
        # all that a golden notebook reads
        project = tmp_path_factory.mktemp(fault) / "project"
        for name in ("lib", "chapters", "results", "tests/notebooks"):
            shutil.copytree(ROOT / name, project / name, ignore=leave_out)
        shutil.copy(ROOT / "pyproject.toml", project)
        FAULTS[fault](project, chapter)
        return nbval(project, chapter)

    with ThreadPoolExecutor(len(FAULTS)) as pool:
        return Planted(chapter, dict(zip(FAULTS, pool.map(report, FAULTS), strict=True)))


def expected_of(chapter: str, root: Path = ROOT) -> dict[str, Expected]:
    return load_expected(root / EXPECTED / f"{chapter}.csv")


def off_names(report: str, names: Iterable[str]) -> set[str]:
    """The names whose checked line nbval's report shows as OFF, which no golden notebook holds."""
    lines = report.replace("\\n", "\n")  # as pytest shows the ends of lines
    found = {
        name: re.search(rf"^\W*{re.escape(name)}: expected \S+ ± \S+: OFF", lines, re.MULTILINE)
        for name in names
    }
    return {name for name, match in found.items() if match}


def test_a_negated_score_fails(planted: Planted) -> None:
    result = planted.reports["negated"]
    assert result.returncode == 1, result.stdout
    assert "Cell outputs differ" in result.stdout
    assert off_names(result.stdout, expected_of(planted.chapter))


def test_expectations_shifted_by_twice_their_width_fail_line_by_line(planted: Planted) -> None:
    result, expected = planted.reports["shifted"], expected_of(planted.chapter)
    assert result.returncode == 1, result.stdout
    assert off_names(result.stdout, expected) == set(expected)
