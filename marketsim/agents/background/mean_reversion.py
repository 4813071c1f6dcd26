"""Mean-reversion trader: sells what has risen far above its own moving average and buys what has fallen far below, until it is back.

The average and the variance of the mid price are exponentially weighted, updated at every look by West's recursion (1979); distance is
measured in standard deviations, as in Bollinger's bands.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from marketsim.agents.compiled import AgentParams, compiled_agent
from marketsim.kernel.book_state import NO_PRICE
from marketsim.kernel.compile import inner
from marketsim.kernel.simulation.actions import cancel_each, limit, wake_in
from marketsim.kernel.simulation.sight import best_tick, position_lot
from marketsim.kernel.simulation.streams import exponential
from marketsim.records import Turn

START, SECOND_NS = Turn.START.value, 1e9


class MeanReversionParams(AgentParams):
    """Hold a fixed position against large deviations from the average."""

    kind: Literal["mean_reversion"] = "mean_reversion"
    mean_wait_s: float = Field(30.0, gt=0, description="Mean of the exponential time between two looks, s.")
    half_life_looks: float = Field(40.0, gt=0, description="Looks after which a price counts half in average and variance.")
    warm_up_looks: int = Field(40, ge=2, description="Looks before it trades.")
    entry_sd: float = Field(2.0, gt=0, description="Deviation at which it takes a position, standard deviations.")
    exit_sd: float = Field(0.5, ge=0, description="Deviation at which it gives the position up, standard deviations.")
    clip_lot: int = Field(100, ge=1, le=10**9, description="Position it takes, lots.")

    @model_validator(mode="after")
    def _check_bands(self) -> MeanReversionParams:
        if self.exit_sd >= self.entry_sd:
            raise ValueError(f"exit_sd {self.exit_sd:g} is not less than entry_sd {self.entry_sd:g}; it would leave before it enters")
        return self


MEAN_REVERSION_STATE = np.dtype([("n", np.int64), ("mean_tick", np.float64), ("variance_tick2", np.float64)])


@compiled_agent(MeanReversionParams, MEAN_REVERSION_STATE)
def mean_reversion(market, me, p, state):
    """Look, learn and move to the position wanted; on a one-sided book only wait."""
    if me.turn != START:
        bid_tick, ask_tick = best_tick(market, me.symbol, me.venue, 1), best_tick(market, me.symbol, me.venue, -1)
        if bid_tick != NO_PRICE and ask_tick != NO_PRICE:
            mid_tick = 0.5 * (bid_tick + ask_tick)
            held_lot = position_lot(market, me, me.symbol)
            wanted_lot = wanted(p, state, mid_tick, held_lot)
            update(p, state, mid_tick)
            cancel_each(market, me)
            missing_lot = wanted_lot - held_lot
            if missing_lot != 0:
                limit(market, me, 1 if missing_lot > 0 else -1, ask_tick if missing_lot > 0 else bid_tick, abs(missing_lot))
    wake_in(market, me, exponential(me, p.mean_wait_s * SECOND_NS))


@inner
def wanted(p, state, mid_tick, held_lot):
    """Return the position wanted at a mid price, given the averages before it: kept between the bands."""
    if state.n < p.warm_up_looks or state.variance_tick2 <= 0.0:
        return held_lot
    deviation_sd = (mid_tick - state.mean_tick) / math.sqrt(state.variance_tick2)
    if deviation_sd >= p.entry_sd:
        return -p.clip_lot
    if deviation_sd <= -p.entry_sd:
        return p.clip_lot
    return 0 if abs(deviation_sd) <= p.exit_sd else held_lot


@inner
def update(p, state, mid_tick):
    """Take a mid price into the average and the variance."""
    weight = 1.0 - 0.5 ** (1.0 / p.half_life_looks) if state.n > 0 else 1.0
    step = mid_tick - state.mean_tick
    state.mean_tick += weight * step
    state.variance_tick2 = (1.0 - weight) * (state.variance_tick2 + weight * step * step) if state.n > 0 else 0.0
    state.n += 1
