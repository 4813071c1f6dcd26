"""Print pip's index and certificate settings as shell exports for uv, which does not read pip's configuration.

A setting already made for uv is left alone. Runs inside the fresh virtual environment, on the standard library and pip alone.
"""

from __future__ import annotations

import ast
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping

UV_NAMES = {
    "index-url": ("UV_DEFAULT_INDEX", "UV_INDEX_URL"),
    "extra-index-url": ("UV_INDEX", "UV_EXTRA_INDEX_URL"),
    "find-links": ("UV_FIND_LINKS",),
    "cert": ("SSL_CERT_FILE",),
}
SEPARATORS = {"UV_FIND_LINKS": ","}


def pip_settings(listing: str) -> dict[str, str]:
    """Return the settings that hold for `pip install`, from the lines `section.key='value'` of `pip config list`."""
    strength = {"global": 0, "install": 1, ":env:": 2}
    found: dict[str, tuple[int, str]] = {}
    for line in listing.splitlines():
        name, _, value = line.partition("=")
        section, _, key = name.rpartition(".")
        if key in UV_NAMES and section in strength and strength[section] >= found.get(key, (-1, ""))[0]:
            found[key] = (strength[section], str(ast.literal_eval(value)))
    return {key: value for key, (_, value) in found.items()}


def exports(settings: Mapping[str, str], environment: Mapping[str, str]) -> list[str]:
    """Return one shell command for each setting that uv has not been given otherwise."""
    commands = []
    for key, value in settings.items():
        names = UV_NAMES[key]
        if not any(environment.get(name) for name in names):
            words = SEPARATORS.get(names[0], " ").join(value.split())
            commands.append(f"export {names[0]}={shlex.quote(words)}")
    return commands


if __name__ == "__main__":
    listing = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False).stdout
    sys.stdout.write("".join(f"{command}\n" for command in exports(pip_settings(listing), os.environ)))
