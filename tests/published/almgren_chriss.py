"""Almgren and Chriss, "Optimal execution of portfolio transactions", Journal of Risk 3(2), 2000: the example of section 3.4, its frontier.

The example's numbers, to the dollar and the share, are those that the closed form gives with the paper's parameters: a million shares at
50 dollars over five days, annual volatility 30 %, a spread of 1/8, impact calibrated to 1 % and 10 % of a volume of five million a day.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from marketsim.agents.institutions.almgren_chriss import AlmgrenChrissParams, almgren_chriss
from marketsim.agents.institutions.optimal_schedule import Execution
from marketsim.markets.simulated.setting import Member
from marketsim.records import Kind
from tests.living.small_worlds import play, rests
from tests.published.section import Section

EXAMPLE = Execution(
    quantity=1e6, horizon=5.0, n_periods=5, volatility=0.95, temporary_impact=2.5e-6, permanent_impact=2.5e-7, half_spread=1 / 16
)


@dataclass(frozen=True)
class Published:
    """A point of the frontier: risk aversion 1/$, kappa 1/day, expectation and standard deviation of the cost, $."""

    risk_aversion: float
    kappa: float
    expected: float
    deviation: float
    holdings: tuple[int, ...] = ()


FRONTIER = (
    Published(0.0, 0.0, 662_500, 1_040_673, (1_000_000, 800_000, 600_000, 400_000, 200_000, 0)),
    Published(1e-8, 0.0616, 662_589, 1_032_060),
    Published(1e-7, 0.1946, 670_057, 961_623),
    Published(5e-7, 0.4325, 768_133, 750_597),
    Published(1e-6, 0.6071, 911_227, 603_431, (1_000_000, 541_956, 289_854, 147_897, 62_142, 0)),
    Published(2e-6, 0.8463, 1_140_715, 449_368, (1_000_000, 428_599, 182_933, 76_296, 27_643, 0)),
    Published(1e-5, 1.727, 1_845_211, 171_712),
)
QUANTILE = 1.645  # of 95 %, as the paper rounds it
LEAST_VALUE_AT_RISK = (1.69e-6, 1_877_207.0)  # risk aversion at which the 95 % liquidity-adjusted value at risk is least, and that, $


def followed(risk_aversion: float) -> npt.NDArray[np.int64]:
    """Return (6,) holdings of the agent after each of its trades in a simulated market; a second stands for a day, a tick for a cent."""
    params = AlmgrenChrissParams(
        side="sell", qty_lot=1_000_000, start_s=1.0, horizon_s=5.0, n_slices=5, style="aggressive", finish_s=0.0, check_s=1.0,
        risk_aversion_per_tick_lot=risk_aversion / 100, volatility_tick=95.0, temporary_impact_tick_s=2.5e-4, permanent_impact_tick=2.5e-5,
    )  # fmt: skip
    seller = Member("seller", almgren_chriss, params, position_lot=(1_000_000,))
    buyers = rests([(1, 4999, 10_000_000)], at_s=0.0)
    done = play([seller], buyers, seconds=8.0, fundamental=5000.0)
    trades = done.sent(1, Kind.LIMIT)["qty_lot"]
    return np.concatenate([[1_000_000], 1_000_000 - np.cumsum(trades)])


def value_at_risk(risk_aversion: float) -> float:
    """Return the 95 % value at risk of the optimal schedule's cost, $."""
    holdings = EXAMPLE.holdings(risk_aversion)
    return EXAMPLE.expected_cost(holdings) + QUANTILE * math.sqrt(EXAMPLE.variance(holdings))


def report(full: bool) -> list[Section]:
    """Return the frontier with ours beside it; it is exact and so the same in full."""
    del full
    rows: list[tuple[Any, ...]] = []
    values = []
    for point in FRONTIER:
        holdings = EXAMPLE.holdings(point.risk_aversion)
        expected, deviation = EXAMPLE.expected_cost(holdings), math.sqrt(EXAMPLE.variance(holdings))
        agent = followed(point.risk_aversion)
        rows.append((
            point.risk_aversion, point.kappa, round(EXAMPLE.kappa(point.risk_aversion), 4), point.expected, round(expected),
            point.deviation, round(deviation), float(np.abs(agent - holdings).max()),
        ))  # fmt: skip
        values.append({"expected": expected, "deviation": deviation, "risk aversion": point.risk_aversion})
    columns = ("risk aversion", "kappa, published", "ours", "expected cost, published", "ours", "standard deviation, published", "ours",
               "agent's largest distance from the schedule, shares")  # fmt: skip
    chart = {
        "data": {"values": values},
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": {"field": "deviation", "type": "quantitative", "title": "standard deviation of the cost, $"},
            "y": {"field": "expected", "type": "quantitative", "title": "expected cost, $", "scale": {"zero": False}},
        },
    }
    text = "The efficient frontier of the paper's example, and how closely the agent follows each schedule in the simulated market."
    return [Section("Almgren and Chriss 2000, the example's frontier", text, columns, rows, chart)]
