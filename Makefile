# The two commands are `make demo` and `make test`; `make help` lists the others.
PYTHON ?= python3
UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# The bench is a project beside the product: bench/pyproject.toml
BENCH := bench/.venv
BENCH_READY := $(BENCH)/.ready
# Python keeps what it has compiled, also where the environment says that it must not. Tests and local services start
# dozens of processes, and each would otherwise spend more than a second on compiling the same modules.
export PYTHONDONTWRITEBYTECODE :=
# AGAIN=1 runs the few tests that fail once more, alone: tests/support/again.py
PYTEST = $(if $(AGAIN),$(BIN)/python -m tests.support.again,$(BIN)/pytest)
# How many processes run tests side by side, on one Kafka and one MongoDB: tests/support/sharing.py
# Two more than two cores: a worker waits for Kafka and MongoDB for a third of its time.
WORKERS ?= 4
SIDE_BY_SIDE = --numprocesses $(WORKERS) --dist loadscope --no-loadscope-reorder --durations 15
# Lock files name versions and hashes and no host, so they hold on any mirror: docs/decisions/0005-one-project.md
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

# $(call install,FOLDER,LOCK FILE): a virtual environment with what the lock file names, and this checkout.
define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Kepu Week needs Python 3.11 or newer: make PYTHON=python3.11 …")'
	@test -x $(1)/bin/python || $(PYTHON) -m venv $(1)
	@$(1)/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(1)/bin/uv pip sync --quiet --python $(1)/bin/python --require-hashes $(2)
	@$(1)/bin/uv pip install --quiet --python $(1)/bin/python --no-deps --no-build-isolation --editable .
	@touch $(1)/.ready
endef

.PHONY: help setup demo up down test test-servers drill upgrade fuzz incidents check mutate chaos cluster crowd regraded strangers bench bench-short bench-check bench-test lock clean
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## install everything but the bench into .venv

$(READY): requirements-dev.lock pyproject.toml
	$(call install,$(VENV),requirements-dev.lock)

demo: $(READY) ## play a whole week on a real local stack, then audit it; KEEP=1 leaves it running with the pages
	$(BIN)/kepu demo $(if $(KEEP),--keep)

up: $(READY) ## start everything, leave it running, print the addresses
	$(BIN)/kepu up

down: $(READY) ## stop what `make up` started
	$(BIN)/kepu down

test: $(READY) ## run the tests on a real local stack, four at a time
	$(PYTEST) -m "not own_servers" $(SIDE_BY_SIDE)

test-servers: $(READY) ## the tests that start servers of their own: stacks, clusters, kills, drills, a played incident
	$(PYTEST) -m "own_servers and not browser" $(SIDE_BY_SIDE) --numprocesses 2

.PHONY: test-browser
test-browser: $(READY) ## the ways of people through the pages in a real browser; needs Chromium; SHORT=1 for one way of each
	$(PYTEST) -m "browser$(if $(SHORT), and short)" tests/browser --durations 15

.PHONY: pages-speed
pages-speed: $(READY) ## how fast the pages are on a slow phone, in a real browser (5 minutes)
	$(BIN)/python -m tests.browser.speed

incidents: $(READY) ## play all incidents under a real Prometheus: exactly the alert that is meant fires (40 minutes)
	$(BIN)/kepu incidents

check: $(READY) ## lint, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

.PHONY: compose-test
compose-test: $(READY) ## docker-compose.yml on a real engine, if there is one; STAND_INS=--stand-ins without a registry
	$(BIN)/python -m tests.deploy.live $(STAND_INS)

mutate: $(READY) ## break guarantees on purpose, one by one: a test must notice each; ONLY="outbox lease" for some
	$(BIN)/python -m tests.mutations $(ONLY)

# In words: make chaos MINUTES=30 FAULTS=60 SEED=7, or make chaos ONLY=kill,clock
chaos: $(READY) ## break everything while people take part, and check what they were told; SHORT=1, SEED=, FAULTS=, MINUTES=, ONLY= kinds
	$(BIN)/kepu chaos $(if $(SHORT),--short) $(if $(SEED),--seed $(SEED)) $(if $(FAULTS),--faults $(FAULTS)) \
		$(if $(MINUTES),--minutes $(MINUTES)) $(if $(ONLY),--only $(ONLY))

.PHONY: chaos-meta
chaos-meta: $(READY) ## break guarantees on purpose, one by one: chaos must notice each; ONLY="outbox relay" for some
	$(BIN)/python -m tests.ops.chaos.meta $(ONLY)

cluster: $(READY) ## a week on three brokers and three members, while those that lead are killed
	$(BIN)/kepu cluster --rounds $(or $(ROUNDS),2)

strangers: $(READY) ## three anonymous attacks in full size: the week booked out, mailboxes bombed, a contest farmed
	$(BIN)/python -m tests.flow.strangers

.PHONY: kit
kit: $(READY) ## build the wheel for other teams, kepu-events, in dist/
	cd kit && ../$(BIN)/python -m hatchling build -t wheel -d ../dist

.PHONY: partners
partners: $(READY) ## three partners, one of them hostile: the two others hardly notice; MINUTES for fewer than 10
	$(BIN)/python -m tests.flow.partners --minutes $(or $(MINUTES),10)

fuzz: $(READY) ## 100,000 malformed records and requests while people sit a contest; INPUTS for fewer, SEED for others
	$(BIN)/python -m tests.fuzz --inputs $(or $(INPUTS),100000) --seed $(or $(SEED),1)

drill: $(READY) ## lose Kafka and MongoDB, restore them from a backup, and audit; then MongoDB alone
	$(BIN)/kepu drill

upgrade: $(READY) ## replace the processes of another release one by one while people take part; FROM=COMMIT names it
	@test -n "$(FROM)" || { echo "Name the other release by a commit: make upgrade FROM=COMMIT"; exit 2; }
	rm -rf .kepu/release && git clone --quiet . .kepu/release && git -C .kepu/release checkout --quiet $(FROM)
	$(MAKE) --directory .kepu/release setup
	$(BIN)/kepu upgrade --from .kepu/release

crowd: $(READY) ## fifty thousand people ask for places, each twice, while copies are killed; PEOPLE for fewer
	$(BIN)/python -m tests.registration.crowd --people $(or $(PEOPLE),50000)

regraded: $(READY) ## a contest of 100,000 attempts is corrected under load, while everything is killed; ATTEMPTS for fewer
	$(BIN)/python -m tests.quiz.regrading.crowd --attempts $(or $(ATTEMPTS),100000)

$(BENCH_READY): bench/requirements.lock bench/pyproject.toml pyproject.toml
	$(call install,$(BENCH),bench/requirements.lock)

bench: $(BENCH_READY) ## measure every line beside its baseline (an hour); LINES="intake grading" for some
	$(BENCH)/bin/python -m bench $(LINES)

bench-short: $(BENCH_READY) ## run every line once in small: fails only where a run fails; LINES for some
	$(BENCH)/bin/python -m bench --short $(LINES)

.PHONY: pages-load
pages-load: $(BENCH_READY) ## 10,000 browsers open the contest and start, through the edge (8 minutes); SHORT=1 for 200
	$(BENCH)/bin/python -m bench pages $(if $(SHORT),--short)

bench-check: $(BENCH_READY) ## lint, types, import rules of the bench
	$(BENCH)/bin/ruff check bench
	$(BENCH)/bin/ruff format --check bench
	$(BENCH)/bin/mypy --config-file bench/pyproject.toml
	$(BENCH)/bin/lint-imports --config bench/pyproject.toml --no-cache

bench-test: $(BENCH_READY) ## test the load client, and run four lines of the bench once in small
	$(BENCH)/bin/pytest -c bench/pyproject.toml bench/tests

lock: $(READY) ## renew all lock files from the pyproject.toml files
	$(COMPILE) pyproject.toml --output-file requirements.lock
	$(COMPILE) pyproject.toml --extra traces --constraints requirements.lock --output-file requirements-traces.lock
	$(COMPILE) pyproject.toml --extra ops --extra traces --group dev --constraints requirements.lock --output-file requirements-dev.lock
	$(COMPILE) bench/pyproject.toml --group bench/pyproject.toml:dev --constraints requirements-dev.lock \
		--no-emit-package kepu-week --output-file bench/requirements.lock

clean: ## remove the virtual environments and all local data
	rm -rf $(VENV) $(BENCH) .kepu dist
