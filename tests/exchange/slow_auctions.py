"""Auctions of the slow exchange."""

from __future__ import annotations

from slow_book import BEYOND_ALL, FOR_AUCTION, FOR_IMBALANCE, ON_CLOSE, ON_OPEN, Book, Resting

from marketsim.records import EventKind, Phase, Reason


class Auctions:
    """The part of `SlowExchange` that trades many orders at one price."""

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
            self.note_auction(book, price)
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
