"""How long backtests take: one whole process with its imports, and ten years of 500 symbols.

Run with `make bench` or `python benchmarks/backtest.py`; prints CPU seconds, machine and versions.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from machine import describe

ROOT = Path(__file__).resolve().parents[1]
REPEATS = 5
ONE_PROCESS = """
from pathlib import Path
from tempfile import TemporaryDirectory
from marketsim.config.file import load_spec
from marketsim.data.ingest import ingest
from marketsim.simulate import simulate
spec = load_spec("configs/sma_crossover.yaml")
with TemporaryDirectory() as cache:
    bars = ingest(spec, base_dir=Path("configs"), cache_dir=Path(cache)).bars
result = simulate(spec, bars)
assert result.fills.num_rows > 0
"""


def cpu_of(command: list[str]) -> float:
    """Return the CPU seconds (user and system, children included) of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def five_hundred_symbols() -> tuple[float, float, int]:
    """Return (wall s, CPU s, fills) of SMA 20/50 on 2,520 bars × 500 symbols, kernel already compiled."""
    from marketsim.agents.library import build
    from marketsim.config.run import RunSpec
    from marketsim.markets.bars import AccountRunner, Liquidity
    from marketsim.markets.panel import Panel

    n_bars, n_symbols = 2520, 500
    rng = np.random.default_rng(0)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.015, (n_bars, n_symbols)), axis=0))
    opens = np.vstack([close[:1], close[:-1]]) * np.exp(rng.normal(0.0, 0.003, close.shape))
    high, low = np.maximum(opens, close) * 1.004, np.minimum(opens, close) * 0.996
    day = np.datetime64("2010-01-04") + np.arange(n_bars)
    ns = day.astype("datetime64[ns]").astype(np.int64)
    symbols = tuple(f"S{i:03d}" for i in range(n_symbols))
    world = Panel(
        symbols,
        ns,
        ns + 23_400 * 10**9,
        day,
        opens,
        high,
        low,
        close,
        np.full(close.shape, 1e6),
        np.ones(close.shape),
        np.zeros(close.shape),
    )
    spec = RunSpec(
        name="bench",
        symbols=list(symbols),
        start=day[0].item(),
        strategy={"kind": "sma_crossover", "fast": 20, "slow": 50},
        fees={"per_notional_bps": 10},
    )
    unknown = Liquidity(np.full(close.shape, np.nan), np.full(close.shape, np.nan))
    best = (np.inf, np.inf, 0)
    for _ in range(REPEATS):
        wall, cpu = time.perf_counter(), time.process_time()
        run = AccountRunner(spec.traders[0], build(spec.strategy), spec, world, unknown).run(lambda _: None)
        best = min(best, (time.perf_counter() - wall, time.process_time() - cpu, len(run.fills)))
    return best


def main() -> None:
    """Print the figures."""
    print(describe("numpy", "numba", "pyarrow", "pydantic"))
    cold = cpu_of([sys.executable, "-c", ONE_PROCESS])
    warm = [cpu_of([sys.executable, "-c", ONE_PROCESS]) for _ in range(REPEATS)]
    print(f"SMA 20/50, AAPL 2000-2013, whole process with imports: median {statistics.median(warm):.2f} CPU s warm (first call {cold:.2f})")
    wall, cpu, fills = five_hundred_symbols()
    print(f"SMA 20/50, 2,520 bars × 500 symbols, {fills:,} fills, warm: {wall:.2f} s, {cpu:.2f} CPU s")


if __name__ == "__main__":
    main()
