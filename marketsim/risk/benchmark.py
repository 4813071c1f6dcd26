"""A strategy against its benchmark: alpha, beta, tracking error, information ratio, correlation.

Both series are simple returns of the same bars, (n,) float64 fractions; bars missing in either are left out. ``risk_free`` is a
fraction per bar; P is ``periods_per_year``.
"""

from __future__ import annotations

import numpy as np

from marketsim.risk.observations import NAN, FloatArray, observed_pairs, quotient, standard_deviation


def beta(returns: FloatArray, benchmark: FloatArray) -> float:
    """Return cov(r, b) / var(b), a ratio; NaN below two common bars and for a flat benchmark.

    Source: Sharpe, Capital Asset Prices, Journal of Finance 19(3), 1964. A constant risk-free rate cancels.
    """
    r, b = observed_pairs(returns, benchmark)
    deviation = standard_deviation(b)
    if not deviation > 0:
        return NAN
    return float(np.dot(r - r.mean(), b - b.mean()) / ((r.size - 1) * deviation**2))


def alpha(returns: FloatArray, benchmark: FloatArray, periods_per_year: float, risk_free: float = 0.0) -> float:
    """Return Jensen's alpha a year, (mean(r - r_f) - beta * mean(b - r_f)) * P, a fraction; arithmetic. NaN where beta is.

    Source: Jensen, The Performance of Mutual Funds in the Period 1945-1964, Journal of Finance 23(2), 1968, eq. 8.
    """
    r, b = observed_pairs(returns, benchmark)
    slope = beta(r, b)
    if not np.isfinite(slope):
        return NAN
    return float((r.mean() - risk_free) - slope * (b.mean() - risk_free)) * periods_per_year


def tracking_error(returns: FloatArray, benchmark: FloatArray, periods_per_year: float) -> float:
    """Return s(r - b) * sqrt(P), a fraction a year; NaN below two common bars.

    Source: Grinold & Kahn, Active Portfolio Management (2000), ch. 4.
    """
    r, b = observed_pairs(returns, benchmark)
    return standard_deviation(r - b) * float(np.sqrt(periods_per_year))


def information_ratio(returns: FloatArray, benchmark: FloatArray, periods_per_year: float) -> float:
    """Return mean(r - b) * P / tracking error, a ratio a year; NaN below two common bars and when the difference is flat.

    Source: Goodwin, The Information Ratio, Financial Analysts Journal 54(4), 1998, eqs. 1-4.
    """
    r, b = observed_pairs(returns, benchmark)
    if r.size < 2:
        return NAN
    return quotient(float((r - b).mean()) * periods_per_year, tracking_error(r, b, periods_per_year))


def correlation(returns: FloatArray, benchmark: FloatArray) -> float:
    """Return Pearson's correlation, a ratio within [-1, 1]; NaN below two common bars and when either is flat."""
    r, b = observed_pairs(returns, benchmark)
    deviations = standard_deviation(r), standard_deviation(b)
    if not (deviations[0] > 0 and deviations[1] > 0):
        return NAN
    value = float(np.dot(r - r.mean(), b - b.mean()) / ((r.size - 1) * deviations[0] * deviations[1]))
    return min(max(value, -1.0), 1.0)
