"""Sweeps: one chapter over a grid of parameter values, described by a small YAML file."""

import argparse
import itertools
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lib.errors import BadInput
from lib.numbers import (
    merge,
    merge_runs,
    read_rows,
    read_runs,
    without_known,
    write_rows,
    write_runs,
)
from lib.numbers.latent_store import adopt_latents
from lib.paths import RESULTS, ROOT
from lib.run import parameters
from lib.run.execute import told
from lib.run.yaml_files import read_yaml_file

FIELDS = {"chapter", "profile", "parameters", "grid", "changes"}
REFERENCE = RESULTS / "reference"
SWEEPS = ROOT / "sweeps"
# Untrained networks and trivial scores of the same images on CPUs with and without AVX-512: eight
# AUROCs differed by 5e-7 at most, where two float32 scores nearly tie. Trained ones differ more.
ROUNDING = 1e-5


def read_sweep(path: Path) -> dict[str, Any]:
    """A sweep file: chapter, profile, parameters for all cells, grid of values per parameter.

    `changes`, if given, is a list of values by parameter; each entry in turn is put on top of every
    point of the grid. An empty one is the grid as it is.
    Raises BadInput for a file of another form, UnknownName for a chapter, profile or parameter
    that does not exist.
    """
    if not path.exists():
        raise BadInput(f"There is no sweep file {path.name}.")
    sweep = read_yaml_file(path)
    if not isinstance(sweep, dict) or not {"chapter", "grid"} <= set(sweep) <= FIELDS:
        raise BadInput(f"{path.name} must have chapter and grid, and may have {sorted(FIELDS)}.")
    sweep = dict[str, Any]({"profile": "full", "parameters": {}, "changes": [{}]}) | sweep
    for field in ("grid", "parameters"):
        if not isinstance(sweep[field], dict):
            raise BadInput(f"{field} in {path.name} must name parameters and give them values.")
    for field in ("chapter", "profile"):
        if not isinstance(sweep[field], str):
            raise BadInput(f"{field} in {path.name} must be a name; it was {sweep[field]!r}.")
    lists = sweep["grid"].values()
    if not lists or not all(isinstance(values, list) and values for values in lists):
        raise BadInput(f"Each parameter in the grid of {path.name} needs a list of values.")
    changes = sweep["changes"]
    if (
        not isinstance(changes, list)
        or not changes
        or not all(isinstance(c, dict) for c in changes)
    ):
        raise BadInput(f"changes in {path.name} must be a list of parameters with values.")
    if any(set(change) & set(sweep["grid"]) for change in changes):
        raise BadInput(f"changes in {path.name} name a parameter of the grid.")
    under = parameters.profile(sweep["profile"], sweep["chapter"])
    for cell in _product(sweep).values():
        parameters.check(sweep["chapter"], under | cell)
    return sweep


def cells(path: Path) -> dict[str, dict[str, Any]]:
    """The parameter values of each cell by the cell's name, a plain file name."""
    return _product(read_sweep(path))


def command_line(values: Mapping[str, Any]) -> str:
    """The values as `-p name value` options of `lib.execute`, quoted for a shell."""
    return " ".join(
        f"-p {name} {shlex.quote(parameters.as_text(value))}" for name, value in values.items()
    )


def merge_cells(folders: Sequence[Path], rows: Path, runs: Path) -> None:
    """Merge the finished cells into one table of rows and one of runs.

    Raises BadInput where two cells measured the same thing and found different values.
    """
    write_rows(rows, merge([read_rows(folder / "rows.csv") for folder in folders]))
    write_runs(runs, merge_runs([read_runs(folder / "runs.csv") for folder in folders]))


def publish(name: str, source: Path, reference: Path = REFERENCE) -> Path:
    """Put a finished sweep's rows under results/reference and its runs into the runs.csv there.

    Runs of an earlier publication under the same name are dropped with their rows. Latents that
    the cells stored go to results/reference/latents. What another sweep has published already,
    such as the rows of untrained networks, stands there once.
    Raises BadInput where it has another value, by more than ROUNDING, and for a name of no sweep.
    """
    if not (SWEEPS / f"{name}.yml").exists() or name != Path(name).name:
        raise BadInput(f"There is no sweep {name!r} to publish the rows of.")
    rows, runs = read_rows(source / "rows.csv"), read_runs(source / "runs.csv")
    target, all_runs = reference / f"{name}.csv", reference / "runs.csv"
    for other in sorted(set(reference.glob("*.csv")) - {target, all_runs}):
        rows = without_known(rows, read_rows(other), rounding=ROUNDING)
    if all_runs.exists():
        known = read_runs(all_runs)
        replaced = set(read_rows(target)["run"]) if target.exists() else set()
        runs = merge_runs([known[~known["run"].isin(replaced | set(runs["run"]))], runs])
    write_rows(target, rows)
    write_runs(all_runs, runs)
    for latents in sorted(source.glob("*/latents")):
        adopt_latents(latents, reference / "latents")
    return target


def _product(sweep: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    grid = sweep["grid"]
    found = {}
    for change, *values in itertools.product(sweep["changes"], *grid.values()):
        point = change | dict(zip(grid, values, strict=True))
        name = "_".join(
            f"{k}-{re.sub(r'[^A-Za-z0-9.]+', '.', str(v)).strip('.')}" for k, v in point.items()
        )
        if name in found:
            raise BadInput(f"Two cells of the grid would share the name {name}.")
        found[name] = dict(sweep["parameters"]) | point
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Merge the cells of a finished sweep, or publish them as commit-ready reference rows."""
    parser = argparse.ArgumentParser(prog="python -m lib.sweep", description=main.__doc__)
    parser.add_argument("action", choices=["merge", "publish"])
    parser.add_argument("name", help="the sweep file's name without .yml")
    parser.add_argument("--from", type=Path, dest="source", help="folder of the merged sweep")
    options = parser.parse_args(arguments)

    def command() -> int:
        source = options.source or ROOT / "_build/sweeps" / options.name
        if options.action == "merge":
            folders = [source / name for name in cells(SWEEPS / f"{options.name}.yml")]
            merge_cells(folders, source / "rows.csv", source / "runs.csv")
            return 0
        target = publish(options.name, source)
        print(f"wrote {target.name} and runs.csv below results/reference")
        return 0

    return told(command)
