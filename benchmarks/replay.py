"""Recorded markets: rebuilding a book, trading in it, and reading ITCH. Run as `python -m benchmarks.replay [folder of LOBSTER files]`."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.machine import describe
from marketsim.agents.strategy import MarketView, Strategy, StrategyParams
from marketsim.markets.replay import RecordedMarket, ReplayAccount, ReplayRules, run_replay
from marketsim.recorded import RECORDED, RecordedKind
from marketsim.records import Kind, Order, Side
from marketsim.replay.itch import read_itch
from marketsim.replay.lobster import read_lobster
from marketsim.replay.rebuild import rebuilt
from marketsim.replay.stream import Stream

REPEATS = 5
SYNTHETIC_EVENTS = 1_000_000


class Quoter(Strategy):
    """Bids and offers a little around the last price after every bar."""

    def on_wake(self, market: MarketView) -> list[Order]:
        """Quote."""
        symbol, price = market.symbols[0], market.price[0]
        if not np.isfinite(price):
            return []
        return [Order(symbol, side, 10, Kind.LIMIT, limit_price=round(price - side * 0.05, 2)) for side in (Side.BUY, Side.SELL)]


def cpu(work: Callable[[], object]) -> float:
    """Return the least CPU seconds of this thread over a few repetitions, after one that compiles."""
    work()
    taken = []
    for _ in range(REPEATS):
        start = time.thread_time()
        work()
        taken.append(time.thread_time() - start)
    return min(taken)


def synthetic() -> Stream:
    """Return a flow of adds, deletes and executions around a touch; about 5,000 orders rest."""
    rng = np.random.default_rng(7)
    events = np.zeros(SYNTHETIC_EVENTS, RECORDED)
    events["time_ns"] = np.datetime64("2024-03-04T14:30", "ns").astype(np.int64) + np.arange(SYNTHETIC_EVENTS) * 20_000
    events["message"] = np.arange(SYNTHETIC_EVENTS)
    alive: list[tuple[int, int, int]] = []
    dice, away, sides = rng.random(SYNTHETIC_EVENTS), rng.geometric(0.1, SYNTHETIC_EVENTS), rng.integers(0, 2, SYNTHETIC_EVENTS) * 2 - 1
    picks = rng.random(SYNTHETIC_EVENTS)
    for n in range(SYNTHETIC_EVENTS):
        if dice[n] < 0.5 or len(alive) < 5_000:
            side = int(sides[n])
            order = (n + 1, side, 1_000_000 - side * 100 * int(away[n]))
            events[n]["kind"], events[n]["qty_lot"] = RecordedKind.ADD, 100
            alive.append(order)
        else:
            k = int(picks[n] * len(alive))
            alive[k], alive[-1] = alive[-1], alive[k]
            order = alive.pop()
            events[n]["kind"] = RecordedKind.DELETE if dice[n] < 0.95 else RecordedKind.EXECUTE
            events[n]["qty_lot"] = 100
        events[n]["order_id"], events[n]["side"], events[n]["price_tick"] = order
    return Stream(events, ("SYN",), np.array([1e-4]), np.ones(1), "synthetic")


def itch_file(folder: Path) -> Path:
    """Write a file of a directory entry and many adds and deletes."""
    body = bytearray()
    head = b"\x00\x27R\x00\x01\x00\x00" + bytes(6) + b"SYN     QN" + (100).to_bytes(4, "big") + b"NCZ PN 1N" + bytes(4) + b"N"
    body += head
    for n in range(200_000):
        stamp, ref = n.to_bytes(6, "big"), n.to_bytes(8, "big")
        body += b"\x00\x24A\x00\x01\x00\x00" + stamp + ref + b"B" + (100).to_bytes(4, "big") + b"SYN     " + (1_000_000).to_bytes(4, "big")
        body += b"\x00\x13D\x00\x01\x00\x00" + stamp + ref
    path = folder / "01302019.NASDAQ_ITCH50"
    path.write_bytes(bytes(body))
    return path


def show(name: str, stream: Stream) -> None:
    """Print what a stream costs to rebuild and to trade in."""
    taken = cpu(lambda: rebuilt(stream))
    print(f"{name}: {len(stream.events):,} events rebuilt in {taken:.3f} CPU s ({len(stream.events) / taken / 1e6:.1f} M/s)")
    market = RecordedMarket.of(stream, 1_000_000_000)
    rules = ReplayRules(order_latency_ns=500_000, data_latency_ns=500_000)
    fills = 0

    def trade() -> None:
        nonlocal fills
        fills = len(run_replay("quoter", Quoter(StrategyParams()), market, rules, ReplayAccount()).fills)

    taken = cpu(trade)
    print(f"{name}: a quoter in {market.panel.n_bars:,} bars of one second, {fills:,} fills, {taken:.2f} CPU s")


def main() -> None:
    """Print the figures."""
    print(describe("numpy", "numba"))
    show("synthetic flow", synthetic())
    with tempfile.TemporaryDirectory() as folder:
        path = itch_file(Path(folder))
        taken = cpu(lambda: read_itch(path, ["SYN"]))
        print(f"ITCH: 400,001 messages read and resolved in {taken:.2f} CPU s ({0.400001 / taken:.1f} M/s)")
    if len(sys.argv) > 1:
        for messages in sorted(Path(sys.argv[1]).glob("*_L[15]_message.parquet")):
            day = read_lobster(messages, messages.with_name(messages.name.replace("message", "orderbook")))
            show(messages.name, day.stream)


if __name__ == "__main__":
    main()
