"""Where the warehouse lies and the few numbers that shape its files."""

from __future__ import annotations

import os
from pathlib import Path

ROOT_VARIABLE = "MARKETSIM_WAREHOUSE"
DEFAULT_ROOT = "data"

FORMAT_VERSION = 1
"""Version of the folder layout and of the catalog's own tables; a program refuses what is newer than it knows."""

ROW_GROUP_ROWS = 122_880
"""Rows of one Parquet row group: DuckDB's own, so a scan is spread over threads and skips what a filter excludes."""

LOCK_TIMEOUT_S = 600.0
"""How long a publisher waits for another one, seconds."""


def root() -> Path:
    """Return the folder of the warehouse: what MARKETSIM_WAREHOUSE names, else ``data`` below the working folder."""
    return Path(os.environ.get(ROOT_VARIABLE) or DEFAULT_ROOT)
