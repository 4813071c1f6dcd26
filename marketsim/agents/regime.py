"""What kind of market it is - chop, bull, bear or crisis - as an agent sees it in the mid, and what that changes about the agent.

Two exponentially weighted averages of squared returns a second (RiskMetrics 1996, with weights exp(-dt/window) for uneven samples) give
a fast and a slow variance, a third average the slope. Without a trend the slope, divided by its own standard error, is a standard normal
number; the ratio of the two volatilities is about 1 in quiet and in lively times alike. Both have a threshold for entering a regime and a
lower one for leaving it.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import Self

import numpy as np
from pydantic import Field, model_validator

from marketsim.agents.compiled import AgentParams
from marketsim.kernel.book_state import NO_PRICE
from marketsim.kernel.compile import inner
from marketsim.kernel.simulation.sight import mid_tick


class Regime(IntEnum):
    """What kind of market it is; the value is the place of its multipliers."""

    CHOP = 0
    BULL = 1
    BEAR = 2
    CRISIS = 3


CHOP, BULL, BEAR, CRISIS = (regime.value for regime in Regime)
ALL_ONE = (1.0, 1.0, 1.0, 1.0)
SECOND = 1_000_000_000

# What an agent remembers of the mid.
WATCH = np.dtype(
    [
        ("sampled_ns", np.int64),  # when the latest sample was taken, and in which session; 0 for never
        ("session", np.int64),
        ("log_mid", np.float64),
        ("observed_s", np.float64),  # time covered by returns
        ("fast_variance", np.float64),  # a second; not yet corrected for the averages having begun at 0
        ("slow_variance", np.float64),
        ("slope", np.float64),  # log-return a second
        ("regime", np.int64),
    ]
)


class RegimeParams(AgentParams):
    """How an agent tells regimes apart, and its multipliers in each: (chop, bull, bear, crisis)."""

    regimes: bool = Field(False, description="Whether the agent watches for regimes; otherwise all multipliers are 1.")
    regime_sample_s: float = Field(10.0, gt=0, description="Shortest time between two looks at the mid, s.")
    regime_fast_s: float = Field(600.0, gt=0, description="Window of slope and volatility, s; until one has passed it is chop.")
    regime_slow_s: float = Field(7200.0, gt=0, description="Window of the volatility taken for normal, s.")
    regime_trend_enter: float = Field(2.5, gt=0, description="Slope at which a bull or bear market begins, standard errors.")
    regime_trend_leave: float = Field(1.0, ge=0, description="Slope below which it is over, standard errors.")
    regime_crisis_enter: float = Field(2.0, gt=1, description="Fast volatility at which a crisis begins, multiples of the slow one.")
    regime_crisis_leave: float = Field(1.3, gt=0, description="Fast volatility below which it is over, multiples of the slow one.")
    regime_size: tuple[float, ...] = Field(ALL_ONE, min_length=4, max_length=4, description="Multiplies quantities in each regime.")
    regime_spread: tuple[float, ...] = Field(ALL_ONE, min_length=4, max_length=4, description="Multiplies quoted spreads.")
    regime_aggressiveness: tuple[float, ...] = Field(
        ALL_ONE, min_length=4, max_length=4, description="Multiplies how often, or how urgently, the agent trades."
    )

    @model_validator(mode="after")
    def _thresholds_are_in_order(self) -> Self:
        for what in ("trend", "crisis"):
            enter, leave = getattr(self, f"regime_{what}_enter"), getattr(self, f"regime_{what}_leave")
            if leave > enter:
                raise ValueError(f"regime_{what}_leave is {leave}, above regime_{what}_enter {enter}; make it the smaller of the two")
        if self.regime_slow_s <= self.regime_fast_s:
            raise ValueError(f"regime_slow_s is {self.regime_slow_s}; make it longer than regime_fast_s, {self.regime_fast_s}")
        return self


@inner
def watch_regime(market, me, p, watch):
    """Take a sample of the mid if one is due, and decide the regime anew; a return over night is left out."""
    if p.regimes == 0 or me.now_ns - watch.sampled_ns < p.regime_sample_s * SECOND:
        return
    mid = mid_tick(market, me.symbol, me.venue)
    if mid == NO_PRICE or mid <= 0:
        return
    log_mid = math.log(mid)
    if watch.sampled_ns != 0 and watch.session == market.session:
        add_return(p, watch, log_mid - watch.log_mid, (me.now_ns - watch.sampled_ns) / SECOND)
        watch.regime = regime_after(p, watch)
    watch.sampled_ns, watch.session, watch.log_mid = me.now_ns, market.session, log_mid


@inner
def add_return(p, watch, log_return, elapsed_s):
    """Let the averages take in one return."""
    keep_fast, keep_slow = math.exp(-elapsed_s / p.regime_fast_s), math.exp(-elapsed_s / p.regime_slow_s)
    rate = log_return * log_return / elapsed_s
    watch.fast_variance = keep_fast * watch.fast_variance + (1.0 - keep_fast) * rate
    watch.slow_variance = keep_slow * watch.slow_variance + (1.0 - keep_slow) * rate
    watch.slope = keep_fast * watch.slope + (1.0 - keep_fast) * log_return / elapsed_s
    watch.observed_s += elapsed_s


@inner
def volatility_ratio(p, watch):
    """Return the fast volatility in multiples of the slow one; 1 when nothing has moved yet."""
    if watch.slow_variance == 0.0:
        return 1.0
    fast = watch.fast_variance / -math.expm1(-watch.observed_s / p.regime_fast_s)
    slow = watch.slow_variance / -math.expm1(-watch.observed_s / p.regime_slow_s)
    return math.sqrt(fast / slow)


@inner
def trend(p, watch):
    """Return the slope in standard errors: what is left of 1 after the window's weight, e, gives sigma^2/(2 window) * (1+e)/(1-e)."""
    if watch.fast_variance == 0.0:
        return 0.0
    left = math.exp(-watch.observed_s / p.regime_fast_s)
    slope, variance = watch.slope / (1.0 - left), watch.fast_variance / (1.0 - left)
    return slope * math.sqrt(2.0 * p.regime_fast_s * (1.0 - left) / (1.0 + left) / variance)


@inner
def regime_after(p, watch):
    """Return the regime that follows: a crisis goes before a trend, and leaving takes more than not entering."""
    if watch.observed_s < p.regime_fast_s:
        return CHOP
    if volatility_ratio(p, watch) > (p.regime_crisis_leave if watch.regime == CRISIS else p.regime_crisis_enter):
        return CRISIS
    slope = trend(p, watch)
    if slope > (p.regime_trend_leave if watch.regime == BULL else p.regime_trend_enter):
        return BULL
    if -slope > (p.regime_trend_leave if watch.regime == BEAR else p.regime_trend_enter):
        return BEAR
    return CHOP


@inner
def size_factor(p, watch):
    """Return what quantities are multiplied by."""
    return p.regime_size[watch.regime] if p.regimes != 0 else 1.0


@inner
def spread_factor(p, watch):
    """Return what quoted spreads are multiplied by."""
    return p.regime_spread[watch.regime] if p.regimes != 0 else 1.0


@inner
def aggressiveness_factor(p, watch):
    """Return what the frequency or the urgency of trading is multiplied by."""
    return p.regime_aggressiveness[watch.regime] if p.regimes != 0 else 1.0
