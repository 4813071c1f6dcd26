"""Several venues as one market, the slow way: what every venue shows, and what one owes to the quotes of the others."""

from __future__ import annotations

from slow_book import Book, Resting

from marketsim.records import EventKind, Flag, Phase, Reason

Quote = tuple[int, int]  # price, displayed lots


def quote(book: Book, side: int) -> Quote | None:
    """Price down to which a book shows a round lot, and how much that is."""
    if book.phase != Phase.CONTINUOUS:
        return None
    shown: dict[int, int] = {}
    for o in book.queue:
        if o.side == side and not o.hidden:
            shown[o.price] = shown.get(o.price, 0) + o.shown
    total = 0
    for price in sorted(shown, reverse=side > 0):
        total += shown[price]
        if total >= book.rules.round_lot:
            return price, total
    return None


def best(books: list[Book], side: int) -> tuple[int, int, int] | None:
    """Best price of some books of one symbol, the lots there, and a bit for each venue that stands there."""
    quotes = {book.venue: found for book in books if (found := quote(book, side))}
    if not quotes:
        return None
    price = max(side * p for p, _ in quotes.values()) * side
    there = {venue: lots for venue, (p, lots) in quotes.items() if p == price}
    return price, sum(there.values()), sum(1 << venue for venue in there)


def consolidated(books: list[Book]) -> tuple[int, int, int, int, int, int, int]:
    """A CONSOLIDATED row from the books of one symbol."""
    bid, ask = best(books, 1), best(books, -1)
    b, a = bid or (0, 0, 0), ask or (0, 0, 0)
    state = 0 if bid is None or ask is None or a[0] > b[0] else 1 if a[0] == b[0] else 2
    return (b[0], b[1], a[0], a[1], b[2], a[2], state)


def away(books: list[Book], book: Book, side: int) -> int | None:
    """The protected price of the other venues that a buyer (seller) may not pay more (take less) than here."""
    if book.rules.trade_through == "allow":
        return None
    protected = [other for other in books if other.rules.quote_protected]
    bid, ask = best(protected, 1), best(protected, -1)
    if bid and ask and bid[0] > ask[0]:
        return None
    found = best([other for other in protected if other is not book], -side)
    return found and found[0]


def nearer(side: int, *limits: int | None) -> int | None:
    """The least aggressive of some limits, None standing for no limit."""
    given = [limit for limit in limits if limit is not None]
    return min(given, key=lambda price: side * price) if given else None


def exempt(flags: int) -> bool:
    return bool(flags & Flag.SWEEP)


class Venues:
    """The part of `SlowExchange` that looks at other venues."""

    def peers(self, book: Book) -> list[Book]:
        """The books of a symbol at all venues."""
        return [other for other in self.books if other.symbol == book.symbol]

    def references(self, book: Book) -> tuple[int | None, int | None]:
        """The bid and ask that the pegs of a book follow."""
        if book.rules.peg_reference == "own":
            return book.best_displayed(1), book.best_displayed(-1)
        bid, ask = best(self.peers(book), 1), best(self.peers(book), -1)
        return bid and bid[0], ask and ask[0]

    def national_bid(self, book: Book) -> int | None:
        found = best(self.peers(book), 1)
        return found and found[0]

    def follow(self, book: Book) -> None:
        """Settle one venue after the other whose pegs have not followed the consolidated quote yet."""
        while stale := [
            other
            for other in self.peers(book)
            if other.pegs
            and other.rules.peg_reference == "consolidated"
            and other.phase == Phase.CONTINUOUS
            and self.references(other) != other.peg_reference
        ]:
            self.settle_one(stale[0])

    def rest_clear_of(self, book: Book, o: Resting, elsewhere: int | None) -> None:
        """Wait where the order neither locks nor crosses the quote elsewhere, if it may."""
        if elsewhere is None or o.side * (elsewhere - o.price) > 0 or (o.hidden and o.price == elsewhere):
            self.rest(book, o)
            return
        price = self.on_grid(book, o.side, elsewhere if o.hidden else elsewhere - o.side)
        if book.rules.trade_through == "cancel" or not self.lowest(book) <= price <= self.highest(book):
            self.end(book, o, EventKind.CANCELLED, Reason.TRADE_THROUGH)
            return
        o.price = price
        self.event(book, o, EventKind.REPRICED, o.open, Reason.TRADE_THROUGH)
        self.rest(book, o)
