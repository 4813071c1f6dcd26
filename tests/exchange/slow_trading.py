"""How an order trades on the slow exchange, at once and then while it rests."""

from __future__ import annotations

from slow_book import Book, Resting
from slow_venues import away, nearer

from marketsim.records import EventKind, Flag, Kind, Phase, Reason, Tif


class Trading:
    """The part of `SlowExchange` that matches."""

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
        limit, why, refused = self.admitted(book, o.side, self.is_short(o), at_market, limit)
        if refused:
            self.end(book, o, EventKind.CANCELLED, why)
            return
        if why and (protected or not at_market):
            assert limit is not None
            o.price = limit
            if not at_market:
                self.event(book, o, EventKind.REPRICED, o.open, why)
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
            nothing_left = Reason.NO_LIQUIDITY if other is None or not why else why
            reason = Reason.IMMEDIATE_OR_CANCEL if o.tif == Tif.IOC else nothing_left
            self.end(book, o, EventKind.CANCELLED, Reason.TRADE_THROUGH if would_go_on else reason)
        else:
            if at_market:
                o.kind = Kind.LIMIT
                self.event(book, o, EventKind.REPRICED, o.open, Reason.NO_LIQUIDITY)
            self.rest_clear_of(book, o, elsewhere)

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
            self.note_trade(book, maker.price)
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
