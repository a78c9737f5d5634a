# `make help` lists the targets. LAKEHOUSE_HOME (default .lakehouse) is where tables, models and reports live.
.DEFAULT_GOAL := help
.PHONY: help setup run test lint unit integration bench bench-gates bench-increments bench-memory bench-top-k evaluate crash fuzz futures increments examples databases engines superset hdfs sql image test-cluster test-faults test-outward lock lock-superset clean lease privacy kms
PY := .venv/bin/python

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what is missing: .venv from requirements.lock, Java, jars
	@bash scripts/setup.sh

run: setup ## the main job on the built-in sample: land, build, validate, train, score, publish
	@.venv/bin/lakehouse run $(ARGS)

test: setup lint unit integration ## every test that needs no cluster

lint: setup ## ruff, mypy, import-linter, sqlfluff, dbt parse
	@bash scripts/lint.sh

unit: setup ## pure functions, in seconds
	@$(PY) -m pytest -q tests/unit

integration: setup ## whole small pipelines in one Spark session a process, in minutes; WORKERS=1 where memory is short
	@PYTHONHASHSEED=0 $(PY) -m pytest -q -n $(or $(WORKERS),2) --dist loadfile tests/integration

bench: setup ## each step beside DuckDB, Polars, scikit-learn and implicit on the same data; SIZE=100k, 1m or 5m order lines
	@bash scripts/venv.sh .venv-peers benchmarks/peers/requirements.lock "what is compared with"
	@PYTHONPATH=. $(PY) benchmarks/bench.py --size $(or $(SIZE),small) $(ARGS)

bench-gates: setup ## price of the gates against their layers and plain Great Expectations (SIZE=customers, 60000 is 5 M rows)
	@PYTHONPATH=. $(PY) benchmarks/gate_price.py --customers $(or $(SIZE),2500) $(ARGS)

bench-increments: setup ## price of 1 % more rows, and of nothing new, beside the first run, at two sizes (about half an hour)
	@PYTHONPATH=. $(PY) benchmarks/increments.py $(ARGS)

bench-memory: setup ## a first run of a million order lines in 4 GiB, more than which the kernel ends it (root; about ten minutes)
	@PYTHONPATH=. $(PY) benchmarks/within_memory.py $(ARGS)

bench-top-k: setup ## price of the ten best for everybody, by each method, here and in Spark (about 20 minutes)
	@PYTHONPATH=. $(PY) benchmarks/top_k_at_scale.py $(ARGS)

evaluate: setup ## each task beside published figures, other libraries and the sample's truth (TASK=; ARGS=--write; about 20 minutes)
	@PYTHONPATH=. $(PY) benchmarks/evaluate.py $(TASK) $(ARGS)

fuzz: setup ## 5,200 mutated files and 6,000 mutated definitions, every row accounted for (about 20 minutes); SEED= repeats
	@$(PY) -m tests.fuzz $(if $(SEED),--seed $(SEED)) $(ARGS)
	@LAKEHOUSE_FUZZ_EXAMPLES=1000 $(PY) -m pytest -q $(if $(SEED),--hypothesis-seed=$(SEED)) tests/unit/test_fuzzed_definitions.py

privacy: setup ## each protection shown on a home with planted values, one table, and what each costs (about 15 minutes)
	@$(PY) -m tests.privacy $(ARGS)

kms: setup ## the master key sealed by a real KMS server, which Go builds (about 3 minutes the first time)
	@bash scripts/local_kms.sh
	@$(PY) -m pytest -v tests/kms

futures: setup ## four hundred random futures, none of which may change a feature of today (about 5 minutes)
	@LAKEHOUSE_AS_OF_EXAMPLES=400 $(PY) -m pytest -q tests/integration/test_as_of.py

increments: setup ## six random ways for a shop's rows to arrive, each against one run over all (about 15 minutes)
	@LAKEHOUSE_INCREMENT_EXAMPLES=$(or $(EXAMPLES),5) $(PY) -m pytest -q -s tests/increments

crash: setup ## a hundred kills at random moments of whole runs; the tables must come out equal (about an hour)
	@$(PY) -m tests.crash $(ARGS)

examples: setup ## every source of examples/ through the command, against figures that pandas finds (about 8 minutes)
	@$(PY) -m pytest -v tests/examples

databases: setup ## database sources and exports, each test on PostgreSQL and on MariaDB, and a whole run (about 6 minutes)
	@LAKEHOUSE_ALL_DATABASES=1 $(PY) -m pytest -v tests/integration/databases tests/databases

engines: setup ## what Sail answers Spark answers, and every table is made by both (about 5 minutes)
	@LAKEHOUSE_BOTH_ENGINES=1 $(PY) -m pytest -v tests/integration/test_engines.py

superset: setup ## the dashboards imported into a real Superset and opened in Chromium, over the SQL server (about 10 minutes)
	@bash scripts/superset.sh browser
	@$(PY) -m pytest -v tests/superset

hdfs: setup ## a run with its tables in a real HDFS beside one in a folder (about 6 minutes)
	@$(PY) -m lakehouse.jars hdfs
	@$(PY) -m pytest -v tests/hdfs

image: ## the images of the chart, by docker, podman or buildah; IMAGE_BUILD, IMAGE_LOAD (scripts/image/build.sh)
	@bash scripts/image/build.sh

test-cluster: setup ## the chart on the cluster of the current kubeconfig, from nothing: install, helm test, run, compare (about 25 minutes)
	@$(PY) -m pytest -v -s tests/cluster --ignore tests/cluster/faults --ignore tests/cluster/outward

test-outward: setup ## the chart with its tables in an S3 store and its databases in a PostgreSQL and a MariaDB elsewhere (about 15 minutes)
	@$(PY) -m pytest -v -s tests/cluster/outward

test-faults: setup ## what may happen to a cluster, done to one while it runs; the table of docs/cluster.md by TEST_WRITE=yes (about 45 minutes)
	@$(PY) -m pytest -v -s tests/cluster/faults

sql: setup ## the SQL servers of both roles, asked by PyHive, impyla, JDBC and dbt (about 10 minutes)
	@bash scripts/venv.sh .venv-impyla tests/sql/requirements.lock impyla
	@$(PY) -m pytest -v tests/sql

lease: setup ## submit, come back, cancel, and the lease's races, on the cluster of the current kubeconfig (about 5 minutes)
	@$(PY) -m pytest -v -s tests/cluster/test_lease.py tests/cluster/test_submit.py

lock: ## renew requirements.lock from pyproject.toml
	@.venv/bin/uv pip compile -q --universal --python-version 3.10 --extra dev --generate-hashes \
		--no-emit-index-url --no-emit-find-links -o requirements.lock pyproject.toml

lock-superset: ## renew helm/superset/requirements.lock
	@cd helm/superset && ../../.venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links -o requirements.lock requirements.in

clean: ## remove what `make setup` installed; tables stay
	rm -rf .venv .venv-impyla .venv-peers .venv-superset .jars target
