"""Fundamental values: what a share is worth at every time, as informed agents learn of it.

A path follows from the seed, the symbol's name and the time; nobody's asking changes it. A further kind is a file beside these with a
`FundamentalSpec` of its own, and a place in the union.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from marketsim.errors import ConfigError
from marketsim.markets.simulated.fundamentals.constant import ConstantFundamental
from marketsim.markets.simulated.fundamentals.correlation import correlation_factor
from marketsim.markets.simulated.fundamentals.history import HistoryFundamental
from marketsim.markets.simulated.fundamentals.ornstein_uhlenbeck import OrnsteinUhlenbeckFundamental, SparseMeanRevertingFundamental
from marketsim.markets.simulated.fundamentals.spec import LARGEST_TICK, Draws, FundamentalSpec, Grid, keyed_generator

Fundamental = Annotated[
    ConstantFundamental | OrnsteinUhlenbeckFundamental | SparseMeanRevertingFundamental | HistoryFundamental,
    Field(discriminator="kind"),
]

__all__ = [
    "ConstantFundamental",
    "Draws",
    "Fundamental",
    "FundamentalSpec",
    "Grid",
    "HistoryFundamental",
    "OrnsteinUhlenbeckFundamental",
    "SparseMeanRevertingFundamental",
    "fundamental_paths",
]


def fundamental_paths(
    specs: Mapping[str, FundamentalSpec], grid: Grid, seed: int, correlation: Sequence[Sequence[float]] | None = None
) -> NDArray[np.float64]:
    """Return the fundamental values of some symbols.

    Parameters
    ----------
    specs : symbol → its kind of fundamental
    grid : sessions and the step between two values
    seed : of all draws
    correlation : (n_symbols, n_symbols) of the normal variates behind the values, in the order of ``specs``; None for independent ones.
        Shocks are never correlated.

    Returns
    -------
    (n_symbols, n_sessions, n_points) float64, ticks, in the order of ``specs``

    Raises
    ------
    ConfigError
        ``correlation`` is not a correlation matrix of these symbols, or a value grows beyond all prices.
    """
    symbols = list(specs)
    normals = np.empty((len(symbols), len(grid.sessions), grid.n_points))
    for k, symbol in enumerate(symbols):
        for session, (start_ns, _) in enumerate(grid.sessions):
            normals[k, session] = keyed_generator(seed, symbol, start_ns, "diffusion").standard_normal(grid.n_points)
    if correlation is not None:
        factor = correlation_factor(correlation, symbols)
        # Sums in a fixed order: the same bytes on every machine.
        normals = np.stack([sum(factor[k, j] * normals[j] for j in range(k + 1)) for k in range(len(symbols))])
    with np.errstate(over="ignore", invalid="ignore"):
        paths = np.stack([spec.path(grid, Draws(seed, symbol, normals[k])) for k, (symbol, spec) in enumerate(specs.items())])
    for symbol, path in zip(symbols, paths, strict=True):
        if not (path <= LARGEST_TICK).all():
            raise ConfigError(
                f"market.fundamental: the value of {symbol} grows beyond {LARGEST_TICK:.0e} ticks; lower its volatility or its shocks."
            )
    return paths
