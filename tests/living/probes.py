"""Agents that do little and show what they saw, and the small worlds they live in."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from marketsim.agents.compiled import AgentParams, CompiledAgent, compiled_agent
from marketsim.kernel.book_state import NO_PRICE
from marketsim.kernel.simulation.actions import limit, wake_at, wake_in
from marketsim.kernel.simulation.sight import best_tick, session_start_ns
from marketsim.kernel.simulation.streams import exponential, integer, random_side
from marketsim.markets.simulated.setting import Capture, Handed, Member, Setting
from marketsim.markets.simulated.world import World
from marketsim.records import MESSAGE, Kind, Side

START_NS = 1_700_000_000_000_000_000
SECOND_NS = 1_000_000_000
Times = Annotated[tuple[int, ...], Field(max_length=16)]


class ProbeParams(AgentParams):
    """At the times of its own clock given: send an order of one lot, or one whose price is the best bid seen (1 if there is none)."""

    kind: Literal["probe"] = "probe"
    at_ns: Times = Field((), description="After the first session's start, ns.")
    echoes: bool = Field(False, description="Whether it reports the best bid.")
    side: int = Field(1, description="Side of its orders.")
    price_tick: int = Field(100, description="Price of its orders, ticks.")
    qty_lot: int = Field(1, description="Quantity of its orders, lots.")


@compiled_agent(ProbeParams, np.dtype([("k", np.int64)]))
def probe(market, me, p, state):
    if me.turn == 2:
        if p.echoes == 1:
            bid_tick = best_tick(market, me.symbol, me.venue, 1)
            limit(market, me, 1, 1 if bid_tick == NO_PRICE else bid_tick, 1)
        else:
            limit(market, me, p.side, p.price_tick, p.qty_lot)
    if state.k < p.n_at_ns:
        wake_at(market, me, session_start_ns(market, 0) + p.at_ns[state.k])
        state.k += 1


class RegularParams(AgentParams):
    """Send an order at every turn, a fixed time after the one before."""

    kind: Literal["regular"] = "regular"
    wait_ns: int = Field(SECOND_NS, description="ns.")


@compiled_agent(RegularParams, np.dtype([("n", np.int64)]))
def regular(market, me, p, state):
    if me.turn == 2:
        limit(market, me, 1, 100, 1)
    wake_in(market, me, p.wait_ns)


class BlindParams(AgentParams):
    """Draw everything and look at nothing."""

    kind: Literal["blind"] = "blind"


@compiled_agent(BlindParams, np.dtype([("n", np.int64)]))
def blind(market, me, p, state):
    if me.turn == 2:
        limit(market, me, random_side(me), integer(me, 90, 110), integer(me, 1, 9))
    wake_in(market, me, exponential(me, 1e9))


def setting(seconds: float = 100.0, messages: Sequence[tuple[float, int, int, int]] = (), **changes: Any) -> Setting:
    """Return one session with a fundamental of 100; ``messages`` are (s after the start, side, price, quantity) of limit orders."""
    sessions = changes.pop("sessions", ((START_NS, START_NS + int(seconds * SECOND_NS)),))
    rows = np.zeros(len(messages), MESSAGE)
    for k, (row, (at_s, side, price_tick, qty_lot)) in enumerate(zip(rows, messages, strict=True)):
        row["time_ns"], row["kind"] = START_NS + int(at_s * SECOND_NS), Kind.LIMIT
        row["side"], row["price_tick"], row["qty_lot"], row["order_id"] = side, price_tick, qty_lot, 10**9 + k
    n = int(max(end - start for start, end in sessions) // SECOND_NS) + 2
    return Setting(sessions=sessions, fundamental=np.full((1, len(sessions), n), 100.0), messages=rows, **changes)


def orders_of(world: World) -> NDArray[np.void]:
    """Run a world to its end and return the messages the exchange got, (n,) MESSAGE."""
    parts: list[NDArray[np.void]] = []
    world.run(lambda handed: parts.append(handed.orders))
    return np.concatenate(parts)


def run(world: World) -> list[Handed]:
    """Run a world to its end and return all it handed over."""
    parts: list[Handed] = []
    world.run(parts.append)
    return parts


def world_of(members: Sequence[Member], where: Setting, seed: int = 1) -> World:
    """Return a world that writes its orders down."""
    return World(where, members, seed, Capture(orders=True))


BUY, SELL = int(Side.BUY), int(Side.SELL)
BOOK = [(0.1, BUY, 90, 10**9), (0.1, SELL, 110, 10**9)]  # never exhausted


def sent(agent: CompiledAgent, params: AgentParams, where: Setting, n: int = 1, **member: Any) -> NDArray[np.void]:
    """Return the messages that ``n`` agents of a kind send, (n,) MESSAGE."""
    orders = orders_of(world_of([Member(f"it.{k}", agent, params, **member) for k in range(n)], where))
    return orders[orders["owner_id"] > 0]


def seen_by(params: AgentParams) -> SimpleNamespace:
    """Return parameters as a compiled step sees them."""
    return SimpleNamespace(**params.model_dump())
