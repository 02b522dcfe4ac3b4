# Needs Python >= 3.11 and a package index. `make demo` and `make test` set up .venv on the first call only.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO ?= var/demo

.DEFAULT_GOAL := help
.PHONY: help install demo test torture check format docs lock dev clean

help: ## show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

install: $(STAMP) ## set up .venv from the lock file

demo: $(STAMP) ## a fictional organisation, end to end: sync, report, trace
	@$(BIN)/sms-evidence demo --out $(DEMO)

test: $(STAMP) ## all tests
	@$(BIN)/python -m pytest

torture: $(STAMP) ## kill a hundred runs at random moments (about ten minutes)
	@$(BIN)/python -m tests.torture --kills 100

check: $(STAMP) ## format, lint, types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

format: $(STAMP) ## write the format and the safe lint fixes
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: $(STAMP) ## write the generated pages in docs/
	@$(BIN)/sms-evidence docs --out docs
	@$(BIN)/python tests/faults.py

dev: $(STAMP) ## the Dagster UI with the demo's runs in it, on 127.0.0.1:3000
	@test -e $(DEMO)/sms-evidence.toml || $(MAKE) --no-print-directory demo
	@$(BIN)/sms-evidence dev --config $(DEMO)/sms-evidence.toml

lock: ## write requirements.lock anew (needs uv)
	@uv lock --quiet
	@uv export --frozen --no-header --no-emit-project --format requirements.txt --quiet > requirements.lock

clean: ## remove the environment and caches; var/ stays
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache dist
