"""The registry of measures: every number of the metrics table, in the order a reader meets them."""

from __future__ import annotations

from marketsim.risk.measure import Measure
from marketsim.risk.measures_against_benchmark import AGAINST_BENCHMARK
from marketsim.risk.measures_of_losses import DRAWDOWN, TAILS
from marketsim.risk.measures_of_returns import RETURN, REWARD, RISK
from marketsim.risk.measures_of_trading import ACTIVITY, COSTS, ROUND_TRIPS

MEASURES: tuple[Measure, ...] = (*RETURN, *RISK, *REWARD, *DRAWDOWN, *TAILS, *AGAINST_BENCHMARK, *ACTIVITY, *ROUND_TRIPS, *COSTS)
BY_NAME: dict[str, Measure] = {measure.name: measure for measure in MEASURES}
