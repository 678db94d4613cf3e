# Two commands need nothing but this checkout: `make demo` and `make test`.
# Both set up .venv, and a private Docker engine where the machine has none (see docs/lab.md).

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
LAB    ?=

ROUNDS ?= 10

.PHONY: help demo test action corpus check bench load chaos screenshots lab-up lab-down upgrade clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/.ready: pyproject.toml constraints.txt
	@echo "==> Python environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade pip
	@$(BIN)/python -m pip install --quiet --editable . --group dev --constraint constraints.txt
	@touch $@

demo: $(VENV)/.ready ## Take the example app through all eight stages
	@LAB=$(LAB) $(BIN)/python -m lab demo

check: $(VENV)/.ready ## Format, lint, types, import rules
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

test: check ## All tests, on the lab's own engine
	@$(BIN)/python -m lab test

action: $(VENV)/.ready ## The workflow of `init --github`, executed by act
	@$(BIN)/python -m lab --name action up --net own
	@$(BIN)/python -m lab --name action exec -- $(CURDIR)/$(BIN)/python -m pytest -m action tests/engine; \
	  code=$$?; $(BIN)/python -m lab --name action down --purge; exit $$code

corpus: $(VENV)/.ready ## Generate, build and ask small apps of many languages (takes long)
	@$(BIN)/python -m lab test -- -m corpus

bench: $(VENV)/.ready ## Beside what people write by hand: a shell script, Dockerfiles
	@$(BIN)/python -m lab up
	@$(BIN)/python -m lab exec -- $(CURDIR)/$(BIN)/python -m tests.bench
	@$(BIN)/python -m lab bases $$($(BIN)/python -m tests.bench.naive)
	@$(BIN)/python -m lab exec -- $(CURDIR)/$(BIN)/python -m tests.bench.authoring

load: $(VENV)/.ready ## Webhook deliveries by the thousand, against a real server
	@$(BIN)/python -m tests.load

chaos: $(VENV)/.ready ## Releases and accidents under load, as a table (ROUNDS=100 for the long form)
	@$(BIN)/python -m lab --name chaos up --net own
	@$(BIN)/python -m lab --name chaos exec -- $(CURDIR)/$(BIN)/python -m tests.chaos --rounds $(ROUNDS)
	@$(BIN)/python -m lab --name chaos down

screenshots: $(VENV)/.ready ## The pictures of the web page in docs/page
	@DOCKCYCLE_SCREENSHOTS=1 $(BIN)/python -m pytest -q tests/page/test_screenshots.py

lab-up: ## Start the lab: engine, registries, git remote
	@$(PYTHON) -m lab up

lab-down: ## Stop the lab
	@$(PYTHON) -m lab down

upgrade: $(VENV)/.ready ## The newest release of every package, written into constraints.txt
	@$(BIN)/python -m pip install --quiet --upgrade --upgrade-strategy eager --editable . --group dev
	@sed '/^[^#]/d' constraints.txt > $(VENV)/constraints.txt
	@$(BIN)/python -m pip freeze --exclude-editable >> $(VENV)/constraints.txt
	@mv $(VENV)/constraints.txt constraints.txt
	@touch $(VENV)/.ready

clean: ## Remove the Python environment and caches
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
