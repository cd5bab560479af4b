# make            lists the targets
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
STAMP = $(VENV)/.installed
# Kernels of OpenBLAS round differently; each machine takes the one of its processor.
KERNELS ?= Haswell SkylakeX Zen Prescott
NUMERIC = $(addprefix tests/,core effects models moderation publication_bias diagnostics robustness)

.PHONY: help setup example check format lint types test slow kernels lowest newest golden data bench docs \
	figures clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-8s %s\n", $$1, $$2}'

setup: $(STAMP) ## make the virtual environment and install the package with its tools

$(STAMP): pyproject.toml
	VENV=$(VENV) $(PYTHON) scripts/develop.py setup

example: ## pool the example workbook
	VENV=$(VENV) $(PYTHON) scripts/develop.py example

check: ## what CI runs: format, lint, types, tests
	VENV=$(VENV) $(PYTHON) scripts/develop.py check

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

kernels: setup ## the numeric tests under each kernel of OpenBLAS (x86)
	for kernel in $(KERNELS); do \
		echo "== $$kernel"; \
		OPENBLAS_CORETYPE=$$kernel $(BIN)/python -m pytest -q -n auto -m "not slow" $(NUMERIC) \
			|| exit 1; \
	done

lowest: RESOLUTION = lowest-direct
lowest: ## the tests with the lowest versions that pyproject.toml allows
newest: RESOLUTION = highest
newest: ## the tests with the newest versions there are
lowest newest:
	$(PYTHON) -m venv --clear .venv-$@
	.venv-$@/bin/python -m pip install --quiet --disable-pip-version-check uv
	.venv-$@/bin/uv pip install --quiet --python .venv-$@/bin/python \
		--resolution $(RESOLUTION) --editable '.[dev]'
	.venv-$@/bin/python -m pytest -q -n auto -m "not slow"

golden: ## regenerate tests/golden (needs R; the head of each script names its packages)
	for script in scripts/golden/*.R; do Rscript $$script || exit 1; done

data: setup ## regenerate the example workbooks
	$(BIN)/python scripts/make_simulated_workbook.py
	$(BIN)/python scripts/make_primary_workbook.py
	PYTHONPATH=scripts $(BIN)/python scripts/examples/make_three_questions.py

bench: setup ## speed and memory, as ratios against a peer in the same run
	$(BIN)/python scripts/benchmarks/benchmark.py --write --large
	$(BIN)/python scripts/benchmarks/start_up.py

docs: setup ## regenerate the pages that are made from the code, and build the site
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	$(BIN)/python scripts/make_docs.py
	$(BIN)/python scripts/arbitrate.py
	$(BIN)/mkdocs build --strict --quiet -f scripts/mkdocs.yml

figures: setup ## redraw the figures of the docs in every style
	$(BIN)/python scripts/make_figures.py

clean: ## remove caches and the virtual environment
	rm -rf $(VENV) .venv-lowest .venv-newest .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist *.egg-info
