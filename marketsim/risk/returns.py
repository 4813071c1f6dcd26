"""Returns of an account: per bar, in total, by year, and by calendar period.

Every function takes simple returns, (n,) float64, as fractions of the equity before the bar, unless it says otherwise.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from marketsim.risk.observations import NAN, FloatArray, observed, standard_deviation

NS_PER_YEAR = 365.25 * 86_400e9


def returns_from_wealth(wealth: FloatArray) -> FloatArray:
    """Return r_t = W_t / W_{t-1} - 1, a fraction.

    Parameters
    ----------
    wealth : (n + 1,) float64, any currency.

    Returns
    -------
    (n,) float64; NaN after a value that is missing, zero or negative, where a return has no meaning.
    """
    w = np.asarray(wealth, dtype=np.float64)
    if w.size < 2:
        return np.empty(0)
    before = np.where(w[:-1] > 0, w[:-1], np.nan)
    return w[1:] / before - 1.0


def total_return(returns: FloatArray) -> float:
    """Return R = prod(1 + r_t) - 1, a fraction; NaN without observations.

    Source: Bacon, Practical Portfolio Performance Measurement and Attribution (2008), ch. 2 (linked simple returns).
    """
    r = observed(returns)
    return float(np.prod(1.0 + r) - 1.0) if r.size else NAN


def annualised_return(returns: FloatArray, periods_per_year: float) -> float:
    """Return the geometric yearly rate by number of bars, (1 + R)^(P / n) - 1, a fraction.

    NaN without observations and after a loss of more than everything.
    Source: Bacon (2008), ch. 2; P is ``periods_per_year``, n the number of observations.
    """
    r = observed(returns)
    return _rate(total_return(r), r.size / periods_per_year)


def cagr(returns: FloatArray, years: float) -> float:
    """Return the compound annual growth rate by the calendar, (1 + R)^(1 / years) - 1, a fraction.

    Differs from `annualised_return` where the year does not have exactly P bars. NaN without observations, for ``years`` not
    above 0 and after a loss of more than everything. Source: CFA Institute, GIPS Standards (2020), glossary "annualise".
    """
    return _rate(total_return(returns), years)


def _rate(total: float, years: float) -> float:
    if not (years > 0 and total >= -1.0):
        return NAN
    with np.errstate(over="ignore"):
        rate = float(np.float64(1.0 + total) ** (1.0 / years) - 1.0)
    return rate if np.isfinite(rate) else NAN


def years_between(start_ns: int, end_ns: int) -> float:
    """Return the calendar years of 365.25 days between two times in nanoseconds."""
    return (end_ns - start_ns) / NS_PER_YEAR


def volatility(returns: FloatArray, periods_per_year: float) -> float:
    """Return the annualised volatility, s * sqrt(P), a fraction; s has divisor n - 1. NaN below two observations.

    Source: Hull, Options, Futures, and Other Derivatives (10th ed. 2018), section 15.4.
    """
    return standard_deviation(returns) * float(np.sqrt(periods_per_year))


def by_period(returns: FloatArray, period: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """Compound the returns of each calendar period.

    Parameters
    ----------
    returns : (n,) float64, fractions; missing ones count as no move.
    period : (n,) int64, not decreasing: the number of the day, month or year each return belongs to.

    Returns
    -------
    The distinct periods, (m,) int64, and the compounded return of each, (m,) float64, fractions.
    """
    p = np.asarray(period, dtype=np.int64)
    if p.size == 0:
        return p, np.empty(0)
    growth = 1.0 + np.where(np.isfinite(returns), returns, 0.0)
    first = np.flatnonzero(np.concatenate(([True], p[1:] != p[:-1])))
    return p[first], np.multiply.reduceat(growth, first) - 1.0


def best(returns: FloatArray) -> float:
    """Return the largest return, a fraction; NaN without observations."""
    r = observed(returns)
    return float(r.max()) if r.size else NAN


def worst(returns: FloatArray) -> float:
    """Return the smallest return, a fraction; NaN without observations."""
    r = observed(returns)
    return float(r.min()) if r.size else NAN


def rolling_volatility(returns: FloatArray, window: int, periods_per_year: float) -> FloatArray:
    """Return the annualised volatility of the last ``window`` returns at each bar, (n,) fractions; NaN until there are enough.

    A window with a missing return is NaN.
    """
    deviation: FloatArray = _rolling(returns, window)[1] * np.sqrt(periods_per_year)
    return deviation


def rolling_sharpe(returns: FloatArray, window: int, periods_per_year: float, risk_free: float = 0.0) -> FloatArray:
    """Return the annualised Sharpe ratio of the last ``window`` returns at each bar, (n,); NaN until there are enough, and when flat.

    ``risk_free`` is a fraction per bar.
    """
    mean, deviation = _rolling(returns, window)
    ratio: FloatArray = (mean - risk_free) / np.where(deviation > 0, deviation, np.nan) * np.sqrt(periods_per_year)
    return ratio


def _rolling(returns: FloatArray, window: int) -> tuple[FloatArray, FloatArray]:
    """Return mean and standard deviation of every full window; two passes, so large means do not cancel the variance away."""
    r = np.asarray(returns, dtype=np.float64)
    mean, deviation = np.full(r.size, np.nan), np.full(r.size, np.nan)
    if window >= 2 and r.size >= window:
        windows = np.lib.stride_tricks.sliding_window_view(r, window)
        # Blocks keep the temporary of a long intraday run at a few megabytes.
        for start in range(0, windows.shape[0], 4096):
            block = windows[start : start + 4096]
            rows = slice(start + window - 1, start + window - 1 + block.shape[0])
            spread = np.ptp(block, axis=1)
            with np.errstate(over="ignore", invalid="ignore"):  # as in standard_deviation
                mean[rows] = block.mean(axis=1)
                deviation[rows] = np.where(spread == 0.0, 0.0, block.std(axis=1, ddof=1))
    return mean, deviation
