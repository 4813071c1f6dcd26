"""A slow exchange, written from the rules of docs/concepts/exchange.md with lists and dicts: what the compiled one must agree with.

It shares no code with the kernel, only the numbers of the enums. Every question about the book is answered by looking at all its orders.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from slow_venues import away, best, exempt, nearer

from marketsim.records import MAX_QTY_LOT, MAX_TICK, EventKind, Flag, Kind, Phase, Reason, Side, Tif
from marketsim.venue_rules import VenueRules

STOPS = (Kind.STOP, Kind.STOP_LIMIT, Kind.TRAILING_STOP)
PEGS = (Kind.PEG_PRIMARY, Kind.PEG_MARKET, Kind.PEG_MIDPOINT)
ON_OPEN = (Kind.MARKET_ON_OPEN, Kind.LIMIT_ON_OPEN, Kind.IMBALANCE_ON_OPEN)
ON_CLOSE = (Kind.MARKET_ON_CLOSE, Kind.LIMIT_ON_CLOSE, Kind.IMBALANCE_ON_CLOSE)
AT_AUCTION_MARKET = (Kind.MARKET_ON_OPEN, Kind.MARKET_ON_CLOSE)
FOR_IMBALANCE = (Kind.IMBALANCE_ON_OPEN, Kind.IMBALANCE_ON_CLOSE)
FOR_AUCTION = ON_OPEN + ON_CLOSE
TRADING_KINDS = (Kind.MARKET, Kind.LIMIT, *STOPS, *PEGS, *FOR_AUCTION)
BEYOND_ALL = 1 << 60  # the price of a market order in an auction


@dataclass(eq=False)
class Resting:
    """A live order."""

    order_id: int
    owner_id: int
    side: int
    kind: Kind
    price: int
    open: int  # the visible slice and the reserve
    tif: Tif
    flags: Flag
    display: int
    stop: int
    limit: int
    expire_ns: int
    arrival: int
    reserve: int = 0
    waiting: bool = False  # a stop that has not triggered
    unplaced: bool = False

    @property
    def shown(self) -> int:
        return self.open - self.reserve

    @property
    def hidden(self) -> bool:
        return bool(self.flags & Flag.HIDDEN) or self.kind in PEGS

    @property
    def is_peg(self) -> bool:
        return self.kind in PEGS


@dataclass
class Book:
    """One symbol at one venue. ``queue`` holds placed orders, the earlier a place the better the time priority."""

    symbol: int
    venue: int
    rules: VenueRules
    queue: list[Resting] = field(default_factory=list)
    stops: list[Resting] = field(default_factory=list)  # in the order in which they came to their trigger price
    pegs: list[Resting] = field(default_factory=list)
    trailing: list[Resting] = field(default_factory=list)
    pending: list[Resting] = field(default_factory=list)
    for_auction: list[Resting] = field(default_factory=list)
    last: int | None = None
    phase: Phase = Phase.CONTINUOUS
    peg_reference: tuple[int | None, int | None] = (None, None)

    def ranked(self, side: int) -> list[Resting]:
        """Orders of a side in priority: price, then displayed before hidden if the venue says so, then time."""
        last = self.rules.hidden_ranking == "after_displayed"
        mine = [o for o in self.queue if o.side == side]
        return sorted(mine, key=lambda o: (-side * o.price, last and o.hidden))

    def best(self, side: int) -> int | None:
        ranked = self.ranked(side)
        return ranked[0].price if ranked else None

    def best_displayed(self, side: int) -> int | None:
        prices = [o.price for o in self.queue if o.side == side and not o.hidden]
        return None if not prices else max(prices) if side == Side.BUY else min(prices)


class SlowExchange:
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

    # What is written down.

    def event(self, book: Book, o: Resting, kind: EventKind, qty: int, reason: Reason = Reason.NONE) -> None:
        self.events.append(
            {
                "seq": self.seq,
                "time_ns": self.clock,
                "order_id": o.order_id,
                "price_tick": o.price,
                "qty_lot": qty,
                "owner_id": o.owner_id,
                "symbol": book.symbol,
                "venue": book.venue,
                "reason": int(reason),
                "kind": int(kind),
                "side": o.side,
            }
        )

    def reject(self, m: dict[str, int], reason: Reason) -> None:
        same = ("order_id", "price_tick", "qty_lot", "owner_id", "symbol", "venue", "side")
        row = {"seq": self.seq, "time_ns": self.clock, "reason": int(reason), "kind": int(EventKind.REJECTED)}
        self.events.append(row | {name: m[name] for name in same})

    def trade(self, book: Book, maker: Resting, taker: Resting, qty: int) -> None:
        self.print_trade(book, maker, taker, maker.price, qty, taker.side)

    def print_trade(self, book: Book, maker: Resting, taker: Resting, price: int, qty: int, aggressor: int) -> None:
        fees = book.rules.fees
        worth = price * fees.tick_size * fees.lot_size
        self.trades.append(
            {
                "seq": self.seq,
                "time_ns": self.clock,
                "maker_id": maker.order_id,
                "taker_id": taker.order_id,
                "price_tick": price,
                "qty_lot": qty,
                "maker_owner": maker.owner_id,
                "taker_owner": taker.owner_id,
                "symbol": book.symbol,
                "venue": book.venue,
                "aggressor": aggressor,
                "phase": int(book.phase),
                "maker_fee": qty * (fees.maker_per_lot + fees.maker_notional_frac * worth),
                "taker_fee": qty * (fees.taker_per_lot + fees.taker_notional_frac * worth),
            }
        )

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
        elif not 0 <= m["symbol"] < self.symbols:
            self.reject(m, Reason.UNKNOWN_SYMBOL)
        elif kind == Kind.CANCEL_OWNER:
            self.cancel_owner(m, self.named(m))
        elif kind == Kind.PHASE:
            self.change_phase(self.named(m), m)
            self.settle(self.named(m))
        elif kind in TRADING_KINDS:
            self.new(self.named(m), m)
            self.settle(self.named(m))
        else:
            self.reject(m, Reason.UNKNOWN_KIND)

    def named(self, m: dict[str, int]) -> Book:
        return self.books[m["venue"] * self.symbols + m["symbol"]]

    def peers(self, book: Book) -> list[Book]:
        """The books of a symbol at all venues."""
        return [other for other in self.books if other.symbol == book.symbol]

    def expire(self, until: int) -> None:
        due = [(o.expire_ns, o.arrival, o, book) for o, book in self.alive.values() if o.tif == Tif.GTD and o.expire_ns <= until]
        for when, _, o, book in sorted(due, key=lambda row: row[:2]):
            if o.order_id in self.alive and self.alive[o.order_id][0] is o:
                self.clock = max(self.clock, when)
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
        if not reason and o.flags & Flag.POST_ONLY and book.phase == Phase.CONTINUOUS and self.would_trade(book, o.side, m["price_tick"]):
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
        if not reason and m["tif"] == Tif.FOK:
            reach = nearer(m["side"], limit, None if exempt(m["flags"]) else away(self.peers(book), book, m["side"]))
            if self.tradable(book, m["side"], m["owner_id"], reach) < m["qty_lot"]:
                reason = Reason.FILL_OR_KILL
        if not reason and m["flags"] & Flag.POST_ONLY and open_for_trading and self.would_trade(book, m["side"], m["price_tick"]):
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

    # Is it well formed?

    def malformed(self, book: Book, m: dict[str, int]) -> Reason:
        kind, tif, flags = m["kind"], m["tif"], m["flags"]
        immediate = tif in (Tif.IOC, Tif.FOK)
        allowed = Flag.HIDDEN if kind in (Kind.LIMIT, Kind.STOP_LIMIT) else Flag.NONE
        if kind == Kind.LIMIT:
            allowed |= Flag.SWEEP if immediate else Flag.SWEEP | Flag.POST_ONLY
        if kind in PEGS:
            allowed |= Flag.HIDDEN
        if m["order_id"] < 0:
            return Reason.BAD_ORDER_ID
        if m["owner_id"] < 0:
            return Reason.BAD_OWNER
        if m["side"] not in (1, -1):
            return Reason.BAD_SIDE
        if reason := self.bad_qty(book, m["qty_lot"]):
            return reason
        if (
            not 0 <= tif <= 5
            or (immediate and kind not in (Kind.LIMIT, Kind.MARKET))
            or (tif == Tif.GTD and kind in (Kind.MARKET, *FOR_AUCTION))
        ):
            return Reason.BAD_TIF
        if flags & ~int(allowed):
            return Reason.BAD_FLAGS
        if reason := self.bad_prices(book, Kind(kind), m):
            return reason
        if kind in (Kind.LIMIT, Kind.STOP_LIMIT):
            shown = m["display_lot"]
            if shown < 0 or shown % book.rules.lot or (shown > 0 and flags & Flag.HIDDEN):
                return Reason.BAD_DISPLAY
        if m["min_qty_lot"] and (tif != Tif.IOC or not 0 < m["min_qty_lot"] <= m["qty_lot"]):
            return Reason.BAD_MINIMUM
        if tif == Tif.GTD and m["expire_ns"] <= m["time_ns"]:
            return Reason.BAD_EXPIRY
        return Reason.NONE

    def bad_qty(self, book: Book, qty: int) -> Reason:
        if not 0 < qty <= MAX_QTY_LOT:
            return Reason.BAD_QUANTITY
        return Reason.OFF_LOT if qty % book.rules.lot else Reason.NONE

    def bad_price(self, book: Book, price: int) -> Reason:
        lowest = -MAX_TICK if book.rules.lowest_tick is None else book.rules.lowest_tick
        if not lowest <= price <= MAX_TICK:
            return Reason.BAD_PRICE
        return Reason.OFF_TICK if price % self.increment(book, price) else Reason.NONE

    def bad_prices(self, book: Book, kind: Kind, m: dict[str, int]) -> Reason:
        limited = (Kind.LIMIT, Kind.STOP_LIMIT, Kind.LIMIT_ON_OPEN, Kind.LIMIT_ON_CLOSE, *FOR_IMBALANCE)
        if kind in limited and (reason := self.bad_price(book, m["price_tick"])):
            return reason
        if kind in (Kind.STOP, Kind.STOP_LIMIT) and self.bad_price(book, m["stop_tick"]):
            return Reason.BAD_STOP
        if kind == Kind.TRAILING_STOP and not 0 < m["stop_tick"] <= MAX_TICK:
            return Reason.BAD_STOP
        if kind in PEGS and abs(m["price_tick"]) > MAX_TICK:
            return Reason.BAD_PRICE
        if kind in PEGS and abs(m["stop_tick"]) > MAX_TICK:
            return Reason.BAD_STOP
        return Reason.NONE

    def increment(self, book: Book, price: int) -> int:
        begun = [band for band in book.rules.tick_bands if band.from_ns <= self.clock]
        if not begun:
            return 1
        now = [band for band in begun if band.from_ns == begun[-1].from_ns and band.from_tick <= abs(price)]
        return now[-1].increment_tick if now else 1

    def on_grid(self, book: Book, side: int, price: int) -> int:
        increment = self.increment(book, price)
        price = price // increment * increment if side == Side.BUY else -(-price // increment) * increment
        lowest = -MAX_TICK if book.rules.lowest_tick is None else book.rules.lowest_tick
        return price if side == Side.BUY else max(price, lowest)

    def would_trade(self, book: Book, side: int, price: int) -> bool:
        other = book.best(-side)
        if other is None or side * (price - other) < 0:
            return False
        if book.rules.post_only == "reject":
            return True
        lowest = -MAX_TICK if book.rules.lowest_tick is None else book.rules.lowest_tick
        return price == other and price - side * self.increment(book, price - side) < lowest

    # Trading.

    def act(self, book: Book, o: Resting, minimum: int, sweeps: bool) -> None:
        """Trade a market or limit order that is in no queue; then leave, rest or wait."""
        if book.phase != Phase.CONTINUOUS:
            self.rest(book, o)
            return
        at_market = o.kind in (Kind.MARKET, Kind.STOP, Kind.TRAILING_STOP)
        other = book.best(-o.side)
        limit: int | None = None if at_market else o.price
        protection = book.rules.protection_ticks
        protected = at_market and protection is not None and o.tif not in (Tif.IOC, Tif.FOK) and other is not None
        if protected:
            assert other is not None
            assert protection is not None
            o.price = limit = self.on_grid(book, o.side, other + o.side * protection)
        elsewhere = None if sweeps else away(self.peers(book), book, o.side)
        if minimum and self.tradable(book, o.side, o.owner_id, nearer(o.side, limit, elsewhere)) < minimum:
            self.end(book, o, EventKind.CANCELLED, Reason.MINIMUM_QUANTITY)
            return
        if o.flags & Flag.POST_ONLY and other == limit and other is not None:
            o.price -= o.side * self.increment(book, o.price - o.side)
            limit = o.price
            self.event(book, o, EventKind.REPRICED, o.open)
        self.match(book, o, nearer(o.side, limit, elsewhere))
        if o.open == 0:
            self.forget(book, o)
        elif o.tif == Tif.IOC or (at_market and not protected):
            other = book.best(-o.side)
            would_go_on = other is not None and (limit is None or o.side * (limit - other) >= 0)
            reason = Reason.IMMEDIATE_OR_CANCEL if o.tif == Tif.IOC else Reason.NO_LIQUIDITY
            self.end(book, o, EventKind.CANCELLED, Reason.TRADE_THROUGH if would_go_on else reason)
        else:
            if at_market:
                o.kind = Kind.LIMIT
                self.event(book, o, EventKind.REPRICED, o.open, Reason.NO_LIQUIDITY)
            self.rest_clear_of(book, o, elsewhere)

    def rest_clear_of(self, book: Book, o: Resting, elsewhere: int | None) -> None:
        """Wait where the order neither locks nor crosses the quote elsewhere, if it may."""
        if elsewhere is None or o.side * (elsewhere - o.price) > 0 or (o.hidden and o.price == elsewhere):
            self.rest(book, o)
            return
        price = self.on_grid(book, o.side, elsewhere if o.hidden else elsewhere - o.side)
        lowest = -MAX_TICK if book.rules.lowest_tick is None else book.rules.lowest_tick
        if book.rules.trade_through == "cancel" or not lowest <= price <= MAX_TICK:
            self.end(book, o, EventKind.CANCELLED, Reason.TRADE_THROUGH)
            return
        o.price = price
        self.event(book, o, EventKind.REPRICED, o.open, Reason.TRADE_THROUGH)
        self.rest(book, o)

    def rest(self, book: Book, o: Resting) -> None:
        o.reserve = o.open - min(o.open, o.display) if o.display else 0
        book.queue.append(o)

    def match(self, book: Book, taker: Resting, limit: int | None) -> None:
        while taker.open > 0 and (waiting := book.ranked(-taker.side)):
            maker = waiting[0]
            if limit is not None and taker.side * (maker.price - limit) > 0:
                return
            if book.rules.self_trade != "none" and taker.owner_id and maker.owner_id == taker.owner_id:
                self.prevent(book, taker, maker)
                continue
            qty = min(taker.open, maker.shown)
            self.trade(book, maker, taker, qty)
            book.last = maker.price
            taker.open -= qty
            maker.open -= qty
            if maker.open == 0:
                self.forget(book, maker)
            elif maker.shown == 0:
                self.refill(book, maker)
            if book.rules.stop_trigger == "last_trade":
                self.watch_prices(book, book.last, book.last)

    def refill(self, book: Book, o: Resting) -> None:
        shown = min(o.reserve, o.display)
        o.reserve -= shown
        book.queue.remove(o)
        book.queue.append(o)
        self.event(book, o, EventKind.REFILLED, shown)

    def prevent(self, book: Book, taker: Resting, maker: Resting) -> None:
        mode = book.rules.self_trade
        lost = taker.open
        if mode == "decrement":
            lost = min(taker.open, maker.open)
        if mode in ("cancel_oldest", "cancel_both") or (mode == "decrement" and lost == maker.open):
            self.end(book, maker, EventKind.CANCELLED, Reason.SELF_TRADE)
        elif mode == "decrement":
            self.event(book, maker, EventKind.REDUCED, lost, Reason.SELF_TRADE)
            self.take_off(maker, lost)
        if mode != "cancel_oldest":
            kind = EventKind.CANCELLED if lost == taker.open else EventKind.REDUCED
            self.event(book, taker, kind, lost, Reason.SELF_TRADE)
            taker.open -= lost

    def tradable(self, book: Book, side: int, owner: int, limit: int | None) -> int:
        """What could trade at once, up to where self-trade prevention would stop it: play it through with the other orders' numbers."""
        last = book.rules.hidden_ranking == "after_displayed"
        waiting = [[o, o.shown, o.reserve] for o in book.ranked(-side) if limit is None or side * (o.price - limit) <= 0]
        total = 0
        while waiting:
            o, shown, reserve = waiting.pop(0)
            if book.rules.self_trade != "none" and owner and o.owner_id == owner:
                if book.rules.self_trade != "cancel_oldest":
                    return total
                continue
            total += shown
            if reserve:
                # The next slice goes behind the displayed orders of its price.
                place = [k for k, row in enumerate(waiting) if row[0].price == o.price and not (last and row[0].hidden)]
                waiting.insert(place[-1] + 1 if place else 0, [o, min(reserve, o.display), max(0, reserve - o.display)])
        return total

    # Stops and pegs.

    def watch(self, book: Book, o: Resting, kind: EventKind) -> None:
        if o.is_peg:
            bid, ask = self.references(book)
            if book.phase != Phase.CONTINUOUS:
                bid = ask = None
            price = self.peg_price(book, o, bid, ask)
            o.price = o.price if price is None else price
            self.event(book, o, kind, o.open)
            book.pegs.append(o)
            if len(book.pegs) == 1:
                book.peg_reference = (bid, ask)
            o.unplaced = price is None
            if price is not None:
                self.enter_peg(book, o)
            return
        seen = self.watched(book, o.side)
        trigger: int | None = o.stop
        if o.kind == Kind.TRAILING_STOP:
            trigger = None if seen is None else seen + o.side * o.stop
        if o.kind != Kind.STOP_LIMIT:
            o.price = trigger or 0
        self.event(book, o, kind, o.open)
        if o.kind != Kind.TRAILING_STOP and seen is not None and o.side * (seen - o.stop) >= 0 and book.phase == Phase.CONTINUOUS:
            o.waiting = False
            self.enter_stop(book, o)
            return
        o.waiting = True
        if o.kind == Kind.TRAILING_STOP:
            book.trailing.append(o)
        o.unplaced = trigger is None
        if trigger is not None:
            book.stops.append(o)

    def watched(self, book: Book, side: int) -> int | None:
        return book.last if book.rules.stop_trigger == "last_trade" else book.best_displayed(-side)

    def trigger_price(self, o: Resting) -> int:
        return o.price if o.kind == Kind.TRAILING_STOP else o.stop

    def watch_prices(self, book: Book, up: int | None, down: int | None) -> None:
        """Buy stops see ``up``, sell stops ``down``: first trailing stops follow, then what is hit is queued."""
        for o in list(book.trailing):
            seen = up if o.side == Side.BUY else down
            if seen is None:
                continue
            nearer = seen + o.side * o.stop
            if o.unplaced or o.side * (o.price - nearer) > 0:
                if not o.unplaced:
                    book.stops.remove(o)
                o.price, o.unplaced = nearer, False
                book.stops.append(o)
                self.event(book, o, EventKind.REPRICED, o.open)
        while True:
            heads = []
            for side, seen in ((Side.BUY, up), (Side.SELL, down)):
                hit = [o for o in book.stops if o.side == side and seen is not None and side * (seen - self.trigger_price(o)) >= 0]
                heads += sorted(hit, key=lambda o: o.side * self.trigger_price(o))[:1]
            if not heads:
                return
            o = min(heads, key=lambda o: o.arrival)
            book.stops.remove(o)
            if o in book.trailing:
                book.trailing.remove(o)
            o.waiting = False
            book.pending.append(o)

    def enter_stop(self, book: Book, o: Resting) -> None:
        self.event(book, o, EventKind.TRIGGERED, o.open)
        self.act(book, o, 0, False)

    def references(self, book: Book) -> tuple[int | None, int | None]:
        """The bid and ask that the pegs of a book follow."""
        if book.rules.peg_reference == "own":
            return book.best_displayed(1), book.best_displayed(-1)
        bid, ask = best(self.peers(book), 1), best(self.peers(book), -1)
        return bid and bid[0], ask and ask[0]

    def peg_price(self, book: Book, o: Resting, bid: int | None, ask: int | None) -> int | None:
        own, other = (bid, ask) if o.side == Side.BUY else (ask, bid)
        if o.kind == Kind.PEG_MIDPOINT:
            if bid is None or ask is None:
                return None
            reference: int | None = (bid + ask) // 2 if o.side == Side.BUY else -(-(bid + ask) // 2)
        else:
            reference = own if o.kind == Kind.PEG_PRIMARY else other
        if reference is None:
            return None
        prices = [reference + o.side * o.stop, o.limit] + ([] if other is None else [other - o.side])
        elsewhere = away(self.peers(book), book, o.side)
        prices += [] if elsewhere is None else [elsewhere]
        price = self.on_grid(book, o.side, min(prices) if o.side == Side.BUY else max(prices))
        lowest = -MAX_TICK if book.rules.lowest_tick is None else book.rules.lowest_tick
        return price if lowest <= price <= MAX_TICK else None

    def enter_peg(self, book: Book, o: Resting) -> None:
        self.match(book, o, o.price)
        if o.open:
            self.rest(book, o)
        else:
            self.forget(book, o)

    def reprice_pegs(self, book: Book) -> bool:
        now = self.references(book)
        if now == book.peg_reference or not book.pegs:
            return False
        book.peg_reference = now
        for o in list(book.pegs):
            if o not in book.pegs:
                continue
            price = self.peg_price(book, o, *now)
            if (price is None and o.unplaced) or (price == o.price and not o.unplaced):
                continue
            if not o.unplaced:
                book.queue.remove(o)
            o.unplaced = price is None
            if price is None:
                self.event(book, o, EventKind.REPRICED, 0)
                continue
            o.price = price
            self.event(book, o, EventKind.REPRICED, o.open)
            self.enter_peg(book, o)
        return True

    def settle(self, book: Book) -> None:
        self.settle_one(book)
        stale = True
        while stale:
            stale = False
            for other in self.peers(book):
                follows = other.pegs and other.rules.peg_reference == "consolidated" and other.phase == Phase.CONTINUOUS
                if follows and self.references(other) != other.peg_reference:
                    self.settle_one(other)
                    stale = True

    def settle_one(self, book: Book) -> None:
        while book.phase == Phase.CONTINUOUS:
            if book.pending:
                self.enter_stop(book, book.pending.pop(0))
                continue
            if book.rules.stop_trigger == "opposite_touch":
                self.watch_prices(book, book.best_displayed(-1), book.best_displayed(1))
                if book.pending:
                    continue
            if not self.reprice_pegs(book):
                return

    # Auctions and phases.

    def too_late(self, book: Book, kind: Kind) -> Reason:
        if book.phase == Phase.CLOSED or (kind in ON_OPEN and book.phase not in (Phase.PRE_OPEN, Phase.OPENING_AUCTION)):
            return Reason.WRONG_PHASE
        cutoffs = book.rules.cutoffs
        until = {
            Kind.MARKET_ON_OPEN: cutoffs.market_on_open_ns,
            Kind.LIMIT_ON_OPEN: cutoffs.limit_on_open_ns,
            Kind.MARKET_ON_CLOSE: cutoffs.market_on_close_ns,
            Kind.LIMIT_ON_CLOSE: cutoffs.limit_on_close_ns,
        }
        return Reason.CUT_OFF if kind in until and self.clock % 86_400_000_000_000 >= until[kind] else Reason.NONE

    def only_for(self, book: Book, phase: Phase) -> list[Resting]:
        kinds = {Phase.OPENING_AUCTION: ON_OPEN, Phase.CLOSING_AUCTION: ON_CLOSE}.get(phase, ())
        return [o for o in book.for_auction if o.kind in kinds]

    def in_auction(self, book: Book, phase: Phase, side: int) -> list[Resting]:
        """Orders of a side in the order of allocation: price, displayed, for the auction only, hidden, time."""
        rows = book.ranked(side) + [o for o in self.only_for(book, phase) if o.side == side and o.kind not in FOR_IMBALANCE]
        last = book.rules.hidden_ranking == "after_displayed"
        return sorted(rows, key=lambda o: (-side * o.price, 2 if last and o.hidden else o.kind in FOR_AUCTION))

    def clearing(self, book: Book, phase: Phase) -> tuple[int, int, int] | None:
        """Try every price between the lowest and the highest limit, and the reference."""
        buys, sells = self.in_auction(book, phase, 1), self.in_auction(book, phase, -1)
        limits = [o.price for o in buys + sells if abs(o.price) != BEYOND_ALL]
        prices = {p + d for p in limits for d in (-2, -1, 0, 1, 2) if min(limits) <= p + d <= max(limits)}
        prices |= {book.last} if book.last is not None else set()
        if limits and max(limits) - min(limits) < 1000:
            prices |= set(range(min(limits), max(limits)))
        best = None
        for price in sorted(prices):
            if self.bad_price(book, price):
                continue
            demand = sum(o.open for o in buys if o.price >= price)
            supply = sum(o.open for o in sells if o.price <= price)
            surplus = demand - supply
            away = 0 if book.last is None else abs(price - book.last)
            rank = (-min(demand, supply), abs(surplus), away, surplus > 0, -price if surplus > 0 else price)
            if min(demand, supply) and (best is None or rank < best[0]):
                best = (rank, price, min(demand, supply), surplus)
        return best and best[1:]

    def uncross(self, book: Book, phase: Phase) -> None:
        found = self.clearing(book, phase)
        if found:
            price, volume, surplus = found
            self.market_event(book, EventKind.AUCTION, price, volume)
            self.trade_at(book, phase, price, volume, 0)
            if surplus:
                self.trade_at(book, phase, price, abs(surplus), -1 if surplus > 0 else 1)
            book.last = price
        for side in (-1, 1):
            for imbalance in (False, True):
                rows = [o for o in self.only_for(book, phase) if o.side == side and (o.kind in FOR_IMBALANCE) == imbalance]
                self.drop_all(book, rows)

    def drop_all(self, book: Book, rows: list[Resting]) -> None:
        for o in sorted(rows, key=lambda o: -o.side * o.price):
            self.end(book, o, EventKind.CANCELLED, Reason.AUCTION_OVER)

    def trade_at(self, book: Book, phase: Phase, price: int, volume: int, imbalance_side: int) -> None:
        while volume > 0:
            heads = []
            for side in (1, -1):
                rows = self.in_auction(book, phase, side)
                if side == imbalance_side:
                    rows = [o for o in self.only_for(book, phase) if o.side == side and o.kind in FOR_IMBALANCE]
                    rows.sort(key=lambda o: -o.side * o.price)
                rows = [o for o in rows if o.side * (o.price - price) >= 0]
                heads += rows[:1]
            if len(heads) < 2:
                return
            buy, sell = heads
            qty = min(volume, buy.shown, sell.shown)
            volume -= qty
            self.print_trade(book, sell, buy, price, qty, 0)
            for o in (buy, sell):
                o.open -= qty
                if o.open == 0:
                    self.forget(book, o)
                elif o.shown == 0:
                    self.refill(book, o)

    def market_event(self, book: Book, kind: EventKind, price: int, qty: int) -> None:
        row = {"seq": self.seq, "time_ns": self.clock, "order_id": -1, "price_tick": price, "qty_lot": qty, "owner_id": 0}
        self.events.append(row | {"symbol": book.symbol, "venue": book.venue, "reason": 0, "kind": int(kind), "side": 0})

    def change_phase(self, book: Book, m: dict[str, int]) -> None:
        if not 0 <= m["qty_lot"] <= 6:
            self.reject(m, Reason.WRONG_PHASE)
            return
        before, phase = book.phase, Phase(m["qty_lot"])
        if phase == before:
            return
        auctions = (Phase.OPENING_AUCTION, Phase.VOLATILITY_AUCTION, Phase.CLOSING_AUCTION)
        if phase == Phase.CONTINUOUS or (phase == Phase.CLOSED and before in auctions):
            self.uncross(book, before)
        book.phase = phase
        self.market_event(book, EventKind.PHASE, 0, phase)
        if phase == Phase.CLOSED:
            waiting = [o for side in (1, -1) for o in book.ranked(side) if True]
            for side in (1, -1):
                stops = [o for o in book.stops if o.side == side]
                waiting += sorted(stops, key=lambda o: o.side * self.trigger_price(o))
            waiting += [o for o in book.trailing + book.pegs if o not in waiting]
            for o in waiting:
                if o.tif == Tif.DAY:
                    self.end(book, o, EventKind.EXPIRED, Reason.END_OF_SESSION)
            for kinds in (ON_OPEN[:2], ON_CLOSE[:2], ON_OPEN[2:], ON_CLOSE[2:]):
                for side in (1, -1):
                    self.drop_all(book, [o for o in book.for_auction if o.kind in kinds and o.side == side])
        elif phase == Phase.CONTINUOUS and book.last is not None and book.rules.stop_trigger == "last_trade":
            self.watch_prices(book, book.last, book.last)

    # Ends.

    def take_off(self, o: Resting, qty: int) -> None:
        o.open -= qty
        o.reserve -= min(o.reserve, qty)

    def leave(self, book: Book, o: Resting) -> None:
        for rows in (book.queue, book.stops, book.pegs, book.trailing, book.for_auction):
            if o in rows:
                rows.remove(o)

    def forget(self, book: Book, o: Resting) -> None:
        self.leave(book, o)
        del self.alive[o.order_id]

    def end(self, book: Book, o: Resting, kind: EventKind, reason: Reason) -> None:
        self.event(book, o, kind, o.open, reason)
        self.forget(book, o)

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
