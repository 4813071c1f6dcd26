"""What closed trades say: win rate, profit factor, expectancy, payoff, Kelly fraction, system quality, excursions.

Arguments are one entry a round trip, (n,) float64: ``pnl`` in currency after fees, ``returns`` as fractions of the entry notional.
Every function is NaN without round trips. A round trip that made exactly nothing is neither a win nor a loss.
"""

from __future__ import annotations

import math

import numpy as np

from marketsim.risk.observations import NAN, FloatArray, mean, observed, quotient, standard_deviation


def win_rate(pnl: FloatArray) -> float:
    """Return the share of round trips with a profit, a fraction."""
    x = observed(pnl)
    return float(np.mean(x > 0)) if x.size else NAN


def profit_factor(pnl: FloatArray) -> float:
    """Return gross profit over gross loss, a ratio; NaN without a loss. Source: Schwager, Futures: Technical Analysis (1996), ch. 21."""
    x = observed(pnl)
    return quotient(float(x[x > 0].sum()), float(-x[x < 0].sum()))


def expectancy(values: FloatArray) -> float:
    """Return the mean result of a round trip, in the unit of ``values``.

    Source: Tharp, Trade Your Way to Financial Freedom (1998), ch. 7.
    """
    return mean(values)


def payoff_ratio(pnl: FloatArray) -> float:
    """Return the average win over the average loss, a ratio; NaN without a win or without a loss."""
    x = observed(pnl)
    return quotient(mean(x[x > 0]), -mean(x[x < 0]))


def kelly_fraction(pnl: FloatArray) -> float:
    """Return the Kelly fraction W - (1 - W) / payoff ratio, a fraction of capital; negative = do not bet. NaN where the payoff is.

    Source: Kelly, A New Interpretation of Information Rate, Bell System Technical Journal 35(4), 1956; form for unequal win and
    loss in Thorp (2006), section 2.
    """
    win = win_rate(pnl)
    return win - quotient(1.0 - win, payoff_ratio(pnl))


def system_quality_number(pnl: FloatArray) -> float:
    """Return sqrt(n) * mean(pnl) / s(pnl), a ratio; NaN below two round trips or when all are equal. No cap at 100 trades.

    Source: Tharp, Definitive Guide to Position Sizing (2008), ch. 2.
    """
    x = observed(pnl)
    return math.sqrt(x.size) * quotient(mean(x), standard_deviation(x))


def edge_ratio(mae: FloatArray, mfe: FloatArray) -> float:
    """Return mean MFE over mean absolute MAE, a ratio; NaN when nothing ever moved against a trip.

    Source: Sweeney, Maximum Adverse Excursion (1996), without its volatility scaling.
    """
    return quotient(mean(mfe), abs(mean(mae)))
