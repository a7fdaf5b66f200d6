# make run    the softphone demo: one process, nothing else needed
# make test   all tests; installs the real peers (sipp, baresip, Chromium ...) where it can; PEERS=no installs nothing
# make check  what must be green before a change lands: style, types, import rules, tests
# make bench  the media path against the naive design, in the same run
# make bench-instructions  what a call costs in instructions, by library (needs valgrind; no neighbour disturbs it)
# make soak   thousands of SIP calls under loss (longer)

# the newest that runs: a version manager's shim may stand in the PATH for a Python that it does not have
PYTHON ?= $(firstword $(foreach v,3.13 3.12 3.11,$(shell python$(v) -c 'print("python$(v)")' 2>/dev/null)) python3)
UV     := $(shell command -v uv 2>/dev/null)
# the machine's own certificates, as a company proxy needs them
export UV_NATIVE_TLS := 1
export UV_SYSTEM_CERTS := 1
SAY    := echo "Setting up (once, a minute at most, about 300 MB in .venv) ..."
BIN    := .venv/bin
ARGS   ?=

.PHONY: run test check lint format bench bench-instructions soak peers clean
.DEFAULT_GOAL := run

run: .venv/run.stamp
	@$(BIN)/tandem demo $(ARGS)

test: .venv/dev.stamp peers
	$(BIN)/python -m pytest $(ARGS)

check: lint test

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/dev.stamp
	$(BIN)/python -m bench $(ARGS)

bench-instructions: .venv/dev.stamp
	$(BIN)/python -m bench.instructions $(ARGS)

soak: .venv/dev.stamp peers
	SOAK=1 $(BIN)/python -m pytest tests/interop/test_sipp_soak.py $(ARGS)

peers:
	@[ "$(PEERS)" = no ] || sh tools/install_peers.sh

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis bench/out

# uv where it is installed, else venv + pip; both need nothing but Python 3.11 or newer.
ifneq ($(UV),)
.venv/run.stamp: pyproject.toml uv.lock
	@$(SAY) && $(UV) sync --quiet --frozen --inexact --no-dev && touch $@
.venv/dev.stamp: pyproject.toml uv.lock
	@$(SAY) && $(UV) sync --quiet --frozen --inexact && touch .venv/run.stamp $@
else
.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Tandem needs Python 3.11 or newer; found $$($(PYTHON) --version 2>&1 | head -n 1). Try: make PYTHON=/path/to/python3.12"; exit 1; }
	@$(PYTHON) -m venv .venv || \
	  { echo "Python's venv module is missing. On Debian or Ubuntu: apt install python3-venv"; rm -rf .venv; exit 1; }
	@$(BIN)/python -m pip install --quiet --upgrade pip
.venv/run.stamp: .venv/bin/pip pyproject.toml
	@$(SAY) && $(BIN)/pip install --quiet --only-binary :all: --editable . && touch $@
.venv/dev.stamp: .venv/bin/pip pyproject.toml
	@$(SAY) && $(BIN)/pip install --quiet --only-binary :all: --editable . --group dev && touch .venv/run.stamp $@
endif
