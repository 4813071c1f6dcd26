"""What moves by itself on the slow exchange: stops, trailing stops and pegs."""

from __future__ import annotations

from slow_book import Book, Resting
from slow_venues import away

from marketsim.records import MAX_TICK, EventKind, Flag, Kind, Phase, Side


class Watchers:
    """The part of `SlowExchange` that watches prices."""

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
        prices += [book.bands[o.side]] if book.bands else []
        elsewhere = away(self.peers(book), book, o.side)
        prices += [] if elsewhere is None else [elsewhere]
        national = self.national_bid(book)
        if o.flags & Flag.SHORT and book.restricted_sessions and national is not None:
            prices += [national + 1]
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
        self.follow(book)

    def settle_one(self, book: Book) -> None:
        while book.phase == Phase.CONTINUOUS:
            self.supervise(book)
            if book.pending:
                self.enter_stop(book, book.pending.pop(0))
                continue
            if book.rules.stop_trigger == "opposite_touch":
                self.watch_prices(book, book.best_displayed(-1), book.best_displayed(1))
                if book.pending:
                    continue
            if not self.reprice_pegs(book) and not self.watch_limit_state(book):
                return
