"""What counts as an observation, and when a sample is too small or too flat to say anything."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

NAN = float("nan")

# A constant series of floats can leave a standard deviation of a few ulps; dividing by it would report a ratio of 1e15.
FLAT = 1e-14


def observed(values: FloatArray) -> FloatArray:
    """Return the finite entries of ``values``, (n,) any unit, in order; NaN and infinities are missing observations."""
    array = np.asarray(values, dtype=np.float64)
    return array[np.isfinite(array)]


def observed_pairs(first: FloatArray, second: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the entries of two arrays of equal length, (n,), where both are finite."""
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    both = np.isfinite(a) & np.isfinite(b)
    return a[both], b[both]


def mean(values: FloatArray) -> float:
    """Return the arithmetic mean of the finite entries; NaN without any."""
    x = observed(values)
    return float(x.mean()) if x.size else NAN


def standard_deviation(values: FloatArray) -> float:
    """Return the sample standard deviation (divisor n - 1) of the finite entries; 0 when flat, NaN below two of them."""
    x = observed(values)
    if x.size < 2:
        return NAN
    with np.errstate(over="ignore"):  # returns of 1e155 and more: infinite, not a warning
        deviation = float(x.std(ddof=1))
    return 0.0 if deviation <= FLAT * float(np.abs(x).max()) else deviation


def quotient(numerator: float, denominator: float) -> float:
    """Return ``numerator / denominator``; NaN where the denominator is zero or either is missing."""
    if denominator == 0.0 or not np.isfinite(denominator) or not np.isfinite(numerator):
        return NAN
    return float(numerator / denominator)
