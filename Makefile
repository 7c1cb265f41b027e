# Payesh. `make help` lists the targets. Needs Linux, make and Python 3.11 or later; everything else is fetched.
#   PYTHON=/path/to/python    which interpreter makes the environment       BROKER=apache     Apache Kafka instead of the embedded broker
#   PAYESH_PORT_BASE=8100     first of the ports that are used              PAYESH_STATE=.payesh   where data, logs and records are kept

SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:
export PYTHON ?= python3
export UV_PYTHON_DOWNLOADS := never
unexport PYTHONDONTWRITEBYTECODE
unexport VIRTUAL_ENV

BIN := .venv/bin
TESTS ?= tests
PYTEST_WORKERS ?= 3

.PHONY: help setup setup-run run demo test test-kafka lint format docs forms bench kafka lock clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

setup: ## fetch everything that developers need (run and demo fetch less, by themselves)
	@deploy/setup.sh dev

setup-run:
	@deploy/setup.sh run

run: setup-run ## start everything, play one working day, stay up until Ctrl-C
	@exec $(BIN)/payesh up --play

demo: setup-run ## the same with a fixed seed, then check every counter and alert; exit code 0 only if all is right
	@exec $(BIN)/payesh demo

test: setup ## every test that needs neither Java nor Docker
	$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist loadscope --no-loadscope-reorder $(TESTS)

test-kafka: setup ## whatever uses a broker, and all faults, on Apache Kafka (needs Java and Maven)
	BROKER=apache $(BIN)/python -m pytest $(wildcard tests/integration tests/e2e tests/safeguards/test_canaries.py tests/faults)

lint: setup ## ruff, basedpyright strict, import-linter, squawk
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	deploy/lint_migrations.sh

format: setup ## rewrite the sources the way lint wants them
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: setup ## write docs/return-case-state-machine.md from the code that the service obeys
	@$(BIN)/python -m services.nationals.casework.state_machine_page

forms: setup ## compile the field forms for phones (after editing services/warehouse/forms/*.md)
	@$(BIN)/python -m services.warehouse.forms

bench: setup ## the spine beside a hand-written loop and a plain handler (short form; python -m tests.bench for the long one)
	@exec $(BIN)/python -m tests.bench --short

kafka: setup-run ## a three-broker Apache Kafka in the foreground until Ctrl-C (needs Java and Maven)
	@exec $(BIN)/python -m deploy.kafka.cluster

lock: ## resolve the dependencies of pyproject.toml again and write the lock files
	@deploy/lock.sh

clean: ## remove the environment, caches and all data of this checkout
	@deploy/clean.sh
