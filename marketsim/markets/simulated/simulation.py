"""A simulated market as a run of its own: what its groups' accounts, its bars and its gates come to, as the warehouse's tables."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from marketsim.config.run import RunSpec
from marketsim.config.simulated import SimulatedMarket
from marketsim.markets.bars import AccountRun
from marketsim.markets.panel import Panel
from marketsim.markets.simulated.capture import Sink
from marketsim.markets.simulated.gates import health
from marketsim.markets.simulated.run import SimulatedRun
from marketsim.markets.simulated.watchdog import TURN_LIMIT_S, Watchdog
from marketsim.markets.tables import fills_table, orders_table
from marketsim.records import FILL, ORDER
from marketsim.simulation import Simulation


def simulate_population(spec: RunSpec, market: SimulatedMarket, sink: Sink, progress: Callable[[str], None] = lambda _: None) -> Simulation:
    """Let a population trade, with no strategy among it.

    Parameters
    ----------
    spec, market : the run and its market section
    sink : gets the name of each captured table and rows of it while the market runs
    progress : hears a short sentence now and then

    Returns
    -------
    Tables positions and equity hold the groups, each group's agents taken together; orders and fills, which are a strategy's, are empty.

    Raises
    ------
    ConfigError
        The population, the calendar or an event does not fit.
    StrategyError
        An agent raised, hung or broke a limit; the message names it, the time and the reason.
    """
    results = SimulatedRun(spec, market, sink, progress=progress).play(watchdog=Watchdog(TURN_LIMIT_S))
    nobody, empty = _nobody(spec)
    return Simulation(
        orders=orders_table("", nobody, empty),
        fills=fills_table("", nobody, empty),
        positions=results.positions(),
        equity=results.equity(),
        health=health(results, market),
        market={
            "market_bars": results.market_bars(),
            "market_activity": results.market_activity(),
            "market_agents": results.market_agents(),
        },
    )


def _nobody(spec: RunSpec) -> tuple[AccountRun, Panel]:
    """Return the account of nobody on no bars."""
    none, wide = np.zeros(0), np.zeros((0, len(spec.symbols)))
    times, days = np.zeros(0, np.int64), np.zeros(0, "datetime64[D]")
    account = AccountRun(np.zeros(0, ORDER), np.zeros(0, FILL), wide, wide, none, none, none, none, none)
    return account, Panel(tuple(spec.symbols), times, times, days, wide, wide, wide, wide, wide, wide, wide)
