"""The shape of the return distribution: skewness, kurtosis, tail ratio, historical value at risk and expected shortfall.

Returns are simple returns per bar, (n,) float64 fractions. Losses of VaR and ES are positive numbers.
"""

from __future__ import annotations

import math

import numpy as np

from marketsim.risk.observations import FLAT, NAN, FloatArray, observed, quotient


def _standardised_moment(x: FloatArray, power: int) -> float:
    """Return m_k / m_2^(k/2) with divisor n; NaN for a flat or empty sample."""
    if x.size == 0:
        return NAN
    # Scaled to order one first: cubes of tiny returns would underflow.
    centred = x - x.mean()
    largest = float(np.abs(centred).max())
    if largest <= FLAT * float(np.abs(x).max()):
        return NAN
    centred = centred / largest
    return float(np.mean(centred**power) / np.mean(centred**2) ** (power / 2))


def moment_skewness(returns: FloatArray) -> float:
    """Return g_1 = m_3 / m_2^1.5, divisors n, a ratio; NaN for a flat or empty sample.

    Source: Joanes & Gill, Comparing Measures of Sample Skewness and Kurtosis, The Statistician 47(1), 1998, p. 183.
    """
    return _standardised_moment(observed(returns), 3)


def moment_kurtosis(returns: FloatArray) -> float:
    """Return m_4 / m_2^2, divisors n, a ratio; 3 for a normal distribution. NaN for a flat or empty sample."""
    return _standardised_moment(observed(returns), 4)


def skewness(returns: FloatArray) -> float:
    """Return the adjusted sample skewness G_1 = g_1 sqrt(n (n - 1)) / (n - 2), a ratio; NaN below three observations or when flat.

    Source: Joanes & Gill (1998), p. 184; the figure of pandas, Excel, SAS.
    """
    x = observed(returns)
    n = x.size
    return moment_skewness(x) * math.sqrt(n * (n - 1)) / (n - 2) if n >= 3 else NAN


def excess_kurtosis(returns: FloatArray) -> float:
    """Return the adjusted excess kurtosis G_2 = (n - 1) / ((n - 2) (n - 3)) ((n + 1) g_2 + 6), a ratio; 0 for a normal sample.

    g_2 is the moment kurtosis less 3. NaN below four observations or when flat. Source: Joanes & Gill (1998), p. 184.
    """
    x = observed(returns)
    n = x.size
    if n < 4:
        return NAN
    return (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * (moment_kurtosis(x) - 3.0) + 6.0)


def tail_ratio(returns: FloatArray) -> float:
    """Return |q_95| / |q_5| of the returns, a ratio; quantiles interpolate linearly (Hyndman & Fan 1996, type 7). NaN when q_5 is 0."""
    r = observed(returns)
    if r.size == 0:
        return NAN
    high, low = np.percentile(r, [95.0, 5.0])
    return quotient(abs(float(high)), abs(float(low)))


def _tail_count(n: int, confidence: float) -> float:
    """Return n (1 - confidence), rounded where 0.05 * 100 misses 5 by an ulp."""
    count = n * (1.0 - confidence)
    nearest = round(count)
    return float(nearest) if abs(count - nearest) < 1e-9 * max(n, 1) else count


def value_at_risk(returns: FloatArray, confidence: float) -> float:
    """Return the historical value at risk, minus the k-th worst return with k = ceil(n (1 - confidence)), a fraction.

    That is the lower quantile of the empirical distribution (Hyndman & Fan 1996, type 1): always a return that happened, no
    interpolation and no distribution assumed. NaN without observations. Source: McNeil, Frey & Embrechts, Quantitative Risk
    Management (2nd ed. 2015), definition 2.8.
    """
    r = np.sort(observed(returns))
    if r.size == 0:
        return NAN
    k = max(math.ceil(_tail_count(r.size, confidence)), 1)
    return -float(r[k - 1])


def expected_shortfall(returns: FloatArray, confidence: float) -> float:
    """Return the historical expected shortfall (CVaR): the mean loss in the worst n (1 - confidence) observations, a fraction.

    With a = n (1 - confidence) and k = ceil(a): ES = -(sum of the k - 1 worst + (a - k + 1) * k-th worst) / a. Returns tied with the
    value at risk enter with exactly the weight that fills the tail, so ES is coherent and continuous in the confidence; averaging
    "all returns at or below VaR" is neither. NaN without observations.
    Source: Acerbi & Tasche, On the Coherence of Expected Shortfall, Journal of Banking & Finance 26(7), 2002, proposition 4.1.
    """
    r = np.sort(observed(returns))
    if r.size == 0:
        return NAN
    a = _tail_count(r.size, confidence)
    k = max(math.ceil(a), 1)
    if k == 1:
        return -float(r[0])
    return -float(r[: k - 1].sum() + (a - k + 1) * r[k - 1]) / a
