"""Chapters, profiles, and the parameters of a chapter, checked before anything runs."""

import ast
import importlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
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


def chapter_path(chapter: str) -> Path:
    """The Jupytext file of a chapter. Raises UnknownName, listing the chapters there are."""
    known = chapter_names()
    if chapter not in known:
        raise UnknownName(
            f"There is no chapter {chapter!r}; known are {', '.join(known)}."
            + nearest(chapter, known)
        )
    return CHAPTERS / f"{chapter}.py"


def read_chapter(chapter: str) -> nbformat.NotebookNode:
    """A chapter as a notebook. Raises UnknownName, or BadInput for a file that is not UTF-8."""
    path = chapter_path(chapter)
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
    import papermill  # takes seconds, which kernels need not wait for

    notebook = read_chapter(chapter)
    if sum("parameters" in cell.metadata.get("tags", []) for cell in notebook.cells) != 1:
        raise BadInput(f"Chapter {chapter} must have one cell tagged 'parameters'.")
    found = {}
    for name, entry in papermill.inspect_notebook(notebook).items():
        try:
            found[name] = Parameter(ast.literal_eval(entry["default"]), entry["help"])
        except (SyntaxError, ValueError) as error:
            raise BadInput(
                f"Parameter {name} of chapter {chapter} needs a plain value as its default."
            ) from error
    return found


def defaults(chapter: str) -> dict[str, Any]:
    """The default of each parameter of a chapter."""
    return {name: parameter.default for name, parameter in declared(chapter).items()}


def profile_names() -> list[str]:
    """Names of the profiles, smallest budget first where they are the four of the design."""
    order = ["smoke", "quick", "full", "paper"]
    names = sorted(p.stem for p in PROFILES.glob("*.yml"))
    return sorted(names, key=lambda name: order.index(name) if name in order else len(order))


def profile(name: str, chapter: str) -> dict[str, Any]:
    """What a profile sets for a chapter. Raises UnknownName, listing the profiles there are."""
    known = profile_names()
    if name not in known:
        raise UnknownName(
            f"There is no profile {name!r}; known are {', '.join(known)}." + nearest(name, known)
        )
    content = read_yaml_file(PROFILES / f"{name}.yml") or {}
    return dict(content.get(chapter) or {})


def own_values(chapter: str, name: str) -> dict[str, Any]:
    """A chapter's parameters under a profile, the defaults where it sets none or is not known."""
    return defaults(chapter) | (profile(name, chapter) if name in profile_names() else {})


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

    All that a chapter's Settings know is checked; where it has none, a value must be of its
    default's kind, and the entries of a list of that of the default's entries.
    Raises UnknownName (naming the nearest parameter) or BadInput.
    """
    known = declared(chapter)
    for name, value in values.items():
        if name not in known:
            raise UnknownName(
                f"Chapter {chapter} has no parameter {name!r}.{nearest(name, known)} "
                f"It has {', '.join(known)}."
            )
        if not _fits(value, known[name].default):
            raise BadInput(
                f"Parameter {name} of chapter {chapter} takes a value such as "
                f"{known[name].default!r}; it was given {value!r}."
            )
    if settings := settings_class(chapter):
        settings(**({name: p.default for name, p in known.items()} | dict(values)))


def settings_class(chapter: str) -> Any:
    """The Settings of the chapter's experiment, None for a chapter that has none."""
    if not (ROOT / "lib/experiments" / f"{chapter}.py").exists():
        return None
    return getattr(importlib.import_module(f"lib.experiments.{chapter}"), "Settings", None)


def changed(chapter: str, settings: Mapping[str, Any], keys: Mapping[str, str]) -> dict[str, Any]:
    """What a run sets otherwise than its profile, by variant key: its rows are a case of their own.

    `keys` name the parameters in question and their keys in the variant.
    """
    own = own_values(chapter, settings["profile"])
    return {key: settings[name] for name, key in keys.items() if settings[name] != own[name]}


def _fits(value: Any, default: Any) -> bool:
    if isinstance(value, bool) or isinstance(default, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(value, float) and not math.isfinite(value):
        return False
    if isinstance(default, float):
        return isinstance(value, int | float)
    if isinstance(default, list) and default:
        return isinstance(value, list) and all(_fits(entry, default[0]) for entry in value)
    return isinstance(value, type(default))
