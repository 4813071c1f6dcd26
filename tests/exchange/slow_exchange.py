"""A slow exchange, written from the rules of docs/concepts/exchange.md with lists and dicts: what the compiled one must agree with.

It shares no code with the kernel, only the numbers of the enums. Every question about the book is answered by looking at all its orders.
Each subject has a file of its own: `slow_book`, `slow_checks`, `slow_trading`, `slow_watchers`, `slow_auctions`, `slow_sessions`,
`slow_guards`, `slow_venues`, `slow_tape`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from slow_auctions import Auctions
from slow_book import AT_AUCTION_MARKET, BEYOND_ALL, FOR_AUCTION, NEVER, PEGS, STOPS, TRADING_KINDS, Book, Resting
from slow_checks import Checks
from slow_guards import Guards
from slow_sessions import Sessions
from slow_tape import Tape
from slow_trading import Trading
from slow_venues import Venues, away, exempt, nearer
from slow_watchers import Watchers

from marketsim.records import EventKind, Flag, Kind, Phase, Reason, Tif
from marketsim.venue_rules import VenueRules


class SlowExchange(Checks, Trading, Watchers, Auctions, Sessions, Guards, Venues, Tape):
    """Takes messages as dicts of MESSAGE's fields; ``trades`` and ``events`` grow as lists of dicts."""

    def __init__(self, rules: VenueRules | Sequence[VenueRules] | None = None, symbols: int = 1) -> None:
        venues = (rules or VenueRules.plain(),) if rules is None or isinstance(rules, VenueRules) else tuple(rules)
        self.symbols = symbols
        self.venues = len(venues)
        self.books = [Book(symbol, v, venue) for v, venue in enumerate(venues) for symbol in range(symbols)]
        self.alive: dict[int, tuple[Resting, Book]] = {}
        self.trades: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.seq = -1
        self.clock = 0
        self.arrivals = 0
        self.index_close = 0
        for book in self.books:
            if timetable := book.rules.timetable:
                book.schedule, book.crosses = list(timetable.phases), timetable.crosses()
                book.phase = book.scheduled = Phase.CLOSED

    # Messages.

    def send(self, m: dict[str, int]) -> None:
        self.seq += 1
        if m["time_ns"] < self.clock:
            self.reject(m, Reason.TIME_BACKWARDS)
            return
        self.expire(m["time_ns"])
        self.clock = m["time_ns"]
        kind = m["kind"]
        if kind in (Kind.CANCEL, Kind.REDUCE, Kind.REPLACE):
            if m["order_id"] not in self.alive:
                self.reject(m, Reason.UNKNOWN_ORDER)
                return
            o, book = self.alive[m["order_id"]]
            {Kind.CANCEL: self.cancel_one, Kind.REDUCE: self.reduce, Kind.REPLACE: self.replace}[Kind(kind)](book, o, m)
            self.settle(book)
        elif kind == Kind.CLOCK:
            return
        elif not 0 <= m["venue"] < self.venues:
            self.reject(m, Reason.UNKNOWN_VENUE)
        elif kind == Kind.CANCEL_OWNER and m["symbol"] == -1:
            self.cancel_owner(m, None)
        elif kind in (Kind.INDEX, Kind.PREVIOUS_CLOSE) and m["symbol"] == -1:
            self.take_index(m)
            for book in self.books[: self.symbols]:
                self.follow(book)
        elif not 0 <= m["symbol"] < self.symbols:
            self.reject(m, Reason.UNKNOWN_SYMBOL)
        elif kind == Kind.CANCEL_OWNER:
            self.cancel_owner(m, self.named(m))
        elif kind == Kind.PHASE:
            self.change_phase(self.named(m), m)
            self.settle(self.named(m))
        elif kind == Kind.PREVIOUS_CLOSE:
            self.take_previous_close(self.named(m), m)
            self.settle(self.named(m))
        elif kind == Kind.INDEX:
            self.reject(m, Reason.UNKNOWN_SYMBOL)
        elif kind in TRADING_KINDS:
            self.new(self.named(m), m)
            self.settle(self.named(m))
        else:
            self.reject(m, Reason.UNKNOWN_KIND)

    def named(self, m: dict[str, int]) -> Book:
        return self.books[m["venue"] * self.symbols + m["symbol"]]

    def expire(self, until: int) -> None:
        """Do one thing after the other that is due, the earliest first; at one instant orders, then books."""
        while True:
            due: list[tuple[int, int, int]] = [(o.expire_ns, 0, o.arrival) for o, _ in self.alive.values() if o.tif == Tif.GTD]
            due += [(self.due(book), 1, k) for k, book in enumerate(self.books)]
            when, is_book, which = min(due)
            if when > until or when == NEVER:
                return
            self.clock = max(self.clock, when)
            if is_book:
                book = self.books[which]
                self.ring(book)
            else:
                o, book = next(pair for pair in self.alive.values() if pair[0].arrival == which)
                self.end(book, o, EventKind.EXPIRED, Reason.EXPIRY_TIME)
            self.settle(book)

    def cancel_one(self, book: Book, o: Resting, m: dict[str, int]) -> None:
        self.end(book, o, EventKind.CANCELLED, Reason.ON_REQUEST)

    def cancel_owner(self, m: dict[str, int], only: Book | None) -> None:
        if m["owner_id"] <= 0:
            self.reject(m, Reason.BAD_OWNER)
            return
        books = [b for b in self.books if (b is only if only else b.venue == m["venue"])]
        mine = [(o, b) for o, b in self.alive.values() if o.owner_id == m["owner_id"] and b in books]
        for o, book in sorted(mine, key=lambda pair: pair[0].arrival):
            self.end(book, o, EventKind.CANCELLED, Reason.ON_REQUEST)
        if not mine:
            self.reject(m, Reason.UNKNOWN_ORDER)
        for book in books:
            self.settle(book)

    def reduce(self, book: Book, o: Resting, m: dict[str, int]) -> None:
        reason = self.bad_qty(book, m["qty_lot"])
        if reason:
            self.reject(m, reason)
        elif m["qty_lot"] >= o.open:
            self.end(book, o, EventKind.CANCELLED, Reason.ON_REQUEST)
        else:
            self.take_off(o, m["qty_lot"])
            self.event(book, o, EventKind.REDUCED, m["qty_lot"], Reason.ON_REQUEST)

    def replace(self, book: Book, o: Resting, m: dict[str, int]) -> None:
        reason = self.bad_qty(book, m["qty_lot"])
        if not reason:
            if o.waiting or o.is_peg:
                reason = self.bad_prices(book, o.kind, m)
            elif o.kind not in AT_AUCTION_MARKET:
                reason = self.bad_price(book, m["price_tick"])
        if not reason and o.kind in FOR_AUCTION:
            reason = self.too_late(book, o.kind)
        if not reason and book.phase == Phase.CLOSED:
            reason = Reason.WRONG_PHASE
        if not reason and book.phase == Phase.CONTINUOUS and not (o.waiting or o.is_peg or o.kind in FOR_AUCTION):
            limit, why, refused = self.admitted(book, o.side, self.is_short(o), False, m["price_tick"])
            if refused:
                reason = why
            elif o.flags & Flag.POST_ONLY and self.would_trade(book, o.side, limit):
                reason = Reason.WOULD_TRADE
        if reason:
            self.reject(m, reason)
            return
        if o.waiting or o.is_peg:
            self.leave(book, o)
            o.price = o.limit = m["price_tick"]
            o.open, o.stop, o.reserve = m["qty_lot"], m["stop_tick"], 0
            self.watch(book, o, EventKind.REPLACED)
        elif m["price_tick"] == o.price and m["qty_lot"] <= o.open and book.rules.replace_priority == "kept_on_decrease":
            self.take_off(o, o.open - m["qty_lot"])
            self.event(book, o, EventKind.REPLACED, o.open)
        elif o.kind in FOR_AUCTION:
            book.for_auction.remove(o)
            if o.kind not in AT_AUCTION_MARKET:
                o.price = m["price_tick"]
            o.open = m["qty_lot"]
            self.event(book, o, EventKind.REPLACED, o.open)
            book.for_auction.append(o)
        else:
            book.queue.remove(o)
            o.price, o.open, o.reserve = m["price_tick"], m["qty_lot"], 0
            self.event(book, o, EventKind.REPLACED, o.open)
            self.act(book, o, 0, exempt(m["flags"]))

    def new(self, book: Book, m: dict[str, int]) -> None:
        reason = self.malformed(book, m)
        if not reason and m["order_id"] in self.alive:
            reason = Reason.DUPLICATE_ORDER
        limit = None if m["kind"] == Kind.MARKET else m["price_tick"]
        open_for_trading = book.phase == Phase.CONTINUOUS
        if not reason and m["kind"] in FOR_AUCTION:
            reason = self.too_late(book, Kind(m["kind"]))
        elif not reason and not open_for_trading:
            at_once = m["kind"] == Kind.MARKET or m["tif"] in (Tif.IOC, Tif.FOK)
            reason = Reason.WRONG_PHASE if at_once or book.phase == Phase.CLOSED else Reason.NONE
        if not reason and open_for_trading and m["kind"] in (Kind.MARKET, Kind.LIMIT):
            short, at_market = bool(m["flags"] & Flag.SHORT), m["kind"] == Kind.MARKET
            limit, why, refused = self.admitted(book, m["side"], short, at_market, limit)
            reason = why if refused else reason
        if not reason and m["tif"] == Tif.FOK:
            reach = nearer(m["side"], limit, None if exempt(m["flags"]) else away(self.peers(book), book, m["side"]))
            if self.tradable(book, m["side"], m["owner_id"], reach) < m["qty_lot"]:
                reason = Reason.FILL_OR_KILL
        if not reason and m["flags"] & Flag.POST_ONLY and open_for_trading and self.would_trade(book, m["side"], limit):
            reason = Reason.WOULD_TRADE
        if reason:
            self.reject(m, reason)
            return
        kind = Kind(m["kind"])
        o = Resting(
            order_id=m["order_id"],
            owner_id=m["owner_id"],
            side=m["side"],
            kind=kind,
            price=0 if kind == Kind.MARKET else m["price_tick"],
            open=m["qty_lot"],
            tif=Tif(m["tif"] or Tif.GTC),
            flags=Flag(m["flags"]),
            display=m["display_lot"] if kind in (Kind.LIMIT, Kind.STOP_LIMIT) and m["display_lot"] < m["qty_lot"] else 0,
            stop=m["stop_tick"],
            limit=m["price_tick"],
            expire_ns=m["expire_ns"],
            arrival=self.arrivals,
        )
        self.arrivals += 1
        self.alive[o.order_id] = (o, book)
        if kind in STOPS or kind in PEGS:
            self.watch(book, o, EventKind.ACCEPTED)
        elif kind in FOR_AUCTION:
            if kind in AT_AUCTION_MARKET:
                o.price = o.side * BEYOND_ALL
            self.event(book, o, EventKind.ACCEPTED, o.open)
            book.for_auction.append(o)
        else:
            self.event(book, o, EventKind.ACCEPTED, o.open)
            self.act(book, o, m["min_qty_lot"], exempt(m["flags"]))

    def depth(self, symbol: int = 0, venue: int = 0) -> list[tuple[list[int], list[int]]]:
        """Displayed price levels, best first, of bids and of asks."""
        sides = []
        for side in (1, -1):
            levels: dict[int, int] = {}
            for o in self.books[venue * self.symbols + symbol].ranked(side):
                if not o.hidden:
                    levels[o.price] = levels.get(o.price, 0) + o.shown
            assert all(side * (better - worse) > 0 for better, worse in pairwise(levels))
            sides.append((list(levels), list(levels.values())))
        return sides
