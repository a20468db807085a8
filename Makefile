# The README's two commands are `make demo` and `make test`; each creates what it needs on a machine with only Python and make.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check -q
LOCK   := --quiet --universal --python-version 3.11 --no-emit-index-url --no-annotate --no-header --generate-hashes

.PHONY: help demo test check real bench lock clean
help:            ## what can be made
	@grep -E '^[a-z]+: .*##|^[a-z]+:  *##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

$(VENV)/.base: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Rootward needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install -r requirements.lock
	$(PIP) install --no-deps -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.base requirements-dev.lock
	$(PIP) install -r requirements-dev.lock
	@touch $@

demo: $(VENV)/.base   ## an alert fires in a simulated production and is explained
	@$(BIN)/rootward demo

test: $(VENV)/.dev    ## units, contracts and properties: no network, keys or containers
	$(BIN)/python -m pytest

check: $(VENV)/.dev   ## lint, format, strict types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

real: $(VENV)/.dev    ## against real Prometheus, kubectl, Chromium and third-party clients (installs them where it can)
	tests/real/setup.sh $(VENV)
	$(BIN)/python -m pytest tests/real -rs

bench: $(VENV)/.dev   ## accuracy and speed, as the README quotes them
	$(BIN)/python benchmarks/all.py

lock: $(VENV)/.dev    ## write the lock files anew from pyproject.toml
	$(PIP) install uv
	$(BIN)/uv pip compile $(LOCK) pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile $(LOCK) --extra dev pyproject.toml -o requirements-dev.lock
	$(BIN)/uv pip compile $(LOCK) --extra real pyproject.toml -o requirements-real.lock

clean:           ## remove what was made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
