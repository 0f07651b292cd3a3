# The front door: `make demo` and `make test` set everything up on a machine that has Python >= 3.11, make and git.
PYTHON ?= $(shell for p in python3.12 python3.11 python3.13 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test quick check lint types bench lock clean

demo: $(STAMP)            ## a day of waves on generated requests, against a carrier on loopback
	$(BIN)/dispatch demo

test: $(STAMP) check      ## everything that must hold: style, types, architecture, behaviour on both databases
	$(BIN)/python -m pytest -n 2 --dist worksteal

quick: $(STAMP)           ## the tests that start no server and no child process, on SQLite
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow" --database sqlite

check: lint types

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

bench: $(STAMP)           ## figures, not assertions: each benchmark runs its alternatives beside ours
	$(BIN)/python tests/benchmarks/waves.py --requests 1000 --larger 10000
	$(BIN)/python tests/benchmarks/promise.py

$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "parts-dispatch needs Python 3.11, 3.12 or 3.13; set PYTHON=/path/to/python"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $(STAMP)

lock:                     ## re-pin: needs uv on the path
	uv pip compile pyproject.toml --extra dev --universal --generate-hashes --no-header --no-annotate -q -o requirements.lock

clean:
	rm -rf .venv .venv-3.13 .mypy_cache .ruff_cache .pytest_cache .hypothesis .dispatch
