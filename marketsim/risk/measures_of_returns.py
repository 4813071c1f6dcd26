"""Measures of what an account earned, how it swung, and the one for the other."""

from __future__ import annotations

from marketsim.risk import drawdown, ratios, returns, sharpe_significance
from marketsim.risk.account import AccountHistory
from marketsim.risk.calendar_periods import month_number, year_number
from marketsim.risk.measure import Measure
from marketsim.risk.observations import FloatArray


def _cagr(a: AccountHistory) -> float:
    return returns.cagr(a.returns, returns.years_between(a.clock.start_ns, int(a.wealth_ns[-1])))


def _days(a: AccountHistory) -> FloatArray:
    return returns.by_period(a.returns, a.session)[1]


def _months(a: AccountHistory) -> FloatArray:
    return returns.by_period(a.returns, month_number(a.session))[1]


def _years(a: AccountHistory) -> FloatArray:
    return returns.by_period(a.returns, year_number(a.session))[1]


RETURN = (
    Measure(
        "start_equity", "Starting capital", "Return", "currency", "neither", "cash before the first bar", "", lambda a: float(a.wealth[0])
    ),
    Measure("final_equity", "Final equity", "Return", "currency", "higher", "equity at the last close", "", lambda a: float(a.wealth[-1])),
    Measure(
        "total_return",
        "Total return",
        "Return",
        "fraction",
        "higher",
        "prod(1 + r) − 1",
        "Bacon 2008, ch. 2",
        lambda a: returns.total_return(a.returns),
    ),
    Measure(
        "annual_return",
        "Annualised return",
        "Return",
        "fraction",
        "higher",
        "(1 + total return)^(P / n) − 1, P bars a year, n bars",
        "Bacon 2008, ch. 2",
        lambda a: returns.annualised_return(a.returns, a.clock.periods_per_year),
    ),
    Measure(
        "cagr",
        "CAGR",
        "Return",
        "fraction",
        "higher",
        "(1 + total return)^(1 / calendar years of 365.25 days) − 1",
        "GIPS Standards 2020, glossary",
        _cagr,
    ),
    Measure("best_day", "Best day", "Return", "fraction", "higher", "largest return of a session", "", lambda a: returns.best(_days(a))),
    Measure(
        "worst_day", "Worst day", "Return", "fraction", "higher", "smallest return of a session", "", lambda a: returns.worst(_days(a))
    ),
    Measure(
        "best_month",
        "Best month",
        "Return",
        "fraction",
        "higher",
        "largest calendar month, part months included",
        "",
        lambda a: returns.best(_months(a)),
    ),
    Measure(
        "worst_month",
        "Worst month",
        "Return",
        "fraction",
        "higher",
        "smallest calendar month, part months included",
        "",
        lambda a: returns.worst(_months(a)),
    ),
    Measure(
        "best_year",
        "Best year",
        "Return",
        "fraction",
        "higher",
        "largest calendar year, part years included",
        "",
        lambda a: returns.best(_years(a)),
    ),
    Measure(
        "worst_year",
        "Worst year",
        "Return",
        "fraction",
        "higher",
        "smallest calendar year, part years included",
        "",
        lambda a: returns.worst(_years(a)),
    ),
)

RISK = (
    Measure(
        "volatility",
        "Volatility",
        "Risk",
        "fraction",
        "lower",
        "s(r) · √P, divisor n − 1",
        "Hull 2018, section 15.4",
        lambda a: returns.volatility(a.returns, a.clock.periods_per_year),
    ),
    Measure(
        "downside_deviation",
        "Downside deviation",
        "Risk",
        "fraction",
        "lower",
        "√mean(min(r − r_f, 0)²) · √P over all bars",
        "Sortino & Price 1994, p. 62",
        lambda a: ratios.downside_deviation(a.returns, a.clock.periods_per_year, a.clock.risk_free),
    ),
)

REWARD = (
    Measure(
        "sharpe",
        "Sharpe ratio",
        "Reward for risk",
        "ratio",
        "higher",
        "mean(r − r_f) / s(r − r_f) · √P",
        "Sharpe 1994, eqs. 3–6",
        lambda a: ratios.sharpe(a.returns, a.clock.periods_per_year, a.clock.risk_free),
    ),
    Measure(
        "probabilistic_sharpe",
        "Probabilistic Sharpe",
        "Reward for risk",
        "fraction",
        "higher",
        "P(true Sharpe > 0) = Φ(SR √(T − 1) / √(1 − g₃ SR + (g₄ − 1)/4 · SR²)), SR a bar",
        "Bailey & López de Prado 2012, eq. 11",
        lambda a: sharpe_significance.probabilistic_sharpe_of(a.returns, a.clock.risk_free),
    ),
    Measure(
        "deflated_sharpe",
        "Deflated Sharpe",
        "Reward for risk",
        "fraction",
        "higher",
        "probabilistic Sharpe against the best Sharpe that as many trials without skill would show; one trial: the same",
        "Bailey & López de Prado 2014, eqs. 1–2",
        lambda a: sharpe_significance.deflated_sharpe_of(a.returns, a.clock.trials, a.clock.risk_free),
    ),
    Measure(
        "sortino",
        "Sortino ratio",
        "Reward for risk",
        "ratio",
        "higher",
        "mean(r − r_f) · P / downside deviation",
        "Sortino & Price 1994",
        lambda a: ratios.sortino(a.returns, a.clock.periods_per_year, a.clock.risk_free),
    ),
    Measure(
        "calmar",
        "Calmar ratio",
        "Reward for risk",
        "ratio",
        "higher",
        "CAGR / |max drawdown|, whole run",
        "Young 1991, p. 40",
        lambda a: ratios.calmar(_cagr(a), drawdown.max_drawdown(a.wealth)),
    ),
    Measure(
        "omega",
        "Omega ratio",
        "Reward for risk",
        "ratio",
        "higher",
        "Σ max(r − r_f, 0) / Σ max(r_f − r, 0)",
        "Keating & Shadwick 2002, p. 7",
        lambda a: ratios.omega(a.returns, a.clock.risk_free),
    ),
)
