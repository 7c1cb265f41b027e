#!/bin/sh
# Writes the lock files (versions and hashes, no host names: any index or mirror serves them).
set -eu
cd "$(dirname "$0")/.."
[ -x .boot/bin/uv ] || deploy/setup.sh run
uv=.boot/bin/uv
compile() {
    "$uv" pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.11 "$@"
}
compile --group dev pyproject.toml --output-file requirements.lock
compile --group build --constraints requirements.lock pyproject.toml --output-file requirements-run.lock
echo uv | compile - --output-file requirements-boot.lock
