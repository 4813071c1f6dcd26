"""Simulate: the run's strategies in its market, and what came of it as tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from marketsim.agents.library import build
from marketsim.config import Agent, RunSpec
from marketsim.kernel.compile import is_compiled
from marketsim.markets.bars import AccountRun, AccountRunner, Liquidity, liquidity
from marketsim.markets.panel import FloatArray, Panel, panel
from marketsim.markets.tables import equity_table, fills_table, health_table, orders_table, positions_table
from marketsim.records import FILL, ORDER

PROGRESS_STEPS = 20


@dataclass(frozen=True, slots=True)
class Simulation:
    """Everything a run produced, as Arrow tables in the warehouse's columns."""

    orders: pa.Table
    fills: pa.Table
    positions: pa.Table
    equity: pa.Table
    health: pa.Table


def simulate(
    spec: RunSpec,
    bars: pa.Table,
    *,
    base_dir: Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Simulation:
    """Run every trader of the specification over the bars.

    Parameters
    ----------
    spec : what to run.
    bars : validated canonical bars of the traded symbols and the benchmark.
    base_dir : where relative files named by strategies are looked up.
    progress : hears a short sentence now and then.

    Raises
    ------
    DataError
        No bar of any traded symbol is there.
    ConfigError, StrategyError
        A strategy cannot be built, raised, or returned nonsense; the message names the agent and the time.
    """
    if spec.market.actions == "adjust":
        from marketsim.data.actions import back_adjust

        bars = back_adjust(bars)
    market = panel(bars, spec.symbols, with_actions=spec.market.actions == "apply", max_bars=spec.max_ticks)
    estimates = _estimates(spec, market)
    if not is_compiled():
        progress("compiling the kernel, once; about 5 s")
    runs: list[tuple[str, float, AccountRun]] = []
    for trader in spec.traders:
        runner = AccountRunner(trader, build(trader.strategy, base_dir), spec, market, estimates)
        starting_cash = (trader.account or spec.account).cash
        runs.append((trader.name, starting_cash, runner.run(_announcer(trader, market.n_bars, progress))))
    runs.sort(key=lambda run: run[0])  # tables are sorted by agent
    equity = [equity_table(name, cash, run, market) for name, cash, run in runs] + _benchmark(spec, bars, market)
    return Simulation(
        orders=pa.concat_tables([orders_table(name, run, market) for name, _, run in runs]),
        fills=pa.concat_tables([fills_table(name, run, market) for name, _, run in runs]),
        positions=pa.concat_tables([positions_table(name, run, market) for name, _, run in runs]),
        equity=pa.concat_tables(sorted(equity, key=lambda table: str(table["agent"][0]))),
        health=health_table(runs, market),
    )


def _estimates(spec: RunSpec, market: Panel) -> Liquidity:
    """Estimate what impact needs, or nothing where impact is off."""
    if spec.market.impact.coefficient == 0.0:
        unknown = np.full(market.close.shape, np.nan)
        return Liquidity(unknown, unknown)
    return liquidity(market, spec.market.impact.window_bars, market.n_bars / len(np.unique(market.session)))


def _announcer(trader: Agent, n_bars: int, progress: Callable[[str], None]) -> Callable[[int], None]:
    every = max(1, n_bars // PROGRESS_STEPS)

    def announce(done: int) -> None:
        if done % every == 0 or done == n_bars:
            progress(f"{trader.name}: {done:,} of {n_bars:,} bars")

    return announce


def _benchmark(spec: RunSpec, bars: pa.Table, market: Panel) -> list[pa.Table]:
    """Return the equity of the starting cash held in the benchmark from the first bar's close, dividends reinvested."""
    if spec.benchmark is None or spec.benchmark not in bars["symbol"].unique().to_pylist():
        return []
    own = panel(bars, [spec.benchmark], with_actions=spec.market.actions == "apply")
    at = np.searchsorted(own.close_ns, market.close_ns, side="right") - 1
    growth = _total_return_index(own)[at]
    growth = np.where(at >= 0, growth, np.nan)
    first = growth[np.flatnonzero(np.isfinite(growth))[0]] if np.isfinite(growth).any() else np.nan
    value = spec.account.cash * np.where(np.isfinite(growth), growth / first, 1.0)
    none = np.zeros(market.n_bars)
    held = AccountRun(np.zeros(0, ORDER), np.zeros(0, FILL), value[:, None], np.ones((market.n_bars, 1)), none, none, none, none, none)
    return [equity_table("benchmark", spec.account.cash, held, market)]


def _total_return_index(own: Panel) -> FloatArray:
    """Return the value of one unit bought at the first close, (n_bars,): the product of (P_t + D_t) / P_{t-1}, as CRSP defines it."""
    close, split, dividend = own.close[:, 0], own.split[:, 0], own.dividend[:, 0]
    gross = (close[1:] + dividend[1:]) / (close[:-1] / split[1:])
    return np.concatenate([[1.0], np.cumprod(gross)])
