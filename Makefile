# Everything needs Python 3.11+, git and make alone; each target does its own set-up. `make` lists the targets.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
NPM := $(BIN)/npm
SLITHER := .build/slither
TLOG := .build/tlog

.PHONY: help setup node demo test lint guards faults tampering kill-points syscalls machine chaos writers load one-step naughty schemathesis privacy forge \
	contracts-deep slither coverage mutation pages bench ten-million study contracts-build \
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

# Three at once on two cores: many tests wait for servers of their own.
test: setup node $(TLOG)/.ready ## all tests
	$(BIN)/python -m pytest -q -n 3 --dist worksteal

lint: setup ## style, types and import rules; what is generated is held against what is committed by the tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

guards: setup node ## take each guard against chain faults out; its test must turn red (minutes)
	$(BIN)/python scripts/guards.py

faults: setup node ## Anvil killed a hundred times under load (ten minutes)
	ANVIL_KILLS=100 ANVIL_KILLS_FILE=benchmarks/anvil-killed.json $(BIN)/python -m pytest -q \
		tests/integration/enforced/test_anvil_killed.py

tampering: setup ## every class of tampering at 20 random places on SQLite and on PostgreSQL, into benchmarks/ (minutes)
	LEDGER_TAMPERING=full $(BIN)/python -m pytest -q tests/integration/tampering

syscalls: setup ## every system call of a step on SQLite killed, or failing: nothing acknowledged is lost (minutes; needs strace)
	$(BIN)/python scripts/system_calls.py

machine: setup ## 10,000 steps of a random life with crashes, half on SQLite, half on PostgreSQL (many minutes)
	rm -f benchmarks/state-machine.json
	LEDGER_MACHINE_STEPS=10000 LEDGER_MACHINE_FILE=benchmarks/state-machine.json $(BIN)/python -m pytest -q \
		tests/faults/test_state_machine.py

kill-points: setup node ## the service killed 50 times at each of its points, on both databases (most of an hour)
	rm -f benchmarks/kill-points.json
	KILL_POINTS=50 KILL_POINTS_FILE=benchmarks/kill-points.json $(BIN)/python -m pytest -q -n 2 \
		tests/integration/worker/test_kill_points.py

chaos: setup node ## API, workers, beat, RabbitMQ and Anvil killed at random for ten minutes under load
	CHAOS_SECONDS=600 CHAOS_FILE=benchmarks/chaos.json $(BIN)/python -m pytest -q tests/faults/test_chaos.py

writers: setup ## 32 writers and 100,000 steps on PostgreSQL: one leaf each, in the order of each case (minutes)
	LEDGER_TRANSITIONS=100000 $(BIN)/python -m pytest -q tests/behaviours/test_postgresql.py -k "32 and 18"

one-step: setup ## one step on PostgreSQL beside a plain audit row, into benchmarks/ (minutes)
	$(BIN)/python scripts/one_step.py

load: setup ## the service beside plain ones under load, on PostgreSQL, into benchmarks/ (minutes)
	$(BIN)/python scripts/load.py

naughty: setup ## the big list of naughty strings, all of it, through every text that a step may carry (minutes)
	LEDGER_NAUGHTY=all $(BIN)/python -m pytest -q tests/integration/api/test_naughty.py

schemathesis: setup ## schemathesis: every check and phase, 1,000 examples an operation, into benchmarks/ (an hour)
	SCHEMATHESIS_EXAMPLES=1000 SCHEMATHESIS_FILE=benchmarks/schemathesis.json $(BIN)/python -m pytest -q \
		tests/integration/api/test_schemathesis.py

privacy: setup node ## 1,000 cases on either chain and 10,000,000 guesses: nothing of a person leaves, into benchmarks/ (an hour)
	$(BIN)/python scripts/privacy.py

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

# Another program's reader of tiles, for tests: pure Python that says it wants a newer one than it uses; not a dependency.
$(TLOG)/.ready: $(BIN)/.ready requirements-tlog.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --ignore-requires-python \
		--upgrade --target $(TLOG) -r requirements-tlog.lock
	@touch $@

coverage: setup node ## which branches of the contracts the tests take, into benchmarks/ (minutes)
	$(BIN)/python scripts/coverage.py

mutation: setup node ## change contracts and tables at random; some test must turn red (hours)
	$(BIN)/python scripts/mutation.py

pages: setup ## 5,000 and more changed receipts before both verifiers in a real browser, and how long they take (minutes)
	$(BIN)/python scripts/pages.py

bench: setup ## measure speed and memory on this machine, and write benchmarks/ (minutes)
	$(BIN)/python scripts/bench.py

ten-million: setup ## ten million events in one log: its audit, its memory, and what is new audited, into benchmarks/ (two hours)
	$(BIN)/python scripts/bench.py long

study: setup node ## six systems measured, tampered with and judged on the real logs; the report goes to out/study (a quarter of an hour)
	$(BIN)/python scripts/study.py benchmarks/rounds/whole.toml out/study --before benchmarks/study.json

contracts-build: setup node ## compile the contracts and write their artifacts
	$(BIN)/ledger contracts build

lock: ## resolve the dependencies anew (needs uv)
	uv pip compile --quiet --extra dev --generate-hashes --no-emit-index-url --no-header --universal \
		--python-version 3.11 pyproject.toml -o requirements.lock

clean: ## remove what the targets made
	rm -rf .venv node_modules out .ledger
