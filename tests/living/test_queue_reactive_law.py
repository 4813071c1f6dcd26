"""The queue-reactive market's queues have their stationary laws, and the reference price follows when one is used up."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from marketsim.agents.background.queue_reactive import QueueReactiveParams, queue_reactive
from marketsim.markets.simulated.setting import Capture, Member, Setting
from marketsim.markets.simulated.world import World
from marketsim.records import MESSAGE, Kind
from tests.published import queue_reactive as published
from tests.published.runs import NS


def test_each_queue_has_its_stationary_law() -> None:
    measured, errors = published.laws(10_000, range(12))
    for queue in range(3):
        exact = published.law(published.flow(0, 0), queue)
        often = exact > 0.01
        assert often.sum() > 10
        assert (np.abs(measured[queue] - exact)[often] < 5 * errors[queue][often]).all()
        assert np.abs(measured[queue] - exact).sum() / 2 < 0.02


def test_reference_price_moves_as_often_as_first_queues_are_used_up() -> None:
    seconds = 30_000
    exact = published.exact_moves_per_s(published.flow(1, 1))
    # A move begins everything anew, so the times between moves are independent, and little more regular than exponential.
    assert abs(published.moves(seconds, 1) - exact * seconds) < 4 * np.sqrt(exact * seconds)


@pytest.mark.parametrize(("theta", "theta_reinit"), [(1.0, 0.0), (1.0, 1.0)])
def test_reference_price_follows_a_large_order(theta: float, theta_reinit: float) -> None:
    sweep = np.zeros(40, MESSAGE)
    sweep["time_ns"], sweep["kind"], sweep["side"], sweep["qty_lot"] = (np.arange(40) + 1) * 10 / NS, Kind.MARKET, 1, 10**6
    sweep["order_id"] = 2**40 + np.arange(40)
    setting = Setting(((0, int(500 / NS)),), np.full((1, 1, 1), 10_000.0), messages=sweep)
    params = QueueReactiveParams(theta=theta, theta_reinit=theta_reinit)
    world = World(setting, [Member("crowd", queue_reactive, params)], 6, Capture(quotes=True))
    quotes = []
    world.run(lambda handed: quotes.append(handed.quotes))
    last = np.concatenate(quotes)[-1]
    # Forty orders that each empty the sellers' side; the flow alone moves a few ticks either way.
    assert last["bid_tick"] > 10_000 + (25 if theta_reinit else 60)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"first_limit_per_s": (5.0,)}, "long first queues grow"),
        ({"second_limit_per_s": (0.0, 1.0)}, "would stay empty"),
        ({"third_cancel_per_s": (-1.0,)}, "negative rate"),
    ],
)
def test_impossible_parameters_are_refused_with_the_reason(changes: dict[str, tuple[float, ...]], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        QueueReactiveParams(**changes)  # type: ignore[arg-type]
