"""Which files of the project a piece of code depends on."""

import ast
import inspect
from importlib import import_module
from pathlib import Path

PROJECT = "lib"
# what refuses bad input and keeps files, and so cannot change a weight
NEUTRAL = {"lib.errors", "lib.paths", "lib.training.checks", "lib.training.checkpoint"}


def code_files(*code: object) -> list[Path]:
    """The files, in order, that define `code`, classes or functions, and all they import of `lib`.

    What a package hands on is looked up where it is defined, so that `from lib.models import CAE`
    stands for the file of CAE and not for every model. Files that only refuse bad input or keep
    checkpoints are left out.
    """
    names = [inspect.getmodule(thing).__name__ for thing in code]  # type: ignore[union-attr]
    found: dict[str, Path] = {}
    while names:
        name = names.pop()
        if name in found or name in NEUTRAL:
            continue
        found[name] = Path(inspect.getfile(import_module(name)))
        names += _imported(found[name])
    return sorted(found.values())


def _imported(file: Path) -> set[str]:
    """Modules of the project that a file imports, anywhere in it."""
    tree, names = ast.parse(file.read_text(encoding="utf-8")), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {_origin(node.module, alias.name) for alias in node.names}
    return {name for name in names if _ours(name)}


def _origin(module: str, name: str) -> str:
    """The module that defines what `from module import name` gives, as far as it can be told."""
    if not _ours(module):
        return module
    thing = getattr(import_module(module), name, None)
    if thing is None or inspect.ismodule(thing):
        return f"{module}.{name}"
    # constants and types do not know where they come from: then it is the package, and all of it
    return thing.__module__ if inspect.isclass(thing) or inspect.isfunction(thing) else module


def _ours(name: str) -> bool:
    return name.partition(".")[0] == PROJECT
