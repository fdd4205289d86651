"""A tiny chapter in place of the real ones, and the cells of a real one run in this process."""

import re
import shutil
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import jupytext
import matplotlib
import matplotlib.pyplot as plt
import myst_nb
import numpy as np
import pytest
import torch

from lib import data, parameters
from lib.data import ImageSet, class_names
from lib.paths import ROOT

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
    digit = 3  # what is measured
    rate = 0.001  # a number with a point
    quiet = False  # a switch
    seeds = [0]  # a list of whole numbers
    behave = "well"  # well, fail, refuse, die, or wait for the file named gate

    # %%
    import os
    import time
    from pathlib import Path

    from lib import results, workspace
    from lib.errors import BadInput

    folder = workspace.work_folder()
    if folder is not None:
        (folder / "started").write_text(str(os.getpid()))
    if digit == 9:
        (folder / "latents").mkdir()
        (folder / "latents" / "z").write_text(str(rate))
    if behave == "fail":
        1 / 0
    if behave == "refuse":
        raise BadInput("There is no such digit.")
    if behave == "die":
        os._exit(1)
    while behave == "wait" and digit == 2 and not Path("gate").exists():
        time.sleep(0.05)

    # %%
    row = results.row(
        run=f"tiny-{digit}", table="tiny", method="counting", metric="AUROC",
        class_=digit, value=digit / 10, n=1, seed=seeds[0],
    )
    run = dict.fromkeys(results.RUN_COLUMNS, "") | {
        "run": f"tiny-{digit}", "parameters": "{}", "seconds": 0.0, "threads": 1,
    }
    workspace.leave_results(results.frame([row]), run)
    workspace.leave_checked({"digit": digit + 0.1 * seeds[0]})

    # %% tags=["nbval-check-output"]
    print("rows", 1)
    if profile == "smoke":
        print(results.check_line("digit", digit, {"digit": results.Expected(3.0, 1.0)}))
""")


def write_tiny(chapters: Path) -> None:
    (chapters / "profiles").mkdir(parents=True)
    (chapters / "tiny.py").write_text(TINY)
    (chapters / "profiles/smoke.yml").write_text("tiny: {rate: 0.002}\n")
    (chapters / "profiles/full.yml").write_text("")


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of chapters that holds nothing but the tiny one."""
    chapters = tmp_path / "chapters"
    write_tiny(chapters)
    monkeypatch.setattr(parameters, "CHAPTERS", chapters)
    monkeypatch.setattr(parameters, "PROFILES", chapters / "profiles")
    return chapters


@pytest.fixture
def tiny_project(tmp_path: Path) -> Path:
    """A copy of the project whose only chapter is the tiny one."""
    project = tmp_path / "project"
    shutil.copytree(ROOT / "lib", project / "lib", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Snakefile", "pyproject.toml"):
        shutil.copy(ROOT / name, project)
    write_tiny(project / "chapters")
    (project / "sweeps").mkdir()
    (project / "_toc.yml").write_text(
        "root: chapters/index\nparts: [{chapters: [{file: chapters/tiny}]}]\n"
    )
    return project


Cells = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def chapter_cells() -> Iterator[Cells]:
    """Run the cells of a chapter here, until `until` is defined, with other values."""

    def run(chapter: str, until: str = "", **values: Any) -> dict[str, Any]:
        space: dict[str, Any] = {"__name__": "__main__"}
        for cell in jupytext.read(parameters.chapter_path(chapter)).cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, chapter, "exec"), space)
                if "parameters" in cell.metadata.get("tags", []):
                    space.update(values)
            if until in space:
                break
        plt.close("all")
        return space

    matplotlib.use("Agg")
    with pytest.MonkeyPatch.context() as patch, matplotlib.rc_context():
        patch.setattr(myst_nb, "glue", lambda *args, **kwargs: None)
        patch.delenv("COMPANION_WORK", raising=False)
        yield run
    torch.use_deterministic_algorithms(False)  # the chapter turned it on for this process


@pytest.fixture(scope="module")
def gradcon_cells(chapter_cells: Cells) -> Cells:
    """`chapter_cells` of the GradCon chapter."""
    return partial(chapter_cells, "gradcon")


@pytest.fixture
def glued(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a chapter glues, by name."""
    found: dict[str, Any] = {}
    monkeypatch.setattr(
        myst_nb, "glue", lambda name, value, display=True: found.update({name: value})
    )
    return found


@pytest.fixture
def names_in_prose() -> Callable[[str], set[str]]:
    """The glued names that the prose of a chapter uses."""

    def names(chapter: str) -> set[str]:
        notebook = jupytext.read(parameters.chapter_path(chapter))
        prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
        used = re.findall(r"\{glue:text\}`([\w-]+)`", prose)
        return {*used, *re.findall(r"\{glue:figure\} ([\w-]+)", prose)}

    return names


@pytest.fixture
def colour_noise(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ImageSet]:
    """Lend every set that is asked for so many colour images of noise, as CIFAR-10."""

    def lend(*, train: int, test: int) -> ImageSet:
        index = np.arange(train + test)
        noise = np.random.default_rng(0).integers(0, 256, (len(index), 3, 32, 32), dtype=np.uint8)
        lent = ImageSet(
            name="cifar-10",
            title="CIFAR-10",
            images=noise,
            labels=index % 10,
            is_test=index >= train,
            class_names=class_names.CIFAR_10,
            sha256="0" * 64,
            origin="official",
        )
        monkeypatch.setattr(data, "load", lambda *names, **options: lent)
        return lent

    return lend


@pytest.fixture
def upside_down(digits: ImageSet, monkeypatch: pytest.MonkeyPatch) -> ImageSet:
    """Lend every set that is asked for the digits of the test upside down, as Fashion-MNIST."""
    lent = replace(digits, title="Fashion-MNIST", images=digits.images[:, :, ::-1])
    monkeypatch.setattr(data, "load", lambda *names, **options: lent)
    return lent
