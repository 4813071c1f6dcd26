"""How large background traders' orders are: the mixture of the reference market configuration RMSC04, or evenly between two bounds.

The mixture is a fifth of odd sizes, log-normal, and round lots from 100 to 1,000 with a blur of 0.15 shares (Byrd, Hybinette and Balch
2020, ABIDES; the weights are those of its order size model).
"""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field, model_validator

from marketsim.agents.compiled import AgentParams
from marketsim.kernel.compile import inner
from marketsim.kernel.simulation.streams import integer, normal, uniform

ODD_SHARE, ODD_LOG_MEAN, ODD_LOG_SD = 0.2, 2.9, 1.2  # log-normal, of ln(lots)
ROUND_SHARES = (0.7, 0.06, 0.004, 0.0329, 0.001, 0.0006, 0.0004, 0.0005, 0.0003, 0.0003)  # of 100, 200, ... 1,000 lots
ROUND_LOT, BLUR_LOT = 100, 0.15
MIXTURE = 0  # place of the word in ``order_size``


class OrderSizeParams(AgentParams):
    """What agents with random order sizes have in common."""

    order_size: Literal["mixture", "uniform"] = Field(
        "mixture", description="Law of order sizes: the RMSC04 mixture of odd and round lots, or evenly from min_lot to max_lot."
    )
    min_lot: int = Field(1, ge=1, le=10**9, description="Smallest order of the uniform law, lots.")
    max_lot: int = Field(100, ge=1, le=10**9, description="Largest order of the uniform law, lots.")

    @model_validator(mode="after")
    def _check_bounds(self) -> OrderSizeParams:
        if self.min_lot > self.max_lot:
            raise ValueError(f"min_lot {self.min_lot} is larger than max_lot {self.max_lot}; exchange them")
        return self


@inner
def mixture_lot(me):
    """Draw an order size of the mixture, lots; it may be 0, which means no order."""
    left = uniform(me) - ODD_SHARE
    if left < 0.0:
        return round(math.exp(ODD_LOG_MEAN + ODD_LOG_SD * normal(me)))
    k = 0
    # ``left`` is what the draw exceeds the first k + 1 shares by.
    while k < len(ROUND_SHARES) - 1 and left >= ROUND_SHARES[k]:
        left -= ROUND_SHARES[k]
        k += 1
    return round((k + 1) * ROUND_LOT + BLUR_LOT * normal(me))


@inner
def order_lot(me, p):
    """Draw an order size by the agent's `OrderSizeParams`, lots; 0 means no order."""
    if p.order_size == MIXTURE:
        return mixture_lot(me)
    return integer(me, p.min_lot, p.max_lot)
