"""A dealer: a ladder that fades after adverse fills, with an option position whose delta it hedges in the same symbol.

The quotes are centred on the mid less a skew for the net inventory, shares plus option delta (Black and Scholes 1973, no interest).
A side whose fills have lost money ``markout_s`` later moves away by a share of the loss, and comes back exponentially: its defence against
informed flow (Glosten and Milgrom 1985). Net inventory beyond a band is traded away down to its edge, the optimal hedge under
proportional costs (Whalley and Wilmott 1997): short gamma makes it buy rallies and sell falls, long gamma the reverse.
"""

from __future__ import annotations

import math
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from marketsim.agents.compiled import compiled_agent
from marketsim.agents.market_makers.quoting import (
    BUY,
    LIMIT,
    MAKER,
    SELL,
    MakerParams,
    quote,
    ready_to_quote,
    reference_tick,
)
from marketsim.agents.regime import SECOND
from marketsim.kernel.book_state import NO_PRICE
from marketsim.kernel.compile import inner
from marketsim.kernel.simulation.actions import cancel_each, send
from marketsim.kernel.simulation.sight import grid_tick, has_settled, others_tick, position_lot, session_time_ns
from marketsim.records import Flag, Tif

IOC, NO_FLAG = Tif.IOC.value, Flag.NONE.value
PUT = 1  # place of the word in the parameters
SECONDS_A_YEAR = 252 * 23_400.0  # of trading

# Fills of one side that are not marked out yet, and how far that side has faded.
FADE = np.dtype([("lot", np.int64), ("tick_lot", np.int64), ("since_ns", np.int64), ("offset_tick", np.float64), ("updated_ns", np.int64)])
DEALER = np.dtype([("maker", MAKER), ("bid", FADE), ("ask", FADE), ("hedge_side", np.int64)])


class DealerParams(MakerParams):
    """Parameters of a `dealer`."""

    kind: Literal["dealer"] = "dealer"
    n_levels: int = Field(3, gt=0, le=60, description="Prices quoted on each side.")
    inventory_limit_lot: int = Field(5_000, gt=0, description="Net inventory it does not quote beyond, either way, lots.")
    half_spread_tick: float = Field(2.0, ge=0.5, description="Distance of the best quotes from the centre, ticks.")
    skew_tick: float = Field(0.5, ge=0, description="How far one clip of net inventory moves the centre, ticks.")
    markout_s: float = Field(5.0, ge=0, description="How long after a fill its price is compared with the reference, s.")
    fade_share: float = Field(0.5, ge=0, description="How far a side moves away after a loss, multiples of the loss a lot.")
    fade_memory_s: float = Field(60.0, gt=0, description="Time in which that falls to 1/e, s.")
    hedge_band_lot: int = Field(10**9, ge=0, description="Net inventory beyond which the excess is traded away at once, lots.")
    hedge_reach_tick: int = Field(20, ge=0, description="How far from the reference a hedge may trade, ticks.")
    option: Literal["call", "put"] = Field("call", description="What kind of options it holds.")
    option_lot: int = Field(0, description="Lots of the underlying its options stand for; negative when it has sold them.")
    strike_tick: int = Field(0, ge=0, description="Strike, ticks.")
    expiry_s: float = Field(0.0, ge=0, description="Session time from the start of the simulation to expiry, s.")
    implied_volatility: float = Field(0.2, gt=0, description="Volatility the delta is computed with, a year of 252 days of 6.5 hours.")

    @model_validator(mode="after")
    def _options_have_a_strike(self) -> Self:
        if self.option_lot != 0 and self.strike_tick == 0:
            raise ValueError(f"option_lot is {self.option_lot} but strike_tick is 0; give the options a strike")
        return self


def option_delta(price: float, strike: float, deviation: float, is_put: int) -> float:
    """Return the Black–Scholes delta of an option without interest.

    Parameters
    ----------
    price, strike : in the same unit, both positive
    deviation : volatility times the square root of the time left; 0 at expiry
    is_put : 1 for a put, 0 for a call

    Returns
    -------
    float
        From 0 to 1 for a call, -1 to 0 for a put; at expiry at the money the option is not exercised.
    """
    if deviation > 0.0:
        call = 0.5 * math.erfc(-(math.log(price / strike) / deviation + 0.5 * deviation) / math.sqrt(2.0))
    else:
        call = 1.0 if price > strike else 0.0
        if is_put != 0 and price == strike:
            return 0.0
    return call - is_put


_option_delta = inner(option_delta)


@inner
def net_inventory(market, me, p, reference):
    """Return the position plus the delta of the options, lots as a real number."""
    position = float(position_lot(market, me, me.symbol))
    if p.option_lot == 0 or reference <= 0.0:
        return position
    left_s = max(p.expiry_s - session_time_ns(market, me) / SECOND, 0.0)
    deviation = p.implied_volatility * math.sqrt(left_s / SECONDS_A_YEAR)
    return position + p.option_lot * _option_delta(reference, p.strike_tick, deviation, 1 if p.option == PUT else 0)


@inner
def mark_out(me, p, fade, side, filled_lot, filled_tick_lot, reference):
    """Remember what a side has traded, and let it fade when that has lost money by now."""
    fade.offset_tick *= math.exp(-(me.now_ns - fade.updated_ns) / (p.fade_memory_s * SECOND))
    fade.updated_ns = me.now_ns
    if filled_lot > 0:
        if fade.lot == 0:
            fade.since_ns = me.now_ns
        fade.lot += filled_lot
        fade.tick_lot += filled_tick_lot
    if fade.lot > 0 and me.now_ns - fade.since_ns >= p.markout_s * SECOND:
        loss_tick = side * (fade.tick_lot / fade.lot - reference)
        if loss_tick > 0.0:
            fade.offset_tick += p.fade_share * loss_tick
        fade.lot = fade.tick_lot = 0


@inner
def hear_fills(me, p, state, reference):
    """Mark out both sides; what a hedge has traded is no quote's loss."""
    bought, sold = (0 if state.hedge_side == BUY else me.bought_lot), (0 if state.hedge_side == SELL else me.sold_lot)
    mark_out(me, p, state.bid, BUY, bought, me.bought_tick_lot, reference)
    mark_out(me, p, state.ask, SELL, sold, me.sold_tick_lot, reference)
    if has_settled(me):
        state.hedge_side = 0


@inner
def hedge(market, me, p, state, net_lot, reference):
    """Trade net inventory down to the edge of the band, all quotes out of the way first; whether it had to and could."""
    excess_lot = int(abs(net_lot)) - p.hedge_band_lot
    if excess_lot <= 0:
        return False
    side = SELL if net_lot > 0 else BUY
    limit_tick = grid_tick(market, me.venue, side, int(reference) + side * p.hedge_reach_tick)
    touch = others_tick(market, me, me.symbol, me.venue, -side)
    if touch == NO_PRICE or side * (touch - limit_tick) > 0:
        return False
    cancel_each(market, me)
    send(market, me, LIMIT, side, limit_tick, excess_lot, IOC, NO_FLAG, me.symbol, me.venue)
    state.hedge_side = side
    return True


@compiled_agent(DealerParams, DEALER, hears_fills=True, hears_news=True)
def dealer(market, me, p, state):
    """Mark fills out, hedge, then quote with the skew and the fade of each side."""
    reference = reference_tick(market, me, p)
    hear_fills(me, p, state, reference)
    if not ready_to_quote(market, me, p, state.maker):
        return
    net_lot = net_inventory(market, me, p, reference)
    if hedge(market, me, p, state, net_lot, reference):
        return
    centre = reference - p.skew_tick * net_lot / p.qty_lot + 0.5 * (state.ask.offset_tick - state.bid.offset_tick)
    half = p.half_spread_tick + 0.5 * (state.ask.offset_tick + state.bid.offset_tick)
    quote(market, me, p, state.maker, centre, half, int(net_lot))
