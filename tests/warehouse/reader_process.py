"""A program that reads a warehouse until its input closes and complains of errors and of runs that are not whole.

Prints one JSON object at the end: how often it looked, the most runs it saw, and what was wrong.
"""

from __future__ import annotations

import json
import select
import sys
from pathlib import Path

from warehouse import catalog
from warehouse.schemas import TABLES

PAUSE_S = 0.1
COUNTS = " UNION ALL ".join(f"SELECT '{name}', run_id, count(*) FROM {name} GROUP BY run_id" for name in TABLES)


def look(root: Path) -> tuple[int, list[str]]:
    """Return the number of published runs and everything that is not as their files say."""
    wrong = []
    with catalog.connect(root) as connection:
        runs = {run_id for (run_id,) in connection.execute("SELECT run_id FROM publications").fetchall()}
        listed = connection.execute("SELECT table_name, run_id, n_rows FROM files WHERE n_rows > 0").fetchall()
        found = connection.execute(COUNTS).fetchall()
    if sorted(listed) != sorted(found):
        wrong.append(f"{sorted(found)} found, {sorted(listed)} listed")
    if runs != {run_id for name, run_id, _ in found if name == "runs"}:
        wrong.append(f"{found} in tables, {runs} published")
    wrong += [f"{run_id} has no report" for run_id in runs if not (root / "runs" / run_id / "report.html").is_file()]
    return len(runs), wrong


def main() -> None:
    root = Path(sys.argv[1])
    n_looks, most, wrong = 0, 0, []
    asked_to_end = False
    while not wrong and not asked_to_end:  # one more look after having been asked
        asked_to_end = bool(select.select([sys.stdin], [], [], PAUSE_S)[0])
        try:
            n_runs, wrong = look(root)
        except Exception as fault:  # any error of a reader is what is looked for
            n_runs, wrong = 0, [repr(fault)]
        if n_runs < most:
            wrong.append(f"{n_runs} runs after {most} had been seen")
        n_looks, most = n_looks + 1, max(most, n_runs)
    print(json.dumps({"n_looks": n_looks, "n_runs": most, "wrong": wrong}), flush=True)


if __name__ == "__main__":
    main()
