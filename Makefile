# Thin: makes .venv, then calls the Snakefile or pytest.
PYTHON ?= python3
PROFILE ?= quick
CORES ?= 2
BIN := .venv/bin
SNAKEMAKE = $(BIN)/python -m snakemake --quiet rules --cores $(CORES) --nolock
# What `make test` runs, CORES at a time: long chapters and rooms first, so that no core waits for
# the last one. Golden notebooks are made on the way.
PYTEST = pytest -q -p no:cacheprovider -m 'not browser and not bench'
LONG = gradcon oracle fooling dae comparison localization
GOLDEN = $(patsubst %,tests/notebooks/%.ipynb,$(LONG) $(filter-out $(LONG),$(basename $(notdir \
	$(wildcard tests/notebooks/*.txt)))))
ROOMS = tests/run/ tests/experiments/ tests/training/
OTHERS = $(filter-out $(ROOMS) tests/bench/ tests/book/,$(sort $(dir $(wildcard tests/*/test_*.py))))
TIMED = start=$$(date +%s); $(1); end=$$(date +%s); \
	echo "$(2) ($$(( (end - start) / 60 )) min $$(( (end - start) % 60 )) s)"

.PHONY: help venv book book-from-runs test browser-test bench accept sweep clean
help:
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 18

venv: .venv/complete ## make .venv from constraints.txt
.venv/complete: constraints.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt "pip>=25.1" setuptools
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt \
		--no-build-isolation -e . --group book --group test
	touch $@

book: venv ## execute every chapter (PROFILE=quick) and build the book
	@set -e; $(call TIMED,$(SNAKEMAKE) book --rerun-incomplete --config profile=$(PROFILE),The book: $(CURDIR)/_build/html/index.html)

book-from-runs: venv ## build the book from the runs below _build/book or _build/runs
	@set -e; $(call TIMED,$(SNAKEMAKE) book_only,The book: $(CURDIR)/_build/html/index.html)

test: venv ## ruff, mypy, pytest, nbval
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	@set -e; { printf "$(PYTEST) --nbval-lax %s\n" $(GOLDEN); printf "$(PYTEST) %s\n" $(ROOMS) \
		"$(OTHERS)"; echo mypy; } | OMP_NUM_THREADS=1 xargs -P $(CORES) -L 1 $(BIN)/python -m

browser-test: venv ## open the built book in headless Chromium, network off
	$(BIN)/python -m pytest -m browser tests/book

bench: venv ## time of maps, forest, z, traces and attacks, memory of maps; wants two quiet cores
	$(BIN)/python -m pytest -m bench -s tests/bench

accept: venv ## rewrite what nbval holds chapters to, after a wanted change
	$(BIN)/python -m lib.accept

# Code may change while a sweep goes on: only new cells and new values are made. A cell's rows appear
# whole or not at all, so where they stand the cell is finished, whatever Snakemake saw of its end.
sweep: venv ## run sweeps/SWEEP.yml, two cells at a time, going on where it stopped
	@test -n "$(SWEEP)" || { echo "Name a file of sweeps/, such as: make sweep SWEEP=gradcon-mnist"; exit 1; }
	$(SNAKEMAKE) sweep --ignore-incomplete --rerun-triggers mtime params input --config sweep=$(SWEEP)

clean: ## remove the built book; runs and sweeps stay
	rm -rf _build/html _build/.doctrees _build/jupyter_execute _build/book _build/accept .snakemake
	rm -f $(patsubst %.py,%.ipynb,$(wildcard chapters/*.py)) tests/notebooks/*.ipynb
