"""The adaptive market maker's ladder by hand, and that it outlives what a book may do to it."""

from __future__ import annotations

from typing import Any

import pytest

from marketsim.agents.market_makers.adaptive import AdaptiveMarketMakerParams, adaptive
from marketsim.markets.simulated.setting import Latency, Member
from marketsim.records import Kind
from tests.living.probes import BOOK, BUY, SECOND_NS, SELL, START_NS, orders_of, sent, setting, world_of


def ladder(params: AdaptiveMarketMakerParams, **changes: Any) -> list[tuple[int, int, int]]:
    """Return the (side, price, quantity) of the first ladder set after 65 s; 400 lots were bought and none sold in the minute before."""
    messages = [(0.1, BUY, 99_990, 10**6), (0.1, SELL, 100_010, 10**6), (62.0, BUY, 100_010, 400), *changes.pop("messages", [])]
    world = world_of([Member("maker", adaptive, params, **changes)], setting(200.0, messages=messages), seed=_waits_until_65_s())
    orders = orders_of(world)
    first = orders[(orders["owner_id"] == 1) & (orders["time_ns"] > START_NS + 65 * SECOND_NS)]
    return [tuple(row) for row in first[["side", "price_tick", "qty_lot"]][: 2 * params.levels].tolist()]


def _waits_until_65_s() -> int:
    """Return a seed whose maker first looks between 65 and 120 s."""
    for seed in range(200):
        world = world_of([Member("maker", adaptive, AdaptiveMarketMakerParams())], setting(120.0, messages=BOOK), seed)
        orders = orders_of(world)
        first = orders["time_ns"][orders["owner_id"] == 1]
        if len(first) and first[0] > START_NS + 65 * SECOND_NS:
            return seed
    raise AssertionError("no seed waits that long")


def test_the_adaptive_ladder_by_hand() -> None:
    """Spread average 0.75 * 20 + 0.25 * 50 = 27.5; centre 100,000 + 4 as all takers bought; best bid 13 below, best ask 14 above;
    levels 5 * 27.5 = 137.5, rounded to even, apart; size 0.025 * 400."""
    rungs = ladder(AdaptiveMarketMakerParams(levels=3))
    assert rungs == [(BUY, 99_991 - 138 * k, 10) for k in (2, 1, 0)] + [(SELL, 100_018 + 138 * k, 10) for k in (0, 1, 2)]


def test_the_adaptive_ladder_with_backstop_and_fixed_window() -> None:
    rungs = ladder(AdaptiveMarketMakerParams(levels=2, window="fixed", initial_spread_tick=10, backstop_lot=77, price_skew_tick=0.0))
    assert rungs == [(BUY, 99_945, 77), (BUY, 99_995, 10), (SELL, 100_005, 10), (SELL, 100_055, 77)]


def test_the_adaptive_maker_leans_against_its_position() -> None:
    """Long 20 lots with steepness 0.05: the selling share is 1 / (1 + exp(-1)) = 0.731 of 10 lots, rounded up; buying 0.269, down."""
    rungs = ladder(AdaptiveMarketMakerParams(levels=1, size_skew_per_lot=0.05, price_skew_tick=0.0), position_lot=(20,))
    assert [(side, qty) for side, _, qty in rungs] == [(BUY, 2), (SELL, 8)]


def test_the_adaptive_maker_cancels_before_it_looks_and_quotes_again() -> None:
    """Its own ladder is gone from the book it looks at: the spread it averages is that of the others, so it never drifts inwards."""
    latency = Latency(2000, 3000, 50)
    params = AdaptiveMarketMakerParams(levels=4, mean_wait_s=5.0, spread_alpha=1.0, price_skew_tick=0.0)
    orders = sent(adaptive, params, setting(300.0, messages=BOOK), latency=latency)
    new = orders[orders["kind"] == Kind.LIMIT]
    assert len(new) > 8 * 30
    assert set(new["price_tick"].tolist()) == {side * away + 100 for side in (-1, 1) for away in (10, 110, 210, 310)}
    gone = orders[orders["kind"] == Kind.CANCEL]
    assert len(gone) == len(new) - 8
    # From cancels to new ladder: one round trip and the pause.
    pause = new["time_ns"].reshape(-1, 8)[1:, 0] - gone["time_ns"].reshape(-1, 8)[:, 0]
    assert set(pause.tolist()) == {2000 + 3000 + 50 + 50}


@pytest.mark.parametrize("side", [BUY, SELL])
def test_the_adaptive_maker_outlives_a_one_sided_book(side: int) -> None:
    """One side only from the beginning, a trade after 100 s, then nobody else: it keeps waking, and quotes once it has a price."""
    messages = [(0.1, side, 100, 50), (100.0, -side, 100, 50)]
    world = world_of([Member("maker", adaptive, AdaptiveMarketMakerParams(mean_wait_s=2.0))], setting(400.0, messages=messages))
    orders = orders_of(world)
    times = (orders["time_ns"][orders["owner_id"] == 1] - START_NS) / SECOND_NS
    assert world.agents["n_turns"][1] > 150
    assert times.min() > 100
    assert times.max() > 380
