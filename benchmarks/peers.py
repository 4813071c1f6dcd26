"""The same backtest in other libraries, each a whole process with its imports, turn by turn on the same machine.

They are not dependencies: install them in an environment of its own, and name its interpreter:

    python -m venv /tmp/peers
    /tmp/peers/bin/pip install backtesting==0.6.6 backtrader==1.9.78.123 bokeh-sampledata==2026.1
    .venv/bin/python benchmarks/peers.py /tmp/peers/bin/python

The fills of all three agree; `tests/markets/golden/make_sma_fills.py` is where that is checked.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from backtest import ONE_PROCESS, REPEATS, cpu_of
from machine import describe

BARS = """
import pandas as pd
from bokeh_sampledata.stocks import AAPL
frame = pd.DataFrame({k.title(): AAPL[k] for k in ("open", "high", "low", "close", "volume")}).set_index(pd.to_datetime(AAPL["date"]))
"""

BACKTESTING = (
    BARS
    + """
from backtesting import Backtest, Strategy
from backtesting.lib import crossover

class Sma(Strategy):
    def init(self):
        self.fast = self.I(lambda x: pd.Series(x).rolling(20).mean(), self.data.Close)
        self.slow = self.I(lambda x: pd.Series(x).rolling(50).mean(), self.data.Close)

    def next(self):
        if crossover(self.fast, self.slow):
            self.buy(size=100)
        elif crossover(self.slow, self.fast) and self.position:
            self.position.close()

assert Backtest(frame, Sma, cash=1_000_000, commission=0.001).run()["# Trades"] > 0
"""
)

BACKTRADER = (
    BARS
    + """
import backtrader as bt

class Sma(bt.Strategy):
    def __init__(self):
        self.cross = bt.ind.CrossOver(bt.ind.SMA(period=20), bt.ind.SMA(period=50))

    def next(self):
        if self.cross > 0:
            self.buy(size=100)
        elif self.cross < 0 and self.position:
            self.close()

cerebro = bt.Cerebro()
cerebro.broker.setcash(1_000_000)
cerebro.broker.setcommission(commission=0.001)
cerebro.adddata(bt.feeds.PandasData(dataname=frame))
cerebro.addstrategy(Sma)
assert cerebro.run()[0].broker.getvalue() != 1_000_000
"""
)


def main(peers_python: str) -> None:
    """Print the median CPU seconds of each, measured turn by turn."""
    print(describe("numpy", "numba", "pyarrow"))
    programs = {
        "marketsim": [sys.executable, "-c", ONE_PROCESS],
        "backtesting.py": [peers_python, "-c", BACKTESTING],
        "backtrader": [peers_python, "-c", BACKTRADER],
    }
    for command in programs.values():
        cpu_of(command)  # compiled caches of each are warm afterwards
    taken: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(REPEATS):
        for name, command in programs.items():
            taken[name].append(cpu_of(command))
    version = subprocess.run([peers_python, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"SMA 20/50, AAPL 2000-2013, whole process with imports, median of {REPEATS} (peers: {version})")
    for name, seconds in taken.items():
        print(f"  {name:<15} {statistics.median(seconds):5.2f} CPU s")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("benchmarks/peers.py: name the interpreter of an environment with backtesting and backtrader; the file says how.")
    main(sys.argv[1])
