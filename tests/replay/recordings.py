"""Small hand-made recordings, a strategy from a script, and both played together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from marketsim.agents.strategy import Strategy, StrategyParams
from marketsim.markets.account_run import AccountRun
from marketsim.markets.replay import RecordedMarket, ReplayAccount, ReplayRules, run_replay
from marketsim.recorded import RECORDED, RecordedKind
from marketsim.records import Cancel, Fill, Kind, Order, Side, Tif
from marketsim.replay.stream import Stream

SECOND = 1_000_000_000
DAY = int(np.datetime64("2024-03-04T14:30", "ns").astype(np.int64))
K = RecordedKind
BUY, SELL = 1, -1


def event(second: float, kind: RecordedKind, price: int = 0, qty: int = 0, **more: int) -> tuple[Any, ...]:
    """Return (second, kind, price, qty, side, id, other, symbol) of one event."""
    return second, kind, price, qty, more.get("side", 0), more.get("id", 0), more.get("other", 0), more.get("symbol", 0)


def recording(rows: Sequence[tuple[Any, ...]], *, symbols: Sequence[str] = ("A",), tick: float = 0.01, lot: float = 1.0) -> Stream:
    """Build a stream; every row is a message of its own."""
    events = np.zeros(len(rows), RECORDED)
    for n, (second, kind, price, qty, side, order_id, other, symbol) in enumerate(rows):
        events[n] = (DAY + round(second * SECOND), order_id, other, price, qty, n, symbol, kind, side)
    return Stream(events, tuple(symbols), np.full(len(symbols), tick), np.full(len(symbols), lot), "hand-made")


class Scripted(Strategy):
    """Sends what the script says after each bar, counted from 0, and remembers what it saw and heard."""

    def __init__(self, script: Mapping[int, Iterable[Order | Cancel]]) -> None:
        super().__init__(StrategyParams())
        self.script = script
        self.heard: list[tuple[int, Fill]] = []
        self.seen: list[Any] = []

    def on_wake(self, market: Any) -> Iterable[Order | Cancel]:
        self.seen.append((market.n_bars, market.time_ns, market.cash, market.position.copy(), market.price.copy(), market.open_orders))
        return self.script.get(market.n_bars - 1, ())

    def on_fill(self, fill: Fill, market: Any) -> None:
        self.heard.append((market.n_bars - 1, fill))


def play(
    stream: Stream, script: Mapping[int, Iterable[Order | Cancel]] | Strategy, rules: ReplayRules | None = None, **account: Any
) -> AccountRun:
    """Play one scripted account in bars of one second."""
    strategy = script if isinstance(script, Strategy) else Scripted(script)
    settings = {"cash": 1e9, "max_leverage": 100.0, **account}
    return run_replay("test", strategy, RecordedMarket.of(stream, SECOND), rules or ReplayRules(), ReplayAccount(**settings))


def fills(run: AccountRun) -> list[tuple[float, int, float, float]]:
    """Return (second, side, qty, price) of every fill."""
    return [((int(f["time_ns"]) - DAY) / SECOND, int(f["side"]), float(f["qty"]), float(f["price"])) for f in run.fills]


def limit(side: int, qty: float, price: float, *, symbol: str = "A", tif: Tif = Tif.GTC) -> Order:
    return Order(symbol, Side(side), qty, Kind.LIMIT, limit_price=price, tif=tif)


def market(side: int, qty: float, *, symbol: str = "A") -> Order:
    return Order(symbol, Side(side), qty)
