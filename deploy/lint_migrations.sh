#!/bin/sh
# squawk over the forward half of every migration; exit code 1 when one has a finding.
set -eu
cd "$(dirname "$0")/.."
status=0
for file in shared/kit/schema/*.sql services/*/schema/*.sql; do
    sed '/^-- migrate:down/,$d' "$file" | .venv/bin/squawk --stdin-filepath "$file" || status=1
done
exit $status
