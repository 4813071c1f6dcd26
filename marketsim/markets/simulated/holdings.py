"""Funds of a population that follow a holdings file: the file's share counts become targets before anybody trades."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from marketsim.configpopulation import Group
from marketsim.configsimulated import SimulatedMarket
from marketsim.errors import ConfigError

ASIDE = ("holdings_file", "fund")  # parameters of a group that say where its targets come from


def without_files(group: Group) -> Group:
    """Return a group as it will be once its file is read, as far as that can be known before."""
    return group if group.holdings_file is None else _with_targets(group, 1, (0,))


def with_targets(market: SimulatedMarket, symbols: Sequence[str], dates: Sequence[dt.date], base_dir: Path) -> SimulatedMarket:
    """Return a market whose funds have their targets.

    Parameters
    ----------
    market : as it stands in the run description
    symbols : of the run
    dates : of its sessions, ascending
    base_dir : folder that relative paths start at

    Raises
    ------
    ConfigError
        A file cannot be used; the message names the group, the file and the reason.
    """
    population = {name: _resolved(name, group, market, (symbols, dates), base_dir) for name, group in market.population.items()}
    return market.model_copy(update={"population": population})


def _resolved(name: str, group: Group, market: SimulatedMarket, places: tuple[Sequence[str], Sequence[dt.date]], base_dir: Path) -> Group:
    if group.holdings_file is None:
        return group
    from marketsim.agents.institutions.holdings_fund import holdings_targets

    symbols, dates = places
    file, fund = base_dir / group.holdings_file, group.parameters.get("fund")
    try:
        targets = holdings_targets(file, symbols, dates, fund=None if fund is None else str(fund), lot_shares=market.lot_size)
    except ConfigError as error:
        raise ConfigError(f"market.population.{name}.parameters: {error}") from error
    return _with_targets(group, len(symbols), targets)


def _with_targets(group: Group, n_symbols: int, targets: tuple[int, ...]) -> Group:
    kept = {key: value for key, value in group.parameters.items() if key not in ASIDE}
    return group.model_copy(update={"parameters": {"n_symbols": n_symbols, "target_lot": list(targets), **kept}})
