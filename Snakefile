# What is made from what. The Makefile calls this file; `snakemake -n book` shows the plan.
#
#   book          every chapter under PROFILE, then the HTML book       (make book)
#   book_only     the book from chapters that were executed elsewhere   (make book-from-runs)
#   sweep         one chapter over a grid of parameter values           (make sweep SWEEP=name)

import shlex
import sys
from pathlib import Path

from lib.errors import CompanionError
from lib.run import parameters, sweep as sweeps

PYTHON = sys.executable
JUPYTER_BOOK = Path(PYTHON).with_name("jupyter-book")  # cannot be run with -m
# all pages anew (--all): a page that only cites a changed number would stay old otherwise
TYPESET = "{JUPYTER_BOOK:q} build -W -n --keep-going --all ."
PROFILE = config.get("profile", "quick")
SWEEP = config.get("sweep", "")

try:
    SWEEP or parameters.profile(PROFILE, "")
    PLAN = sweeps.read_sweep(Path(f"sweeps/{SWEEP}.yml")) if SWEEP else None
    CELLS = PLAN.cells() if PLAN else {}
except CompanionError as error:
    raise WorkflowError(str(error))

NOTEBOOKS = parameters.book_chapters()
# an assembled chapter reads the rows of the others, so it runs after them
ASSEMBLED = [name for name in NOTEBOOKS if parameters.is_assembled(name)]
CHAPTERS = [name for name in NOTEBOOKS if name not in ASSEMBLED]

LONG = {"gradcon", "fooling", "comparison", "localization"}

CODE = sorted(str(p) for p in Path("lib").rglob("*") if p.suffix in (".py", ".csv"))
RESULTS = sorted(str(p) for p in Path("results").rglob("*") if p.is_file())
PAGES = (".md", ".bib", ".css", ".js")
TEXT = sorted(str(p) for p in Path("chapters").rglob("*") if p.suffix in PAGES)


wildcard_constraints:
    chapter="|".join(CHAPTERS) or "none",
    assembled="|".join(ASSEMBLED),
    notebook="|".join(NOTEBOOKS) or "none",


rule book:
    input:
        "_build/html/index.html",


# One chapter: an executed notebook with its rows, whole or not at all (lib.execute sees to it).
rule chapter:
    input:
        CODE,
        RESULTS,
        "chapters/{chapter}.py",
        f"chapters/profiles/{PROFILE}.yml",
    output:
        notebook="_build/book/{chapter}/{chapter}.ipynb",
        rows="_build/book/{chapter}/rows.csv",
        runs="_build/book/{chapter}/runs.csv",
    threads: 1  # small batches gain nothing from a second one, and chapters can run side by side
    priority: lambda wildcards: 2 * (wildcards.chapter in LONG)  # no core waits for the last one
    shell:
        "OMP_NUM_THREADS={threads} {PYTHON:q} -m lib.execute {wildcards.chapter}"
        " --profile {PROFILE} --output _build/book/{wildcards.chapter}"


# Notebooks that only read the rows of the others run after them.
rule assembled:
    input:
        CODE,
        RESULTS,
        expand("_build/book/{name}/rows.csv", name=CHAPTERS),
        "chapters/{assembled}.py",
    output:
        "_build/book/{assembled}/{assembled}.ipynb",
    shell:
        "{PYTHON:q} -m lib.execute {wildcards.assembled} --profile {PROFILE}"
        " --output _build/book/{wildcards.assembled}"


# The book reads executed notebooks beside the pages; they are copies and never committed.
rule place:
    input:
        "_build/book/{notebook}/{notebook}.ipynb",
    output:
        "chapters/{notebook}.ipynb",
    shell:
        "cp {input} {output}"


rule html:
    input:
        expand("chapters/{chapter}.ipynb", chapter=NOTEBOOKS),
        TEXT,
        "_config.yml",
        "_toc.yml",
    output:
        "_build/html/index.html",
    shell:
        TYPESET


def adopted(_):
    """The commands that take over every chapter executed in this build or elsewhere."""
    commands = []
    for name in CHAPTERS:
        found = [
            folder
            for folder in (f"_build/book/{name}", f"_build/runs/{name}")
            if Path(folder, f"{name}.ipynb").exists() and Path(folder, "rows.csv").exists()
        ]
        if not found:
            raise WorkflowError(
                f"There is no executed notebook with rows of chapter {name} below _build/book or "
                f"_build/runs: run `python -m lib.execute {name} --output _build/runs/{name}`."
            )
        if found[0] != f"_build/book/{name}":
            commands += [f"mkdir -p _build/book/{name}", f"cp -R {found[0]}/. _build/book/{name}"]
    for name in ASSEMBLED:
        commands.append(f"{shlex.quote(PYTHON)} -m lib.execute {name} --output _build/book/{name}")
    return "\n".join(commands + [f"cp _build/book/{n}/{n}.ipynb chapters/" for n in NOTEBOOKS])


# Nothing is measured again; the notebooks that read the rows of the others are executed.
# (No rule here has Python of its own: Snakemake would not quote the path of this project.)
rule book_only:
    params:
        adopted,
    shell:
        "{params[0]}\n" + TYPESET


if SWEEP:

    # Finished cells are never made again, whatever changes in the code: each says in runs.csv which
    # commit it ran. A killed cell goes on from its checkpoint, since lib.execute keeps its work folder.
    rule cell:
        output:
            rows="_build/sweeps/{sweep}/{cell}/rows.csv",
        threads: 1
        params:
            pairs=lambda wanted: sweeps.command_line(CELLS[wanted.cell]),
            chapter=PLAN.chapter,
            profile=PLAN.profile,
        log:
            "_build/sweeps/{sweep}/logs/{cell}.log",
        shell:
            "OMP_NUM_THREADS={threads} {PYTHON:q} -m lib.execute {params.chapter}"
            " --profile {params.profile} {params.pairs}"
            " --output _build/sweeps/{wildcards.sweep}/{wildcards.cell} > {log} 2>&1"
            " || {{ tail -n 1 {log} >&2; exit 1; }}"


    rule sweep:
        input:
            expand("_build/sweeps/{sweep}/{cell}/rows.csv", sweep=SWEEP, cell=CELLS),
        output:
            rows=f"_build/sweeps/{SWEEP}/rows.csv",
            runs=f"_build/sweeps/{SWEEP}/runs.csv",
        shell:
            "{PYTHON:q} -m lib.sweep merge {SWEEP}"
