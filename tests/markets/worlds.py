"""Small hand-made markets for the tests: a panel from rows of numbers, a strategy from a script of orders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from marketsim.agents.strategy import Strategy, StrategyParams
from marketsim.config.run import RunSpec
from marketsim.markets.account_run import AccountRun
from marketsim.markets.bars import AccountRunner, liquidity
from marketsim.markets.panel import Panel
from marketsim.records import Cancel, Fill, Order

DAY_NS = 86_400_000_000_000
OPEN_OFFSET_NS, CLOSE_OFFSET_NS = 14 * 3_600_000_000_000, 21 * 3_600_000_000_000

Bar = tuple[float, float, float, float]  # open, high, low, close
NO_BAR: Bar = (np.nan, np.nan, np.nan, np.nan)


def panel(
    bars: Mapping[str, Sequence[Bar]],
    *,
    volume: float | Mapping[str, Sequence[float]] = 1e6,
    splits: Mapping[tuple[str, int], float] | None = None,
    dividends: Mapping[tuple[str, int], float] | None = None,
    bars_a_session: int = 1,
) -> Panel:
    """Build a panel; ``splits`` and ``dividends`` are keyed by (symbol, bar). Sessions are consecutive days from 2020-01-01."""
    symbols = tuple(bars)
    n_bars = len(next(iter(bars.values())))
    prices = np.array([bars[s] for s in symbols], dtype=np.float64).transpose(2, 1, 0)
    session = np.datetime64("2020-01-01") + np.arange(n_bars) // bars_a_session
    day_ns = session.astype("datetime64[ns]").astype(np.int64)
    step = (CLOSE_OFFSET_NS - OPEN_OFFSET_NS) // bars_a_session
    open_ns = day_ns + OPEN_OFFSET_NS + step * (np.arange(n_bars) % bars_a_session)
    split, dividend = np.ones((n_bars, len(symbols))), np.zeros((n_bars, len(symbols)))
    for (symbol, bar), ratio in (splits or {}).items():
        split[bar, symbols.index(symbol)] = ratio
    for (symbol, bar), cash in (dividends or {}).items():
        dividend[bar, symbols.index(symbol)] = cash
    volumes = np.full((n_bars, len(symbols)), volume) if isinstance(volume, float) else np.array([volume[s] for s in symbols], float).T
    o, h, l, c = prices
    return Panel(symbols, open_ns, open_ns + step, session, o, h, l, c, volumes, split, dividend)


class Scripted(Strategy):
    """Sends what the script says after each bar, counted from 0, and remembers what it saw."""

    def __init__(self, script: Mapping[int, Iterable[Order | Cancel]]) -> None:
        super().__init__(StrategyParams())
        self.script = script
        self.heard: list[Fill] = []
        self.seen: list[Any] = []

    def on_wake(self, market: Any) -> Iterable[Order | Cancel]:
        self.seen.append((market.time_ns, market.cash, market.equity, market.position, market.window("close", 1000).copy()))
        return self.script.get(market.n_bars - 1, ())

    def on_fill(self, fill: Fill, market: Any) -> None:
        self.heard.append(fill)


def spec(**changes: Any) -> RunSpec:
    """Return a specification with one symbol and the given keys."""
    base: dict[str, Any] = {"name": "test", "symbols": ["A"], "start": "2020-01-01", "strategy": {"kind": "buy_and_hold"}}
    return RunSpec.model_validate({**base, **changes})


def play(world: Panel, script: Mapping[int, Iterable[Order | Cancel]] | Strategy, **changes: Any) -> AccountRun:
    """Run one scripted account over the panel."""
    run = spec(symbols=list(world.symbols), **changes)
    strategy = script if isinstance(script, Strategy) else Scripted(script)
    estimates = liquidity(world, run.market.impact.window_bars, 1.0)
    return AccountRunner(run.traders[0], strategy, run, world, estimates).run(lambda _: None)


def fills(run: AccountRun) -> list[tuple[int, int, float, float]]:
    """Return (bar, side, qty, price) of every fill."""
    return [(int(f["bar"]), int(f["side"]), float(f["qty"]), float(f["price"])) for f in run.fills]


def canonical(symbol: str, columns: Mapping[str, Sequence[Any]]) -> pa.Table:
    """Return canonical bars from raw columns date, open, high, low, close, volume; no actions."""
    day = np.array(columns["date"], dtype="datetime64[D]")
    open_ns = day.astype("datetime64[ns]").astype(np.int64) + OPEN_OFFSET_NS
    utc = pa.timestamp("ns", tz="UTC")
    prices = {f"{name}_price": pa.array(np.array(columns[name], dtype=np.float64)) for name in ("open", "high", "low", "close")}
    return pa.table(
        {
            "symbol": pa.repeat(symbol, len(day)),
            "session_date": pa.array(day),
            "open_utc": pa.array(open_ns).view(utc),
            "close_utc": pa.array(open_ns + CLOSE_OFFSET_NS - OPEN_OFFSET_NS).view(utc),
            **prices,
            "volume_shares": pa.array(np.array(columns["volume"], dtype=np.float64)),
            "split_ratio": pa.array(np.ones(len(day))),
            "dividend_cash": pa.array(np.zeros(len(day))),
        }
    )
