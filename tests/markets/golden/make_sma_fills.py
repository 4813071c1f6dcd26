"""Make sma_fills.csv: the fills of an SMA 20/50 crossover as backtesting.py and backtrader book them, agreed between the two.

Run in an environment of its own, never in the product's:

    python -m venv /tmp/crosscheck
    /tmp/crosscheck/bin/pip install backtesting==0.6.6 backtrader==1.9.78.123 bokeh-sampledata==2026.1
    /tmp/crosscheck/bin/python tests/markets/golden/make_sma_fills.py

Bundled raw daily bars (2000-03-01…2013-03-01), splits ignored; 100 shares, market orders at the next open, 0.1 % of notional a fill.
"""

from __future__ import annotations

import csv
from pathlib import Path

import backtrader as bt
import pandas as pd
from backtesting import Backtest, Strategy
from bokeh_sampledata import stocks

CASH, SHARES, RATE, FAST, SLOW = 1_000_000.0, 100, 0.001, 20, 50


def bars(symbol: str) -> pd.DataFrame:
    raw = getattr(stocks, symbol)
    frame = pd.DataFrame({key.title(): raw[key] for key in ("open", "high", "low", "close", "volume")})
    return frame.set_index(pd.to_datetime(raw["date"]))


class Crossover(Strategy):
    def init(self) -> None:
        self.fast = self.I(lambda x: pd.Series(x).rolling(FAST).mean(), self.data.Close)
        self.slow = self.I(lambda x: pd.Series(x).rolling(SLOW).mean(), self.data.Close)

    def next(self) -> None:
        above = self.fast[-1] > self.slow[-1]
        was_above = self.fast[-2] > self.slow[-2]
        if above and not was_above:
            self.buy(size=SHARES)
        elif was_above and not above:
            self.position.close()


def with_backtesting(frame: pd.DataFrame) -> tuple[list[tuple[str, str, float, float, float]], float]:
    test = Backtest(frame, Crossover, cash=CASH, commission=RATE, exclusive_orders=False, finalize_trades=False)
    stats = test.run()
    trades = list(stats["_strategy"].closed_trades) + list(stats["_strategy"].trades)
    fills = []
    for trade in trades:
        day = frame.index[trade.entry_bar].date().isoformat()
        fills.append((day, "buy", float(trade.size), trade.entry_price, SHARES * trade.entry_price * RATE))
        if trade.exit_bar is not None:
            day = frame.index[trade.exit_bar].date().isoformat()
            fills.append((day, "sell", float(trade.size), trade.exit_price, SHARES * trade.exit_price * RATE))
    return sorted(fills), float(stats["Equity Final [$]"])


class Crossed(bt.Strategy):
    def __init__(self) -> None:
        self.cross = bt.ind.CrossOver(bt.ind.SMA(period=FAST), bt.ind.SMA(period=SLOW))
        self.fills: list[tuple[str, str, float, float, float]] = []

    def next(self) -> None:
        if self.cross[0] > 0 and not self.position:
            self.buy(size=SHARES)
        elif self.cross[0] < 0 and self.position:
            self.close()

    def notify_order(self, order: bt.Order) -> None:
        if order.status == order.Completed:
            done = order.executed
            day = bt.num2date(done.dt).date().isoformat()
            self.fills.append((day, "buy" if order.isbuy() else "sell", abs(done.size), done.price, done.comm))


def with_backtrader(frame: pd.DataFrame) -> tuple[list[tuple[str, str, float, float, float]], float]:
    cerebro = bt.Cerebro()
    cerebro.adddata(bt.feeds.PandasData(dataname=frame))
    cerebro.addstrategy(Crossed)
    cerebro.broker.setcash(CASH)
    cerebro.broker.setcommission(commission=RATE)
    fills = cerebro.run()[0].fills
    return sorted(fills), cerebro.broker.getvalue()


def main() -> None:
    rows = []
    for symbol in ("AAPL", "GOOG", "IBM", "MSFT"):
        one, equity = with_backtesting(bars(symbol))
        two, value = with_backtrader(bars(symbol))
        assert [f[:3] for f in one] == [f[:3] for f in two], symbol
        assert all(abs(a[3] - b[3]) < 1e-9 and abs(a[4] - b[4]) < 1e-9 for a, b in zip(one, two, strict=True)), symbol
        assert abs(equity - value) < 1e-6, (symbol, equity, value)
        rows += [(symbol, *fill[:3], f"{fill[3]:.4f}", f"{fill[4]:.6f}", f"{equity:.6f}") for fill in one]
    with (Path(__file__).parent / "sma_fills.csv").open("w", newline="") as handle:
        out = csv.writer(handle, lineterminator="\n")
        out.writerow(["symbol", "date", "side", "qty", "price", "fee", "final_equity"])
        out.writerows(rows)
    print(len(rows), "fills agreed")


if __name__ == "__main__":
    main()
