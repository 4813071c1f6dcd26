"""Flows of messages for the matching benchmark, whose cancels and replaces name orders that are alive."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marketsim.exchange import Exchange
from marketsim.records import MESSAGE, EventKind, Flag, Kind, Side, Tif

A_ROUND = 400  # messages between two looks at who is alive
MID_TICK = 10_000_000
RARE_KINDS = (Kind.STOP, Kind.STOP_LIMIT, Kind.TRAILING_STOP, Kind.PEG_PRIMARY, Kind.PEG_MARKET, Kind.PEG_MIDPOINT)


def order_flow(
    n: int, *, seed: int = 1, resting: int = 17_000, spread_ticks: int = 0, every_kind: bool = False
) -> tuple[NDArray[np.void], int]:
    """Return messages, and how many of them come first and only fill the book.

    52 % limit orders, 41 % cancels, 2.5 % market orders and 4.5 to 5 % replaces, at a touch 5 to 20 ticks wide that wanders; or, with
    ``spread_ticks``, at prices anywhere within that distance. ``every_kind`` makes a fifth of the new orders something rarer.
    """
    rng = np.random.default_rng(seed)
    exchange = Exchange()
    alive = _Alive(n + resting)
    messages = np.zeros(n + resting, MESSAGE)
    messages["time_ns"] = np.arange(n + resting) * 1000
    next_id, mid, done = 0, float(MID_TICK), 0
    while done < len(messages):
        filling = done < resting
        rows = messages[done : min(done + A_ROUND, resting if filling else len(messages))]
        k = len(rows)
        what = np.zeros(k) if filling else rng.random(k)
        changes = (what >= 0.52) & (what < 0.93) | (what >= 0.955)
        rows["kind"] = np.select([what < 0.52, what < 0.93, what < 0.955], [Kind.LIMIT, Kind.CANCEL, Kind.MARKET], Kind.REPLACE)
        rows["side"] = np.where(rng.random(k) < 0.5, Side.BUY, Side.SELL)
        mid += 2 * rng.normal()
        # Crossing limit orders keep the number of resting ones where it is.
        crossing = (rng.random(k) < (0.25 if spread_ticks else 0.12)) & (not filling) & (alive.n > resting)
        half = rng.integers(3, 10, k)
        if spread_ticks:
            away = np.where(crossing, -spread_ticks // 250, rng.random(k) * spread_ticks / 2)
            rows["price_tick"] = spread_ticks - rows["side"] * (away.astype(np.int64) + 1)
        else:
            rows["price_tick"] = int(mid) - rows["side"] * (half + np.where(crossing, -2 * half, rng.exponential(30, k)).astype(np.int64))
        rows["qty_lot"] = np.where(rows["kind"] == Kind.MARKET, rng.integers(1, 121, k), rng.integers(1, 101, k))
        named = np.flatnonzero(changes)
        rows["order_id"][named] = alive.pick(rng, len(named))
        replaced = named[rows["kind"][named] == Kind.REPLACE]
        rows["price_tick"][replaced] = alive.price[rows["order_id"][replaced]] + rng.integers(-2, 3, len(replaced))
        new = np.flatnonzero(~changes)
        rows["order_id"][new] = next_id + np.arange(len(new))
        next_id += len(new)
        if every_kind:
            _make_rarer(rng, rows, new)
        alive.price[rows["order_id"]] = rows["price_tick"]
        alive.update(exchange, rows)
        done += k
    return messages, resting


def _make_rarer(rng: np.random.Generator, rows: NDArray[np.void], new: NDArray[np.intp]) -> None:
    """Turn a fifth of the new limit orders into icebergs, hidden, post-only, IOC, FOK and GTD orders, stops and pegs; give all an owner."""
    rows["owner_id"] = rng.integers(1, 200, len(rows))
    chosen = new[(rng.random(len(new)) < 0.2) & (rows["kind"][new] == Kind.LIMIT)]
    sort = rng.integers(0, 8, len(chosen))
    rows["display_lot"][chosen[sort == 0]] = 10
    rows["flags"][chosen[sort == 1]] = Flag.HIDDEN
    rows["flags"][chosen[sort == 2]] = Flag.POST_ONLY
    rows["tif"][chosen[sort == 3]] = Tif.IOC
    rows["tif"][chosen[sort == 4]] = Tif.FOK
    timed = chosen[sort == 5]
    rows["tif"][timed] = Tif.GTD
    rows["expire_ns"][timed] = rows["time_ns"][timed] + 10_000_000
    # Few pegs and trailing stops at a time: each moves with the market.
    rare = chosen[sort >= 6]
    rows["kind"][rare] = rng.choice(RARE_KINDS, len(rare), p=[0.4, 0.4, 0.05, 0.05, 0.05, 0.05])
    pegged = np.isin(rows["kind"][rare], RARE_KINDS[3:])
    rows["stop_tick"][rare] = np.where(pegged, -3, rows["price_tick"][rare] + 60 * rows["side"][rare])
    trailing = rare[rows["kind"][rare] == Kind.TRAILING_STOP]
    rows["stop_tick"][trailing] = 40
    short_lived = rare[rows["kind"][rare] >= Kind.TRAILING_STOP]
    rows["tif"][short_lived] = Tif.GTD
    rows["expire_ns"][short_lived] = rows["time_ns"][short_lived] + 1_000_000


class _Alive:
    """Who is alive, learned from the tape after each round."""

    def __init__(self, n: int) -> None:
        self.ids = np.zeros(0, np.int64)
        self.price = np.zeros(n, np.int64)
        self.left = np.zeros(n, np.int64)

    @property
    def n(self) -> int:
        return len(self.ids)

    def pick(self, rng: np.random.Generator, k: int) -> NDArray[np.int64]:
        return rng.choice(self.ids, k, replace=False) if k else self.ids[:0]

    def update(self, exchange: Exchange, rows: NDArray[np.void]) -> None:
        tape = exchange.send(rows)
        events = tape.events
        for kind in (EventKind.ACCEPTED, EventKind.REPLACED):
            some = events[events["kind"] == kind]
            self.left[some["order_id"]] = some["qty_lot"]
        for name in ("maker_id", "taker_id"):
            np.subtract.at(self.left, tape.trades[name], tape.trades["qty_lot"])
        gone = events[(events["kind"] == EventKind.CANCELLED) | (events["kind"] == EventKind.EXPIRED)]
        self.left[gone["order_id"]] = 0
        known = np.concatenate([self.ids, events["order_id"][events["kind"] == EventKind.ACCEPTED]])
        self.ids = known[self.left[known] > 0]
