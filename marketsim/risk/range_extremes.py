"""Smallest low and largest high of any range of bars, for many ranges at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketsim.risk.observations import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class RangeExtremes:
    """A sparse table: level k holds the extremes of every 2^k bars in a row, so any range is covered by two entries of one level.

    Source: Bender & Farach-Colton, The LCA Problem Revisited, LATIN 2000, section 3.
    """

    lows: tuple[FloatArray, ...]
    highs: tuple[FloatArray, ...]

    @classmethod
    def of(cls, low: FloatArray, high: FloatArray) -> RangeExtremes:
        """Build the table from lows and highs, (n,) each; NaN bars are passed over."""
        lows, highs = [low], [high]
        step = 1
        while 2 * step <= low.size:
            lows.append(np.fmin(lows[-1][:-step], lows[-1][step:]))
            highs.append(np.fmax(highs[-1][:-step], highs[-1][step:]))
            step *= 2
        return cls(tuple(lows), tuple(highs))

    def between(self, first: IntArray, stop: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return the smallest low and the largest high of bars ``first`` to ``stop`` (left out), (m,) each; NaN for an empty range."""
        lowest, highest = np.full(first.size, np.nan), np.full(first.size, np.nan)
        length = stop - first
        level = np.where(length > 0, np.frexp(np.maximum(length, 1).astype(np.float64))[1] - 1, -1)
        for k in np.unique(level[level >= 0]).tolist():
            at = np.flatnonzero(level == k)
            left, right = first[at], stop[at] - (1 << k)
            lowest[at] = np.fmin(self.lows[k][left], self.lows[k][right])
            highest[at] = np.fmax(self.highs[k][left], self.highs[k][right])
        return lowest, highest
