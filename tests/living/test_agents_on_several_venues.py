"""Agents that trade at several venues: one that splits its order between them, and pegs that follow the best of all."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import Field

from marketsim.agents.compiled import AgentParams, compiled_agent
from marketsim.kernel.book_state import engine_at, message_at
from marketsim.kernel.routing import PARENT, ROUTE, parent_at, route, route_at
from marketsim.kernel.simulation.actions import new_order, wake_in
from marketsim.kernel.simulation.world import desk_at
from marketsim.markets.simulated.world import Capture, Member, Setting, World
from marketsim.records import MESSAGE, Flag, Kind, Routing, Tif
from marketsim.venue_rules import Fees, VenueRules
from tests.living.probes import SECOND_NS, START_NS, run

MOST_VENUES = 4
# The agent's state is the room the router works in; ``me.state`` is its address.
ROOM = np.dtype(
    [
        ("parent", np.int64, (PARENT.itemsize // 8,)),
        ("routes", np.int64, (MOST_VENUES * ROUTE.itemsize // 8,)),
        ("children", np.int64, (MOST_VENUES * MESSAGE.itemsize // 8,)),
    ]
)
_offsets = {name: int(offset) for name, (_, offset) in (ROOM.fields or {}).items()}
PARENT_AT, ROUTES_AT, CHILDREN_AT = _offsets["parent"], _offsets["routes"], _offsets["children"]
BEST_PRICE = int(Routing.BEST_PRICE)


class SweeperParams(AgentParams):
    """Buy once, one second in, wherever it is cheapest at that moment."""

    kind: Literal["routed_sweeper"] = "routed_sweeper"
    qty_lot: int = Field(8, ge=1, description="Lots.")
    limit_tick: int = Field(102, description="Highest price, ticks.")


@compiled_agent(SweeperParams, ROOM)
def routed_sweeper(market: Any, me: Any, p: Any, state: Any) -> None:
    if me.turn != 2:
        wake_in(market, me, 1_000_000_000)
        return
    parent = parent_at(me.state + PARENT_AT, 0)
    parent.qty_lot, parent.limit_tick, parent.side = p.qty_lot, p.limit_tick, 1
    parent.symbol, parent.home, parent.strategy = me.symbol, me.venue, BEST_PRICE
    for venue in range(market.n_venues):
        route_at(me.state + ROUTES_AT, venue).latency_ns = me.order_latency_ns + desk_at(market.desks, venue).latency_ns
    n = route(engine_at(market.engine, 0), parent, me.state + ROUTES_AT, me.state + CHILDREN_AT)
    for k in range(n):
        child = message_at(me.state + CHILDREN_AT, k)
        order = new_order(market, me, child.symbol, child.venue)
        order.kind, order.side, order.price_tick, order.qty_lot = child.kind, child.side, child.price_tick, child.qty_lot
        order.tif, order.flags = child.tif, child.flags


def outside(rows: list[tuple[float, int, int, int, int, int]]) -> np.ndarray[Any, np.dtype[np.void]]:
    """Return (s, venue, side, price, lots, kind) as messages of nobody in particular."""
    messages = np.zeros(len(rows), MESSAGE)
    for k, (message, (at_s, venue, side, price_tick, qty_lot, kind)) in enumerate(zip(messages, rows, strict=True)):
        message["time_ns"], message["kind"], message["order_id"] = START_NS + int(at_s * SECOND_NS), kind, 10**9 + k
        message["venue"], message["side"], message["price_tick"], message["qty_lot"] = venue, side, price_tick, qty_lot
        message["tif"] = Tif.GTC
    return messages


def two_venues(messages: np.ndarray[Any, np.dtype[np.void]], rules: VenueRules, **changes: Any) -> Setting:
    sessions = ((START_NS, START_NS + 10 * SECOND_NS),)
    return Setting(
        sessions, np.full((1, 1, 12), 100.0), rules=(rules, rules), messages=messages,
        **{"venue_latency_ns": (0, 3_000_000), "venue_processing_ns": (0, 0), **changes},
    )  # fmt: skip


LIMIT = int(Kind.LIMIT)


def test_a_compiled_agent_splits_its_order_between_venues() -> None:
    book = outside([(0, 0, -1, 100, 5, LIMIT), (0, 1, -1, 101, 5, LIMIT), (0, 0, -1, 102, 5, LIMIT), (0, 1, -1, 103, 5, LIMIT)])
    fees = VenueRules.plain(fees=Fees(maker_per_lot=-0.25, taker_per_lot=0.5))
    world = World(two_venues(book, fees), [Member("sweeper", routed_sweeper, SweeperParams())], 1, Capture(orders=True))
    trades = np.concatenate([part.tape.trades for part in run(world)])
    # Five at 100 at once; the three left cost 101 at the other venue, three milliseconds farther away.
    assert [(t["venue"], t["price_tick"], t["qty_lot"], t["taker_owner"], t["time_ns"] - START_NS - SECOND_NS) for t in trades] == [
        (0, 100, 5, 1, 0),
        (1, 101, 3, 1, 3_000_000),
    ]
    assert int(world.agents[1]["cash_tick_lot"]) == -(5 * 100 + 3 * 101)
    assert world.agents["cash_tick_lot"].sum() == 0
    assert world.holdings.sum() == 0
    assert world.holdings[1, 0] == 8
    assert int(world.agents[1]["fees_nano"]) == 4 * 10**9  # eight lots at 0.5
    assert world.agents["fees_nano"].sum() == world.desks["fees_nano"].sum() == 8 * 25 * 10**7  # less the makers' rebate of 0.25


def test_a_peg_follows_the_best_bid_of_all_venues() -> None:
    # A hidden buyer at venue 0 follows the best bid, which stands at venue 1; who sells at 100 there then meets it at 100.
    rows = [(0, 0, 1, 98, 1, LIMIT), (0, 1, 1, 100, 1, LIMIT), (1, 0, 1, 101, 4, int(Kind.PEG_PRIMARY)), (2, 0, -1, 99, 4, LIMIT)]
    messages = outside(rows)
    messages["flags"][2] = Flag.HIDDEN
    world = World(two_venues(messages, VenueRules.plain(peg_reference="consolidated")), [], 1)
    trades = np.concatenate([part.tape.trades for part in run(world)])
    assert [(t["venue"], t["price_tick"], t["qty_lot"]) for t in trades] == [(0, 100, 4)]
