"""Every command that the README and the pages print does what it says, or would."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import jupytext
import pytest
from papermill.cli import papermill as papermill_command

from lib.paths import ROOT
from lib.run import parameters, sweep
from lib.run.execute import arguments_of, main, plan
from lib.run.yaml_files import read_yaml

PAGES = [ROOT / "README.md", *sorted((ROOT / "chapters").glob("*.md"))]
IMPORTANT = {"lib.execute", "lib.sweep", "make", "papermill", "jupytext"}


def printed(language: str) -> list[str]:
    """The lines of the pages' blocks in a language, each command in one."""
    blocks = [
        block
        for page in PAGES
        for block in re.findall(
            rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S
        )
    ]
    if language == "python":
        return blocks
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return list(dict.fromkeys(line for line in lines if line.strip() and line[0] != "#"))


COMMANDS = printed("bash")


def kind(words: list[str]) -> str:
    """The program of a command: a module's name, or that of a file."""
    words = [word for word in words if not re.fullmatch(r"[A-Z_]+=\S*", word)]
    return words[2] if words[1:2] == ["-m"] else Path(words[0]).name


def after(words: list[str], program: str) -> list[str]:
    place = next(i for i, word in enumerate(words) if Path(word).name == program)
    return words[place + 1 :]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_printed_command_can_be_run(command: str, tmp_path: Path) -> None:
    words = shlex.split(command, comments=True)
    match kind(words):
        case "lib.execute":
            options = arguments_of(after(words, "lib.execute"))
            values = parameters.parse(options.chapter, dict(options.pairs))
            assert plan(options.chapter, profile=options.profile, values=values)
        case "lib.sweep":
            action, name = after(words, "lib.sweep")
            assert action == "publish" and sweep.read_sweep(ROOT / f"sweeps/{name}.yml")
        case "make":
            # -n: say what would be done, which fails for a target there is not
            line = ["make", "-n", "-o", ".venv/complete", *after(words, "make")]
            done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            if sweeps := [word.removeprefix("SWEEP=") for word in words if "SWEEP=" in word]:
                assert sweep.read_sweep(ROOT / f"sweeps/{sweeps[0]}.yml")
        case "papermill":
            given = papermill_command.make_context("papermill", after(words, "papermill")).params
            values = parameters.parse("gradcon", dict(given["parameters"]))
            for text in given["parameters_yaml"]:
                values |= read_yaml(text, what="-y")
            parameters.check("gradcon", values)
        case "jupytext":
            line = [str(Path(sys.executable).parent / "jupytext"), *after(words, "jupytext")]
            line[-1] = str(tmp_path / line[-1])
            subprocess.run(line, cwd=ROOT, check=True, capture_output=True)
            assert jupytext.read(line[-1]).cells
        case other:
            assert other in {"git", "cd", "sudo", "conda"}, "no rule says how to try this command"


def test_the_commands_that_matter_are_printed() -> None:
    assert {kind(shlex.split(command, comments=True)) for command in COMMANDS} >= IMPORTANT


def test_printed_python_can_be_run() -> None:
    for block in printed("python"):
        imports = "\n".join(re.findall(r"^(?:from|import) .*$", block, re.M))
        exec(compile(imports, "page", "exec"), {})


def test_one_of_them_for_real(capsys: pytest.CaptureFixture[str]) -> None:
    line = next(command for command in COMMANDS if "--list" in command)
    assert main(after(shlex.split(line, comments=True), "lib.execute")) == 0
    assert "epochs = " in capsys.readouterr().out


@pytest.mark.notebook
def test_plain_papermill_runs_a_converted_chapter(tiny: Path, tmp_path: Path) -> None:
    tools = Path(sys.executable).parent
    env = os.environ | {"PYTHONPATH": str(ROOT), "COMPANION_WORK": "out"}
    (tmp_path / "out").mkdir()
    for line in (
        [tools / "jupytext", "--to", "ipynb", tiny / "tiny.py", "--output", "tiny.ipynb"],
        [
            tools / "papermill",
            "tiny.ipynb",
            "done.ipynb",
            "-y",
            "seeds: [0, 3]",
            "-p",
            "digit",
            "5",
        ],
    ):
        subprocess.run([*map(str, line)], cwd=tmp_path, env=env, check=True, capture_output=True)
    assert (tmp_path / "out/rows.csv").exists()
