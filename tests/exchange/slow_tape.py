"""What the slow exchange writes down, and how an order ends."""

from __future__ import annotations

from slow_book import Book, Resting

from marketsim.records import EventKind, Reason


class Tape:
    """The tape's half of `SlowExchange`."""

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

    def market_event(self, book: Book, kind: EventKind, price: int, qty: int, side: int = 0) -> None:
        row = {"seq": self.seq, "time_ns": self.clock, "order_id": -1, "price_tick": price, "qty_lot": qty, "owner_id": 0}
        self.events.append(row | {"symbol": book.symbol, "venue": book.venue, "reason": 0, "kind": int(kind), "side": int(side)})

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
