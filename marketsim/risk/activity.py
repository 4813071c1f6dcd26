"""How much an account trades and holds: exposure, turnover, costs, capacity."""

from __future__ import annotations

import numpy as np

from marketsim.risk.observations import NAN, FloatArray, mean, observed, quotient

CAPACITY_PARTICIPATION = 0.01
CAPACITY_QUANTILE = 0.95


def time_in_market(long_value: FloatArray, short_value: FloatArray) -> float:
    """Return the share of bars that closed with a position, a fraction; values are (n,) currency. NaN without bars."""
    held = (long_value != 0) | (short_value != 0)
    return float(np.mean(held)) if held.size else NAN


def gross_exposure(long_value: FloatArray, short_value: FloatArray, equity: FloatArray) -> FloatArray:
    """Return (long - short) / equity at each close, (n,) fractions; short values are not positive. NaN where equity is not above 0."""
    return _over_equity(long_value - short_value, equity)


def net_exposure(long_value: FloatArray, short_value: FloatArray, equity: FloatArray) -> FloatArray:
    """Return (long + short) / equity at each close, (n,) fractions; NaN where equity is not above 0."""
    return _over_equity(long_value + short_value, equity)


def _over_equity(value: FloatArray, equity: FloatArray) -> FloatArray:
    share: FloatArray = np.divide(value, equity, out=np.full(equity.shape, np.nan), where=equity > 0)
    return share


def annual_turnover(traded: FloatArray, equity: FloatArray, periods_per_year: float) -> float:
    """Return sum(traded notional) / mean(equity) * P / n, a ratio a year; buys and sells both count, nothing is halved.

    ``traded`` and ``equity`` are (n,) currency. NaN without bars and where mean equity is not above 0.
    """
    level = mean(equity)
    if not level > 0:
        return NAN
    return quotient(float(observed(traded).sum()), level) * periods_per_year / equity.size


def capacity(share_of_volume: FloatArray, equity: FloatArray) -> float:
    """Return the equity at which the account would take 1 % of average volume on its heavier trading days, currency.

    C = x / quantile_0.95(p_i / E_i), x = 0.01; i runs over the symbol-sessions traded, p_i is the notional traded as a share of the
    symbol's average dollar volume a session over the run, E_i the equity at that session's end. It assumes that order sizes grow in
    proportion to equity; it says nothing about impact below 1 %. The quantile interpolates linearly.
    NaN without trades and where a volume is not known.

    Parameters
    ----------
    share_of_volume, equity : (m,) float64, fraction and currency.
    """
    if share_of_volume.size == 0 or not (np.isfinite(share_of_volume).all() and (equity > 0).all()):
        return NAN
    return quotient(CAPACITY_PARTICIPATION, float(np.quantile(share_of_volume / equity, CAPACITY_QUANTILE)))
