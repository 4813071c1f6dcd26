"""The impact exponent: how the price move grows with the size of a metaorder, I = c Q^delta (delta about 1/2 in real markets)."""

from __future__ import annotations

from collections.abc import Sequence
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

    Parameters
    ----------
    pairs_by_size : the pairs of each size, sizes in rising order; at least two sizes
    seed : of the bootstrap

    Raises
    ------
    DataError
        Fewer than two sizes have a positive mean impact, through which alone a power law can go.
    """
    rng = np.random.default_rng(seed)
    peaks = [np.array([peak_bps(pair) for pair in pairs if len(pair.fill_ns)]) for pairs in pairs_by_size]
    traded = [np.array([abs(pair.net_lot) for pair in pairs if len(pair.fill_ns)], np.float64) for pairs in pairs_by_size]
    if any(len(size) == 0 for size in peaks):
        raise DataError("a metaorder of one of the sizes never traded; give it more time or choose another size.")
    exponent, coefficient = _fit(np.array([q.mean() for q in traded]), np.array([p.mean() for p in peaks]))
    if not np.isfinite(exponent):
        raise DataError("fewer than two sizes moved the price against the metaorder on average; use larger sizes or more seeds.")
    redrawn = np.empty(N_RESAMPLES)
    for k in range(N_RESAMPLES):
        picks = [rng.integers(0, len(size), len(size)) for size in peaks]
        q = np.array([size[pick].mean() for size, pick in zip(traded, picks, strict=True)])
        p = np.array([size[pick].mean() for size, pick in zip(peaks, picks, strict=True)])
        redrawn[k] = _fit(q, p)[0]
    low, high = np.nanquantile(redrawn, (0.025, 0.975))
    n = sum(len(size) for size in peaks)
    return ImpactCurve(
        np.array([q.mean() for q in traded]),
        tuple(estimate(p, seed) for p in peaks),
        Estimate(exponent, float(low), float(high), n),
        coefficient,
    )


def _fit(quantity: FloatArray, impact: FloatArray) -> tuple[float, float]:
    """Return the exponent and the coefficient of the power law; NaN through fewer than two points."""
    usable = (quantity > 0) & (impact > 0)
    if usable.sum() < 2:
        return np.nan, np.nan
    slope, intercept = np.polyfit(np.log(quantity[usable]), np.log(impact[usable]), 1)
    return float(slope), float(np.exp(intercept))
