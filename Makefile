# The two commands are `make demo` and `make test`; `make help` lists the others.
PYTHON ?= python3
UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Processes that run tests side by side, on one Kafka and one MongoDB: tests/support/sharing.py
WORKERS ?= 2
# Lock files name versions and hashes and no host, so they hold on any mirror: docs/decisions/0005-one-project.md
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

.PHONY: help setup demo up down test check mutate chaos bench bench-short lock clean
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## install everything into .venv

$(READY): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Kepu Week needs Python 3.11 or newer: make PYTHON=python3.11 …")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements-dev.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY) ## play a whole week on a real local stack, then audit it
	$(BIN)/kepu demo

up: $(READY) ## start everything, leave it running, print the addresses
	$(BIN)/kepu up

down: $(READY) ## stop what `make up` started
	$(BIN)/kepu down

test: $(READY) ## run all tests on a real local stack, two at a time
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadscope --no-loadscope-reorder --durations 15

check: $(READY) ## lint, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

mutate: $(READY) ## break guarantees on purpose, one by one: a test must notice each; ONLY="outbox lease" for some
	$(BIN)/python -m tests.mutations $(ONLY)

chaos: $(READY) ## the long form of the kill tests
	$(BIN)/kepu chaos

bench: $(READY) ## measure every line beside its baseline (an hour); LINES="intake grading" for some
	$(BIN)/python -m bench $(LINES)

bench-short: $(READY) ## the same in small, as a smoke: fails only where a run fails
	$(BIN)/python -m bench --short $(LINES)

lock: $(READY) ## renew both lock files from pyproject.toml
	$(COMPILE) pyproject.toml --output-file requirements.lock
	$(COMPILE) pyproject.toml --group dev --constraints requirements.lock --output-file requirements-dev.lock

clean: ## remove the virtual environment and all local data
	rm -rf $(VENV) .kepu
