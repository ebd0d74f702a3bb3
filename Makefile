# `make` alone lists what there is. Needs Python 3.11 or later, no root.

PYTHONS = python3.13 python3.12 python3.11 python3
# `make setup PYTHON=/path/to/python3` uses that one and looks for no other.
PYTHON =
BIN = .venv/bin
READY = .venv/.ready
# Errors only: what a machine's own pip configuration makes pip warn of is no newcomer's business.
PIP = $(BIN)/python -m pip -qq --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help setup demo check fix test bench soak lock clean

help: ## this list
	@echo "maild: an incident mailing-list daemon. What make can do here:"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1|\2/p' Makefile | awk -F'|' '{printf "  make %-7s %s\n", $$1, $$2}'

setup: $(READY) ## make .venv with the pinned dependencies (all others do this by themselves)
	@:

$(READY): requirements.lock pyproject.toml
	@rm -f $@; \
	if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	    found=; bare=; \
	    for python in $(or $(PYTHON),$(PYTHONS)); do \
	        version=$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2]); sys.exit(sys.version_info < (3, 11))' 2>/dev/null) || continue; \
	        if $$python -c 'import ensurepip, venv' 2>/dev/null; then found=$$python; break; fi; \
	        bare=$${bare:-$$version}; \
	    done; \
	    if [ -z "$$found" ] && [ -n "$$bare" ]; then \
	        echo "make: Python $$bare has no venv; install it: apt-get install python$$bare-venv" >&2; exit 1; \
	    elif [ -z "$$found" ]; then \
	        echo "make: no Python 3.11 or later found; install one (Debian: apt-get install python3 python3-venv)" >&2; exit 1; \
	    fi; \
	    echo "Making .venv with Python $$version and installing the pinned dependencies ..."; \
	    $$found -m venv --clear .venv || exit 1; \
	else \
	    echo "Bringing .venv up to date ..."; \
	fi; \
	if ! [ -w "$${HOME:-/nowhere}" ]; then PIP_NO_CACHE_DIR=1; export PIP_NO_CACHE_DIR; fi; \
	$(PIP) install --require-hashes -r requirements.lock && \
	$(PIP) install --no-deps --no-build-isolation -e . && \
	touch $@

demo: $(READY) ## play the demo: a mail becomes an incident
	@$(BIN)/maild demo

check: $(READY) ## format, lint, types and the house rules, in seconds
	@$(BIN)/ruff format --check --quiet . || { echo "make: not formatted as above; 'make fix' mends it" >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --strict --no-error-summary maild
	@$(BIN)/python -m pytest -q -n 0 tests/test_house.py

fix: $(READY) ## format, and mend what the linter can
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .

test: $(READY) ## every test; with CI=true installs Debian's Postfix, Dovecot and swaks first
	@if [ "$$CI" = true ]; then sh tests/install_debian.sh; fi
	@$(BIN)/python -m pytest -q -rs $(PYTEST_ARGS)

bench: $(READY) ## the figures: tests/bench, one at a time
	@$(BIN)/python -m pytest -q -s -n 0 -p no:randomly -o timeout=0 -o 'python_files=bench_*.py' tests/bench $(PYTEST_ARGS)

soak: $(READY) ## half an hour of mixed mail from 50 connections
	@MAILD_SOAK_SECONDS=1800 $(BIN)/python -m pytest -q -s -n 0 tests/integration/test_soak.py $(PYTEST_ARGS)

lock: ## pin anew: requirements.lock from pyproject.toml (needs uv)
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-emit-index-url --no-emit-find-links --no-annotate --extra dev \
	    --upgrade --output-file requirements.lock pyproject.toml

clean: ## remove .venv, caches and what was built
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
