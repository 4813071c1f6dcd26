"""What a whole simulated run costs, Parquet and report too: ``python -m benchmarks.market_runs``; each in a warm process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from benchmarks.machine import describe

PROJECT = Path(__file__).parents[1]
EVERYTHING = (
    "market.capture.events=true",
    'market.capture.depth={"levels": 10, "every_s": 10}',
    'market.capture.accounts={"every_s": 300}',
)


def measured(preset: str, *settings: str) -> tuple[dict[str, Any], float, float, float]:
    """Run a preset in a process of its own and return its outcome, CPU s, wall-clock s and peak memory, MB."""
    with tempfile.TemporaryDirectory() as warehouse:
        command = [sys.executable, "-c", "from marketsim.cli import main; main()", "run", f"configs/markets/{preset}.yaml", "--json"]
        for setting in settings:
            command += ["--set", setting]
        started = time.perf_counter()
        environment = {**os.environ, "MARKETSIM_WAREHOUSE": warehouse}
        with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as process:
            assert process.stdout is not None
            answer = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        wall_s = time.perf_counter() - started
        outcome = json.loads(answer)
        sizes = {path.parent.parent.name: path for path in Path(warehouse).rglob("*.parquet")}
        outcome["bytes_a_row"] = {name: path.stat().st_size / max(pq.read_metadata(path).num_rows, 1) for name, path in sizes.items()}
        return outcome, usage.ru_utime + usage.ru_stime, wall_s, usage.ru_maxrss / 1024


def main() -> None:
    """Print the figures."""
    print(describe("numba", "pyarrow", "duckdb"))
    measured("rmsc04")  # compiles what is not compiled yet
    runs = [measured("rmsc04") for _ in range(3)]
    outcome, cpu_s, wall_s, _ = min(runs, key=lambda run: run[1])
    stages = ", ".join(f"{name} {seconds:.2f}" for name, seconds in outcome["timings_s"].items())
    print(f"rmsc04, whole warm process: {cpu_s:.2f} CPU s, {wall_s:.2f} s; {stages}")
    for sessions in (1, 10):
        outcome, cpu_s, _, peak_mb = measured("rmsc04", f"market.sessions={sessions}", *EVERYTHING)
        n_rows = sum(n for name, n in outcome["counts"].items() if name.startswith("market_"))
        print(f"rmsc04, {sessions} sessions, everything captured: {n_rows:,} rows, {cpu_s:.2f} CPU s, peak {peak_mb:.0f} MB")
    print("bytes a row: " + ", ".join(f"{k} {v:.1f}" for k, v in sorted(outcome["bytes_a_row"].items()) if k.startswith("market_")))


if __name__ == "__main__":
    main()
