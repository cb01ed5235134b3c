# Everything needs Python 3.11+, git and make alone; each target does its own set-up. `make` lists the targets.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
NPM := $(BIN)/npm
SLITHER := .build/slither

.PHONY: help setup node demo test lint guards faults writers one-step forge contracts-deep slither coverage mutation bench contracts-build \
	lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

setup: $(BIN)/.ready ## the virtual environment in .venv, with everything pinned by hash

$(BIN)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

node: node_modules/.ready ## the Solidity compiler, Anvil and OpenZeppelin, by the Node that comes from PyPI

node_modules/.ready: $(BIN)/.ready package.json package-lock.json
	NODE_USE_SYSTEM_CA=1 PATH="$(CURDIR)/$(BIN):$$PATH" $(NPM) ci --no-audit --no-fund --loglevel=error
	@touch $@

demo: setup ## the Wismar grant, 60 permits, 300 fines; sealed, anchored, audited, tampered with (out/)
	$(BIN)/ledger demo --out out

test: setup node ## all tests
	$(BIN)/python -m pytest -q -n 2

lint: setup node ## style, types, import rules, and what is generated against what is committed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/ledger contracts check

guards: setup node ## take each guard against chain faults out; its test must turn red (minutes)
	$(BIN)/python scripts/guards.py

faults: setup node ## Anvil killed a hundred times under load (ten minutes)
	ANVIL_KILLS=100 ANVIL_KILLS_FILE=benchmarks/anvil-killed.json $(BIN)/python -m pytest -q \
		tests/integration/enforced/test_anvil_killed.py

writers: setup ## 32 writers and 100,000 steps on PostgreSQL: one leaf each, in the order of each case (minutes)
	LEDGER_TRANSITIONS=100000 $(BIN)/python -m pytest -q tests/behaviours/test_postgresql.py -k "32 and 18"

one-step: setup ## one step on PostgreSQL beside a plain audit row, into benchmarks/ (minutes)
	$(BIN)/python scripts/one_step.py

forge: setup node ## invariants and fuzzing of the contracts: 1,000 runs of 500 steps, 10,000 inputs (minutes)
	$(BIN)/python scripts/forge.py test

contracts-deep: setup node ## ten times as many of both (most of an hour)
	FOUNDRY_PROFILE=deep $(BIN)/python scripts/forge.py test

slither: $(SLITHER)/.ready node ## static analysis of the contracts, in an environment of its own
	$(BIN)/python scripts/slither.py $(SLITHER)/bin/slither

$(SLITHER)/.ready: requirements-slither.lock
	$(PYTHON) -m venv $(SLITHER)
	$(SLITHER)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-slither.lock
	@touch $@

coverage: setup node ## which branches of the contracts the tests take, into benchmarks/ (minutes)
	$(BIN)/python scripts/coverage.py

mutation: setup node ## change contracts and tables at random; some test must turn red (hours)
	$(BIN)/python scripts/mutation.py

bench: setup ## measure speed and memory on this machine, and write benchmarks/ (minutes)
	$(BIN)/python scripts/bench.py

contracts-build: setup node ## compile the contracts and write their artifacts
	$(BIN)/ledger contracts build

lock: ## resolve the dependencies anew (needs uv)
	uv pip compile --quiet --extra dev --generate-hashes --no-emit-index-url --no-header --universal \
		--python-version 3.11 pyproject.toml -o requirements.lock

clean: ## remove what the targets made
	rm -rf .venv node_modules out .ledger
