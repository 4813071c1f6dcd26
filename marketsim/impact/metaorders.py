"""The impact exponent: how the price move grows with the size of a metaorder, I = c Q^delta (delta about 1/2 in real markets)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from marketsim.errors import DataError
from marketsim.impact.measures import Estimate, estimate, peak_bps
from marketsim.impact.pairs import FloatArray, Pair

N_RESAMPLES = 2_000


@dataclass(frozen=True, slots=True)
class ImpactCurve:
    """Peak impact by size of the metaorder, and the power law through it.

    Attributes
    ----------
    traded_lot : (n_sizes,) mean quantity executed
    peak_bps : one estimate a size
    exponent : delta, with its 95 % bootstrap interval over the seeds of every size
    coefficient : c, bps at one lot
    """

    traded_lot: FloatArray
    peak_bps: tuple[Estimate, ...]
    exponent: Estimate
    coefficient: float


def impact_curve(pairs_by_size: Sequence[Sequence[Pair]], seed: int = 0) -> ImpactCurve:
    """Fit the power law by least squares through the logarithms of mean peak impact and mean traded quantity.

    Each size weighs as its mean is certain; one whose mean is not positive has no logarithm and is left out.

    Parameters
    ----------
    pairs_by_size : the pairs of each size, sizes in rising order; at least two sizes, all of the same seeds
    seed : of the bootstrap

    Raises
    ------
    DataError
        Fewer than two sizes have a positive mean impact, through which alone a power law can go.
    """
    peaks, traded = _table(pairs_by_size, peak_bps), _table(pairs_by_size, lambda pair: abs(pair.net_lot) if len(pair.fill_ns) else np.nan)
    if not np.isfinite(peaks).any(axis=1).all():
        raise DataError("a metaorder of one of the sizes never traded; give it more time or choose another size.")
    certainty = _certainty(peaks)
    exponent, coefficient = _fit(_mean(traded), _mean(peaks), certainty)
    if not np.isfinite(exponent):
        raise DataError("fewer than two sizes moved the price against the metaorder on average; use larger sizes or more seeds.")
    rng = np.random.default_rng(seed)
    redrawn = np.empty(N_RESAMPLES)
    for k in range(N_RESAMPLES):
        # The sizes of a seed are drawn together: they share the market without the metaorder, and most of its noise.
        picks = rng.integers(0, peaks.shape[1], peaks.shape[1])
        redrawn[k] = _fit(_mean(traded[:, picks]), _mean(peaks[:, picks]), certainty)[0]
    low, high = np.nanquantile(redrawn, (0.025, 0.975))
    return ImpactCurve(
        _mean(traded),
        tuple(estimate(row, seed) for row in peaks),
        Estimate(exponent, float(low), float(high), int(np.isfinite(peaks).sum())),
        coefficient,
    )


def _table(pairs_by_size: Sequence[Sequence[Pair]], value: Callable[[Pair], float]) -> FloatArray:
    """Return a value of every pair, (n_sizes, n_seeds)."""
    return np.array([[value(pair) for pair in pairs] for pairs in pairs_by_size], np.float64)


def _mean(table: FloatArray) -> FloatArray:
    """Return the mean of the finite values of each row; NaN where there are none."""
    known = np.isfinite(table)
    n = known.sum(axis=1)
    return np.asarray(np.where(n > 0, np.where(known, table, 0.0).sum(axis=1) / np.maximum(n, 1), np.nan))


def _certainty(peaks: FloatArray) -> FloatArray:
    """Return the mean of each row over its standard error, which is one over the standard error of its logarithm (delta method)."""
    n = np.isfinite(peaks).sum(axis=1)
    error = np.nanstd(peaks, axis=1) / np.sqrt(n)
    known = (n > 1) & (error > 0)
    # Without an error there is nothing to weigh by.
    return np.asarray(np.abs(_mean(peaks)) / np.where(known, error, 1.0) if known.all() else np.ones(len(peaks)))


def _fit(quantity: FloatArray, impact: FloatArray, certainty: FloatArray) -> tuple[float, float]:
    """Return the exponent and the coefficient of the power law; NaN through fewer than two points."""
    usable = (quantity > 0) & (impact > 0)
    if usable.sum() < 2:
        return np.nan, np.nan
    slope, intercept = np.polyfit(np.log(quantity[usable]), np.log(impact[usable]), 1, w=certainty[usable])
    return float(slope), float(np.exp(intercept))
