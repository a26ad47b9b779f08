# `make` alone lists the commands. uv is brought along when the machine has none.
SHELL := /bin/bash
FOUND_UV := $(shell uv --version >/dev/null 2>&1 && command -v uv)
UV := $(if $(FOUND_UV),"$(FOUND_UV)",.tools/bin/uv)
RUN := $(UV) run --frozen --all-packages
BENCH_SEARCH = $(RUN) python -m benchmarks.search --shared "$(or $(SHARED),../shared)"
.DEFAULT_GOAL := help
.PHONY: help setup demo test check format up down migrate trace bench bench-api bench-queue bench-detection bench-signals bench-patterns bench-links bench-search compose-check clean

help:  ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: .venv/.synced  ## Install everything into .venv

.tools/bin/uv:
	@python3 -m venv .tools || { rm -rf .tools; echo "python3 has no venv: apt-get install python3-venv, or install uv" >&2; exit 1; }
	.tools/bin/pip install --quiet --disable-pip-version-check uv==0.13.9

.venv/.synced: uv.lock pyproject.toml $(if $(FOUND_UV),,| .tools/bin/uv)
	$(UV) sync --frozen --all-packages && touch $@

demo: setup  ## Run the whole system on real input (INPUT=folder of Claude Code sessions)
	$(RUN) supastate demo $(if $(INPUT),--input "$(INPUT)")

test: setup  ## Run every test against the real parts, two side by side (ARGS="-k queue")
	$(RUN) pytest $(or $(ARGS),--numprocesses=2 --dist=loadscope --no-loadscope-reorder)

check: setup  ## Lint, format, types, direction of imports
	$(RUN) ruff check . && $(RUN) ruff format --check .
	$(RUN) lint-imports && $(RUN) --group bench basedpyright

format: setup  ## Rewrite the code in house style
	$(RUN) ruff check --fix . ; $(RUN) ruff format .

up: setup  ## Start the system on this machine, without Docker
	$(RUN) supastate local up --detach

down: setup  ## Stop it
	$(RUN) supastate local down

bench-signals: setup  ## Measure the activity model anew (LABELLED=folder of its data)
	$(RUN) supastate train-signals --labelled "$(or $(LABELLED),../shared/labelled)"

bench-patterns: setup  ## Compare stored patterns with labels (SHARED=folder of samples and labels)
	$(RUN) python -m benchmarks.patterns_quality --shared "$(or $(SHARED),../shared)" $(ARGS)

migrate: setup  ## Apply the migrations to the servers that the settings name
	$(RUN) supastate migrate

trace: setup  ## Draw the newest trace (ID=trace id for another)
	$(RUN) supastate trace $(ID)

bench: bench-queue bench-detection bench-api  ## Run every benchmark against its goals
	$(BENCH_SEARCH) --only quality $(filter --quick,$(ARGS))

bench-queue: setup  ## Compare the queue with its peers (ARGS="--quick --only drain")
	$(RUN) --group bench python -m benchmarks.queue $(ARGS)

bench-detection: setup  ## Measure detection in small and large graphs (ARGS="--quick", "--million")
	$(RUN) python -m benchmarks.detection $(ARGS)

bench-api: setup  ## Measure the API and how fast it searches beside an import (ARGS="--quick")
	$(RUN) python -m benchmarks.api $(ARGS); status=$$?; \
	$(BENCH_SEARCH) --only speed --json benchmarks/results/search-speed.json $(filter --quick,$(ARGS)) && exit $$status

bench-search: setup  ## Measure how good and how fast search is (ARGS="--quick --only speed", SHARED=…)
	$(BENCH_SEARCH) $(ARGS)

bench-links: setup  ## Measure the links between memories and code (SAMPLES=folder of sessions)
	$(RUN) python -m benchmarks.links $(SAMPLES)

compose-check: setup  ## Rehearse docker-compose.yml on the engine that docker reaches
	deploy/compose-check

clean:  ## Remove what the commands above made here (not ~/.supastate)
	rm -rf .venv .tools .pytest_cache .ruff_cache .hypothesis .import_linter_cache
