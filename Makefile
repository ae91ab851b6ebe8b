# The one entry point, for people and for CI. Every target sets up .venv when it is missing or stale.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
READY := .venv/.ready
# One thread per process: the suite runs side by side, and so do the workers.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export MKL_NUM_THREADS := 1

.PHONY: demo up test check bench bench-gpu setup docs

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; this is $$($(PYTHON) --version)"; exit 1; }
	@$(PYTHON) -m venv .venv || { $(PYTHON) -m pip install --quiet virtualenv && $(PYTHON) -m virtualenv --quiet .venv; }
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[worker,dev]'
	$(BIN)/python -m engines.planning warm
	@touch $@

setup: $(READY)

# A conversation on real input, from an empty home to a test file that passes on its own.
demo: $(READY)
	$(BIN)/python -m bot.demo

# The whole stack on this machine, until Ctrl-C.
up: $(READY)
	$(BIN)/gryph up

# Everything CI runs.
test: check
	$(BIN)/pytest --numprocesses 2

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

# Figures, with machine, seed and versions; see docs/benchmarks.md.
bench: $(READY)
	$(BIN)/python -m tests.benchmarks.gateway
	$(BIN)/python -m tests.benchmarks.overhead
	$(BIN)/python -m tests.benchmarks.grammar
	$(BIN)/python -m engines.sandbox canary
	$(BIN)/python -m tests.benchmarks.sandbox_start
	$(BIN)/python -m tests.benchmarks.retrieval
	$(BIN)/python -m tests.benchmarks.serving --measure throughput --rounds 1

# Speed on a GPU, and what holds there; it prints the device and begins nothing after seven minutes.
# Where it was not run, nothing of it is claimed.
bench-gpu: $(READY)
	@$(BIN)/python -m tests.benchmarks.serving --device cuda

# The pages that are generated from the registry and the settings.
docs: $(READY)
	$(BIN)/python -m bot.reference docs
