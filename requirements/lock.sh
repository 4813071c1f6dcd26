#!/usr/bin/env bash
# Resolve the lock files anew; each later one is held to the versions of the one before. Records hashes, no addresses.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

uv=.venv/uv/bin/uv
[[ -x $uv ]] || { echo "lock: $uv is missing; run 'make lock', which sets it up first." >&2; exit 1; }
eval "$(.venv/bin/python requirements/pip_settings.py)"
export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}" UV_INDEX_STRATEGY="${UV_INDEX_STRATEGY:-unsafe-best-match}"

compile() {
    "$uv" pip compile --universal --python-version 3.11 --generate-hashes --upgrade \
        --no-header --no-annotate --no-emit-index-url --quiet "$@" >/dev/null
}

compile pyproject.toml -o requirements/runtime.txt
compile pyproject.toml --extra online -c requirements/runtime.txt -o requirements/online.txt
compile pyproject.toml --extra online --group dev -c requirements/online.txt -o requirements/dev.txt
compile requirements/uv.in -o requirements/uv.txt
git diff --stat -- requirements
