"""The world of Avellaneda and Stoikov in the simulated market: a binomial mid, takers whose orders reach depth d with A dt exp(-k d).

One symbol is one path: its own mid, one maker, one taker. A tick is a thousandth of the paper's currency, a second one of its 200 steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from marketsim.agents.compiled import AgentParams, CompiledAgent, compiled_agent
from marketsim.kernel.simulation.actions import send, wake_in
from marketsim.kernel.simulation.sight import fundamental_tick
from marketsim.kernel.simulation.streams import uniform
from marketsim.markets.simulated.setting import Member, Setting
from marketsim.markets.simulated.world import World
from marketsim.records import Flag, Kind, Tif

S0, SIGMA, HORIZON, STEPS, K, A = 100.0, 2.0, 1.0, 200, 1.5, 140.0  # section 3.3
TICK = 0.001
SECOND = 1_000_000_000
LIMIT, IOC, NO_FLAG = Kind.LIMIT.value, Tif.IOC.value, Flag.NONE.value


class TakerParams(AgentParams):
    kind: Literal["taker"] = "taker"
    chance: float = Field(A * HORIZON / STEPS, description="A dt")
    decay_per_tick: float = Field(K * TICK, description="k")


@compiled_agent(TakerParams, np.dtype([("nothing", np.int64)]))
def taker(market, me, p, state):  # type: ignore[no-untyped-def]
    """Send a buyer and a seller whose limits a quote at distance d meets with probability min(1, A dt exp(-k d))."""
    mid = fundamental_tick(market, me.symbol)
    for side in (1, -1):
        reach = -math.log(max(uniform(me), 1e-300) / p.chance) / p.decay_per_tick
        limit_tick = math.floor(mid + reach) if side > 0 else math.ceil(mid - reach)
        send(market, me, LIMIT, side, limit_tick, 1, IOC, NO_FLAG, me.symbol, me.venue)
    wake_in(market, me, SECOND)


@dataclass(frozen=True)
class Outcome:
    """(n_paths,) float64: final wealth in the paper's currency and final inventory."""

    profit: npt.NDArray[np.float64]
    inventory: npt.NDArray[np.float64]


def mids(n_paths: int, seed: int) -> npt.NDArray[np.float64]:
    """Return (n_paths, STEPS + 1) mids: steps of plus or minus sigma sqrt(dt)."""
    signs = 2.0 * np.random.default_rng(seed).integers(0, 2, (n_paths, STEPS)) - 1.0
    path = np.cumsum(signs * SIGMA * math.sqrt(HORIZON / STEPS), axis=1)
    return S0 + np.concatenate([np.zeros((n_paths, 1)), path], axis=1)


def outcome(agent: CompiledAgent, params: AgentParams, n_paths: int, seed: int) -> Outcome:
    """Let a maker trade on independent paths."""
    mid = mids(n_paths, seed)
    setting = Setting(sessions=((SECOND, (STEPS + 1) * SECOND),), fundamental=mid[:, None, :] / TICK, fundamental_step_ns=SECOND)
    members = []
    for k in range(n_paths):
        members += [Member(f"maker {k}", agent, params, symbol=k), Member(f"taker {k}", taker, TakerParams(), symbol=k)]
    world = World(setting, members, seed)
    world.run()
    makers = np.arange(n_paths)
    inventory = world.holdings[2 * makers + 1, makers].astype(float)
    cash = world.agents["cash_tick_lot"][1::2] * TICK
    return Outcome(cash + inventory * mid[:, -1], inventory)
