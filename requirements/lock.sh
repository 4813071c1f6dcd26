#!/usr/bin/env bash
# Re-resolve the three lock files; each later one is held to the versions of the one before. Records hashes, no addresses.
set -euo pipefail
cd "$(dirname "$0")/.."
compile() { uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url -q "$@" >/dev/null; }
compile -o requirements/runtime.txt
compile --extra online -c requirements/runtime.txt -o requirements/online.txt
compile --extra online --group dev -c requirements/online.txt -o requirements/dev.txt
