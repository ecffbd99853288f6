# Needs Python 3.11 or newer, make and git; everything else goes into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
USER := $(VENV)/.user
DEVELOPER := $(VENV)/.developer

.PHONY: demo test check bench clean help

help:
	@echo "make demo    schedule a real network and say what was gained"
	@echo "make test    run the tests"
	@echo "make check   lint, types, import contracts, tests"
	@echo "make bench   measure speed"
	@echo "make clean   remove the environment and all that was generated"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "hmcos needs Python 3.11 or newer; name one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The demo needs only what a user needs; everything else also needs the tools of a developer.
$(USER): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(DEVELOPER): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(USER)

demo: $(USER)
	@$(BIN)/hmcos schedule zoo:nasnet-cifar --target hmcos -o out/demo
	@echo
	@echo "NASNet-A needs 2,605,824 bytes of activation memory in the order of its file. In the order found"
	@echo "above it computes exactly the same and needs what the table says; no order can need less."
	@echo "  out/demo/nasnet-cifar.onnx   the network, its operators reordered and nothing else changed"
	@echo "  out/demo/plan.json           the order, the memory at every step, and what was proved"
	@echo "Your own model: $(BIN)/hmcos schedule your-model.onnx -o out"

test: $(DEVELOPER)
	$(BIN)/python -m pytest

# Types are checked for the Python at hand: newer numpys describe themselves in words that 3.11 lacks.
check: $(DEVELOPER)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright --pythonversion $$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
	$(BIN)/lint-imports
	$(MAKE) test

bench: $(DEVELOPER)
	for script in benchmarks/speed/*.py; do $(BIN)/python $$script || exit 1; done

clean:
	rm -rf $(VENV) out build dist src/hmcos.egg-info
	rm -rf .pytest_cache .hypothesis .ruff_cache .import_linter_cache
	find src tests benchmarks examples -name __pycache__ -prune -exec rm -rf {} +
