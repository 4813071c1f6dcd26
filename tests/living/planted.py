"""Agents with the defects that health gates must catch, and small runs they are planted in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from marketsim.agents.compiled import AgentParams, compiled_agent
from marketsim.config.file import check_spec
from marketsim.config.run import RunSpec
from marketsim.config.simulated import SimulatedMarket
from marketsim.kernel.book_state import NO_PRICE, NONE
from marketsim.kernel.simulation.actions import cancel, limit, wake_in
from marketsim.kernel.simulation.sight import best_tick, first_order, order
from marketsim.markets.simulated.gates import health
from marketsim.markets.simulated.results import Results
from marketsim.markets.simulated.run import SimulatedRun

SECOND_NS = 1_000_000_000


class DyingMakerParams(AgentParams):
    """Quote a tick either side of the touch every second; the next wake-up is set only where both sides are there."""

    kind: Literal["dying_maker"] = "dying_maker"
    start_tick: int = Field(10_000, description="Where it begins, ticks.")


@compiled_agent(DyingMakerParams, np.dtype([("n", np.int64)]))
def dying_maker(market, me, p, state):
    bid, ask = best_tick(market, me.symbol, me.venue, 1), best_tick(market, me.symbol, me.venue, -1)
    if state.n < 20:
        limit(market, me, 1, p.start_tick - 2, 1)
        limit(market, me, -1, p.start_tick + 2, 1)
        wake_in(market, me, SECOND_NS)
    elif bid != NO_PRICE and ask != NO_PRICE:  # noqa: PLR1714 - Numba wants plain comparisons
        wake_in(market, me, SECOND_NS)
    state.n += 1


class CancelStormParams(AgentParams):
    """Quote once, and then cancel the same order again and again."""

    kind: Literal["cancel_storm"] = "cancel_storm"
    n_cancels: int = Field(50, description="Cancels a turn.")


@compiled_agent(CancelStormParams, np.dtype([("n", np.int64)]))
def cancel_storm(market, me, p, state):
    mine = first_order(market, me)
    if mine == NONE:
        limit(market, me, 1, 9_000, 1)
    else:
        for _ in range(p.n_cancels):
            cancel(market, me, order(market, mine).order_id)
    wake_in(market, me, SECOND_NS)


class SweeperParams(AgentParams):
    """Take everything on offer, once."""

    kind: Literal["sweeper"] = "sweeper"
    at_s: float = Field(600.0, description="When, s after its first turn.")


@compiled_agent(SweeperParams, np.dtype([("n", np.int64)]))
def sweeper(market, me, p, state):
    if state.n == 1:
        limit(market, me, 1, 11_000, 1_000_000)
    if state.n == 0:
        wake_in(market, me, p.at_s * 1e9)
    state.n += 1


class CarelessParams(AgentParams):
    """Order nothing, every second."""

    kind: Literal["careless"] = "careless"


@compiled_agent(CarelessParams, np.dtype([("n", np.int64)]))
def careless(market, me, p, state):
    limit(market, me, 1, 9_000, 0)
    wake_in(market, me, SECOND_NS)


class HangsParams(AgentParams):
    """Never end the first turn."""

    kind: Literal["hangs"] = "hangs"


@compiled_agent(HangsParams, np.dtype([("n", np.int64)]))
def hangs(market, me, p, state):
    while me.number > 0:
        state.n += 1


CROWD = {"kind": "zero_intelligence", "parameters": {"market_rate_per_s": 1.0}}


def run_spec(population: Mapping[str, Any], *, seed: int = 3, symbols: tuple[str, ...] = ("SIM",), **market: Any) -> RunSpec:
    """Return half an hour of trading on 2021-02-05 in a population."""
    section = {
        "kind": "simulated",
        "hours": {"open": "10:00", "close": "10:30"},
        "fundamental": {"kind": "constant", "value_tick": 10_000},
        "population": dict(population),
        **market,
    }
    run = {"name": "small", "horizon": "intraday", "symbols": list(symbols), "start": "2021-02-05", "seed": seed, "market": section}
    return check_spec(run, "small.yaml")


def played(spec: RunSpec) -> tuple[Results, dict[str, pa.Table]]:
    """Run a market and return what came of it and the tables it captured."""
    assert isinstance(spec.market, SimulatedMarket)
    captured: dict[str, list[pa.RecordBatch]] = {}
    results = SimulatedRun(spec, spec.market, lambda name, rows: captured.setdefault(name, []).append(rows)).play()
    return results, {name: pa.Table.from_batches(batches) for name, batches in captured.items()}


def gates(spec: RunSpec) -> dict[str, dict[str, Any]]:
    """Run a market and return its gates by name."""
    assert isinstance(spec.market, SimulatedMarket)
    results, _ = played(spec)
    return {row["gate"]: row for row in health(results, spec.market).to_pylist()}
