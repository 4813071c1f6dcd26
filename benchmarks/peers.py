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
from backtest import ONE_PROCESS, REPEATS, cpu_of, five_hundred_symbols
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

MANY = """
import time
import backtrader as bt
import numpy as np
import pandas as pd

n_bars, n_symbols = 2520, 500
rng = np.random.default_rng(0)
close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.015, (n_bars, n_symbols)), axis=0))
opens = np.vstack([close[:1], close[:-1]]) * np.exp(rng.normal(0.0, 0.003, close.shape))
high, low = np.maximum(opens, close) * 1.004, np.minimum(opens, close) * 0.996
days = pd.date_range("2010-01-04", periods=n_bars)

class Sma(bt.Strategy):
    def __init__(self):
        self.cross = {data: bt.ind.CrossOver(bt.ind.SMA(data, period=20), bt.ind.SMA(data, period=50)) for data in self.datas}
        self.fills = 0

    def notify_order(self, order):
        self.fills += order.status == order.Completed

    def next(self):
        for data, cross in self.cross.items():
            if cross[0] > 0:
                self.order_target_percent(data, 0.95 / n_symbols)
            elif cross[0] < 0:
                self.order_target_percent(data, 0.0)

cerebro = bt.Cerebro()
cerebro.broker.setcash(1_000_000)
cerebro.broker.setcommission(commission=0.001)
for s in range(n_symbols):
    columns = {"Open": opens[:, s], "High": high[:, s], "Low": low[:, s], "Close": close[:, s], "Volume": 1e6}
    cerebro.adddata(bt.feeds.PandasData(dataname=pd.DataFrame(columns, index=days)), name=f"S{s:03d}")
cerebro.addstrategy(Sma)
began = time.process_time()
fills = cerebro.run()[0].fills
print(f"{time.process_time() - began:.1f} {fills}")
"""


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
    _, own, own_fills = five_hundred_symbols()
    theirs, their_fills = subprocess.run([peers_python, "-c", MANY], capture_output=True, text=True, check=True).stdout.split()
    print("SMA 20/50, 2,520 bars × 500 symbols, the loop alone; the two size their orders a little differently")
    print(f"  marketsim       {own:5.2f} CPU s, {own_fills:,} fills")
    print(f"  backtrader      {float(theirs):5.2f} CPU s, {int(their_fills):,} fills")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("benchmarks/peers.py: name the interpreter of an environment with backtesting and backtrader; the file says how.")
    main(sys.argv[1])
