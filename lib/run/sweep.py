"""Sweeps: one chapter over a grid of parameter values, described by a small YAML file."""

import argparse
import itertools
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

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
from lib.run.execute import exit_status
from lib.run.yaml_files import read_yaml_file

REFERENCE = RESULTS / "reference"
SWEEPS = ROOT / "sweeps"
# Untrained networks and trivial scores of the same images on CPUs with and without AVX-512: eight
# AUROCs differed by 5e-7 at most, where two float32 scores nearly tie. Trained ones differ more.
ROUNDING = 1e-5


class Sweep(BaseModel):
    """A sweep file: chapter, profile, parameters for all cells, grid of values per parameter.

    `changes`, if given, is a list of values by parameter; each entry in turn is put on top of every
    point of the grid. An empty one is the grid as it is.
    """

    model_config = ConfigDict(extra="forbid", strict=True)
    chapter: str
    profile: str = "full"
    parameters: dict[str, Any] = {}
    grid: dict[str, Annotated[list[Any], Field(min_length=1)]] = Field(min_length=1)
    changes: Annotated[list[dict[str, Any]], Field(min_length=1)] = [{}]

    def cells(self) -> dict[str, dict[str, Any]]:
        """The parameter values of each cell by the cell's name, a plain file name."""
        cells = {}
        for change, *values in itertools.product(self.changes, *self.grid.values()):
            point = change | dict(zip(self.grid, values, strict=True))
            name = "_".join(
                f"{k}-{re.sub(r'[^A-Za-z0-9.]+', '.', str(v)).strip('.')}" for k, v in point.items()
            )
            if name in cells or set(change) & set(self.grid):
                raise BadInput(f"Two values meet in the cell {name} of the grid.")
            cells[name] = self.parameters | point
        return cells


def read_sweep(path: Path) -> Sweep:
    """The sweep in a file, with every cell checked.

    Raises BadInput for a file of another form, UnknownName for a chapter, profile or parameter
    that does not exist.
    """
    if not path.exists():
        raise BadInput(f"There is no sweep file {path.name}.")
    try:
        sweep = Sweep.model_validate(read_yaml_file(path))
    except ValidationError as problem:
        first = problem.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise BadInput(f"{path.name} cannot be used: {place}: {first['msg']}.") from problem
    under = parameters.profile(sweep.profile, sweep.chapter)
    for cell in sweep.cells().values():
        parameters.check(sweep.chapter, under | cell)
    return sweep


def command_line(values: Mapping[str, Any]) -> str:
    """The values as `-p name value` options of `lib.execute`, quoted for a shell."""
    return " ".join(
        f"-p {name} {shlex.quote(parameters.as_text(value))}" for name, value in values.items()
    )


def merge_cells(folders: Sequence[Path], rows: Path, runs: Path) -> None:
    """Merge the finished cells into one table of rows and one of runs.

    Raises BadInput where two cells measured the same thing with different values.
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Merge the cells of a finished sweep, or publish them as commit-ready reference rows."""
    parser = argparse.ArgumentParser(prog="python -m lib.sweep", description=main.__doc__)
    parser.add_argument("action", choices=["merge", "publish"])
    parser.add_argument("name", help="the sweep file's name without .yml")
    parser.add_argument("--from", type=Path, dest="source", help="folder of the merged sweep")
    options = parser.parse_args(arguments)

    def command() -> None:
        source = options.source or ROOT / "_build/sweeps" / options.name
        if options.action == "merge":
            folders = [source / name for name in read_sweep(SWEEPS / f"{options.name}.yml").cells()]
            merge_cells(folders, source / "rows.csv", source / "runs.csv")
        else:
            target = publish(options.name, source)
            print(f"wrote {target.name} and runs.csv below results/reference")

    return exit_status(command)
