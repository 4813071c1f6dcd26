"""Reward for risk: Sharpe, Sortino, Calmar, Omega and the recovery factor.

Returns are simple returns per bar, (n,) float64 fractions; ``risk_free`` is a fraction per bar; P is ``periods_per_year``.
"""

from __future__ import annotations

import numpy as np

from marketsim.risk.observations import NAN, FloatArray, observed, quotient, standard_deviation


def risk_free_per_bar(yearly: float, periods_per_year: float) -> float:
    """Return the rate a bar that compounds to the yearly one, (1 + R_f)^(1 / P) - 1, a fraction."""
    return float((1.0 + yearly) ** (1.0 / periods_per_year) - 1.0)


def sharpe(returns: FloatArray, periods_per_year: float, risk_free: float = 0.0) -> float:
    """Return mean(r - r_f) / s(r - r_f) * sqrt(P), a ratio a year; s has divisor n - 1.

    NaN below two observations and for flat returns. Source: Sharpe, The Sharpe Ratio, Journal of Portfolio Management 21(1),
    1994, eqs. 3-6; annualisation by sqrt(P) holds for serially uncorrelated returns (Lo, FAJ 58(4), 2002, eq. 16).
    """
    excess = observed(returns) - risk_free
    if excess.size < 2:
        return NAN
    return quotient(float(excess.mean()), standard_deviation(excess)) * float(np.sqrt(periods_per_year))


def downside_deviation(returns: FloatArray, periods_per_year: float, target: float = 0.0) -> float:
    """Return sqrt(mean(min(r - target, 0)^2)) * sqrt(P), a fraction, over the whole sample, not over the losses alone.

    NaN without observations. Source: Sortino & Price, Performance Measurement in a Downside Risk Framework, Journal of Investing
    3(3), 1994, p. 62.
    """
    shortfall = np.minimum(observed(returns) - target, 0.0)
    return float(np.sqrt(np.mean(shortfall**2)) * np.sqrt(periods_per_year)) if shortfall.size else NAN


def sortino(returns: FloatArray, periods_per_year: float, risk_free: float = 0.0) -> float:
    """Return mean(r - r_f) * P / downside deviation, a ratio a year; NaN below two observations and without any shortfall.

    Source: Sortino & Price (1994), as `downside_deviation`, with the risk-free rate as the target.
    """
    r = observed(returns)
    if r.size < 2:
        return NAN
    return quotient(float(r.mean() - risk_free) * periods_per_year, downside_deviation(r, periods_per_year, risk_free))


def calmar(yearly_return: float, deepest_drawdown: float) -> float:
    """Return the compound annual growth rate over the absolute deepest drawdown, a ratio; NaN without a drawdown.

    Source: Young, Calmar Ratio: A Smoother Tool, Futures 20(1), 1991, p. 40; here over the whole run, not its last 36 months.
    """
    return quotient(yearly_return, abs(deepest_drawdown))


def omega(returns: FloatArray, threshold: float = 0.0) -> float:
    """Return sum(max(r - L, 0)) / sum(max(L - r, 0)), a ratio; L is ``threshold``, a fraction per bar. NaN without a shortfall.

    Source: Keating & Shadwick, A Universal Performance Measure, Journal of Performance Measurement 6(3), 2002, p. 7.
    """
    excess = observed(returns) - threshold
    return quotient(float(np.maximum(excess, 0.0).sum()), float(np.maximum(-excess, 0.0).sum()))


def recovery_factor(total: float, deepest_drawdown: float) -> float:
    """Return total return over the absolute deepest drawdown, a ratio; NaN without a drawdown."""
    return quotient(total, abs(deepest_drawdown))
