"""The workflows are safe, and every chapter of the book has its job on the GPU runner."""

import copy
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jupytext
import pytest
import yaml
from sphinx_external_toc.parsing import parse_toc_yaml

from lib.paths import CHAPTERS, ROOT

Workflow = dict[Any, Any]

WORKFLOWS = ROOT / ".github" / "workflows"
CHAPTER_WORKFLOW = "$/.github/workflows/chapter.yml"
LINTERS = [
    ["zizmor", "--offline", "--quiet", "--no-config"],
    ["check-jsonschema", "--builtin-schema", "vendor.github-workflows"],
]


def load(name: str) -> Workflow:
    loaded: Workflow = yaml.safe_load((WORKFLOWS / name).read_text())
    return loaded


def notebook_chapters(toc: Path) -> list[str]:
    """Chapters that are notebooks and compute something, rather than assemble others' rows."""
    names = [Path(page).name for page in parse_toc_yaml(toc) if page.startswith("chapters/")]
    notebooks = {name: CHAPTERS / f"{name}.py" for name in names}
    headers = {n: jupytext.read(p).metadata for n, p in notebooks.items() if p.exists()}
    return [n for n, header in headers.items() if not header.get("companion", {}).get("assembled")]


def missing_jobs(book: Workflow, chapters: list[str]) -> list[str]:
    """What book.yml lacks so that these chapters run and the book waits for them."""
    jobs = book["jobs"]
    problems = []
    for chapter in chapters:
        job = jobs.get(chapter, {})
        if job.get("uses") != CHAPTER_WORKFLOW or job.get("with") != {"chapter": chapter}:
            problems.append(f"{chapter} has no job")
        if chapter not in jobs["book"]["needs"]:
            problems.append(f"the book does not wait for {chapter}")
    if "book" not in jobs["publish"]["needs"]:
        problems.append("publishing does not wait for the book")
    return problems


def steps(workflow: Workflow) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job.get("steps", [])]


def write_permissions(workflow: Workflow) -> dict[str, list[str]]:
    """What each job may write, the workflow itself included."""
    granted = {"": workflow["permissions"]}
    granted |= {name: job["permissions"] for name, job in workflow["jobs"].items()}
    return {
        name: sorted(key for key, level in scopes.items() if level == "write")
        for name, scopes in granted.items()
    }


def lint(command: list[str], *files: Path) -> subprocess.CompletedProcess[str]:
    tool = Path(sys.executable).parent / command[0]
    line = [str(tool), *command[1:], *map(str, files)]
    return subprocess.run(line, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", LINTERS, ids=lambda command: command[0])
def test_linters_find_nothing(command: list[str]) -> None:
    result = lint(command, *WORKFLOWS.glob("*.yml"))
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("command", "old", "new"),
    [
        (LINTERS[0], "          persist-credentials: false\n", "          fetch-depth: 1\n"),
        (LINTERS[1], "timeout-minutes: 45", "timeout-minutes: long"),
    ],
    ids=["kept credentials", "wrong type"],
)
def test_linters_see_a_planted_fault(
    tmp_path: Path, command: list[str], old: str, new: str
) -> None:
    # both linters go by the folder's name
    folder = tmp_path / ".github" / "workflows"
    shutil.copytree(WORKFLOWS, folder)
    broken = folder / "test.yml"
    text = broken.read_text()
    assert old in text
    broken.write_text(text.replace(old, new))
    result = lint(command, broken)
    assert result.returncode != 0
    assert "test.yml" in result.stdout + result.stderr


def test_only_publishing_may_write_and_every_job_ends() -> None:
    for path in WORKFLOWS.glob("*.yml"):
        writing = {job: scopes for job, scopes in write_permissions(load(path.name)).items()}
        wanted = {"publish": ["id-token", "pages"]} if path.name == "book.yml" else {}
        assert {job: scopes for job, scopes in writing.items() if scopes} == wanted
        jobs = load(path.name)["jobs"].values()
        assert all("timeout-minutes" in job for job in jobs if "uses" not in job)


def test_every_notebook_chapter_has_its_job() -> None:
    chapters = notebook_chapters(ROOT / "_toc.yml")
    assert "gradcon" in chapters
    assert missing_jobs(load("book.yml"), chapters) == []


def test_a_missing_job_is_seen() -> None:
    plants: dict[str, Callable[[Workflow], object]] = {
        "gradcon has no job": lambda jobs: jobs.pop("gradcon"),
        "the book does not wait for gradcon": lambda jobs: jobs["book"].update(needs=[]),
        "publishing does not wait for the book": lambda jobs: jobs["publish"].update(needs=[]),
    }
    for problem, plant in plants.items():
        book = copy.deepcopy(load("book.yml"))
        plant(book["jobs"])
        assert missing_jobs(book, ["gradcon"]) == [problem]


def test_a_chapter_goes_through_the_checks_in_order() -> None:
    run = load("chapter.yml")["jobs"]["run"]
    assert "vars.GPU_RUNNER" in run["runs-on"]
    script = "\n".join(step.get("run", "") for step in run["steps"])
    in_order = [
        "torch.cuda.is_available()",
        '--nbval-lax "tests/notebooks/$CHAPTER.ipynb"',
        "pytest -m gpu",
        'lib.execute "$CHAPTER" --profile paper',
        "pytest tests/run/test_new_rows.py",
    ]
    places = [script.index(words) for words in in_order]
    assert places == sorted(places)


def test_the_book_is_built_from_the_runs_and_opened_before_it_is_published() -> None:
    script = "\n".join(step.get("run", "") for step in load("book.yml")["jobs"]["book"]["steps"])
    assert script.index("make book-from-runs") < script.index("pytest -m browser tests/book")
    assert "lib.execute" not in script


def test_workflows_call_only_targets_that_exist() -> None:
    scripts = [
        step.get("run", "") for path in WORKFLOWS.glob("*.yml") for step in steps(load(path.name))
    ]
    called = {
        target for script in scripts for target in re.findall(r"^make ([\w-]+)", script, re.M)
    }
    rules = re.findall(r"^([\w./ -]+):(?!=)", (ROOT / "Makefile").read_text(), re.M)
    targets = {target for rule in rules for target in rule.split()}
    assert called - targets == set()
