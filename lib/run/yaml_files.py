"""YAML as its version 1.2 has it, in every file and on the command line alike."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from lib.errors import BadInput


def read_yaml(text: str, *, what: str) -> Any:
    """The value that `text` holds: `1e-3` is a number, `010` ten, `12:30:45` and `yes` are words.

    `what` names the text in the one sentence of BadInput, raised where it is no YAML, or names one
    key twice.
    """
    try:
        return YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        problem, line = "it is no YAML", ""
        if isinstance(error, MarkedYAMLError):
            problem = error.problem or problem
            line = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise BadInput(f"{what} cannot be read: {problem}{line}.") from error
    except ValueError as error:  # such as the date 2001-13-45
        raise BadInput(f"{what} cannot be read: {error}.") from error


def read_yaml_file(path: Path) -> Any:
    """The content of a file, None where it is empty. Raises BadInput as `read_yaml` does."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path.name} cannot be read: it is not encoded as UTF-8.") from error
    return read_yaml(text, what=path.name)
