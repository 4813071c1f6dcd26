"""The slow exchange's day: phases by message, by timetable and by the end of a halt; indications; market-wide breakers."""

from __future__ import annotations

from fractions import Fraction

from slow_book import NEVER, ON_CLOSE, ON_OPEN, Book

from marketsim.records import MAX_REFERENCE_TICK, EventKind, Kind, Phase, Reason, Tif

IN_AUCTION = (Phase.OPENING_AUCTION, Phase.VOLATILITY_AUCTION, Phase.CLOSING_AUCTION)
TIMED = (Phase.HALT, Phase.VOLATILITY_AUCTION)


class Sessions:
    """The part of `SlowExchange` that follows the day."""

    def change_phase(self, book: Book, m: dict[str, int]) -> None:
        if not 0 <= m["qty_lot"] <= 6:
            self.reject(m, Reason.WRONG_PHASE)
            return
        phase, until = Phase(m["qty_lot"]), NEVER
        if phase in TIMED and m["expire_ns"] != 0:
            until = m["expire_ns"]
            if until <= self.clock:
                self.reject(m, Reason.BAD_EXPIRY)
                return
        self.enter_phase(book, phase, until)

    def enter_phase(self, book: Book, phase: Phase, until: int = NEVER) -> None:
        book.phase_until = until
        before = book.phase
        if phase == before:
            return
        if phase == Phase.CONTINUOUS or (phase == Phase.CLOSED and before in IN_AUCTION):
            self.uncross(book, before)
        book.phase = phase
        book.limit_side, book.limit_until, book.bands = 0, NEVER, None
        self.plan_indication(book)
        self.market_event(book, EventKind.PHASE, 0, phase)
        if phase == Phase.CLOSED:
            self.end_session(book)
        elif phase == Phase.CONTINUOUS and book.last is not None and book.rules.stop_trigger == "last_trade":
            self.watch_prices(book, book.last, book.last)

    def end_session(self, book: Book) -> None:
        waiting = book.ranked(1) + book.ranked(-1)
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
        if book.guarded:
            self.end_day(book)

    # By the clock.

    def due(self, book: Book) -> int:
        """When something may next happen to a book by itself."""
        times = [book.phase_until, book.limit_until, book.indication, *self.bands_due(book)]
        return min([*times, *(time for time, _ in book.schedule[:1])])

    def ring(self, book: Book) -> None:
        if book.schedule and book.schedule[0][0] <= self.clock:
            _, phase = book.schedule.pop(0)
            book.opening, book.closing = book.crosses.pop(0)
            book.scheduled = phase
            if book.phase == Phase.HALT and phase != Phase.CLOSED:
                return
            if book.phase == Phase.VOLATILITY_AUCTION and phase == Phase.CONTINUOUS:
                return
            self.enter_phase(book, phase)
        elif book.phase_until <= self.clock:
            if book.phase == Phase.HALT and book.scheduled == Phase.CONTINUOUS:
                self.enter_phase(book, Phase.VOLATILITY_AUCTION, self.clock + book.rules.reopening_ns)
            else:
                self.enter_phase(book, book.scheduled)
        elif book.limit_until <= self.clock:
            assert book.rules.price_bands
            self.enter_phase(book, Phase.VOLATILITY_AUCTION, self.clock + book.rules.price_bands.pause_ns)
        elif book.indication <= self.clock:
            self.indicate(book)
            self.plan_indication(book)

    def plan_indication(self, book: Book) -> None:
        period = book.rules.indication_period_ns
        book.indication = NEVER
        if period and book.phase in IN_AUCTION:
            book.indication = self.clock + period
        if period and book.phase == Phase.CONTINUOUS and book.closing != NEVER:
            first = book.closing - book.rules.closing_indications_ns
            at = max(self.clock + period, first)
            book.indication = at if at < book.closing else NEVER

    def indicate(self, book: Book) -> None:
        phase = Phase.CLOSING_AUCTION if book.phase == Phase.CONTINUOUS else book.phase
        price, volume, surplus = self.clearing(book, phase) or (0, 0, 0)
        self.market_event(book, EventKind.INDICATION, price, volume)
        self.market_event(book, EventKind.IMBALANCE, price, abs(surplus), (surplus > 0) - (surplus < 0))

    # The index.

    def take_index(self, m: dict[str, int]) -> None:
        if not 0 < m["price_tick"] <= MAX_REFERENCE_TICK:
            self.reject(m, Reason.BAD_PRICE)
        elif m["kind"] == Kind.PREVIOUS_CLOSE:
            self.index_close = m["price_tick"]
            row = {"seq": self.seq, "time_ns": self.clock, "order_id": -1, "price_tick": m["price_tick"], "qty_lot": 0, "owner_id": 0}
            kind = int(EventKind.PREVIOUS_CLOSE)
            self.events.append(row | {"symbol": -1, "venue": m["venue"], "reason": 0, "kind": kind, "side": 0})
            for book in self.books:
                book.breaker_level = 0
        elif not self.index_close:
            self.reject(m, Reason.NO_PREVIOUS_CLOSE)
        else:
            for book in self.books:
                self.break_circuit(book, m["price_tick"])

    def break_circuit(self, book: Book, level: int) -> None:
        if book.phase not in (Phase.CONTINUOUS, Phase.VOLATILITY_AUCTION, Phase.HALT) or not book.rules.circuit_breakers:
            return
        fall = Fraction(self.index_close - level, self.index_close)
        reached = [
            k
            for k, row in enumerate(book.rules.circuit_breakers.levels, start=1)
            if k > book.breaker_level
            and fall >= Fraction(row.fall_ppm, 10**6)
            and (book.closing == NEVER or self.clock < book.closing - row.until_before_close_ns)
        ]
        if not reached:
            return
        book.breaker_level = reached[-1]
        self.market_event(book, EventKind.MARKET_HALT, level, reached[-1])
        halt = book.rules.circuit_breakers.levels[reached[-1] - 1].halt_ns
        until = NEVER if halt is None else self.clock + halt
        self.enter_phase(book, Phase.HALT, max(until, book.phase_until) if book.phase == Phase.HALT else until)
