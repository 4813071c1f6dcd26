"""What a turn of an agent in Python costs: the crossing alone, one that quotes, a strategy's look at the live market.

Each figure is the time of a run less that of the same run without the agent, over its turns; the best of three runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from benchmarks.machine import describe
from marketsim.markets.simulated.python_agent import MarketTurn, PythonAgent, taking_turns
from marketsim.markets.simulated.setting import Member, Setting
from marketsim.markets.simulated.world import World

SECOND = 1_000_000_000
START_NS = 1_704_204_000 * SECOND
TURNS = 200_000


class Looks(PythonAgent):
    """Asks to be woken again."""

    def on_turn(self, market: MarketTurn) -> int:
        """Do nothing else."""
        return market.now_ns + 1_000_000


class Quotes(PythonAgent):
    """Withdraws its quotes and makes new ones around the middle, two orders a turn."""

    def on_turn(self, market: MarketTurn) -> int:
        """Quote five ticks around a price that leans against the position."""
        middle = 10_000 if market.position_lot == 0 else 10_000 - market.position_lot // 100
        market.cancel_all()
        market.limit(1, middle - 5, 10)
        market.limit(-1, middle + 5, 10)
        return market.now_ns + 1_000_000


def seconds_a_turn(agent: Callable[[], PythonAgent]) -> float:
    best = float("inf")
    for _ in range(3):
        setting = Setting(((START_NS, START_NS + TURNS * 1_000_000),), np.full((1, 1, 2), 10_000.0))
        world = World(setting, [Member("agent", None, None)], 1)
        take = taking_turns(agent())
        began = time.perf_counter()
        world.run(take_turn=take)
        best = min(best, (time.perf_counter() - began) / int(world.agents["n_turns"][1]))
    return best


def main() -> None:
    print(describe())
    for name, kind in (("a turn that only asks for the next", Looks), ("a turn that cancels and sends two quotes", Quotes)):
        print(f"{name:<44} {seconds_a_turn(kind) * 1e6:6.2f} µs")


if __name__ == "__main__":
    main()
