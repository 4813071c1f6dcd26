"""The slow twin: a recorded book and own orders in it, as lists that are searched from end to end.

Same rules as marketsim.kernel.recorded_book and recorded_market, none of their structures; money is not kept, so every fill is affordable.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from marketsim.recorded import RecordedKind as K
from marketsim.records import Kind

BUY, SELL = 1, -1


@dataclass
class Quote:
    """One recorded order, or the part of a level whose orders are unknown (id None)."""

    id: int | None
    side: int
    price: int
    qty: int
    came: int
    taken: int = 0

    @property
    def free(self) -> int:
        return self.qty - self.taken


@dataclass
class Own:
    number: int
    side: int
    kind: Kind
    qty: int
    limit: int | None
    stop: int | None
    ahead: int = 0
    came: int = 0
    watching: bool = False
    alive: bool = True


@dataclass
class SlowMarket:
    """One symbol. ``quotes`` is in order of arrival, so a level's queue is the quotes at its price, its anonymous part first."""

    pro_rata: bool = False
    quotes: list[Quote] = field(default_factory=list)
    own: list[Own] = field(default_factory=list)
    fills: list[tuple[int, int, int, int, str]] = field(default_factory=list)  # time, own number, lots, tick, maker or taker
    unserved: list[int] = field(default_factory=list)  # market orders that ended with lots open
    printed: dict[tuple[int, int], int] = field(default_factory=dict)
    last: int | None = None
    halted: bool = False
    now: int = 0
    n: int = 0

    # --- the book ---------------------------------------------------------------------------------------------------

    def level(self, side: int, price: int) -> list[Quote]:
        here = [q for q in self.quotes if (q.side, q.price) == (side, price)]
        return [q for q in here if q.id is None] + [q for q in here if q.id is not None]

    def total(self, side: int, price: int) -> int:
        return sum(q.qty for q in self.level(side, price))

    def prices(self, side: int) -> list[int]:
        """Return the prices of a side, best first."""
        return sorted({q.price for q in self.quotes if q.side == side}, reverse=side == BUY)

    def top(self) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
        best = [self.prices(side)[:1] for side in (BUY, SELL)]
        bid, ask = ((p[0], self.total(side, p[0])) if p else None for side, p in zip((BUY, SELL), best, strict=True))
        return bid, ask

    def by_id(self, order_id: int) -> Quote | None:
        return next((q for q in self.quotes if q.id == order_id), None)

    def tidy(self) -> None:
        for q in self.quotes:
            q.taken = min(q.taken, q.qty)
        self.quotes = [q for q in self.quotes if q.qty > 0]
        levels = {(q.side, q.price) for q in self.quotes}
        self.printed = {place: lots for place, lots in self.printed.items() if place in levels}

    # --- recorded events --------------------------------------------------------------------------------------------

    def event(self, e: dict[str, Any]) -> None:
        self.now = e["time"]
        kind, side, price, qty = e["kind"], e["side"], e["price"], e["qty"]
        target = self.by_id(e["id"])
        if target is None and kind in (K.REDUCE, K.DELETE, K.EXECUTE):
            unknown = [q for q in self.level(side, price) if q.id is None]
            target = unknown[0] if unknown else None
        leaving = 0
        if target is not None and kind in (K.REDUCE, K.DELETE, K.EXECUTE, K.REPLACE):
            side, place = target.side, target.price
            whole = kind == K.REPLACE or (kind == K.DELETE and target.id is not None)
            leaving = target.qty if whole else min(qty, target.qty)
            if kind == K.EXECUTE:
                self.flow(qty, side, place, target)
            else:
                for own in self.queued(side, place):
                    if target.id is None or target.came <= own.came:
                        own.ahead -= min(own.ahead, leaving, target.free)
            target.qty -= leaving
        elif kind == K.EXECUTE:
            self.flow(qty, side, price, None)
        elif kind == K.EXECUTE_HIDDEN and side:
            self.flow(qty, side, price, "hidden")
        elif kind == K.TRADE and side:
            self.flow(qty, side, price, None)
        elif kind == K.SET_LEVEL:
            self.shrunk(side, price, qty)
        self.n += 1
        new = None
        if kind == K.ADD and self.by_id(e["id"]) is None:
            new = Quote(e["id"], side, price, qty, self.n)
        elif kind == K.REPLACE and target is not None:
            self.tidy()
            if self.by_id(e["other"]) is None:
                new = Quote(e["other"], side, price, qty, self.n)
        if new is not None:
            self.quotes.append(new)
            self.liquidity([new])
        grows = kind == K.SET_LEVEL and qty > self.total(side, price)
        if kind == K.SET_LEVEL:
            self.set_level(side, price, qty)
            if grows:
                self.liquidity(self.level(side, price))
        if kind == K.CLEAR:
            self.quotes = []
        if kind == K.TRADE and side and self.level(side, price):
            self.printed[side, price] = self.printed.get((side, price), 0) + qty
        self.halted = kind == K.HALT or (self.halted and kind != K.RESUME)
        self.tidy()
        if kind in (K.EXECUTE, K.EXECUTE_HIDDEN, K.TRADE):
            self.last = e["price"]
            self.trigger()
        if kind == K.RESUME:
            for own in self.own:
                if own.alive and not own.watching:
                    self.take(own)

    def set_level(self, side: int, price: int, qty: int) -> None:
        queue = self.level(side, price)
        missing = qty - sum(q.qty for q in queue)
        unknown = next((q for q in queue if q.id is None), None)
        self.printed.pop((side, price), None)
        if missing > 0 and unknown is None:
            self.quotes.append(Quote(None, side, price, missing, 0))
        elif missing > 0:
            unknown.qty += missing
        leaving = ([unknown] if unknown else []) + [q for q in reversed(queue) if q.id is not None]
        for q in leaving if missing < 0 else []:
            part = min(-missing, q.qty)
            q.qty -= part
            missing += part

    # --- what recorded events do to own orders ----------------------------------------------------------------------

    def queued(self, side: int, price: int) -> list[Own]:
        return [o for o in self.own if o.alive and not o.watching and o.limit == price and o.side == side]

    def resting(self, side: int, price: int) -> list[Own]:
        """Return resting own orders at a price or better, in the order in which they trade."""
        mine = [o for o in self.own if o.alive and not o.watching and o.limit is not None and o.side == side]
        return sorted((o for o in mine if side * (o.limit - price) >= 0), key=lambda o: -side * o.limit)

    def flow(self, qty: int, side: int, price: int, traded_with: Quote | str | None) -> None:
        left = qty
        for own in self.resting(side, price):
            reach = left
            if own.limit == price:
                own.ahead = min(own.ahead, self.total(side, price))
                if traded_with is None or (isinstance(traded_with, Quote) and traded_with.id is None):
                    used = min(own.ahead, left)
                    own.ahead -= used
                    reach = left - used
                elif isinstance(traded_with, Quote) and traded_with.came <= own.came:
                    own.ahead -= min(own.ahead, qty)
                    reach = 0
                elif own.ahead > 0:
                    reach = 0
            left -= self.fill(own, min(reach, own.qty), own.limit, "maker")

    def shrunk(self, side: int, price: int, qty: int) -> None:
        before, printed = self.total(side, price), self.printed.get((side, price), 0)
        cancelled = max(0, before - qty - printed)
        for own in self.queued(side, price):
            if self.pro_rata and cancelled and before > printed:
                own.ahead -= cancelled * own.ahead // (before - printed)
            own.ahead = min(own.ahead, qty)

    def liquidity(self, quotes: list[Quote]) -> None:
        if self.halted:
            return
        for own in self.resting(-quotes[0].side, quotes[0].price):
            for q in quotes:
                q.taken += self.fill(own, min(own.qty, q.free), own.limit, "maker")

    # --- own requests -----------------------------------------------------------------------------------------------

    def order(self, time: int, own: Own) -> None:
        self.now = time
        self.own.append(own)
        met = self.last is not None and own.stop is not None and own.side * (self.last - own.stop) >= 0
        if own.stop is not None and not met:
            own.watching = True
        else:
            self.enter(own)

    def cancel(self, number: int) -> None:
        for own in self.own:
            if own.number == number:
                own.alive = False

    def trigger(self) -> None:
        while True:
            met = [o for o in self.own if o.alive and o.watching and o.side * (self.last - o.stop) >= 0]
            if not met:
                return
            own = min(met, key=lambda o: o.side * o.stop)
            own.watching = False
            self.enter(own)

    def enter(self, own: Own) -> None:
        self.take(own)
        if own.limit is not None and own.alive:
            own.ahead = sum(q.free for q in self.level(own.side, own.limit))
            own.came = self.n

    def take(self, own: Own) -> None:
        if self.halted:
            return
        for price in self.prices(-own.side):
            if own.limit is not None and own.side * (own.limit - price) < 0:
                return
            for q in self.level(-own.side, price):
                q.taken += self.fill(own, min(own.qty, q.free), price, "taker")
        if own.limit is None and own.alive:
            own.alive = False
            self.unserved.append(own.number)

    def fill(self, own: Own, lots: int, price: int, how: str) -> int:
        if lots <= 0 or not own.alive:
            return 0
        own.qty -= lots
        own.alive = own.qty > 0
        same = self.fills and self.fills[-1][:2] == (self.now, own.number) and self.fills[-1][3:] == (price, how)
        if same and how == "taker":  # a taker's fills at one price are one
            lots_before = self.fills.pop()[2]
            self.fills.append((self.now, own.number, lots_before + lots, price, how))
        else:
            self.fills.append((self.now, own.number, lots, price, how))
        return lots
