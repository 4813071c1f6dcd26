"""Price bands, limit state and short-sale restriction of the slow exchange, in exact fractions."""

from __future__ import annotations

from fractions import Fraction
from math import floor

from slow_book import NEVER, Book, Resting

from marketsim.records import MAX_REFERENCE_TICK, EventKind, Flag, Phase, Reason, Side

HALF = Fraction(1, 2)


class Guards:
    """The part of `SlowExchange` that keeps prices in bounds."""

    def admitted(self, book: Book, side: int, short: bool, at_market: bool, limit: int | None) -> tuple[int | None, Reason, bool]:
        """The limit an order may have now (None for none), the rule that changes it, and whether the venue refuses it instead."""
        why = Reason.NONE
        if book.bands:
            band = book.bands[side]
            if limit is None or side * (limit - band) > 0:
                assert book.rules.price_bands
                if book.rules.price_bands.outside == "reject" and not at_market:
                    return limit, Reason.OUTSIDE_BAND, True
                limit, why = band, Reason.OUTSIDE_BAND
        bid = self.national_bid(book)
        if short and book.restricted_sessions and bid is not None and (limit is None or limit <= bid):
            assert book.rules.short_sales
            if book.rules.short_sales.at_bid == "reject" or at_market:
                return limit, Reason.SHORT_SALE, True
            limit, why = bid + 1, Reason.SHORT_SALE
            while limit % self.increment(book, limit):
                limit += 1
        return limit, why, False

    def note_trade(self, book: Book, price: int) -> None:
        if book.guarded:
            book.low = price if book.low is None else min(book.low, price)
            book.prints.append((self.clock, price))

    def note_auction(self, book: Book, price: int) -> None:
        if book.guarded:
            book.prints = []
            self.note_trade(book, price)
            book.reference, book.reference_since = price, self.clock

    def take_previous_close(self, book: Book, m: dict[str, int]) -> None:
        if not 0 < m["price_tick"] <= MAX_REFERENCE_TICK:
            self.reject(m, Reason.BAD_PRICE)
            return
        book.previous_close = m["price_tick"]
        self.market_event(book, EventKind.PREVIOUS_CLOSE, m["price_tick"], 0)

    def end_day(self, book: Book) -> None:
        if book.low is not None:
            assert book.last is not None
            book.previous_close = book.last
            self.market_event(book, EventKind.PREVIOUS_CLOSE, book.last, 0)
        book.low, book.prints, book.reference = None, [], None
        if book.restricted_sessions:
            book.restricted_sessions -= 1
            if not book.restricted_sessions:
                self.market_event(book, EventKind.SHORT_SALES, 0, 0)

    def supervise(self, book: Book) -> None:
        shorts = book.rules.short_sales
        close = book.previous_close
        watched = shorts and book.restricted_sessions < shorts.sessions and close is not None and book.low is not None
        if watched and Fraction(close - book.low, close) >= Fraction(shorts.fall_ppm, 10**6):
            low = book.low
            for other in self.peers(book):
                if other.rules.short_sales and other.restricted_sessions < other.rules.short_sales.sessions:
                    other.restricted_sessions = other.rules.short_sales.sessions
                    self.market_event(other, EventKind.SHORT_SALES, low, 1)
        if book.rules.price_bands and not book.limit_side:
            book.bands_seen = self.clock
            self.follow_reference(book)
            if book.reference is not None:
                self.set_bands(book)

    def recent(self, book: Book) -> list[tuple[int, int]]:
        assert book.rules.price_bands
        return [(time, price) for time, price in book.prints if time > self.clock - book.rules.price_bands.window_ns]

    def follow_reference(self, book: Book) -> None:
        bands = book.rules.price_bands
        assert bands
        prices = [price for _, price in self.recent(book)]
        mean = floor(Fraction(sum(prices), len(prices)) + HALF) if prices else None
        new = book.reference
        if book.reference is None:
            new = mean if mean is not None else book.previous_close
        elif mean is not None and self.clock - book.reference_since >= bands.hold_ns:
            moved = abs(Fraction(mean - book.reference, book.reference))
            new = mean if moved >= Fraction(bands.least_move_ppm, 10**6) else book.reference
        if new != book.reference:
            book.reference, book.reference_since = new, self.clock

    def bands_due(self, book: Book) -> list[int]:
        """Every later time at which the bands might change by themselves."""
        bands = book.rules.price_bands
        if not bands or book.phase != Phase.CONTINUOUS or book.limit_side or book.reference is None:
            return []
        times = [book.reference_since + bands.hold_ns, *(time + bands.window_ns for time, _ in book.prints)]
        if book.opening != NEVER:
            times += [book.opening, book.opening + bands.open_window_ns]
        if book.closing != NEVER:
            times += [book.closing - bands.close_window_ns]
        return [time for time in times if time > book.bands_seen]

    def set_bands(self, book: Book) -> None:
        bands = book.rules.price_bands
        reference = book.reference
        assert bands
        assert reference is not None
        tier = bands.second_tier if book.symbol in bands.second_tier_symbols else bands.first_tier
        judged = reference if book.previous_close is None else book.previous_close
        width = ([row for row in tier if row.from_tick <= judged] or [tier[0]])[-1]
        factor = 1
        if book.opening != NEVER and book.opening <= self.clock < book.opening + bands.open_window_ns:
            factor = width.open_factor
        if book.closing != NEVER and self.clock >= book.closing - bands.close_window_ns:
            factor = max(factor, width.close_factor)
        away = floor(reference * Fraction(width.width_ppm * factor, 10**6) + HALF)
        if width.most_tick is not None:
            away = min(away, width.most_tick * factor)
        assert book.rules.lowest_tick is not None
        lower = self.nearest(book, max(reference - away, book.rules.lowest_tick))
        now = {1: self.nearest(book, reference + away), -1: lower}
        if now == book.bands:
            return
        book.bands = now
        for side in (Side.BUY, Side.SELL):
            self.market_event(book, EventKind.BAND, now[side], 0, side)
        for side in (Side.BUY, Side.SELL):
            for o in book.ranked(side):
                if side * (o.price - now[side]) > 0:
                    self.bring_inside(book, o, now[side])
        book.peg_reference = None

    def nearest(self, book: Book, price: int) -> int:
        increment = self.increment(book, price)
        rounded = floor(Fraction(price, increment) + HALF) * increment
        assert book.rules.lowest_tick is not None
        return rounded if rounded >= book.rules.lowest_tick else rounded + increment

    def bring_inside(self, book: Book, o: Resting, band: int) -> None:
        assert book.rules.price_bands
        if book.rules.price_bands.outside == "reject" and not o.is_peg:
            self.end(book, o, EventKind.CANCELLED, Reason.OUTSIDE_BAND)
            return
        book.queue.remove(o)
        o.price = band
        self.event(book, o, EventKind.REPRICED, o.open, Reason.OUTSIDE_BAND)
        book.queue.append(o)

    def watch_limit_state(self, book: Book) -> bool:
        side = 0
        if book.bands:
            if book.best_displayed(1) == book.bands[1]:
                side = 1
            elif book.best_displayed(-1) == book.bands[-1]:
                side = -1
        if side == book.limit_side:
            return False
        assert book.bands
        assert book.rules.price_bands
        if book.limit_side:
            self.market_event(book, EventKind.LIMIT_STATE, book.bands[book.limit_side], 0, book.limit_side)
        if side:
            self.market_event(book, EventKind.LIMIT_STATE, book.bands[side], 1, side)
        book.limit_side = side
        book.limit_until = self.clock + book.rules.price_bands.limit_state_ns if side else NEVER
        return True

    def is_short(self, o: Resting) -> bool:
        return bool(o.flags & Flag.SHORT)
