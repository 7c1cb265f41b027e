#!/bin/sh
# Removes what set-up and runs leave in this checkout. Refuses while a launcher runs: its processes would lose their files.
set -eu
cd "$(dirname "$0")/.."
state=${PAYESH_STATE:-.payesh}
if [ -x .venv/bin/python ] && [ -d "$state" ]; then
    .venv/bin/python -m deploy.embedded.remove "$state"
fi
rm -rf .venv .boot deploy/kafka/target .pytest_cache .ruff_cache .import_linter_cache .hypothesis
find . -name __pycache__ -type d -prune -exec rm -rf {} +
