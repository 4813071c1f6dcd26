"""Simulate: the run's strategies in its market, and what came of it as tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from marketsim.agents.library import build
from marketsim.agents.strategy import Strategy
from marketsim.config.markets import ReplayMarket
from marketsim.config.run import Agent, RunSpec
from marketsim.config.simulated import SimulatedMarket
from marketsim.kernel.compile import is_compiled
from marketsim.markets.account_run import nobody
from marketsim.markets.bars_model import BarsModel
from marketsim.markets.model import MarketModel
from marketsim.markets.outcome import Simulation
from marketsim.markets.panel import FloatArray, Panel, panel
from marketsim.markets.simulated.holdings import beside
from marketsim.markets.tables import equity_table, fills_table, health_table, orders_table, positions_table

if TYPE_CHECKING:
    from marketsim.markets.simulated.capture import Sink
    from marketsim.replay.stream import Stream

__all__ = ["Simulation", "simulate"]

PROGRESS_STEPS = 20


def simulate(
    spec: RunSpec,
    bars: pa.Table,
    *,
    base_dir: Path | None = None,
    recorded: Stream | None = None,
    sink: Sink = lambda _name, _rows: None,
    progress: Callable[[str], None] = lambda _: None,
) -> Simulation:
    """Run every trader of the specification over the bars.

    Parameters
    ----------
    spec : what to run.
    bars : validated canonical bars of the traded symbols and the benchmark.
    base_dir : where relative files named by strategies, recordings and populations are looked up.
    recorded : the order flow a replay market plays; None = read now from the files the specification names.
    sink : gets the name of each table a simulated market captures, and rows of it while the market runs.
    progress : hears a short sentence now and then.

    Raises
    ------
    DataError
        No bar of any traded symbol is there, or a recording cannot be read.
    ConfigError, StrategyError
        A strategy cannot be built, raised, or returned nonsense; the message names the agent and the time.
    """
    if isinstance(spec.market, SimulatedMarket):
        spec = spec.model_copy(update={"market": beside(spec.market, base_dir or Path())})
    if isinstance(spec.market, SimulatedMarket) and not spec.traders and not spec.market.needs_history:
        from marketsim.markets.simulated.population_alone import simulate_population

        return simulate_population(spec, spec.market, sink, progress)
    if spec.actions == "adjust":
        from marketsim.data.actions import back_adjust

        bars = back_adjust(bars)
    if not is_compiled():
        progress("compiling the kernel, once; about 5 s")
    strategies = [(trader, build(trader.strategy, base_dir)) for trader in spec.traders]
    if isinstance(spec.market, SimulatedMarket):
        from marketsim.markets.simulated.model import SimulatedModel

        living = SimulatedModel(spec, spec.market, bars, sink, progress)
        return living.completed(_booked(spec, bars, living, strategies, progress))
    result = _booked(spec, bars, _model(spec, bars, base_dir, recorded), strategies, progress)
    if spec.simulated_sessions is None:
        return result
    from marketsim.markets.simulated.side_by_side import side_by_side

    both = side_by_side(spec, spec.simulated_sessions, bars, base_dir, progress)
    return dataclasses.replace(result, market={"simulated_sessions": both})


def _booked(
    spec: RunSpec, bars: pa.Table, model: MarketModel, strategies: Sequence[tuple[Agent, Strategy]], progress: Callable[[str], None]
) -> Simulation:
    """Let the strategies trade and return what they did as tables, sorted by agent; the bars' benchmark stands among the accounts."""
    played = model.play(strategies, _announcer(model.panel.n_bars, progress))
    market = model.panel
    runs = [(trader.name, (trader.account or spec.account).cash, run) for (trader, _), run in zip(strategies, played, strict=True)]
    runs = sorted(runs or [("", spec.account.cash, nobody(market))], key=lambda run: run[0])
    equity = [equity_table(name, cash, run, market) for name, cash, run in runs] + _benchmark(spec, bars, market)
    return Simulation(
        orders=pa.concat_tables([orders_table(name, run, market) for name, _, run in runs]),
        fills=pa.concat_tables([fills_table(name, run, market) for name, _, run in runs]),
        positions=pa.concat_tables([positions_table(name, run, market) for name, _, run in runs]),
        equity=pa.concat_tables(sorted(equity, key=lambda table: str(table["agent"][0]))),
        health=health_table(runs, market, model.gates),
    )


def _model(spec: RunSpec, bars: pa.Table, base_dir: Path | None, recorded: Stream | None) -> MarketModel:
    """Return the market that the run names."""
    if isinstance(spec.market, ReplayMarket):
        # The readers of recordings compile kernels of their own; only a run that replays pays for them.
        from marketsim.markets.replay_model import ReplayModel
        from marketsim.replay.library import recorded_stream

        return ReplayModel(spec, spec.market, bars, recorded or recorded_stream(spec, base_dir or Path()))
    return BarsModel(spec, bars)


def _announcer(n_bars: int, progress: Callable[[str], None]) -> Callable[[str, int], None]:
    every = max(1, n_bars // PROGRESS_STEPS)

    def announce(name: str, done: int) -> None:
        if done % every == 0 or done == n_bars:
            progress(f"{name}: {done:,} of {n_bars:,} bars")

    return announce


def _benchmark(spec: RunSpec, bars: pa.Table, market: Panel) -> list[pa.Table]:
    """Return the equity of the starting cash held in the benchmark from the first bar's close, dividends reinvested."""
    if spec.benchmark is None or spec.benchmark not in bars["symbol"].unique().to_pylist():
        return []
    own = panel(bars, [spec.benchmark], with_actions=spec.actions == "apply")
    at = np.searchsorted(own.close_ns, market.close_ns, side="right") - 1
    growth = _total_return_index(own)[at]
    growth = np.where(at >= 0, growth, np.nan)
    first = growth[np.flatnonzero(np.isfinite(growth))[0]] if np.isfinite(growth).any() else np.nan
    value = spec.account.cash * np.where(np.isfinite(growth), growth / first, 1.0)
    held = dataclasses.replace(nobody(market), position=value[:, None], mark=np.ones((market.n_bars, 1)))
    return [equity_table("benchmark", spec.account.cash, held, market)]


def _total_return_index(own: Panel) -> FloatArray:
    """Return the value of one unit bought at the first close, (n_bars,): the product of (P_t + D_t) / P_{t-1}, as CRSP defines it."""
    close, split, dividend = own.close[:, 0], own.split[:, 0], own.dividend[:, 0]
    gross = (close[1:] + dividend[1:]) / (close[:-1] / split[1:])
    return np.concatenate([[1.0], np.cumprod(gross)])
