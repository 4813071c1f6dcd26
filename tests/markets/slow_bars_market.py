"""The slow twin of the bars market: one account, plain Python objects, each rule written out as the documentation says it.

Shares no code with the compiled engine. `docs/concepts/bars-market.md` is its specification.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from marketsim.records import Kind, Order, Side, Tif

CERTAIN_NONE = 1e-9


@dataclass
class SlowOrder:
    """An order and what has become of it."""

    number: int
    ask: Order
    open_qty: float
    limit: float
    stop: float
    state: str = "live"  # live, filled, cancelled, expired, rejected
    triggered: bool = False
    earned_fee: float = 0.0
    charged_fee: float = 0.0
    ever_filled: bool = False


@dataclass
class SlowTerms:
    """What trading costs and what the account may do."""

    half_spread: float = 0.0
    slippage: float = 0.0
    per_share: float = 0.0
    per_notional: float = 0.0
    minimum: float = 0.0
    cap: float | None = None
    leverage: float = 1.0
    allow_short: bool = True


@dataclass
class SlowAccount:
    """One account; `bars[symbol][i]` is (open, high, low, close, volume) or None."""

    cash: float
    terms: SlowTerms
    symbols: tuple[str, ...]
    held: dict[str, float] = field(default_factory=dict)
    mark: dict[str, float] = field(default_factory=dict)
    orders: list[SlowOrder] = field(default_factory=list)
    fills: list[tuple[int, int, float, float, float]] = field(default_factory=list)  # order, side, qty, price, fee
    traded: dict[str, float] = field(default_factory=dict)

    def send(self, order: Order) -> None:
        self.orders.append(SlowOrder(len(self.orders), order, order.qty, order.limit_price, order.stop_price))

    def live(self) -> list[SlowOrder]:
        return [o for o in self.orders if o.state == "live"]

    def play(
        self, bar: dict[str, tuple[float, float, float, float, float] | None], splits: dict[str, float], dividends: dict[str, float]
    ) -> None:
        self.traded = {}
        for symbol in self.symbols:
            self._overnight(symbol, splits.get(symbol, 1.0), dividends.get(symbol, 0.0))
        for symbol, prices in bar.items():
            if prices:
                self.mark[symbol] = prices[0]
        # Reducing orders first, then all that still live. Whether an order reduces is asked when its turn comes.
        for first_pass in (True, False):
            for o in self.live():
                if self._reduces(o) or not first_pass:
                    self._open(o, bar[o.ask.symbol])
        self._path(bar)
        for o in self.live():
            prices = bar[o.ask.symbol]
            if o.ask.kind == Kind.MARKET_ON_CLOSE and prices:
                self._fill(o, prices[3], True, prices[4])
                if o.state == "live":
                    o.state = "cancelled"
        for o in self.live():
            if o.ask.tif == Tif.DAY:
                o.state = "expired"
        for symbol, prices in bar.items():
            if prices:
                self.mark[symbol] = prices[3]

    def equity(self) -> float:
        return self.cash + sum(q * self.mark[s] for s, q in self.held.items() if q)

    def _reduces(self, o: SlowOrder) -> bool:
        return o.ask.side * self.held.get(o.ask.symbol, 0.0) < 0

    def _overnight(self, symbol: str, ratio: float, dividend: float) -> None:
        if ratio != 1.0:
            self.held[symbol] = self.held.get(symbol, 0.0) * ratio
            if symbol in self.mark:
                self.mark[symbol] /= ratio
            for o in self.live():
                if o.ask.symbol == symbol:
                    o.open_qty, o.limit, o.stop = o.open_qty * ratio, o.limit / ratio, o.stop / ratio
        self.cash += self.held.get(symbol, 0.0) * dividend

    def _open(self, o: SlowOrder, prices: tuple[float, float, float, float, float] | None) -> None:
        if not prices:
            return
        opening, volume, buy = prices[0], prices[4], o.ask.side == Side.BUY
        kind = o.ask.kind
        if kind == Kind.MARKET:
            self._fill(o, opening, True, volume)
        elif kind == Kind.MARKET_ON_OPEN:
            self._fill(o, opening, True, volume)
            if o.state == "live":
                o.state = "cancelled"
        elif kind == Kind.LIMIT and (opening <= o.limit if buy else opening >= o.limit):
            self._fill(o, opening, False, volume)
        elif kind in (Kind.STOP, Kind.STOP_LIMIT):
            if opening >= o.stop if buy else opening <= o.stop:
                o.triggered = True
            if o.triggered and kind == Kind.STOP:
                self._fill(o, opening, True, volume)
            elif o.triggered and (opening <= o.limit if buy else opening >= o.limit):
                self._fill(o, opening, False, volume)

    def _path(self, bar: dict[str, tuple[float, float, float, float, float] | None]) -> None:
        resting = [o for o in self.live() if o.ask.kind == Kind.LIMIT or (o.ask.kind == Kind.STOP_LIMIT and o.triggered)]
        hit = []
        for o in self.live():
            prices = bar[o.ask.symbol]
            if o.ask.kind in (Kind.STOP, Kind.STOP_LIMIT) and not o.triggered and prices:
                opening, high, low, _, _ = prices
                if high >= o.stop if o.ask.side == Side.BUY else low <= o.stop:
                    hit.append((abs(o.stop / opening - 1.0), o.number, o))
        for _, _, o in sorted(hit, key=lambda entry: entry[:2]):
            prices = bar[o.ask.symbol]
            assert prices
            buy, close, volume = o.ask.side == Side.BUY, prices[3], prices[4]
            o.triggered = True
            if o.ask.kind == Kind.STOP:
                self._fill(o, o.stop, True, volume)
            elif o.limit >= o.stop if buy else o.limit <= o.stop:
                self._fill(o, o.stop, False, volume)
            elif close <= o.limit if buy else close >= o.limit:
                self._fill(o, o.limit, False, volume)
        for o in resting:
            prices = bar[o.ask.symbol]
            if o.state != "live" or not prices:
                continue
            opening, high, low, _, volume = prices
            if o.ask.side == Side.BUY:
                reached, was_marketable = low <= o.limit, opening <= o.limit
            else:
                reached, was_marketable = high >= o.limit, opening >= o.limit
            if reached and not was_marketable:
                self._fill(o, o.limit, False, volume)

    def _fill(self, o: SlowOrder, reference: float, takes: bool, volume: float) -> None:
        t, symbol, side = self.terms, o.ask.symbol, int(o.ask.side)
        qty = o.open_qty
        if t.cap is not None:
            qty = min(qty, float(max(0, math.floor(t.cap * volume - self.traded.get(symbol, 0.0) + 1e-9))))
        if qty <= CERTAIN_NONE:
            return
        price = max(0.0, reference * (1.0 + side * (t.half_spread + t.slippage))) if takes else reference
        allowed = self._affordable(o, qty, price)
        if allowed < qty - CERTAIN_NONE:
            o.state = "cancelled" if allowed > CERTAIN_NONE or o.ever_filled else "rejected"
        if allowed <= CERTAIN_NONE:
            return
        o.earned_fee += t.per_share * allowed + t.per_notional * allowed * price
        fee = max(t.minimum, o.earned_fee) - o.charged_fee
        o.charged_fee += fee
        o.ever_filled = True
        o.open_qty -= allowed
        self.cash -= side * allowed * price + fee
        self.held[symbol] = self.held.get(symbol, 0.0) + side * allowed
        if abs(self.held[symbol]) < CERTAIN_NONE:
            self.held[symbol] = 0.0
        self.traded[symbol] = self.traded.get(symbol, 0.0) + allowed
        self.fills.append((o.number, side, allowed, price, fee))
        if o.state == "live" and o.open_qty <= CERTAIN_NONE:
            o.state = "filled"

    def _affordable(self, o: SlowOrder, qty: float, price: float) -> float:
        """Try whole quantities downwards until the account carries one: obvious, and slow."""
        side, held = int(o.ask.side), self.held.get(o.ask.symbol, 0.0)
        closing = min(qty, abs(held)) if held * side < 0 else 0.0
        if qty - closing <= CERTAIN_NONE:
            return qty
        if side < 0 and not self.terms.allow_short:
            return closing
        if self._carries(o, qty, price):
            return qty
        opening = math.floor(qty - closing + 1e-9)
        while opening > 0 and not self._carries(o, closing + opening, price):
            opening -= 1
        return closing + opening

    def _carries(self, o: SlowOrder, qty: float, price: float) -> bool:
        t, symbol, side = self.terms, o.ask.symbol, int(o.ask.side)
        fee = max(t.minimum, o.earned_fee + t.per_share * qty + t.per_notional * qty * price) - o.charged_fee
        after = dict(self.held)
        after[symbol] = after.get(symbol, 0.0) + side * qty
        cash = self.cash - side * qty * price - fee
        equity = cash + sum(q * self.mark[s] for s, q in after.items() if q)
        gross = sum(abs(q) * self.mark[s] for s, q in after.items() if q)
        return gross <= t.leverage * equity + 1e-7
