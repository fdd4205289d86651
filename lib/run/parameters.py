"""Chapters, profiles, and the parameters of a chapter, checked before anything runs."""

import ast
import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import jupytext
import nbformat

from lib.errors import BadInput, UnknownName, nearest
from lib.paths import CHAPTERS, PROFILES, ROOT
from lib.run.yaml_files import read_yaml, read_yaml_file

KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


@dataclass(frozen=True)
class Parameter:
    """A chapter's parameter: its default and the comment that explains it."""

    default: Any
    comment: str


def chapter_names() -> list[str]:
    """Names of the chapters that can be executed."""
    return sorted(p.stem for p in CHAPTERS.glob("*.py") if not p.stem.startswith("_"))


def read_chapter(chapter: str) -> nbformat.NotebookNode:
    """A chapter as a notebook. Raises UnknownName, or BadInput for a file that is not UTF-8."""
    _known("chapter", chapter, chapter_names())
    path = CHAPTERS / f"{chapter}.py"
    try:
        notebook: nbformat.NotebookNode = nbformat.from_dict(jupytext.read(path))
    except UnicodeDecodeError as error:
        raise BadInput(f"{path.name} cannot be read: it is not encoded as UTF-8.") from error
    notebook.metadata["kernelspec"] = KERNEL  # whatever the reader's Jupyter has put there
    return notebook


def book_chapters(toc: Path = ROOT / "_toc.yml") -> list[str]:
    """The chapters to execute that a table of contents names, in its order."""
    content = read_yaml_file(toc)
    pages = [content["root"], *(p["file"] for part in content["parts"] for p in part["chapters"])]
    return [Path(page).name for page in pages if Path(page).name in chapter_names()]


def is_assembled(chapter: str) -> bool:
    """Whether a chapter only assembles what others measured: `companion: {assembled: true}`."""
    return bool(read_chapter(chapter).metadata.get("companion", {}).get("assembled"))


def measured_chapters() -> list[str]:
    """The chapters that measure something of their own, and leave rows."""
    return [name for name in chapter_names() if not is_assembled(name)]


def declared(chapter: str) -> dict[str, Parameter]:
    """The parameters that a chapter's tagged cell assigns, in their order.

    Raises UnknownName for a chapter there is not, BadInput for one without that cell.
    """
    _known("chapter", chapter, chapter_names())
    path = CHAPTERS / f"{chapter}.py"
    return dict(_declared(path, path.stat().st_mtime_ns))


@lru_cache
def _declared(path: Path, _: int) -> dict[str, Parameter]:
    """Read once as long as the file stays as it is: a sweep has hundreds of cells."""
    import papermill  # takes seconds, which kernels need not wait for

    chapter = path.stem
    notebook = read_chapter(chapter)
    if sum("parameters" in cell.metadata.get("tags", []) for cell in notebook.cells) != 1:
        raise BadInput(f"Chapter {chapter} must have one cell tagged 'parameters'.")
    try:
        return {
            name: Parameter(ast.literal_eval(entry["default"]), entry["help"])
            for name, entry in papermill.inspect_notebook(notebook).items()
        }
    except (SyntaxError, ValueError) as error:
        raise BadInput(f"Parameters of chapter {chapter} need plain values as defaults.") from error


def profile_names() -> list[str]:
    """Names of the profiles, by the alphabet."""
    return sorted(path.stem for path in PROFILES.glob("*.yml"))


def profile(name: str, chapter: str) -> dict[str, Any]:
    """What a profile sets for a chapter. Raises UnknownName, listing the profiles there are."""
    _known("profile", name, profile_names())
    return dict((read_yaml_file(PROFILES / f"{name}.yml") or {}).get(chapter) or {})


def own_values(chapter: str, name: str) -> dict[str, Any]:
    """A chapter's parameters under a profile, the defaults where it sets none or is not known."""
    defaults = {name: parameter.default for name, parameter in declared(chapter).items()}
    return defaults | (profile(name, chapter) if name in profile_names() else {})


def parse(chapter: str, pairs: Mapping[str, str]) -> dict[str, Any]:
    """Values given as text: YAML, but a parameter that holds text takes it as it is.

    So `"[0, 3]"` is a list and `1e-3` a number, and a folder may have any name.
    Raises BadInput where the text is no YAML.
    """
    known = declared(chapter)
    return {
        name: text
        if name in known and isinstance(known[name].default, str)
        else read_yaml(text, what=f"The value {text!r} of {name}")
        for name, text in pairs.items()
    }


def as_text(value: Any) -> str:
    """The text that `parse` reads as this value."""
    return value if isinstance(value, str) else json.dumps(value)


def check(chapter: str, values: Mapping[str, Any]) -> None:
    """Refuse a name that the chapter does not have, and a value that makes no sense there.

    All that a chapter's Settings know is checked; a chapter without has values of its defaults'
    kinds. Raises UnknownName (naming the nearest parameter) or BadInput.
    """
    known = declared(chapter)
    for name, value in values.items():
        if name not in known:
            raise UnknownName(
                f"Chapter {chapter} has no parameter {name!r}.{nearest(name, known)} "
                f"It has {', '.join(known)}."
            )
        default = known[name].default
        kinds = (int, float) if isinstance(default, float) else type(default)
        if not isinstance(value, kinds) or isinstance(value, bool) != isinstance(default, bool):
            raise BadInput(
                f"Parameter {name} of chapter {chapter} takes a value such as {default!r}; "
                f"it was given {value!r}."
            )
    if (ROOT / f"lib/experiments/{chapter}.py").exists():
        experiment = importlib.import_module(f"lib.experiments.{chapter}")
        experiment.Settings(**({name: p.default for name, p in known.items()} | dict(values)))


def changed(chapter: str, settings: Mapping[str, Any], keys: Mapping[str, str]) -> dict[str, Any]:
    """What a run sets otherwise than its profile, by variant key: its rows are a case of their own.

    `keys` name the parameters in question and their keys in the variant.
    """
    own = own_values(chapter, settings["profile"])
    return {key: settings[name] for name, key in keys.items() if settings[name] != own[name]}


def _known(kind: str, name: str, names: list[str]) -> None:
    if name not in names:
        known = ", ".join(names)
        raise UnknownName(f"There is no {kind} {name!r}; known are {known}.{nearest(name, names)}")
