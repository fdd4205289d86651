"""A tiny chapter in place of the real ones, and a project that has no other."""

import os
import shutil
import sys
import textwrap
from pathlib import Path

import pytest

from lib.paths import ROOT
from lib.run import execute, parameters

# behaves well, or as badly as a chapter can
TINY = textwrap.dedent("""\
    # ---
    # jupyter:
    #   jupytext:
    #     text_representation:
    #       extension: .py
    #       format_name: percent
    #   kernelspec:
    #     display_name: Python 3
    #     language: python
    #     name: python3
    # ---

    # %% [markdown]
    # # A tiny chapter

    # %% tags=["parameters"]
    profile = "custom"  # the profile these values came from
    data_root = ""  # a folder
    digit = 3  # what is measured
    rate = 0.001  # a number with a point
    quiet = False  # a switch
    seeds = [0]  # a list of whole numbers
    behave = "well"  # well, fail, refuse, die, rowless, or wait for the file named gate

    # %%
    import os
    import time
    from pathlib import Path

    from lib import numbers
    from lib.errors import BadInput
    from lib.run import workspace

    folder = workspace.work_folder()
    if digit == 9:
        (folder / "latents").mkdir()
        (folder / "latents" / "z").write_text(str(rate))
    if behave == "fail":
        1 / 0
    if behave == "refuse":
        raise BadInput("There is no such digit.")
    if behave == "die":
        os._exit(1)

    # %% tags=["remove-output"]
    checkpoint = workspace.checkpoint_path("net", seeds[0], identity={"digit": digit})
    done = int(checkpoint.read_text()) if checkpoint and checkpoint.exists() else 0
    print("epochs done before", done)
    while done < 3:
        done += 1
        if checkpoint is not None:
            checkpoint.parent.mkdir(parents=True, exist_ok=True)
            checkpoint.write_text(str(done))
        if done == 2 and folder is not None:
            (folder / "started").write_text(str(os.getpid()))
        while behave == "wait" and digit == 2 and done == 2 and not Path("gate").exists():
            time.sleep(0.05)

    # %%
    row = numbers.row(
        run=f"tiny-{digit}", table="tiny", method="counting", metric="AUROC",
        class_=digit, value=digit / 10, n=1, seed=seeds[0],
    )
    run = dict.fromkeys(numbers.runs.RUN_COLUMNS, "") | {
        "run": f"tiny-{digit}", "parameters": "{}", "seconds": 0.0, "threads": 1,
    }
    if behave != "rowless":
        workspace.leave_results(numbers.frame([row]), run)
    workspace.leave_checked({"digit": digit + 0.1 * seeds[0]})

    # %% tags=["nbval-check-output"]
    print("rows", 1)
    if profile == "smoke":
        print(numbers.check_line("digit", digit, {"digit": numbers.expected.Expected(3.0, 1.0)}))
""")


def write_tiny(chapters: Path) -> None:
    (chapters / "profiles").mkdir(parents=True)
    (chapters / "tiny.py").write_text(TINY)
    (chapters / "profiles/smoke.yml").write_text("tiny: {rate: 2e-3}\n")
    (chapters / "profiles/full.yml").write_text("")


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of chapters that holds nothing but the tiny one."""
    chapters = tmp_path / "chapters"
    write_tiny(chapters)
    monkeypatch.setattr(parameters, "CHAPTERS", chapters)
    monkeypatch.setattr(parameters, "PROFILES", chapters / "profiles")
    monkeypatch.setattr(execute, "BUILD", tmp_path / "build")
    return chapters


@pytest.fixture
def tiny_project(tmp_path: Path) -> Path:
    """A copy of the project, at a path that wants quoting, whose only chapter is the tiny one."""
    project = tmp_path / "it's a project"
    shutil.copytree(ROOT / "lib", project / "lib", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Makefile", "Snakefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, project)
        os.utime(project / name, (0, 0))  # older than the environment, so that it is not made anew
    (project / ".venv").symlink_to(sys.prefix)
    write_tiny(project / "chapters")
    (project / "sweeps").mkdir()
    (project / "tests/notebooks").mkdir(parents=True)
    shutil.copy(ROOT / "tests/conftest.py", project / "tests")
    (project / "_toc.yml").write_text(
        "root: chapters/index\nparts: [{chapters: [{file: chapters/tiny}]}]\n"
    )
    return project
