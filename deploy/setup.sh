#!/bin/sh
# Puts the locked dependencies into .venv: `deploy/setup.sh run` what the platform needs, `deploy/setup.sh dev` also what
# developers need. Does nothing when .venv is newer than the locks. PYTHON chooses the interpreter (default: python3).
set -eu
kind=${1:?run or dev}
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
unset PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONPATH VIRTUAL_ENV || true
export UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1 UV_LINK_MODE=${UV_LINK_MODE:-hardlink}
# Networks that inspect TLS put their own authority among the system's: trust those, as pip and curl do.
if [ -e /etc/ssl/certs/ca-certificates.crt ]; then export UV_SYSTEM_CERTS=${UV_SYSTEM_CERTS:-1}; fi

fail() {
    printf 'make setup: %s\n' "$*" >&2
    exit 1
}

current() { # stamp, lock: whether .venv holds exactly this lock
    [ -x .venv/bin/payesh ] && [ -f "$1" ] && [ -z "$(find "$2" pyproject.toml -newer "$1")" ] &&
        [ "$(cat "$1")" = "$PWD" ] && .venv/bin/python -c '' 2>/dev/null
}

install() { # lock, stamp
    rm -f .venv/.stamp-run .venv/.stamp-dev
    "$uv" pip sync --quiet --python .venv/bin/python --require-hashes "$1" &&
        "$uv" pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --offline --editable . ||
        fail "the dependencies could not be installed (see above). The first set-up needs a package index: check the" \
            "network, or name a mirror with UV_DEFAULT_INDEX, then run it again. Later starts need no network."
    printf '%s' "$PWD" >"$2"
}

lock=requirements-run.lock
if [ "$kind" = dev ]; then lock=requirements.lock; fi
if current .venv/.stamp-dev requirements.lock; then exit 0; fi
if [ "$kind" = run ] && current .venv/.stamp-run requirements-run.lock; then exit 0; fi

command -v "$python" >/dev/null || fail "no $python found. Install Python 3.11 or later, or name it: make PYTHON=/path/to/python"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$("$python" --version) is too old: Python 3.11 or later is needed. Name it: make PYTHON=/path/to/python"
[ "$(uname -s)" = Linux ] || fail "the launcher runs on Linux only."

uv=.boot/bin/uv
if [ ! -x "$uv" ]; then
    if "$python" -m pip --version >/dev/null 2>&1; then
        "$python" -m pip install --quiet --disable-pip-version-check --root-user-action ignore --no-warn-script-location \
            --target .boot --require-hashes --requirement requirements-boot.lock ||
            fail "uv could not be fetched (see above). The first set-up needs a package index: check the network, or name a" \
                "mirror with PIP_INDEX_URL."
    elif uv=$(command -v uv); then
        :
    else
        fail "$python has no pip. Install it (Debian: apt-get install python3-pip), or install uv."
    fi
fi
[ -x .venv/bin/python ] && .venv/bin/python -c '' 2>/dev/null || "$uv" venv --quiet --clear --python "$python" .venv ||
    fail "the virtual environment .venv could not be made (see above)."
if [ "$kind" = dev ]; then install "$lock" .venv/.stamp-dev; else install "$lock" .venv/.stamp-run; fi
