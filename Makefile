# Pointsman. `make help` lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN_READY := $(VENV)/.ready-to-run
TEST_READY := $(VENV)/.ready-to-test
DOCS_VENV := .venv-docs
DOCS_READY := $(DOCS_VENV)/.ready

COMPILE := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
  --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate

# A process of tests for each core; one that has none left takes over half of another's.
ON_ALL_CORES := --numprocesses=auto --maxprocesses=4 --dist=worksteal

# What needs no socket, file or clock (tests/test_layers.py). The slow ones among them try more of
# the same, as do most generated cases: the others reach every branch without them.
COVERED_TESTS := tests/policy tests/catalog tests/wire tests/defects tests/audit tests/notices tests/tools tests/units tests/test_exact_numbers.py tests/test_wording.py
PURE_TESTS := $(COVERED_TESTS) tests/importing tests/test_errors.py tests/test_shown.py

.DEFAULT_GOAL := help
.PHONY: help run demo test test-fast snapshots test-clients test-postgres test-transports fuzz bench bench-quick bench-peers bench-growth bench-gate bench-inside bench-hops bench-soak bench-verdicts bench-channels bench-affinity bench-defects bench-audit audit-real check lint coverage format constraints bench-latency bench-ledger bench-policy clean bench-budgets bench-scale chaos dist formula keys test-clients-newest docs docs-serve docs-test picture bench-instructions

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: $(RUN_READY) ## Set up and serve OpenRouter if OPENROUTER_API_KEY is set, else the demo
	@exec $(BIN)/pointsman run

demo: $(RUN_READY) ## Set up and serve a simulated OpenRouter, with sample requests
	@exec $(BIN)/pointsman demo

test: $(TEST_READY) ## Set up and run the tests
	$(BIN)/python -m pytest $(ON_ALL_CORES)

test-fast: $(TEST_READY) ## Run the tests of the pure rooms with few generated cases, for every save
	$(BIN)/python -m pytest --quiet --hypothesis-profile=fast -m 'not slow' $(PURE_TESTS)

snapshots: $(TEST_READY) ## Write anew what the tests expect commands to print; look at git diff
	POINTSMAN_WRITE_SNAPSHOTS=1 $(BIN)/python -m pytest --quiet tests/cli/test_snapshots.py

test-clients: $(TEST_READY) ## Install real clients and coding agents (2 GB) and run the tests with them
	$(BIN)/python -m tests.clients.installed
	POINTSMAN_TEST_CLIENTS=1 $(BIN)/python -m pytest tests/clients

test-clients-newest: $(TEST_READY) ## The same with the newest version of each client, whatever is pinned
	POINTSMAN_NEWEST_CLIENTS=1 $(BIN)/python -m tests.clients.installed
	POINTSMAN_NEWEST_CLIENTS=1 POINTSMAN_TEST_CLIENTS=1 $(BIN)/python -m pytest tests/clients

test-transports: $(TEST_READY) ## Run the end-to-end tests with each transport to OpenRouter
	POINTSMAN_TRANSPORT=lean $(BIN)/python -m pytest --quiet tests/end_to_end
	POINTSMAN_TRANSPORT=httpx $(BIN)/python -m pytest --quiet tests/end_to_end

fuzz: $(TEST_READY) ## Send malformed input to every interface for two minutes (SEED=1)
	$(BIN)/python -m tests.fuzz --seconds 120 --seed $(or $(SEED),1)

test-postgres: $(TEST_READY) ## Run the ledger's tests with SQLite and PostgreSQL (root installs Debian's)
	@if .ci/need-postgres; then $(BIN)/python -m pytest tests/ledger; fi

check: lint coverage test ## Run all checks that a change must pass before it is merged

lint: $(TEST_READY) ## Check formatting, style and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright

coverage: $(TEST_READY) ## Check that tests reach every branch of the packages without I/O
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest --quiet --hypothesis-profile=fast -m 'not slow' $(COVERED_TESTS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --include='app/policy/**,app/catalog/**,app/wire/**,app/defects/**,app/audit/**,app/notices/**,app/tools/**,app/units/**,app/exact_numbers.py,app/suggest.py,app/wording.py' --fail-under=100 --skip-covered

format: $(TEST_READY) ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(TEST_READY) ## Compare CPU, latency and memory with nginx (10 minutes)
	$(BIN)/python bench/run.py --rounds 5 --json bench-result.json

bench-quick: $(TEST_READY) ## The same as bench, in under two minutes
	$(BIN)/python bench/run.py --rounds 1 --seconds 1

bench-peers: $(TEST_READY) ## Install Caddy, LiteLLM and Portkey (1 GB, once) and compare with them too
	$(BIN)/python bench/run.py --rounds 1 --json bench-peers.json \
	  --targets direct,nginx,pointsman,caddy,portkey,litellm

bench-growth: $(TEST_READY) ## Measure how cost grows with bodies, streams, rules, receipts, workers (8 minutes)
	$(BIN)/python bench/growth.py --json bench-growth.json --plots docs/images

bench-gate: $(TEST_READY) ## Report whether a chunk or a request costs more than before
	$(BIN)/python bench/gate.py

bench-inside: $(TEST_READY) ## Count the function calls of a request, without server or sockets
	$(BIN)/python bench/inside.py

bench-hops: $(TEST_READY) ## Count the files a request enters, and the moves between them
	$(BIN)/python bench/hops.py

bench-instructions: $(TEST_READY) ## Count machine instructions of a chunk and a request; fail if 3 % dearer
	@if .ci/need-valgrind; then $(BIN)/python bench/instructions.py || test $$? -eq 77; fi

bench-latency: $(TEST_READY) ## Measure start time, idle memory and added latency with the simulator
	$(BIN)/python bench/latency.py

bench-policy: $(TEST_READY) ## Measure the cost of 10 to 1,000 rules per request
	$(BIN)/python bench/policy.py

bench-ledger: $(TEST_READY) ## Measure the ledger: receipts a second, queries over a million, CPU per request
	$(BIN)/python bench/ledger.py

bench-scale: $(TEST_READY) ## Measure a PostgreSQL ledger at size (RECEIPTS=1000000): writers, questions, deleting
	$(BIN)/python -m bench.scale --receipts $(or $(RECEIPTS),1000000)

bench-soak: $(TEST_READY) ## Look for leaks after 5,000 aborted streams and 50,000 requests
	$(BIN)/python -m bench.soak

chaos: $(TEST_READY) ## Let every part fail under load, and account for it (2 minutes; LONG=1: 5)
	@.ci/need-postgres && exec $(BIN)/python -m bench.chaos $(if $(LONG),--long) --json bench-chaos.json

bench-verdicts: $(TEST_READY) ## Compare 10,000 verdicts with what the simulator really did
	$(BIN)/python -m bench.verdicts

bench-affinity: $(TEST_READY) ## Compare affinity off, hint, pin and strict over 200 conversations (1 minute)
	$(BIN)/python -m bench.affinity --plots docs/images

bench-channels: $(TEST_READY) ## Send 10,000 requests over all channels and compare each endpoint with its rule
	$(BIN)/python -m bench.channels

bench-budgets: $(TEST_READY) ## Measure what budgets cost, and by how much 64 clients pass one (1 minute)
	$(BIN)/python -m bench.budgets

bench-defects: $(TEST_READY) ## Look for defects in 2,000 labelled answers, and report precision and recall
	$(BIN)/python -m bench.defects

bench-audit: $(TEST_READY) ## Count the errors of the audit's test over 500 toy endpoints (2 minutes)
	$(BIN)/python -m bench.audit

audit-real: ## Install a small model (100 MB, once) and audit it, quantized for real (half an hour)
	$(PYTHON) -m bench.audit_real.installed

docs: $(DOCS_READY) ## Build the docs site into build/site; broken links are errors (1 minute)
	$(DOCS_VENV)/bin/python -m docs.site.stage build/site-source
	rm -rf build/site
	$(DOCS_VENV)/bin/sphinx-build -q -W --keep-going -d build/site-cache -c docs/site build/site-source build/site
	$(DOCS_VENV)/bin/python -m docs.site.check build/site
	@echo "open build/site/index.html"

docs-serve: docs ## The same, and serve it on http://127.0.0.1:4478
	$(DOCS_VENV)/bin/python -m http.server --bind 127.0.0.1 --directory build/site 4478

docs-test: docs $(TEST_READY) ## The same as docs, and try the site in a browser
	POINTSMAN_TEST_SITE=build/site $(BIN)/python -m pytest --quiet tests/site/test_in_a_browser.py

picture: $(TEST_READY) ## Record make run again for the README's moving picture
	$(BIN)/python -m docs.site.picture docs/images/run.svg

constraints: $(TEST_READY) ## Pin the newest matching dependencies by hash
	$(COMPILE) pyproject.toml -o .ci/constraints.txt
	$(COMPILE) pyproject.toml --extra postgres --extra otel -c .ci/constraints.txt -o .ci/constraints-scale.txt
	$(COMPILE) --group build -c .ci/constraints.txt -o .ci/constraints-build.txt
	$(COMPILE) pyproject.toml --group dev -c .ci/constraints-scale.txt -o .ci/constraints-dev.txt
	$(COMPILE) --group release -c .ci/constraints-dev.txt -o .ci/constraints-release.txt
	$(COMPILE) pyproject.toml --group docs -c .ci/constraints-dev.txt -o .ci/constraints-docs.txt

dist: $(RUN_READY) ## Build the wheel, the sdist and their checksums into dist/
	rm -rf dist
	$(BIN)/python -m hatchling build
	$(BIN)/python .ci/release.py sums dist

formula: $(TEST_READY) ## Fill in the Homebrew formula of dist/ (REPOSITORY=https://HOST/OWNER/NAME)
	$(BIN)/python .ci/formula.py "$(REPOSITORY)" dist/*.tar.gz >dist/pointsman.rb
	$(BIN)/python .ci/release.py sums dist

keys: ## Look for keys in every line that was ever committed
	$(PYTHON) .ci/find_keys.py

clean: ## Remove the environment, builds and caches
	rm -rf $(VENV) $(DOCS_VENV) dist build .coverage* htmlcov .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Pointsman requires Python 3.11 or newer; $(PYTHON) is older or missing."; \
	  echo "Choose another interpreter: make run PYTHON=python3.12"; exit 1; }
	@echo "[1/3] creating $(VENV), for the first time; all three steps take about a minute"
	@$(PYTHON) -m venv $(VENV) || { \
	  rm -rf $(VENV); \
	  echo "$(PYTHON) can't create virtual environments; on Debian and Ubuntu: apt install python3-venv"; \
	  exit 1; }

# First the dependencies, pinned by hash; then the project itself, from this folder, without an index.
# It goes on from where it stopped, so a step that failed can be repeated.
$(RUN_READY): pyproject.toml .ci/constraints.txt | $(BIN)/python
	@$(BIN)/python .ci/set_up.py .ci/constraints.txt .ci/constraints-build.txt
	@touch $@

$(TEST_READY): pyproject.toml .ci/constraints-dev.txt | $(BIN)/python
	@$(BIN)/python .ci/set_up.py .ci/constraints-dev.txt
	@touch $@ $(RUN_READY)

# The site's tools are in an environment of their own, so that no other command runs with them.
$(DOCS_READY): pyproject.toml .ci/constraints-docs.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "the docs site requires Python 3.11 or newer: make docs PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(DOCS_VENV)
	@$(DOCS_VENV)/bin/python .ci/set_up.py .ci/constraints-docs.txt
	@touch $@
