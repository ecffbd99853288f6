# Needs Python 3.11 or newer, make and git; everything else goes into .venv, by uv where it is installed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FOR_USERS := $(VENV)/.user
FOR_DEVELOPERS := $(VENV)/.developer
OURS := $(VENV)/.made-by-make
UNFINISHED := $(VENV)/.unfinished
# An environment that make did not create, such as a link to that of another checkout, is used and never changed.
GIVEN := $(shell if [ -L $(VENV) ] || { [ -e $(BIN) ] && [ ! -e $(OURS) ]; }; then echo given; fi)
UV := $(if $(shell command -v uv 2>/dev/null),uv)

# Two set-ups at the same time would write into one environment.
.NOTPARALLEL:
# An environment is useless if its interpreter no longer starts, as after an upgrade of the system.
ifeq ($(GIVEN),)
$(shell $(BIN)/python -V >/dev/null 2>&1 || rm -f $(FOR_USERS) $(FOR_DEVELOPERS))
endif

.PHONY: demo test torch lint check dist docs site bench clean help environment given-users given-developers

help:
	@echo "make demo    schedule a real network and print what it saves"
	@echo "make test    run the tests"
	@echo "make torch   install PyTorch for the CPU; without it, its tests are skipped and its types not checked"
	@echo "make lint    lint, format, types, import contracts"
	@echo "make check   everything that must pass before a change goes in: lint, test, dist, docs"
	@echo "make dist    build the sdist and the wheel into dist/, and check both"
	@echo "make docs    run the examples of the pages and build the site into build/docs/html"
	@echo "make bench   measure speed"
	@echo "make clean   remove the environment and everything generated"

# The demo needs only the packages for users; everything else also needs the tools for developers.
ifeq ($(GIVEN),)
USERS := $(FOR_USERS)
DEVELOPERS := $(FOR_DEVELOPERS)
else
USERS := given-users
DEVELOPERS := given-developers
# The hmcos that is installed there may be that of another checkout.
export PYTHONPATH := $(CURDIR)/src$(if $(PYTHONPATH),:$(PYTHONPATH))
endif

given-users:
	@$(BIN)/python tools/missing_packages.py

given-developers:
	@$(BIN)/python tools/missing_packages.py dev

$(FOR_USERS): pyproject.toml
	$(call set_up,.)
	@touch $@

$(FOR_DEVELOPERS): pyproject.toml
	$(call set_up,'.[dev]')
	@touch $@ $(FOR_USERS)

# An interrupted set-up starts over, because a half-installed package looks installed; the mark UNFINISHED is removed
# last.
define set_up
	@if [ -e $(UNFINISHED) ]; then echo "Starting over: the last set-up was interrupted."; \
		rm -rf $(VENV)/[!.]* && rm -rf $(VENV); fi
	@$(BIN)/python -V >/dev/null 2>&1 || $(MAKE) --no-print-directory environment
	@echo "Installing hmcos and its dependencies into $(VENV): once, a few minutes at most."
	@touch $(UNFINISHED)
	$(if $(UV),$(UV) pip install --python $(BIN)/python,$(BIN)/python -m pip install --disable-pip-version-check) \
		--editable $(1)
	@rm -f $(UNFINISHED)
endef

environment:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "hmcos needs Python 3.11 or newer, which '$(PYTHON)' is not; name one: make PYTHON=python3.12"; \
		exit 1; }
	@$(if $(UV),:,"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null) || { \
		echo "'$(PYTHON)' has no pip for new environments: install python3-venv (Debian, Ubuntu) or uv"; \
		exit 1; }
	@mkdir -p $(VENV) && touch $(OURS) $(UNFINISHED)
	$(if $(UV),$(UV) venv --quiet --seed --allow-existing --python "$(PYTHON)","$(PYTHON)" -m venv) $(VENV)

demo: $(USERS)
	@$(BIN)/hmcos schedule zoo:nasnet-cifar --target hmcos -o out/demo
	@echo
	@echo "In the order of its file, NASNet-A needs 2,605,824 bytes of activation memory. In the new order it computes"
	@echo "exactly the same and needs what the table says. hmcos has proved that no order needs less."
	@echo "  out/demo/nasnet-cifar.onnx   the network, its operators reordered and nothing else changed"
	@echo "  out/demo/plan.json           the order, the memory at every step, and what was proved"
	@echo "Your own model: $(BIN)/hmcos schedule your-model.onnx -o out"

# One process per core, eight at most; where tests end early, others are taken over from where many wait.
test: $(DEVELOPERS)
	$(BIN)/python -m pytest -n auto --maxprocesses 8 --dist worksteal

# PyTorch's own index has packages for the CPU alone, which are much smaller; it need not be reachable everywhere.
TORCH := torch==2.13.0
TORCH_INDEX := https://download.pytorch.org/whl/cpu
torch: $(DEVELOPERS)
	$(if $(GIVEN),@$(BIN)/python -c 'import torch',@$(BIN)/python -c 'import torch' 2>/dev/null \
		|| $(BIN)/python -m pip install --disable-pip-version-check --quiet $(TORCH) --index-url $(TORCH_INDEX) \
		|| $(BIN)/python -m pip install --disable-pip-version-check --quiet $(TORCH))

# Check types for the installed Python: the stubs of newer numpys use syntax that 3.11 lacks.
lint: $(DEVELOPERS)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/python tools/check_types.py
	$(BIN)/lint-imports

# The examples of the pages run among the tests.
check: lint test dist site

# A release passes its tag, which must match the version: make dist TAG=v0.1.0
dist: $(DEVELOPERS)
	$(BIN)/python tools/dist.py $(if $(TAG),--tag $(TAG))

docs: $(DEVELOPERS)
	$(BIN)/python -m pytest tests/docs
	$(MAKE) site

# Links to the internet are checked as well by: make docs EXTERNAL=1
site: $(DEVELOPERS)
	$(BIN)/python tools/build_docs.py $(if $(EXTERNAL),--external)

bench: $(DEVELOPERS)
	for script in benchmarks/speed/*.py; do $(BIN)/python $$script || exit 1; done

clean:
	$(if $(GIVEN),,rm -rf $(VENV))
	rm -rf out build dist src/hmcos.egg-info
	rm -rf .pytest_cache .hypothesis .ruff_cache .import_linter_cache
	find src tests benchmarks examples tools -name __pycache__ -prune -exec rm -rf {} +
