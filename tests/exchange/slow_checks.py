"""Whether a message to the slow exchange is well formed, and whether it comes in time."""

from __future__ import annotations

from slow_book import FOR_AUCTION, FOR_IMBALANCE, NEVER, ON_OPEN, PEGS, Book

from marketsim.records import MAX_QTY_LOT, MAX_REFERENCE_TICK, MAX_TICK, Flag, Kind, Phase, Reason, Side, Tif


class Checks:
    """The part of `SlowExchange` that says no."""

    def malformed(self, book: Book, m: dict[str, int]) -> Reason:
        kind, tif, flags = m["kind"], m["tif"], m["flags"]
        immediate = tif in (Tif.IOC, Tif.FOK)
        allowed = Flag.HIDDEN if kind in (Kind.LIMIT, Kind.STOP_LIMIT) else Flag.NONE
        if kind == Kind.LIMIT:
            allowed |= Flag.SWEEP if immediate else Flag.SWEEP | Flag.POST_ONLY
        if kind in PEGS:
            allowed |= Flag.HIDDEN
        if m["side"] == Side.SELL:
            allowed |= Flag.SHORT
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
        if not self.lowest(book) <= price <= self.highest(book):
            return Reason.BAD_PRICE
        return Reason.OFF_TICK if price % self.increment(book, price) else Reason.NONE

    def lowest(self, book: Book) -> int:
        return -MAX_TICK if book.rules.lowest_tick is None else book.rules.lowest_tick

    def highest(self, book: Book) -> int:
        return MAX_REFERENCE_TICK if book.guarded else MAX_TICK

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

    def too_late(self, book: Book, kind: Kind) -> Reason:
        if book.phase == Phase.CLOSED or (kind in ON_OPEN and book.phase not in (Phase.PRE_OPEN, Phase.OPENING_AUCTION)):
            return Reason.WRONG_PHASE
        cutoffs = book.rules.cutoffs
        early = {
            Kind.MARKET_ON_OPEN: cutoffs.market_on_open_ns,
            Kind.LIMIT_ON_OPEN: cutoffs.limit_on_open_ns,
            Kind.MARKET_ON_CLOSE: cutoffs.market_on_close_ns,
            Kind.LIMIT_ON_CLOSE: cutoffs.limit_on_close_ns,
        }
        cross = book.opening if kind in ON_OPEN else book.closing
        return Reason.CUT_OFF if kind in early and cross != NEVER and self.clock >= cross - early[kind] else Reason.NONE
