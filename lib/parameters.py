"""The parameters of a chapter: read from its tagged cell, checked before anything runs."""

import ast
import contextlib
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import jupytext
import yaml

from lib.errors import BadInput, UnknownName, nearest
from lib.paths import CHAPTERS, PROFILES, ROOT


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


def book_chapters(toc: Path = ROOT / "_toc.yml") -> list[str]:
    """The chapters to execute that a table of contents names, in its order."""
    content = yaml.safe_load(toc.read_text(encoding="utf-8"))
    pages = [content["root"], *(p["file"] for part in content["parts"] for p in part["chapters"])]
    return [Path(page).name for page in pages if Path(page).name in chapter_names()]


def is_assembled(chapter: str) -> bool:
    """Whether a chapter only assembles what others measured: `companion: {assembled: true}`."""
    header = jupytext.read(chapter_path(chapter)).metadata
    return bool(header.get("companion", {}).get("assembled"))


def declared(chapter: str) -> dict[str, Parameter]:
    """The parameters that a chapter's tagged cell assigns, in their order."""
    notebook = jupytext.read(chapter_path(chapter))
    cells = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    if len(cells) != 1:
        raise BadInput(f"Chapter {chapter} must have one cell tagged 'parameters'.")
    source = cells[0].source
    comments = {
        token.start[0]: token.string.lstrip("# ")
        for token in tokenize.generate_tokens(StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    found = {}
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            comment = comments.get(statement.end_lineno or statement.lineno, "")
            name = statement.targets[0].id
            try:
                found[name] = Parameter(ast.literal_eval(statement.value), comment)
            except ValueError as error:
                raise BadInput(
                    f"Parameter {name} of chapter {chapter} needs a plain value as its default."
                ) from error
    return found


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
    content = yaml.safe_load((PROFILES / f"{name}.yml").read_text(encoding="utf-8")) or {}
    return dict(content.get(chapter) or {})


def own_values(chapter: str, name: str) -> dict[str, Any]:
    """A chapter's parameters under a profile, the defaults where it sets none or is not known."""
    found = {word: parameter.default for word, parameter in declared(chapter).items()}
    return found | (profile(name, chapter) if name in profile_names() else {})


def parse(pairs: Mapping[str, str]) -> dict[str, Any]:
    """Values given as text (YAML, as papermill reads them): `"[0, 3]"` is a list, `"3"` a number.

    Raises BadInput where the text is no YAML.
    """
    values = {}
    for name, text in pairs.items():
        try:
            values[name] = yaml.safe_load(text) if text.strip() else ""
        except yaml.YAMLError as error:
            raise BadInput(f"The value of {name} cannot be read: {text!r}.") from error
        if isinstance(values[name], str):  # YAML 1.1 takes 1e-3 for a word
            with contextlib.suppress(ValueError):
                values[name] = float(text)
    return values


def check(chapter: str, values: Mapping[str, Any]) -> None:
    """Refuse a name that the chapter does not have, and a value of another kind than its default.

    The entries of a list are held to those of the default. Raises UnknownName (naming the nearest
    parameter) or BadInput.
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


def changed(chapter: str, settings: Mapping[str, Any], keys: Mapping[str, str]) -> dict[str, Any]:
    """What a run sets otherwise than its profile, by variant key: its rows are a case of their own.

    `keys` name the parameters in question and their keys in the variant.
    """
    own = own_values(chapter, settings["profile"])
    return {key: settings[name] for name, key in keys.items() if settings[name] != own[name]}


def need_least(settings: Mapping[str, Any], least: float, *names: str) -> None:
    """Refuse numbers below `least` among a run's settings. Raises BadInput, naming the first."""
    for name in names:
        if not settings[name] >= least:
            raise BadInput(f"{name} must be at least {least:g}; it was {settings[name]!r}.")


def need_entries(settings: Mapping[str, Any], least: float, *names: str) -> None:
    """Refuse lists that are empty, or have an entry below `least` or one twice. Raises BadInput."""
    for name in names:
        values = settings[name]
        if not values or min(values) < least or len(set(values)) < len(values):
            raise BadInput(f"{name} needs entries from {least:g} up, each once; it was {values!r}.")


def _fits(value: Any, default: Any) -> bool:
    if isinstance(value, bool) or isinstance(default, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, float):
        return isinstance(value, int | float)
    if isinstance(default, list) and default:
        return isinstance(value, list) and all(_fits(entry, default[0]) for entry in value)
    return isinstance(value, type(default))
