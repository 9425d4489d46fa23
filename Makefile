# Two commands matter: `make lab` opens the course, `make test` verifies all of it. `make help` lists the others.

.DEFAULT_GOAL := help
SHELL := /bin/sh

# The first Python that is new enough and complete; or say which: make lab PYTHON=/path/to/python
ifeq ($(origin PYTHON), undefined)
PYTHON := $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
    "$$p" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo "$$p" && break; \
    done)
endif
VENV ?= .venv
BIN := $(VENV)/bin
WORKERS ?= 2
LAB_ARGS ?=
# One BLAS thread for each worker: they share the processor. The notebooks also pass with two (make test-portable).
OPENBLAS_NUM_THREADS ?= 1

NOTEBOOKS = --nbval --nbval-current-env --nbval-sanitize-with tools/nbval_sanitize.cfg --nbval-cell-timeout 120
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist loadscope

.PHONY: help lab test test-long test-portable exercises mutants setup setup-test lint format notebooks check-notebooks experiments studies train slides claims \
    bench bench-small constraints clean pictures

help: ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /make \1|/' | awk -F'|' '{printf "%-22s %s\n", $$1, $$2}'

# The environment: installed once, and again only when what it is made from changes.

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or later with venv and pip was found. Install one (on Debian: python3 and python3-venv), or name it: make lab PYTHON=/path/to/python" >&2; exit 1; }
	'$(PYTHON)' -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing the course into $(VENV): about two minutes, 650 MB."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[course,fast]'
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,dev]'
	@touch $@

setup: $(VENV)/.installed ## create the environment, install the course

setup-test: $(VENV)/.installed-test ## the same, with what the tests need

# What learners run

lab: setup ## open the course in JupyterLab (LAB_ARGS=--no-browser on a machine without a screen)
	@$(BIN)/python -m tools.desk
	@$(BIN)/python -m jupyterlab --ServerApp.root_dir="$$(pwd)" --log-level=ERROR --LabApp.log_level=ERROR \
	    --LabApp.default_url=/lab/tree/my_notebooks/00_start_here.ipynb \
	    $$(test "$$(id -u)" != 0 || echo --allow-root) $(LAB_ARGS)

# What maintainers run

test: setup-test ## verify everything: package, doctests, lint, notebooks (PORTABLE=2: also as on another processor, with 2 threads)
ifdef PORTABLE
	$(MAKE) test-portable PORTABLE_THREADS='$(PORTABLE)'
endif
	OPENBLAS_NUM_THREADS=$(OPENBLAS_NUM_THREADS) $(PYTEST) -m 'not long' $(NOTEBOOKS) tests lstmcourse tools/claims.py notebooks $(TEST_ARGS)

test-long: exercises ## what is slow by nature: processes that are killed, many at once, every cell compiled both ways
	OPENBLAS_NUM_THREADS=$(OPENBLAS_NUM_THREADS) $(PYTEST) -m long tests $(TEST_ARGS)

exercises: setup-test ## what the checks say of every right and wrong answer (IDS="05 09.1": only these)
	$(BIN)/python -m tools.exercises $(IDS)

mutants: setup-test ## change the package in one place at a time, and see whether tests notice (ARGS="--count 20 --seed 0")
	OPENBLAS_NUM_THREADS=$(OPENBLAS_NUM_THREADS) $(BIN)/python -m tools.mutants $(ARGS)

# Kernels and vector instructions of an old processor, so that the last digits differ. tools/portable.py stops if the
# switches do nothing, as older names of them do on newer versions of NumPy.
PORTABLE_THREADS ?= 1 2
test-portable: setup-test ## the notebooks as on another processor, with 1 and with 2 threads
	@set -e; for threads in $(PORTABLE_THREADS); do \
	    export OPENBLAS_CORETYPE=Nehalem NPY_DISABLE_CPU_FEATURES=X86_V3 OPENBLAS_NUM_THREADS=$$threads; \
	    $(BIN)/python -m tools.portable; \
	    $(PYTEST) $(NOTEBOOKS) notebooks $(TEST_ARGS); \
	done

lint: setup-test ## ruff: lint and format, changing nothing; import-linter: who imports whom
	$(BIN)/ruff check --output-format=concise
	$(BIN)/ruff format --check --output-format=concise
	$(BIN)/lint-imports --no-cache --no-logo

format: setup-test ## ruff: mend what can be mended
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

notebooks: setup-test ## build and run all notebooks from notebooks/source (NAMES="01 02": only these)
	$(BIN)/python -m tools.notebooks build $(NAMES)

check-notebooks: setup-test ## whether the stored notebooks are what their sources give
	$(BIN)/python -m tools.notebooks check $(NAMES)

experiments: setup ## run, or resume, what takes longer than a notebook may (ARGS="--workers 8 NAME", or --help)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[studies]'
	$(BIN)/python -m lstmcourse.experiments $(ARGS)

# Everything that the course stores, at that size (SCALE=laptop) or the papers' (SCALE=full); what is current stays.
SCALE ?= laptop
studies: setup ## all studies at the stored size; says first how long it takes (SCALE=full: the papers' size, for a cluster)
	@$(MAKE) --no-print-directory experiments ARGS='--scale $(SCALE) --workers $(WORKERS) $(ARGS)'

train: setup ## train the million weights of notebook 20 again, or go on with it (ARGS="--to FILE", or --help)
	OPENBLAS_NUM_THREADS=$(OPENBLAS_NUM_THREADS) $(BIN)/python -m lstmcourse.course.coder $(ARGS)

slides: setup ## slides of the lessons, one page each, into slides/ (NAMES="05 08": only these; ARGS=--handout: without notes)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[teach]'
	@$(BIN)/python -m lstmcourse.teaching slides $(NAMES) $(ARGS)

claims: setup ## which claims of the essay are met, and which are not (THROUGH=02: due so far)
	@$(BIN)/python -m tools.claims $(if $(THROUGH),--through $(THROUGH))

bench: setup ## time every cell beside PyTorch and JAX, where they are installed (ARGS="--cells lstm --sizes 0 1")
	$(BIN)/python benchmarks/bench.py $(ARGS)

bench-small: setup ## the smallest LSTM, and two lengths, in under a minute: what continuous integration prints
	$(BIN)/python benchmarks/bench.py --cells lstm --sizes 0 --seconds 3 --no-compile-times
	$(BIN)/python benchmarks/growth.py --small

pictures: setup-test ## photograph each laboratory and every cell's diagram, light and dark, into pictures/ (NAMES="cell lstm")
	OPENBLAS_NUM_THREADS=$(OPENBLAS_NUM_THREADS) $(BIN)/python -m tools.pictures $(NAMES)

constraints: ## renew constraints.txt for the Pythons in PYTHONS
	'$(PYTHON)' tools/constraints.py $(PYTHONS)

clean: ## remove the environment and all caches
	rm -rf '$(VENV)' .pytest_cache .ruff_cache .hypothesis build dist
	find . -name .git -prune -o '(' -name __pycache__ -o -name .ipynb_checkpoints ')' -prune -exec rm -rf {} +
