# make            lists the targets
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
STAMP = $(VENV)/.installed

.PHONY: help setup check format lint types test slow golden data bench docs figures clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-8s %s\n", $$1, $$2}'

setup: $(STAMP) ## make the virtual environment and install the package with its tools

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(STAMP)

check: setup ## what CI runs: format, lint, types, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -n auto -m "not slow"

format: setup ## rewrite the code in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: setup ## format check and lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: setup ## mypy, strict
	$(BIN)/mypy

test: setup ## the tests that take a few minutes
	$(BIN)/python -m pytest -q -n auto -m "not slow"

slow: setup ## simulations and fuzzing
	$(BIN)/python -m pytest -q -m slow

golden: ## regenerate tests/golden (needs R; the head of each script names its packages)
	for script in scripts/make_golden*.R; do Rscript $$script || exit 1; done

data: setup ## regenerate the example workbooks
	$(BIN)/python scripts/make_simulated_workbook.py
	$(BIN)/python scripts/make_primary_workbook.py

bench: setup ## speed and memory, as ratios against a peer in the same run
	$(BIN)/python scripts/benchmark.py --write

docs: setup ## regenerate the pages that are made from the code, and build the site
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	$(BIN)/python scripts/make_docs.py
	$(BIN)/python scripts/arbitrate.py
	$(BIN)/mkdocs build --strict --quiet -f scripts/mkdocs.yml

figures: setup ## redraw the figures of the docs in every style
	$(BIN)/python scripts/make_figures.py

clean: ## remove caches and the virtual environment
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist *.egg-info
