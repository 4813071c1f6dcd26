"""Funds of a population that follow a holdings file: the file's share counts become targets before anybody trades."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path

from marketsim.config.population import Group
from marketsim.config.simulated import SimulatedMarket
from marketsim.errors import ConfigError

ASIDE = ("holdings_file", "fund")  # parameters of a group that say where its targets come from


def without_files(group: Group) -> Group:
    """Return a group as it will be once its file is read, as far as that can be known before."""
    return group if group.holdings_file is None else _with_targets(group, 1, (0,))


def beside(market: SimulatedMarket, base_dir: Path) -> SimulatedMarket:
    """Return a market whose groups name their files from a folder on, that of the run description."""
    return _each(
        market,
        lambda _name, group, file: group.model_copy(update={"parameters": {**group.parameters, "holdings_file": str(base_dir / file)}}),
    )


def with_targets(market: SimulatedMarket, symbols: Sequence[str], dates: Sequence[dt.date]) -> SimulatedMarket:
    """Return a market whose funds have their targets.

    Parameters
    ----------
    market : as it stands in the run description
    symbols : of the run
    dates : of its sessions, ascending

    Raises
    ------
    ConfigError
        A file cannot be used; the message names the group, the file and the reason.
    """
    from marketsim.agents.institutions.holdings_fund import holdings_targets

    def resolved(name: str, group: Group, file: str) -> Group:
        fund = group.parameters.get("fund")
        try:
            targets = holdings_targets(Path(file), symbols, dates, fund=None if fund is None else str(fund), lot_shares=market.lot_size)
        except ConfigError as error:
            raise ConfigError(f"market.population.{name}.parameters: {error}") from error
        return _with_targets(group, len(symbols), targets)

    return _each(market, resolved)


def _each(market: SimulatedMarket, change: Callable[[str, Group, str], Group]) -> SimulatedMarket:
    """Return a market with its groups that follow a file changed; the same market if none does."""
    following = {
        name: change(name, group, group.holdings_file) for name, group in market.population.items() if group.holdings_file is not None
    }
    return market.model_copy(update={"population": {**market.population, **following}}) if following else market


def _with_targets(group: Group, n_symbols: int, targets: tuple[int, ...]) -> Group:
    kept = {key: value for key, value in group.parameters.items() if key not in ASIDE}
    return group.model_copy(update={"parameters": {"n_symbols": n_symbols, "target_lot": list(targets), **kept}})
