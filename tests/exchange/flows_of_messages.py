"""Random messages of every kind around one price, faulty ones included, and the comparison of both exchanges on them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from slow_exchange import SlowExchange

from marketsim.exchange import Exchange
from marketsim.records import MESSAGE, TRADE, Flag, Kind, Phase, Tif
from marketsim.session_rules import BandWidth, BreakerLevel, CircuitBreakers, PriceBands, ShortSales
from marketsim.timetable import AuctionCutoffs, Timetable
from marketsim.venue_rules import Fees, TickBand, VenueRules

NEW_KINDS = [Kind.LIMIT] * 8 + [Kind.MARKET] * 2 + [Kind.STOP, Kind.STOP_LIMIT, Kind.TRAILING_STOP]
NEW_KINDS += [Kind.PEG_PRIMARY, Kind.PEG_MARKET, Kind.PEG_MIDPOINT]
# Sessions of 600 ns with an auction at either end, as the messages come about one a nanosecond.
A_DAY = ((20, Phase.PRE_OPEN), (50, Phase.OPENING_AUCTION), (90, Phase.CONTINUOUS), (500, Phase.CLOSING_AUCTION), (560, Phase.CLOSED))
SHORT_DAYS = Timetable(tuple((600 * day + time, phase) for day in range(40) for time, phase in A_DAY))
NASDAQ_DAYS = Timetable(
    tuple((600 * day + time, phase) for day in range(40) for time, phase in (*A_DAY[:3], (560, Phase.CLOSING_AUCTION), A_DAY[4]))
)
TIERS = (BandWidth(0, 300_000, 4), BandWidth(90, 60_000)), (BandWidth(0, 30_000, None, 3, 1), BandWidth(98, 100_000, 7))
QUICK_BANDS = PriceBands(*TIERS, (1,), window_ns=60, hold_ns=12, open_window_ns=40, close_window_ns=50, limit_state_ns=6, pause_ns=9)
REFUSING_BANDS = PriceBands(
    (BandWidth(0, 40_000),), outside="reject", window_ns=30, hold_ns=0, least_move_ppm=0, limit_state_ns=3, pause_ns=0
)
BREAKERS = CircuitBreakers((BreakerLevel(70_000, 15, 90), BreakerLevel(130_000, 30, 90), BreakerLevel(200_000, None)))
RULES = (
    VenueRules.plain(),
    VenueRules.plain(replace_priority="lost", stop_trigger="opposite_touch", self_trade="cancel_oldest", hidden_ranking="by_time"),
    VenueRules.plain(self_trade="cancel_newest", post_only="slide", protection_ticks=2, lot=2, fees=Fees(-0.002, 0.003)),
    VenueRules.plain(self_trade="cancel_both", lowest_tick=1, tick_bands=(TickBand(0, 0, 1), TickBand(0, 100, 2)), post_only="slide"),
    VenueRules.plain(self_trade="decrement", stop_trigger="opposite_touch", protection_ticks=3, fees=Fees(0, 0, 0.0001, 0.0002)),
    VenueRules.plain(lowest_tick=1, price_bands=QUICK_BANDS, self_trade="cancel_newest"),
    VenueRules.plain(lowest_tick=1, short_sales=ShortSales(20_000, 2, "reject"), post_only="slide", stop_trigger="opposite_touch"),
    VenueRules.plain(
        lowest_tick=1,
        price_bands=REFUSING_BANDS,
        short_sales=ShortSales(30_000, 1),
        circuit_breakers=BREAKERS,
        reopening_ns=5,
        protection_ticks=3,
        tick_bands=(TickBand(0, 0, 1), TickBand(0, 100, 2)),
    ),
    VenueRules.plain(timetable=SHORT_DAYS, cutoffs=AuctionCutoffs(30, 10, 60, 25), indication_period_ns=7, circuit_breakers=BREAKERS),
    VenueRules.plain(
        lowest_tick=1,
        timetable=NASDAQ_DAYS,
        indication_period_ns=9,
        closing_indications_ns=80,
        reopening_ns=4,
        price_bands=QUICK_BANDS,
        short_sales=ShortSales(40_000, 2),
        circuit_breakers=BREAKERS,
        post_only="slide",
        hidden_ranking="by_time",
        stop_trigger="opposite_touch",
        replace_priority="lost",
    ),
)

# Venues of one market, which must count in the same ticks and lots where one compares itself with the others.
PROTECTING = VenueRules.plain(trade_through="reprice", peg_reference="consolidated", post_only="slide", fees=Fees(-0.002, 0.003))
MARKETS = (
    (PROTECTING, VenueRules.plain()),
    (VenueRules.plain(trade_through="cancel"), VenueRules.plain(trade_through="reprice", self_trade="cancel_oldest")),
    (
        VenueRules.plain(trade_through="reprice", peg_reference="consolidated", protection_ticks=2, self_trade="decrement"),
        VenueRules.plain(trade_through="cancel", lot=2, stop_trigger="opposite_touch", quote_protected=False),
        VenueRules.plain(peg_reference="consolidated", round_lot=10, hidden_ranking="by_time", fees=Fees(0, 0, 0.0001, 0.0002)),
    ),
    (
        PROTECTING,
        VenueRules.plain(
            trade_through="reprice", lowest_tick=1, tick_bands=(TickBand(0, 0, 1), TickBand(0, 100, 2)), peg_reference="consolidated"
        ),
        VenueRules.plain(
            stop_trigger="opposite_touch",
            replace_priority="lost",
            self_trade="cancel_both",
            lowest_tick=1,
            short_sales=ShortSales(30_000, 1, "reject"),
        ),
        VenueRules.plain(trade_through="cancel", peg_reference="consolidated", round_lot=15, self_trade="cancel_newest"),
    ),
    (
        VenueRules.plain(lowest_tick=1, price_bands=QUICK_BANDS, circuit_breakers=BREAKERS, reopening_ns=5, trade_through="reprice"),
        VenueRules.plain(
            trade_through="reprice",
            peg_reference="consolidated",
            stop_trigger="opposite_touch",
            lowest_tick=1,
            short_sales=ShortSales(30_000, 2),
        ),
        VenueRules.plain(
            lowest_tick=1,
            timetable=SHORT_DAYS,
            price_bands=REFUSING_BANDS,
            short_sales=ShortSales(20_000, 2),
            trade_through="cancel",
            peg_reference="consolidated",
            protection_ticks=4,
        ),
    ),
)


def random_messages(
    rng: np.random.Generator,
    n: int,
    *,
    width: int = 8,
    ids: int = 60,
    faulty: float = 0.02,
    wide: bool = False,
    phases: bool = False,
    venues: int = 1,
) -> NDArray[np.void]:
    """Return ``n`` messages whose ids, owners and prices meet often."""
    m = np.zeros(n, MESSAGE)
    m["time_ns"] = np.cumsum(rng.integers(0, 3, n))
    kinds = np.array(NEW_KINDS)
    m["kind"] = np.where(rng.random(n) < 0.6, rng.choice(kinds, n), rng.choice([Kind.CANCEL, Kind.REPLACE, Kind.REDUCE, Kind.REPLACE], n))
    m["kind"] = np.where(rng.random(n) < 0.01, rng.choice([Kind.CANCEL_OWNER, Kind.CLOCK], n), m["kind"])
    m["order_id"] = rng.integers(0, ids, n)
    m["order_id"] += np.where(m["order_id"] % 3 == 0, 2**40, 0)
    m["owner_id"] = rng.integers(0, 4, n)
    m["side"] = rng.choice([-1, 1], n)
    m["price_tick"] = 100 + rng.integers(-width, width + 1, n)
    if wide:
        far = rng.random(n) < 0.7
        m["price_tick"] = np.where(far, 100 - m["side"] * rng.integers(0, 10**9, n), m["price_tick"])
    m["qty_lot"] = rng.integers(1, 12, n) * 2
    m["stop_tick"] = 100 + rng.integers(-width, width + 1, n)
    trailing = m["kind"] == Kind.TRAILING_STOP
    pegged = (m["kind"] >= Kind.PEG_PRIMARY) & (m["kind"] <= Kind.PEG_MIDPOINT)
    m["stop_tick"] = np.where(trailing, rng.integers(1, 5, n), np.where(pegged, rng.integers(-2, 3, n), m["stop_tick"]))
    m["display_lot"] = np.where(rng.random(n) < 0.15, rng.integers(1, 4, n) * 2, 0)
    m["tif"] = rng.choice([0, Tif.GTC, Tif.GTC, Tif.GTC, Tif.DAY, Tif.GTD, Tif.IOC, Tif.FOK], n)
    m["flags"] = rng.choice([0, 0, 0, 0, 0, Flag.POST_ONLY, Flag.HIDDEN], n)
    m["expire_ns"] = np.where(m["tif"] == Tif.GTD, m["time_ns"] + rng.integers(1, 40, n), 0)
    m["min_qty_lot"] = np.where((m["tif"] == Tif.IOC) & (rng.random(n) < 0.5), rng.integers(1, 12, n), 0)
    m["symbol"] = rng.integers(0, 2, n)
    m["flags"] |= np.where((m["side"] < 0) & (rng.random(n) < 0.4), np.int16(Flag.SHORT), np.int16(0))
    news = rng.random(n) < 0.01
    m["kind"] = np.where(news, rng.choice([Kind.INDEX, Kind.INDEX, Kind.INDEX, Kind.PREVIOUS_CLOSE], n), m["kind"])
    m["symbol"] = np.where(news & ((m["kind"] == Kind.INDEX) | (rng.random(n) < 0.3)), -1, m["symbol"])
    m["price_tick"] = np.where(news & (m["symbol"] == -1), rng.choice([100, 100, 100, 95, 93, 87, 80], n), m["price_tick"])
    if venues > 1:
        m["venue"] = rng.integers(0, venues, n)
        m["flags"] |= np.where((m["kind"] == Kind.LIMIT) & (rng.random(n) < 0.2), Flag.SWEEP, 0)
        m["flags"] |= np.where((m["kind"] == Kind.REPLACE) & (rng.random(n) < 0.2), Flag.SWEEP, 0)
    if phases:
        m["kind"] = np.where(rng.random(n) < 0.1, rng.integers(Kind.MARKET_ON_OPEN, Kind.IMBALANCE_ON_CLOSE + 1, n), m["kind"])
        turns = rng.random(n) < 0.04
        m["kind"] = np.where(turns, Kind.PHASE, m["kind"])
        m["qty_lot"] = np.where(turns, rng.choice([0, 1, 2, 2, 3, 3, 3, 4, 5, 6, 6, 9], n), m["qty_lot"])
        m["expire_ns"] = np.where(turns, np.where(rng.random(n) < 0.5, m["time_ns"] + rng.integers(0, 30, n), 0), m["expire_ns"])
    for name in (
        "order_id",
        "owner_id",
        "side",
        "price_tick",
        "qty_lot",
        "stop_tick",
        "display_lot",
        "tif",
        "flags",
        "symbol",
        "venue",
        "kind",
        "expire_ns",
    ):
        bad = rng.random(n) < faulty / 13
        m[name] = np.where(bad, rng.choice([-1, 0, 1, 7, 77], n), m[name])
    m["time_ns"] -= np.where(rng.random(n) < faulty / 13, 5, 0)
    return m


def as_dicts(messages: NDArray[np.void]) -> list[dict[str, int]]:
    return [dict(zip(MESSAGE.names or (), row.item(), strict=True)) for row in messages]


def first_difference(messages: NDArray[np.void], rules: VenueRules | Sequence[VenueRules]) -> str | None:
    """Return where the two exchanges part, or None."""
    fast, slow = Exchange(rules, symbols=2), SlowExchange(rules, symbols=2)
    tape = fast.send(messages)
    for message in as_dicts(messages):
        slow.send(message)
    for name, rows, theirs in (("trade", tape.trades, slow.trades), ("event", tape.events, slow.events)):
        for k in range(max(len(rows), len(theirs))):
            mine = dict(zip(rows.dtype.names, rows[k].item(), strict=True)) if k < len(rows) else None
            other = theirs[k] if k < len(theirs) else None
            if mine is None or other is None or not same(mine, other):
                return f"{name} {k}: exchange {mine}, twin {other}"
    for symbol, venue in product(range(2), range(slow.venues)):
        rows = fast.depth(50, symbol=symbol, venue=venue)
        (bids, bid_lots), (asks, ask_lots) = slow.depth(symbol, venue)
        mine = [
            rows[c][rows[lot] > 0].tolist()
            for lot, c in (("bid_lot", "bid_tick"), ("bid_lot", "bid_lot"), ("ask_lot", "ask_tick"), ("ask_lot", "ask_lot"))
        ]
        if mine != [bids[:50], bid_lots[:50], asks[:50], ask_lots[:50]]:
            return f"depth of symbol {symbol} at venue {venue}: exchange {mine}, twin {bids, bid_lots, asks, ask_lots}"
    if fast.n_live != len(slow.alive):
        return f"live orders: exchange {fast.n_live}, twin {len(slow.alive)}"
    return None


def same(mine: dict[str, Any], other: dict[str, Any]) -> bool:
    close = all(abs(mine[name] - other[name]) < 1e-9 for name in ("maker_fee", "taker_fee") if name in mine)
    return close and all(mine[name] == other[name] for name in mine if not name.endswith("_fee"))


assert TRADE.names is not None
