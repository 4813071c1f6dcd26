"""How long the command line takes to answer: whole processes, wall clock, best and median of several.

Run: ``python benchmarks/startup.py``. The goal is 0.3 s for the help.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from machine import describe

REPEATS = 7
GOAL_S = 0.3
ROOT = Path(__file__).parents[1]
MARKETSIM = str(Path(sys.executable).with_name("marketsim"))
COMMANDS = (
    ("--help",),
    ("--version",),
    ("run", "--help"),
    ("runs", "--help"),
    ("sql", "--help"),
    ("report", "--help"),
    ("diff", "--help"),
    ("reproduce", "--help"),
    ("config", "--help"),
    ("strategies", "--help"),
    ("warehouse", "--help"),
    ("serve", "--help"),
    ("config", "check", "configs/nightly.yaml"),
    ("strategies",),
    ("runs",),
    ("sql", "SELECT 1"),
)


def main() -> None:
    print(describe())
    print(f"{'command':<44} {'best':>8} {'median':>8}")
    for command in COMMANDS:
        seconds = sorted(_seconds(command) for _ in range(REPEATS))
        late = f"   above the goal of {GOAL_S} s" if "--help" in command and seconds[0] > GOAL_S else ""
        print(f"{'marketsim ' + ' '.join(command):<44} {seconds[0]:>6.3f} s {statistics.median(seconds):>6.3f} s{late}")


def _seconds(command: tuple[str, ...]) -> float:
    started = time.perf_counter()
    subprocess.run([MARKETSIM, *command], cwd=ROOT, capture_output=True, check=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
