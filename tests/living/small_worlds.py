"""Worlds small enough to know what must happen: an opening book from outside, a few agents, and what they sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from marketsim.markets.simulated.setting import Capture, Member, News, Setting
from marketsim.markets.simulated.world import World
from marketsim.records import EVENT, MESSAGE, TRADE, EventKind, Kind, Phase, Tif
from marketsim.venue_rules import VenueRules

SECOND = 1_000_000_000
T0 = 1_700_000_000 * SECOND
FIRST_ID = 10**9  # of orders from outside; those of agents count from 0


@dataclass
class Played:
    """What happened: the world afterwards, every message the exchange got, every trade, every event."""

    world: World
    orders: npt.NDArray[np.void]
    trades: npt.NDArray[np.void]
    events: npt.NDArray[np.void]

    def sent(self, number: int, kind: Kind | None = None) -> npt.NDArray[np.void]:
        """Messages of one agent, of one kind."""
        mine = self.orders[self.orders["owner_id"] == number]
        return mine if kind is None else mine[mine["kind"] == kind]

    def quotes(self, number: int, at_s: float) -> list[tuple[int, int, int]]:
        """(side, price, lots) of an agent's new orders at a time, sorted."""
        new = self.sent(number, Kind.LIMIT)
        new = new[new["time_ns"] == T0 + round(at_s * SECOND)]
        return sorted((int(m["side"]), int(m["price_tick"]), int(m["qty_lot"])) for m in new)

    def live(self, number: int) -> dict[int, int]:
        """Open quantity by order_id of what an agent has in the market at the end."""
        mine = self.events[self.events["owner_id"] == number]
        live = {int(e["order_id"]): int(e["qty_lot"]) for e in mine[mine["kind"] == EventKind.ACCEPTED]}
        for trade in self.trades:
            for order_id in (int(trade["maker_id"]), int(trade["taker_id"])):
                if order_id in live:
                    live[order_id] -= int(trade["qty_lot"])
        for e in mine[(mine["kind"] == EventKind.CANCELLED) | (mine["kind"] == EventKind.EXPIRED)]:
            live.pop(int(e["order_id"]))
        return {order_id: lots for order_id, lots in live.items() if lots > 0}

    def position(self, number: int, symbol: int = 0) -> int:
        return int(self.world.holdings[number, symbol])

    def fills(self, number: int) -> npt.NDArray[np.void]:
        """Trades of one agent as the aggressor."""
        return self.trades[self.trades["taker_owner"] == number]


def message(
    at_s: float, kind: Kind, side: int = 0, price: int = 0, lots: int = 0, *, number: int = 0, symbol: int = 0
) -> npt.NDArray[np.void]:
    """One message from outside."""
    row = np.zeros(1, MESSAGE)
    row["time_ns"], row["kind"], row["order_id"], row["tif"] = T0 + round(at_s * SECOND), kind, FIRST_ID + number, Tif.GTC
    row["side"], row["price_tick"], row["qty_lot"], row["symbol"] = side, price, lots, symbol
    return row


def rests(levels: Sequence[tuple[int, int, int]], at_s: float = 0.0, first: int = 0, symbol: int = 0) -> list[npt.NDArray[np.void]]:
    """Limit orders from outside, (side, price, lots) each."""
    return [message(at_s, Kind.LIMIT, *level, number=first + k, symbol=symbol) for k, level in enumerate(levels)]


def enters(at_s: float, phase: Phase) -> npt.NDArray[np.void]:
    """The venue enters a phase."""
    return message(at_s, Kind.PHASE, lots=phase)


def play(
    members: Sequence[Member],
    messages: Sequence[npt.NDArray[np.void]] = (),
    *,
    seconds: float = 60.0,
    n_symbols: int = 1,
    fundamental: Any = 1000.0,
    news: tuple[News, ...] = (),
    seed: int = 1,
    sessions: tuple[tuple[int, int], ...] | None = None,
    rules: VenueRules | None = None,
    processing_ns: int = 0,
) -> Played:
    """Run a world of one or more sessions; ``fundamental`` is a price or (n_symbols, n_sessions, n)."""
    sessions = sessions or ((T0, T0 + round(seconds * SECOND)),)
    path = np.broadcast_to(
        np.asarray(fundamental, float), (n_symbols, len(sessions), np.shape(fundamental)[-1] if np.ndim(fundamental) else 1)
    )
    rows = np.concatenate(messages) if messages else np.zeros(0, MESSAGE)
    rows = rows[np.argsort(rows["time_ns"], kind="stable")]
    setting = Setting(
        sessions=sessions,
        fundamental=path,
        messages=rows,
        news=news,
        rules=(rules or VenueRules.plain(),),
        venue_processing_ns=(processing_ns,),
    )
    world = World(setting, members, seed, Capture(orders=True))
    orders: list[npt.NDArray[np.void]] = []
    trades: list[npt.NDArray[np.void]] = [np.zeros(0, TRADE)]
    events: list[npt.NDArray[np.void]] = [np.zeros(0, EVENT)]

    def keep(handed: Any) -> None:
        orders.append(handed.orders)
        trades.append(handed.tape.trades)
        events.append(handed.tape.events)

    world.run(keep)
    return Played(world, np.concatenate(orders), np.concatenate(trades), np.concatenate(events))
