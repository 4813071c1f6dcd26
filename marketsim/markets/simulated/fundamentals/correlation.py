"""Normal variates that are correlated across symbols."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from marketsim.errors import ConfigError

ROUNDING = 1e-10  # how far from semidefinite a matrix may be by rounding


def correlation_factor(correlation: Sequence[Sequence[float]], symbols: Sequence[str]) -> NDArray[np.float64]:
    """Return the lower triangular matrix L with L L' = ``correlation``; the first k symbols depend on the first k variates only.

    Parameters
    ----------
    correlation : (n_symbols, n_symbols); perfectly correlated symbols are allowed
    symbols : their names, for the error

    Raises
    ------
    ConfigError
        The matrix has another shape, is not symmetric, has a diagonal other than 1, or is not positive semidefinite.
    """
    n = len(symbols)
    if len(correlation) != n or any(len(row) != n for row in correlation):
        raise ConfigError(f"correlation: has {len(correlation)} rows; {n} symbols ({', '.join(symbols)}) need {n} rows of {n} numbers.")
    matrix = np.array(correlation, np.float64)
    odd = np.argwhere(~np.isclose(matrix, matrix.T, rtol=0, atol=ROUNDING))
    if len(odd):
        one, other = symbols[odd[0][0]], symbols[odd[0][1]]
        raise ConfigError(f"correlation: that of {one} with {other} differs from that of {other} with {one}; make the matrix symmetric.")
    wrong = np.flatnonzero(~np.isclose(np.diag(matrix), 1.0, rtol=0, atol=ROUNDING))
    if len(wrong):
        raise ConfigError(f"correlation: that of {symbols[wrong[0]]} with itself is {matrix[wrong[0], wrong[0]]:g}; it must be 1.")
    smallest = float(np.linalg.eigvalsh(matrix)[0])
    if smallest < -ROUNDING:
        raise ConfigError(
            f"correlation: no market can have these correlations, the matrix has the negative eigenvalue {smallest:.3g}; "
            "bring contradicting entries closer to 0."
        )
    return _semidefinite_cholesky(matrix)


def _semidefinite_cholesky(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    n = len(matrix)
    factor = np.zeros((n, n))
    for column in range(n):
        left = matrix[column:, column] - factor[column:, :column] @ factor[column, :column]
        # A symbol that is a mixture of those before it has no variate of its own.
        if left[0] > ROUNDING:
            factor[column:, column] = left / np.sqrt(left[0])
    return factor
