"""Every crowd goes on trading after what kills careless ones, and stays within its own orders."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from marketsim.agents.background.cont_stoikov_talreja import ContStoikovTalrejaParams, cont_stoikov_talreja
from marketsim.agents.background.crowd import random_own_order
from marketsim.agents.background.hawkes_flow import HawkesFlowParams, hawkes_flow
from marketsim.agents.background.poisson_noise import PoissonNoiseParams, poisson_noise
from marketsim.agents.background.queue_reactive import QueueReactiveParams, queue_reactive
from marketsim.agents.background.zero_intelligence import ZeroIntelligenceParams, zero_intelligence
from marketsim.agents.compiled import AgentParams, CompiledAgent, compiled_agent
from marketsim.errors import StrategyError
from marketsim.kernel.book_state import NONE
from marketsim.kernel.memory import load_i64, store_i64
from marketsim.kernel.simulation.actions import limit, wake_in
from marketsim.kernel.simulation.sight import order
from marketsim.markets.simulated.setting import Capture, Handed, Latency, Member, Setting
from marketsim.markets.simulated.world import World
from marketsim.records import MESSAGE, EventKind, Kind, Phase, Turn
from marketsim.venue_rules import VenueRules

NS = 1e-9
SECONDS = 3_000
START = Turn.START.value
CROWDS: dict[str, tuple[CompiledAgent, AgentParams]] = {
    "zero_intelligence": (zero_intelligence, ZeroIntelligenceParams()),
    "cont_stoikov_talreja": (
        cont_stoikov_talreja,
        ContStoikovTalrejaParams(limit_rate_per_min=(60.0, 50.0, 40.0), cancel_rate_per_min=(20.0,), market_rate_per_min=30.0),
    ),
    "hawkes_flow": (hawkes_flow, HawkesFlowParams(order_log_sd=0.8)),
    "power_law": (hawkes_flow, HawkesFlowParams(kernel="power_law")),
    "queue_reactive": (queue_reactive, QueueReactiveParams()),
}


def messages(*rows: dict[str, int]) -> np.ndarray[Any, np.dtype[np.void]]:
    out = np.zeros(len(rows), MESSAGE)
    for k, row in enumerate(rows):
        out[k]["order_id"] = 2**40 + k
        for name, value in row.items():
            out[k][name] = value
    return out


def simulate(members: list[Member], outside: np.ndarray[Any, Any] | None = None, **changes: Any) -> tuple[World, list[Handed]]:
    setting = Setting(
        ((0, int(SECONDS / NS)),), np.full((1, 1, 1), 10_000.0), messages=messages() if outside is None else outside, **changes
    )
    world = World(setting, members, 11, Capture(orders=True, quotes=True, rows=4096))
    parts: list[Handed] = []
    world.run(parts.append)
    return world, parts


def joined(parts: list[Handed], name: str) -> np.ndarray[Any, Any]:
    return np.concatenate([getattr(part, name) for part in parts])


@pytest.mark.parametrize("name", CROWDS)
@pytest.mark.parametrize("latency_ns", [0, 5_000_000])
def test_a_crowd_comes_back_after_its_book_was_emptied_and_crossed(name: str, latency_ns: int) -> None:
    agent, params = CROWDS[name]
    at = [int(t / NS) for t in (1_000, 1_000, 1_200, 1_400)]
    outside = messages(
        {"time_ns": at[0], "kind": Kind.MARKET, "side": 1, "qty_lot": 10**7},
        {"time_ns": at[1], "kind": Kind.MARKET, "side": -1, "qty_lot": 10**7},
        {"time_ns": at[2], "kind": Kind.MARKET, "side": 1, "qty_lot": 10**7},
        {"time_ns": at[3], "kind": Kind.LIMIT, "side": 1, "qty_lot": 2_000, "price_tick": 10_100},
    )
    world, parts = simulate([Member("crowd", agent, params, latency=Latency(latency_ns, latency_ns))], outside)
    orders, quotes = joined(parts, "orders"), joined(parts, "quotes")
    sent = orders["time_ns"][orders["owner_id"] == 1] * NS
    assert np.diff(sent[sent > 5], append=SECONDS).max() < 30
    late = quotes[quotes["time_ns"] * NS > 0.9 * SECONDS]
    assert ((late["bid_lot"] > 0) & (late["ask_lot"] > 0)).mean() > 0.9
    assert world.agents["cash_tick_lot"].sum() == 0
    assert world.holdings.sum() == 0


@pytest.mark.parametrize("name", CROWDS)
def test_a_crowd_is_silent_outside_continuous_trading_and_goes_on_afterwards(name: str) -> None:
    agent, params = CROWDS[name]
    stop, go = int(1_000 / NS), int(2_000 / NS)
    outside = messages(
        {"time_ns": stop, "kind": Kind.PHASE, "qty_lot": Phase.HALT}, {"time_ns": go, "kind": Kind.PHASE, "qty_lot": Phase.CONTINUOUS}
    )
    _, parts = simulate([Member("crowd", agent, params)], outside)
    orders = joined(parts, "orders")
    sent = orders["time_ns"][orders["owner_id"] == 1]
    assert not ((sent > stop) & (sent < go)).any()
    assert (sent > go).sum() > 200


def test_a_crowd_on_a_venue_that_prevents_self_trades_is_an_error() -> None:
    with pytest.raises(StrategyError, match=r"crowd .* its venue prevents self-trades"):
        simulate([Member("crowd", *CROWDS["zero_intelligence"])], rules=(VenueRules.plain(self_trade="cancel_newest"),))


@pytest.mark.parametrize("name", CROWDS)
def test_a_crowd_never_touches_orders_of_others(name: str) -> None:
    _, parts = simulate([Member("a", *CROWDS[name]), Member("b", *CROWDS[name])])
    cancelled = [part.tape.events[part.tape.events["kind"] == EventKind.CANCELLED] for part in parts]
    asked = joined(parts, "orders")
    asked = asked[asked["kind"] == Kind.CANCEL]
    owner_of = {int(event["order_id"]): int(event["owner_id"]) for rows in cancelled for event in rows}
    found = [(owner_of[int(row["order_id"])], int(row["owner_id"])) for row in asked if int(row["order_id"]) in owner_of]
    assert len(found) > 100
    assert all(owner == asker for owner, asker in found)


class PickerParams(AgentParams):
    counts: int
    n_picks: int


@compiled_agent(PickerParams, np.dtype([("done", np.int64)]))
def picker(market, me, p, state):  # type: ignore[no-untyped-def]
    """Enter six buys and two sells, then pick a buy again and again and count which."""
    if me.turn == START:
        for k in range(6):
            limit(market, me, 1, 100 + k, 1)
        limit(market, me, -1, 200, 1)
        limit(market, me, -1, 201, 1)
    else:
        for _ in range(p.n_picks):
            place = random_own_order(market, me, 1)
            chosen = order(market, place).price_tick - 100 if place != NONE else 6
            store_i64(p.counts, chosen, load_i64(p.counts, chosen) + 1)
        state.done = 1
    if state.done == 0:
        wake_in(market, me, 1_000_000_000)


@pytest.mark.parametrize("n_foreign", [0, 3_000])
def test_own_orders_are_picked_with_equal_chances_among_any_number_of_others(n_foreign: int) -> None:
    counts = np.zeros(7, np.int64)
    others = messages(*({"time_ns": 0, "kind": Kind.LIMIT, "side": 1, "qty_lot": 1, "price_tick": 50} for _ in range(n_foreign)))
    simulate([Member("picker", picker, PickerParams(counts=counts.ctypes.data, n_picks=6_000))], others)
    assert counts.sum() == 6_000
    assert counts[6] == 0
    assert stats.chisquare(counts[:6]).pvalue > 1e-3


def test_noise_traders_come_as_often_as_asked_and_keep_one_order_each() -> None:
    n, params = 200, PoissonNoiseParams(rate_per_s=0.05, market_share=0.25)
    world, parts = simulate([Member(f"noise {k}", poisson_noise, params) for k in range(n)])
    orders = joined(parts, "orders")
    limits, markets = (int((orders["kind"] == kind).sum()) for kind in (Kind.LIMIT, Kind.MARKET))
    expected = n * 0.05 * SECONDS
    assert abs(limits - 0.75 * expected) < 4 * np.sqrt(0.75 * expected)
    assert abs(markets - 0.25 * expected) < 4 * np.sqrt(0.25 * expected)
    assert world.agents["n_rejected"].sum() == 0
    filled: dict[int, int] = {}
    for trade in np.concatenate([part.tape.trades for part in parts]):
        for order_id in (int(trade["maker_id"]), int(trade["taker_id"])):
            filled[order_id] = filled.get(order_id, 0) + int(trade["qty_lot"])
    cancelled = set(orders["order_id"][orders["kind"] == Kind.CANCEL].tolist())
    is_limit = orders["kind"] == Kind.LIMIT
    for owner in range(1, n + 1):
        mine = orders["order_id"][is_limit & (orders["owner_id"] == owner)].tolist()
        assert all(order_id in cancelled or filled.get(order_id) == params.order_lot for order_id in mine[:-1])
    assert world.holdings.sum() == 0


@pytest.mark.parametrize("name", [*CROWDS, "poisson_noise"])
def test_prices_drift_neither_up_nor_down(name: str) -> None:
    crowd = [CROWDS[name]] if name in CROWDS else [(poisson_noise, PoissonNoiseParams(rate_per_s=0.1))] * 50
    moves = []
    for seed in range(24):
        setting = Setting(((0, int(600 / NS)),), np.full((1, 1, 1), 10_000.0))
        world = World(setting, [Member(f"crowd {k}", *one) for k, one in enumerate(crowd)], seed)
        parts: list[Handed] = []
        world.run(parts.append)
        moves.append(float(np.concatenate([part.tape.trades["price_tick"] for part in parts])[-1]) - 10_000.5)
    assert abs(np.mean(moves)) < 4 * np.std(moves, ddof=1) / np.sqrt(len(moves))


@pytest.mark.parametrize(
    ("changes", "words"), [({"limit_rate_per_min": (0.0,)}, "no book"), ({"cancel_rate_per_min": (-1.0,)}, "negative")]
)
def test_impossible_rates_by_distance_are_refused_with_the_reason(changes: dict[str, tuple[float, ...]], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        ContStoikovTalrejaParams(**changes)  # type: ignore[arg-type]
