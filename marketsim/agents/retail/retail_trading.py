"""What all retail traders share: Poisson wake-ups, log-normal clips traded at once, a limit to what they hold, and an ear for the news.

They are slow. A population should give them a jitter of ``("log_normal", 19.1, 0.7)`` each way: a median of 0.2 s, 1 % above 1 s.
"""

from __future__ import annotations

import math

from pydantic import Field

from marketsim.agents.regime import SECOND, RegimeParams, aggressiveness_factor, size_factor
from marketsim.kernel.book_state import NO_PRICE
from marketsim.kernel.compile import inner
from marketsim.kernel.simulation.actions import sweep, wake_in
from marketsim.kernel.simulation.sight import best_tick, has_settled, phase, position_lot
from marketsim.kernel.simulation.streams import exponential, normal, uniform
from marketsim.records import NewsCode, Phase, Turn

CONTINUOUS = Phase.CONTINUOUS.value
TOLD, NEWS = Turn.NEWS.value, NewsCode.NEWS.value
BUY, SELL = 1, -1


class RetailParams(RegimeParams):
    """Parameters of every retail trader; in regimes with an aggressiveness it looks that many times as often."""

    mean_wait_s: float = Field(600.0, gt=0, description="Mean time between two looks at the market, a Poisson process, s.")
    clip_median_lot: float = Field(50.0, ge=1, description="Median quantity of an order, log-normal, lots.")
    clip_log_sd: float = Field(1.0, ge=0, description="Standard deviation of the logarithm of that quantity.")
    largest_clip_lot: int = Field(5_000, gt=0, description="Largest quantity of an order, lots.")
    position_limit_lot: int = Field(2_000, gt=0, description="Position it does not go beyond, either way, lots.")
    short_selling: bool = Field(False, description="Whether it may hold less than nothing.")
    reach_tick: int = Field(50, ge=0, description="How far through the touch it trades at most, ticks.")
    news_chance: float = Field(0.5, ge=0, le=1, description="Chance that it follows news about its symbol, for kinds that hear them.")


@inner
def wait(market, me, p, watch):
    """Ask for the next look at the market."""
    pace = max(aggressiveness_factor(p, watch), 1e-9)
    wake_in(market, me, exponential(me, p.mean_wait_s * SECOND / pace))


@inner
def clip_lot(me, p, watch):
    """Draw the quantity of an order: at least one lot."""
    lot = p.clip_median_lot * math.exp(p.clip_log_sd * normal(me)) * size_factor(p, watch)
    return max(int(min(lot, float(p.largest_clip_lot))), 1)


@inner
def can_trade(market, me):
    """Whether the symbol trades continuously and the trader's last order is done with."""
    return has_settled(me) and phase(market, me.symbol, me.venue) == CONTINUOUS


@inner
def trade(market, me, p, side, lot):
    """Trade at once, as far as the position limit allows and through ``reach_tick`` at most; return the quantity sent, lots."""
    position = position_lot(market, me, me.symbol)
    room = p.position_limit_lot - position if side > 0 else position + (p.position_limit_lot if p.short_selling != 0 else 0)
    lot = min(lot, room)
    touch = best_tick(market, me.symbol, me.venue, -side)
    if lot <= 0 or touch == NO_PRICE or not can_trade(market, me):
        return 0
    sweep(market, me, me.symbol, side, touch, p.reach_tick, lot)
    return lot


@inner
def follow_news(market, me, p, watch):
    """If this is a turn for news, perhaps trade a clip in their direction; whether it is one. The wake-up asked for before stands."""
    if me.turn != TOLD:
        return False
    is_mine = market.news_code == NEWS and (market.news_symbol == me.symbol or market.news_symbol == -1)
    if is_mine and market.news_size != 0.0 and uniform(me) < p.news_chance:
        trade(market, me, p, BUY if market.news_size > 0.0 else SELL, clip_lot(me, p, watch))
    return True
