"""Measures of what was traded and held: activity, round trips, costs."""

from __future__ import annotations

from marketsim.risk import activity, trips
from marketsim.risk.account import AccountHistory
from marketsim.risk.columns import numbers
from marketsim.risk.measure import Measure
from marketsim.risk.observations import FloatArray, mean, quotient
from marketsim.risk.returns import best, worst


def _trip(a: AccountHistory, column: str) -> FloatArray:
    return numbers(a.trips, column)


def _gross(a: AccountHistory) -> FloatArray:
    return activity.gross_exposure(a.long_value, a.short_value, a.equity)


def _traded(a: AccountHistory) -> float:
    return float(a.traded.sum())


ACTIVITY = (
    Measure(
        "time_in_market",
        "Time in market",
        "Activity",
        "fraction",
        "neither",
        "share of bars that closed with a position",
        "",
        lambda a: activity.time_in_market(a.long_value, a.short_value),
    ),
    Measure(
        "gross_exposure",
        "Gross exposure, mean",
        "Activity",
        "fraction",
        "neither",
        "mean of (long − short value) / equity",
        "",
        lambda a: mean(_gross(a)),
    ),
    Measure(
        "max_gross_exposure",
        "Gross exposure, largest",
        "Activity",
        "fraction",
        "neither",
        "largest (long − short value) / equity",
        "",
        lambda a: best(_gross(a)),
    ),
    Measure(
        "net_exposure",
        "Net exposure, mean",
        "Activity",
        "fraction",
        "neither",
        "mean of (long + short value) / equity",
        "",
        lambda a: mean(activity.net_exposure(a.long_value, a.short_value, a.equity)),
    ),
    Measure(
        "annual_turnover",
        "Turnover a year",
        "Activity",
        "ratio",
        "lower",
        "notional bought and sold / mean equity · P / n",
        "",
        lambda a: activity.annual_turnover(a.traded, a.equity, a.clock.periods_per_year),
    ),
    Measure("n_fills", "Fills", "Activity", "count", "neither", "number of fills", "", lambda a: float(a.n_fills)),
    Measure(
        "capacity",
        "Capacity at 1 % of volume",
        "Activity",
        "currency",
        "higher",
        "1 % / q₀.₉₅(share of the symbol's average dollar volume a session / equity), over symbol-sessions traded",
        "",
        lambda a: activity.capacity(a.share_of_volume, a.share_equity),
    ),
)

ROUND_TRIPS = (
    Measure(
        "n_round_trips",
        "Round trips",
        "Round trips",
        "count",
        "neither",
        "entry lots closed, first in first out",
        "",
        lambda a: float(a.trips.num_rows),
    ),
    Measure(
        "win_rate",
        "Win rate",
        "Round trips",
        "fraction",
        "higher",
        "share of round trips with pnl > 0",
        "",
        lambda a: trips.win_rate(_trip(a, "pnl_cash")),
    ),
    Measure(
        "profit_factor",
        "Profit factor",
        "Round trips",
        "ratio",
        "higher",
        "Σ profits / Σ losses",
        "Schwager 1996, ch. 21",
        lambda a: trips.profit_factor(_trip(a, "pnl_cash")),
    ),
    Measure(
        "expectancy_cash",
        "Expectancy",
        "Round trips",
        "currency",
        "higher",
        "mean pnl of a round trip",
        "Tharp 1998, ch. 7",
        lambda a: trips.expectancy(_trip(a, "pnl_cash")),
    ),
    Measure(
        "expectancy",
        "Expectancy, of entry notional",
        "Round trips",
        "fraction",
        "higher",
        "mean return of a round trip",
        "Tharp 1998, ch. 7",
        lambda a: trips.expectancy(_trip(a, "return_frac")),
    ),
    Measure(
        "payoff_ratio",
        "Payoff ratio",
        "Round trips",
        "ratio",
        "higher",
        "mean win / mean loss",
        "",
        lambda a: trips.payoff_ratio(_trip(a, "pnl_cash")),
    ),
    Measure(
        "kelly_fraction",
        "Kelly fraction",
        "Round trips",
        "fraction",
        "higher",
        "W − (1 − W) / payoff ratio, W win rate",
        "Kelly 1956; Thorp 2006, section 2",
        lambda a: trips.kelly_fraction(_trip(a, "pnl_cash")),
    ),
    Measure(
        "sqn",
        "System quality number",
        "Round trips",
        "ratio",
        "higher",
        "√n · mean(pnl) / s(pnl)",
        "Tharp 2008, ch. 2",
        lambda a: trips.system_quality_number(_trip(a, "pnl_cash")),
    ),
    Measure(
        "best_trip",
        "Best round trip",
        "Round trips",
        "fraction",
        "higher",
        "largest return of a round trip",
        "",
        lambda a: best(_trip(a, "return_frac")),
    ),
    Measure(
        "worst_trip",
        "Worst round trip",
        "Round trips",
        "fraction",
        "higher",
        "smallest return of a round trip",
        "",
        lambda a: worst(_trip(a, "return_frac")),
    ),
    Measure(
        "average_bars_held",
        "Mean holding time",
        "Round trips",
        "bars",
        "neither",
        "mean bars from entry to exit",
        "",
        lambda a: mean(_trip(a, "bars_held")),
    ),
    Measure(
        "average_mae",
        "MAE, mean",
        "Round trips",
        "fraction",
        "higher",
        "mean worst move against the entry price on the way",
        "Sweeney 1996",
        lambda a: mean(_trip(a, "mae_frac")),
    ),
    Measure(
        "worst_mae",
        "MAE, worst",
        "Round trips",
        "fraction",
        "higher",
        "worst move against the entry price on the way",
        "Sweeney 1996",
        lambda a: worst(_trip(a, "mae_frac")),
    ),
    Measure(
        "average_mfe",
        "MFE, mean",
        "Round trips",
        "fraction",
        "higher",
        "mean best move for the entry price on the way",
        "Sweeney 1996",
        lambda a: mean(_trip(a, "mfe_frac")),
    ),
    Measure(
        "edge_ratio",
        "Edge ratio",
        "Round trips",
        "ratio",
        "higher",
        "mean MFE / |mean MAE|",
        "Sweeney 1996, unscaled",
        lambda a: trips.edge_ratio(_trip(a, "mae_frac"), _trip(a, "mfe_frac")),
    ),
)

COSTS = (
    Measure("fees", "Commissions", "Costs", "currency", "lower", "Σ commissions", "", lambda a: a.costs.fees),
    Measure("spread_cost", "Spread", "Costs", "currency", "lower", "Σ half spread paid", "", lambda a: a.costs.spread),
    Measure("slippage_cost", "Slippage", "Costs", "currency", "lower", "Σ slippage paid", "", lambda a: a.costs.slippage),
    Measure("impact_cost", "Impact", "Costs", "currency", "lower", "Σ market impact paid", "", lambda a: a.costs.impact),
    Measure("borrow_cost", "Borrow", "Costs", "currency", "lower", "Σ cost of borrowed shares", "", lambda a: a.costs.borrow),
    Measure(
        "total_cost",
        "All costs",
        "Costs",
        "currency",
        "lower",
        "commissions + spread + slippage + impact + borrow",
        "",
        lambda a: a.costs.total,
    ),
    Measure(
        "cost_of_turnover",
        "Costs, of notional traded",
        "Costs",
        "fraction",
        "lower",
        "all costs / Σ notional traded",
        "",
        lambda a: quotient(a.costs.total, _traded(a)),
    ),
    Measure(
        "dividends", "Dividends", "Costs", "currency", "higher", "Σ dividends received less paid; no cost", "", lambda a: a.costs.dividends
    ),
)
