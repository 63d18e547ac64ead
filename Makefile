# Every target sets up what it needs; `make run` and `make test` are the two to know.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install run dev test lint types format bench docs lock clean

help: ## Show this help
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(STAMP) ## Make .venv with the newsapi command in it

$(STAMP): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 …")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: install ## Fetch, deduplicate, filter: the whole pipeline once
	$(BIN)/newsapi run

dev: install ## Dagster UI and daemon on http://localhost:3000
	$(BIN)/newsapi dev

test: install ## Run the tests
	$(BIN)/pytest -n auto

lint: install ## Style, formatting, layering
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: install ## mypy --strict
	$(BIN)/mypy

format: install ## Rewrite the code in the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install ## Speed and memory, as ratios in one run
	$(BIN)/python -m benchmarks

docs: install ## Renew what the documentation takes from the code
	$(BIN)/python -m tools.generate_docs

lock: ## Renew the pinned, hashed requirements from pyproject.toml
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header --no-annotate -o requirements/dev.txt

clean: ## Remove what the build made (not your data)
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
