# Every target sets up what it needs in .venv: Python 3.11 or newer and make are enough, gcc for `test` and `faults`, and
# Node.js for what builds or tests the page.
PYTHON ?= python3
PORT ?= 8080
RESOLUTION ?= highest
AUDIT_S ?= 10
ROUNDS ?= 10
COVERED := $(addprefix tests/,dag/events dag/ground dag/model dag/project dag/redaction dag/run storage server/http \
  cli/test_check_command.py cli/test_commands.py cli/test_run_command.py)
BIN := .venv/bin
# A broken link fails the build. Not --quiet, which swallows the warnings that --strict counts: it is printed only on failure.
SITE := built=$$(NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict 2>&1) || { echo "$$built"; exit 1; }
PYTEST := $(BIN)/pytest --numprocesses logical --maxprocesses 4 --dist worksteal
# One after another: Spark fills both cores of a small machine, and each of several processes would start a server.
# What runs on Delta tables runs on Iceberg's too, but only in spark-faults: it would take another minute each time.
SPARK_TESTS := $(BIN)/pytest -m "spark and not iceberg"
unexport PYTHONDONTWRITEBYTECODE # each start would compile every library again: 4 s instead of 1.5

# Each is the file that is written last: its time is that of the whole.
PAGE := server/static/index.html
NODE_MODULES := web/node_modules/.package-lock.json
PAGE_SOURCES := $(shell find web/src -type d -o -type f ! -name '*.test.ts*') $(wildcard web/*.html web/*.json web/*.config.ts)
HAS_NODE := command -v npm >/dev/null && \
  node -e '[a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null
NEED_NODE := $(HAS_NODE) || { echo "The page needs Node.js 20.19 or newer, with npm: install it, or put it first on the PATH"; exit 1; }

.PHONY: help page page-if-node demo demo-crossdb demo-lake quick test spark spark-faults coverage check audit docs dist screenshots bench bench-lake faults fuzz lock clean

help: ## list these targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

.venv/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || (echo "dagscope needs Python 3.11 or newer: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1)
	@echo "Setting up .venv (once; takes about a minute) ..."
	@$(PYTHON) -m venv .venv
	@# --no-deps: the lock is complete. Otherwise pip asks for coverage[toml], and fails once there is a newer coverage.
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

page: $(PAGE) ## build the page for the browser (needs Node.js 20.19 or newer, with npm)

$(PAGE): $(NODE_MODULES) $(PAGE_SOURCES)
	@$(NEED_NODE)
	@echo "Building the page ..."
	@cd web && npm run --silent build -- --logLevel warn

$(NODE_MODULES): web/package.json web/package-lock.json
	@$(NEED_NODE)
	@cd web && npm ci --ignore-scripts --loglevel error >/dev/null
	@touch $@

# Without Node, the API is served alone.
page-if-node:
	@if $(HAS_NODE); then $(MAKE) --no-print-directory --silent page; \
	  elif [ ! -e $(PAGE) ]; then echo "Serving without the page: it needs Node.js 20.19 or newer, with npm"; fi

demo: .venv/.ready page-if-node ## run a real DAG over 336,776 flights and serve it (PORT=8080)
	@$(BIN)/dagscope serve --project examples/nycflights --run --port $(PORT)

demo-crossdb: .venv/.ready page-if-node ## run a DAG across DuckDB and PostgreSQL (starts PostgreSQL unless DAGSCOPE_PG_* name a server)
	@$(BIN)/python -m examples.crossdb.postgres_server $(BIN)/dagscope serve --project examples/crossdb --run --port $(PORT)

demo-lake: .venv/.ready page-if-node ## run a DAG across DuckDB and Spark (starts a cluster unless DAGSCOPE_SPARK_URL names one)
	@$(BIN)/python -m examples.lake.spark_server $(BIN)/dagscope serve --project examples/lake --run --port $(PORT)

quick: .venv/.ready ## run the fast tests, which start no process: no server, no PostgreSQL
	@$(PYTEST) -m "not (dagster or faults or page or postgres or server or slow or spark)"

test: .venv/.ready page ## run all tests; those on Spark come last, and are skipped without Java
	@cd web && npm run --silent test
	@$(PYTEST) -m "not spark"
	@$(SPARK_TESTS)

spark: .venv/.ready ## run the tests on Spark (installs it once, 500 MB, in the user's cache; needs Java 17 or 21)
	@$(SPARK_TESTS)

bench-lake: .venv/.ready ## measure dagscope with Spark, and with a fake cluster of 500 statements at once
	@$(BIN)/python -m benchmarks --only lake cluster

spark-faults: .venv/.ready ## kill Spark's processes, cancel and replace for longer (ROUNDS=10); all of Iceberg
	@$(BIN)/pytest -m iceberg
	@ROUNDS=$(ROUNDS) $(SPARK_TESTS) -rP tests/dag/connections/spark/test_faults.py

# Without the tests that cancel Python: an exception raised in a thread that is being traced can leave the tracer locked.
coverage: .venv/.ready ## measure what the main tests cover, and fail below the minimum in pyproject.toml
	@$(BIN)/pytest --cov -k "not cancel" $(COVERED)

check: .venv/.ready page ## check format, lint, types, import directions, the page's size, the docs site and advisories
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@MYPYPATH=examples/nycflights:examples/crossdb $(BIN)/mypy --explicit-package-bases examples
	@$(BIN)/lint-imports
	@$(BIN)/oxlint --deny-warnings web
	@cd web && npm run --silent check && node initial_size.mjs
	@$(SITE)
	@$(BIN)/python advisories.py $(AUDIT_S)

audit: .venv/.ready ## compare the locked versions with known advisories, if the registries answer in time (AUDIT_S=10)
	@$(BIN)/python advisories.py $(AUDIT_S)

docs: .venv/.ready ## build the docs as a site in build/site
	@$(SITE)
	@echo "Built build/site/index.html"

dist: .venv/.ready page ## build the wheel, the source distribution and their software bill of materials in dist
	@rm -rf dist
	@$(BIN)/hatchling build -d dist
	@$(BIN)/python software_bill.py dist/dagscope-$$($(BIN)/hatchling version).cdx.json

screenshots: .venv/.ready page ## take the pictures of the page in docs/screenshots
	@$(BIN)/python -m docs.screenshots

bench: .venv/.ready page ## measure dagscope, and print ratios with the machine and the date
	@$(BIN)/python -m benchmarks

faults: .venv/.ready ## break dagscope on purpose, for longer: kills, cuts, full disks (SEED=, ONLY=)
	@$(BIN)/python -m tests.faults $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY))

fuzz: .venv/.ready ## mutated projects, forged logs, drawn requests, pairs of tables: thousands (SEED=, PROJECTS=)
	@$(BIN)/python -W ignore -m tests.fuzz $(if $(SEED),--seed $(SEED)) $(if $(PROJECTS),--projects $(PROJECTS))

lock: ## rewrite requirements.lock from pyproject.toml (needs uv; RESOLUTION=lowest-direct)
	uv pip compile pyproject.toml --extra spark --group dev --universal --resolution $(RESOLUTION) --generate-hashes --no-annotate \
	  --no-header --no-emit-index-url --no-emit-find-links --quiet --upgrade --output-file requirements.lock

clean: ## delete everything that was built, with .venv and the examples' state
	rm -rf .venv .venvs dist build server/static web/node_modules examples/*/store examples/*/.dagscope
