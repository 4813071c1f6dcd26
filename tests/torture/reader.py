"""A reader that never stops asking: whatever it sees must be whole, and what it once saw must stay.

``python -m tests.torture.reader ROOT STOP_FILE`` prints one JSON object when STOP_FILE appears.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from warehouse import catalog

PUBLISHED = "SELECT run_id, digest FROM publications ORDER BY run_id"
PROMISED = "SELECT run_id, table_name, n_rows FROM files ORDER BY run_id, table_name"


def look(root: Path) -> tuple[dict[str, str], list[str]]:
    """Return the runs of the newest catalog with their digests, and what is wrong with them."""
    faults = []
    with catalog.connect(root) as connection:
        runs = dict(connection.execute(PUBLISHED).fetchall())
        promised = connection.execute(PROMISED).fetchall()
        tables = {table for _, table, _ in promised}
        counted = {
            (run_id, table): n
            for table in tables
            for run_id, n in connection.execute(f"SELECT run_id, count(*) FROM {table} GROUP BY run_id").fetchall()
        }
    for run_id, table, n_rows in promised:
        if counted.get((run_id, table), 0) != n_rows:
            faults.append(f"run {run_id}: {table} has {counted.get((run_id, table), 0)} rows, {n_rows} were promised")
    faults += [f"run {run_id} has rows in {table} but is not published" for run_id, table in counted if run_id not in runs]
    return runs, faults


def main(root: Path, stop: Path) -> None:
    """Look again and again until ``stop`` exists."""
    seen: dict[str, str] = {}
    n_looks, faults = 0, []
    while not stop.exists():
        try:
            runs, found = look(root)
        except Exception as error:
            faults.append(f"a query failed: {error!r}")
            continue
        faults += found
        faults += [f"run {run_id} was published and is gone or changed" for run_id, digest in seen.items() if runs.get(run_id) != digest]
        seen |= runs
        n_looks += 1
    print(json.dumps({"looks": n_looks, "runs": len(seen), "faults": faults[:20]}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
