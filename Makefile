# One way to do each thing; `make help` lists them. Nothing has to be done before.
PYTHON ?= python3
BACKENDS ?= local
TESTS ?=
VENV := .venv
BIN := $(VENV)/bin
PROJECTS := $(wildcard pyproject.toml */pyproject.toml features/*/pyproject.toml)
SUITE := harness/conformance
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Byte code is written: without it every one of hundreds of short processes compiles its imports anew.
unexport PYTHONPATH PYTHONDONTWRITEBYTECODE

.PHONY: help install matrix test test-full units soak lint format docs pages bench devstack clean
.DEFAULT_GOAL := help

help:  ## list all targets
	@grep -hE '^[a-z.-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | \
	  awk -F '\t' '{printf "  make %-12s %s\n", $$1, $$2}'

$(VENV)/installed: $(PROJECTS) .ci/environment.py
	@$(PYTHON) .ci/preflight.py --install git venv
	@$(PYTHON) .ci/environment.py $(VENV)

install: $(VENV)/installed  ## make .venv with all distributions of the tree; every target does it

matrix: $(VENV)/installed  ## run conformance and tutorials on BACKENDS (default: local), print the grid
	@$(BIN)/mf-backends run $(addprefix -b ,$(BACKENDS)) --title "Metaflow conformance" -- -q $(SUITE)

test: $(VENV)/installed  ## lint, types, docs, wheels, units, conformance: what CI runs
	@$(PYTHON) .ci/preflight.py --install unshare chromium npm
	@$(BIN)/python .ci/check.py test

test-full: $(VENV)/installed  ## as test, with all variants, slow tests and faults
	@$(PYTHON) .ci/preflight.py --install unshare chromium npm
	@$(BIN)/python .ci/check.py test-full

units: $(VENV)/installed  ## run TESTS (default: all) that use no backend, records in report/
	@$(PYTHON) .ci/preflight.py --install unshare chromium npm
	@TESTS="$(TESTS)" $(BIN)/python .ci/check.py units

soak: $(VENV)/installed  ## repeated starts, stops and kills; by hand
	@$(BIN)/python .ci/check.py soak

lint: $(VENV)/installed  ## ruff, mypy (strict), zizmor, actionlint
	@$(BIN)/python .ci/check.py lint

format: $(VENV)/installed  ## let ruff format and mend what it can
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet .

docs: $(VENV)/installed  ## generated pages up to date, then mkdocs --strict
	@$(BIN)/python .ci/check.py docs

pages: $(VENV)/installed  ## write the generated pages again, those of results from report/ too
	@$(BIN)/python .ci/check.py pages

bench: $(VENV)/installed  ## all benches, one JSON line each
	@$(BIN)/python .ci/check.py bench

devstack: $(VENV)/installed  ## start Kubernetes, Argo Workflows, S3 and a metadata service
	@$(BIN)/mf-backends up --install --verbose k8s

clean:  ## remove what the other targets made (the cache folder stays)
	rm -rf $(VENV) .tox .metaflow-backends .mypy_cache .ruff_cache .pytest_cache .hypothesis report site
	find . -name '*.egg-info' -prune -exec rm -rf {} +
	rm -rf $(addsuffix build,$(dir $(PROJECTS)))
