# `make` shows what there is. Every target installs what it needs first.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
ONCE ?=
ARGS ?=
PYTEST := .venv/bin/python -m pytest
# Else each of the hundreds of programs that tests start compiles all modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install run test test-unit lint format bench pictures lock clean

help: ## show this
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/p' Makefile | expand -t 20
	@printf '\nvariables\n'
	@printf '  ONCE=1\tmake run: leave when every step has happened; exit code 0 only then\n' | expand -t 20
	@printf '  ARGS=...\tmake test, test-unit, bench: more arguments, as in ARGS="-k serial"\n' | expand -t 20
	@printf '  PYTHON=...\tmake install: the Python (3.11 or newer) that .venv is made with\n' | expand -t 20
	@printf '  CI=true\tmake test: a missing Debian package is a failure, not a skip\n' | expand -t 20

install: ## install what is missing: Debian packages (root or sudo) and .venv
	@PYTHON='$(PYTHON)' packaging/install

run: install ## a private installation on loopback: watch a guest get its name; Ctrl-C ends it
	@exec .venv/bin/python -m skulldns.cli.demo $(if $(ONCE),--once)

test: install ## the whole test suite, with real servers on loopback
	@packaging/install-laboratory --for-tests || true # the tests name what is missing
	@$(PYTEST) --numprocesses 5 --dist loadfile --no-loadscope-reorder $(ARGS) # they wait more than they work; unit tests fill the end

test-unit: install ## the tests that need no server, in seconds
	@$(PYTEST) tests/unit $(if $(wildcard tests/scenarios),tests/scenarios) $(ARGS)

lint: install ## ruff, mypy and the laws of the rooms; says nothing when all is well
	@.venv/bin/ruff check --quiet .
	@.venv/bin/ruff format --check --quiet .
	@.venv/bin/mypy --no-error-summary
	@report=$$(.venv/bin/lint-imports --no-logo 2>&1) || { printf '%s\n' "$$report"; false; }

format: install ## let ruff format the code and apply its safe fixes
	@.venv/bin/ruff check --fix --quiet . || true
	@.venv/bin/ruff format --quiet .

bench: install ## measure
	@.venv/bin/python -m benchmarks $(ARGS)

pictures: install ## draw the pictures of README anew, from what commands and page really show
	@.venv/bin/python docs/pictures/make.py
	@.venv/bin/python docs/pictures/page.py

lock: ## renew constraints.txt with the newest versions that fit
	@PYTHON='$(PYTHON)' packaging/lock

clean: ## remove everything that make and the tools made
	@rm -rf .cache .venv .venv-lock .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
