"""What all market makers share: where they think the price is, when they quote, and how their orders become the ladder they want.

A maker acts only on what has settled: while anything it has sent is under way it waits, so it never cancels an order twice and never
stands in the market twice. An order that is where it should be stays, and keeps its place in the queue.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from pydantic import Field

from marketsim.agents.regime import SECOND, WATCH, RegimeParams, size_factor, spread_factor, watch_regime
from marketsim.kernel.book_state import NO_PRICE, NONE
from marketsim.kernel.compile import inner
from marketsim.kernel.simulation.actions import cancel, cancel_each, send, wake_in
from marketsim.kernel.simulation.sight import (
    book_index,
    first_order,
    fundamental_tick,
    grid_step,
    grid_tick,
    has_settled,
    last_tick,
    next_order,
    order,
    others_tick,
    phase,
)
from marketsim.kernel.simulation.streams import exponential
from marketsim.records import Flag, Kind, NewsCode, Phase, Tif, Turn

CONTINUOUS = Phase.CONTINUOUS.value
LIMIT, GTC, POST_ONLY = Kind.LIMIT.value, Tif.GTC.value, Flag.POST_ONLY.value
TOLD = Turn.NEWS.value
NEWS, LIQUIDITY = NewsCode.NEWS.value, NewsCode.LIQUIDITY.value
FUNDAMENTAL, EXPONENTIAL = 1, 1  # places of the words in `MakerParams`
BUY, SELL = 1, -1

SHOCK = np.dtype([("until_ns", np.int64), ("severity", np.float64)])
MAKER = np.dtype([("watch", WATCH), ("shock", SHOCK)])


class MakerParams(RegimeParams):
    """Parameters of every market maker; each kind adds its own."""

    qty_lot: int = Field(100, gt=0, description="Quantity at each price, lots; also the unit that inventory is counted in.")
    n_levels: int = Field(1, gt=0, le=60, description="Prices quoted on each side.")
    level_spacing_tick: int = Field(1, gt=0, description="Distance between them, ticks; rounded up to the price grid.")
    requote_s: float = Field(1.0, gt=0, description="Time between two looks at the market, s.")
    requote: Literal["fixed", "exponential"] = Field("fixed", description="Whether that time is fixed or the mean of a Poisson process's.")
    inventory_limit_lot: int = Field(10**9, gt=0, description="Position it does not quote beyond, either way, lots.")
    reference: Literal["mid", "fundamental"] = Field(
        "mid",
        description="Price quoted around: the mid of other people's orders (else the last trade, else the fundamental), or the latter.",
    )
    shock_s: float = Field(300.0, ge=0, description="How long a liquidity shock is felt, s.")
    shock_spread: float = Field(3.0, ge=1, description="Spread under a liquidity shock of size 1, multiples of the usual one.")
    news_severity: float = Field(0.0, ge=0, le=1, description="Liquidity shock that other news are taken for, 0 to 1.")


@inner
def ready_to_quote(market, me, p, state):
    """Ask for the next turn, hear the news, watch the regime; whether to quote now. Outside continuous trading all quotes are pulled."""
    wait_ns = p.requote_s * SECOND
    wake_in(market, me, exponential(me, wait_ns) if p.requote == EXPONENTIAL else wait_ns)
    hear_shock(market, me, p, state.shock)
    watch_regime(market, me, p, state.watch)
    if not has_settled(me):
        return False
    if phase(market, me.symbol, me.venue) != CONTINUOUS:
        cancel_each(market, me)
        return False
    return True


@inner
def hear_shock(market, me, p, shock):
    """Take note of news about the maker's symbol, or about all (-1); a later shock replaces the one under way."""
    if me.turn != TOLD or (market.news_symbol != me.symbol and market.news_symbol != -1):
        return
    severity = 0.0
    if market.news_code == LIQUIDITY:
        severity = min(max(market.news_size, 0.0), 1.0)
    elif market.news_code == NEWS:
        severity = p.news_severity
    if severity > 0.0:
        shock.severity = severity
        shock.until_ns = me.now_ns + int(p.shock_s * SECOND)


@inner
def severity_now(me, shock):
    """Return the size of the liquidity shock under way, 0 for none."""
    return shock.severity if me.now_ns < shock.until_ns else 0.0


@inner
def reference_tick(market, me, p):
    """Return the price to quote around, ticks as a real number; with one side missing, the last trade no worse than what is there."""
    if p.reference == FUNDAMENTAL:
        return fundamental_tick(market, me.symbol)
    bid = others_tick(market, me, me.symbol, me.venue, BUY)
    ask = others_tick(market, me, me.symbol, me.venue, SELL)
    if bid != NO_PRICE and ask != NO_PRICE:
        return 0.5 * (bid + ask)
    last = last_tick(market, me.symbol, me.venue)
    price = float(last) if last != NO_PRICE else fundamental_tick(market, me.symbol)
    if bid != NO_PRICE:
        price = max(price, float(bid))
    if ask != NO_PRICE:
        price = min(price, float(ask))
    return price


@inner
def quote(market, me, p, state, centre_tick, half_spread_tick, inventory_lot):
    """Let the maker's orders be its ladder around a centre; never through other people's orders, never beyond the inventory limit."""
    severity = severity_now(me, state.shock)
    half = half_spread_tick * spread_factor(p, state.watch) * (1.0 + severity * (p.shock_spread - 1.0))
    qty_lot = int(p.qty_lot * size_factor(p, state.watch) * (1.0 - severity))
    bid = math.floor(centre_tick - half + 0.5)
    ask = max(math.ceil(centre_tick + half - 0.5), bid + 1)
    others_bid = others_tick(market, me, me.symbol, me.venue, BUY)
    others_ask = others_tick(market, me, me.symbol, me.venue, SELL)
    if others_ask != NO_PRICE:
        bid = min(bid, others_ask - 1)
    if others_bid != NO_PRICE:
        ask = max(ask, others_bid + 1)
    bid, ask = grid_tick(market, me.venue, BUY, bid), grid_tick(market, me.venue, SELL, ask)
    stand(market, me, p, bid, p.inventory_limit_lot - inventory_lot, ask, p.inventory_limit_lot + inventory_lot, qty_lot)


@inner
def stand(market, me, p, bid_tick, bid_room_lot, ask_tick, ask_room_lot, qty_lot):
    """Cancel what does not belong to the two ladders, then add what is missing; ``room`` is what a side may still trade, lots."""
    bid_lot, bid_levels = fitted(qty_lot, bid_room_lot, p.n_levels)
    ask_lot, ask_levels = fitted(qty_lot, ask_room_lot, p.n_levels)
    step = grid_step(market, me.venue, ask_tick)
    spacing = -(-p.level_spacing_tick // step) * step
    bids = keep_ladder(market, me, BUY, bid_tick, bid_lot, bid_levels, spacing)
    asks = keep_ladder(market, me, SELL, ask_tick, ask_lot, ask_levels, spacing)
    add_ladder(market, me, BUY, bid_tick, bid_lot, bid_levels, spacing, bids)
    add_ladder(market, me, SELL, ask_tick, ask_lot, ask_levels, spacing, asks)


@inner
def fitted(qty_lot, room_lot, n_levels):
    """Return the quantity a level and the number of levels that fit into what may still be traded."""
    if qty_lot <= 0 or room_lot <= 0:
        return 0, 0
    if room_lot < qty_lot:
        return room_lot, 1
    return qty_lot, min(n_levels, room_lot // qty_lot)


@inner
def keep_ladder(market, me, side, best_tick, qty_lot, n_levels, spacing_tick):
    """Cancel own orders of a side that are not on the ladder, or hold too much or under half; return which levels stand, one bit each."""
    kept = 0
    book = book_index(market, me.symbol, me.venue)
    index = first_order(market, me)
    # Own orders before ``index`` are in ``kept`` or asked to be cancelled.
    while index != NONE:
        mine = order(market, index)
        if mine.book == book and mine.side == side:
            behind = side * (best_tick - mine.price_tick)
            level = behind // spacing_tick
            fits = behind % spacing_tick == 0 and 0 <= level < n_levels and mine.qty_lot <= qty_lot <= 2 * mine.qty_lot
            if fits and (kept >> level) & 1 == 0:
                kept |= 1 << level
            else:
                cancel(market, me, mine.order_id)
        index = next_order(market, index)
    return kept


@inner
def add_ladder(market, me, side, best_tick, qty_lot, n_levels, spacing_tick, kept):
    """Send the orders of a ladder that do not stand yet; a price below one tick is left out."""
    for level in range(n_levels):
        price_tick = best_tick - side * level * spacing_tick
        if (kept >> level) & 1 == 0 and price_tick > 0:
            send(market, me, LIMIT, side, price_tick, qty_lot, GTC, POST_ONLY, me.symbol, me.venue)
