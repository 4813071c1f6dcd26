"""Agents in the simulated market that raise, hang, return nonsense or break their limits: each is named with its time and the reason."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from marketsim.agents.compiled import AgentParams, CompiledAgent, compiled_agent
from marketsim.agents.strategy import Strategy, StrategyParams
from marketsim.errors import ConfigError, StrategyError
from marketsim.kernel.simulation.actions import cancel, limit, market_order, replace, send, wake_in
from marketsim.markets.simulated.python_agent import MarketTurn, PythonAgent, taking_turns
from marketsim.markets.simulated.setting import Capture, Member, Setting
from marketsim.markets.simulated.watchdog import Watchdog
from marketsim.markets.simulated.world import World
from marketsim.records import Kind, Order, Phase, Side
from tests.living.crowds import SECOND, empty_panel, people, trade

NOTHING = np.dtype([("nothing", np.int64)])
START_NS = 1_704_204_000 * SECOND  # 2024-01-02T14:00
LIMIT, PHASE, CLOSED = int(Kind.LIMIT), int(Kind.PHASE), int(Phase.CLOSED)


class Plain(AgentParams):
    kind: Literal["plain"] = "plain"


def world_with(*members: Member, crowd: int = 20, seconds: int = 60) -> World:
    setting = Setting(((START_NS, START_NS + seconds * SECOND),), np.full((1, 1, seconds + 1), 10_000.0))
    return World(setting, [*people(crowd), *members], 1, Capture(rows=1 << 12))


def must_stay_consistent(world: World) -> None:
    """The tape, the accounts and the holdings still agree with each other."""
    assert world.agents["cash_tick_lot"].sum() == 0
    assert world.holdings.sum() == 0
    bought = world.agents["volume_lot"].sum()
    assert bought > 0
    depth = world.exchange.depth(1)[0]
    assert depth["bid_lot"] == 0 or depth["ask_lot"] == 0 or depth["bid_tick"] < depth["ask_tick"]


@compiled_agent(Plain, NOTHING)
def raises_late(market: Any, me: Any, p: Any, state: Any) -> None:
    if me.turn == 2:
        raise ValueError("the moon is full")
    wake_in(market, me, 30_000_000_000)


@compiled_agent(Plain, NOTHING)
def raises_deep(market: Any, me: Any, p: Any, state: Any) -> None:
    values = np.zeros(3)
    values[np.argmax(values[:0])] += 1.0
    wake_in(market, me, 30_000_000_000)


@compiled_agent(Plain, NOTHING)
def never_lets_time_pass(market: Any, me: Any, p: Any, state: Any) -> None:
    wake_in(market, me, 0)


@compiled_agent(Plain, NOTHING)
def floods(market: Any, me: Any, p: Any, state: Any) -> None:
    for _ in range(20_000):
        limit(market, me, 1, 100, 1)


@compiled_agent(Plain, NOTHING)
def never_stops_sending(market: Any, me: Any, p: Any, state: Any) -> None:
    while True:
        limit(market, me, 1, 100, 1)


@compiled_agent(Plain, NOTHING)
def reaches_outside(market: Any, me: Any, p: Any, state: Any) -> None:
    values = np.zeros(3)
    values[me.number + 1_000] = 1.0


@compiled_agent(Plain, np.dtype([("n", np.int64)]))
def cancels_everybody(market: Any, me: Any, p: Any, state: Any) -> None:
    for order_id in range(1_000):
        cancel(market, me, order_id)
    wake_in(market, me, 1_000_000_000)


@compiled_agent(Plain, np.dtype([("n", np.int64)]))
def reprices_others(market: Any, me: Any, p: Any, state: Any) -> None:
    for order_id in range(1_000):
        replace(market, me, order_id, 10_000, 1)
    wake_in(market, me, 1_000_000_000)


@compiled_agent(Plain, NOTHING)
def closes_the_market(market: Any, me: Any, p: Any, state: Any) -> None:
    send(market, me, PHASE, 0, 0, CLOSED, 0, 0, 0, 0)


@compiled_agent(Plain, NOTHING)
def pays_anything(market: Any, me: Any, p: Any, state: Any) -> None:
    # 9e15 ticks times 1e12 lots are a thousand times what 64 bits hold.
    limit(market, me, 1, 2**53, 10**12)
    limit(market, me, -1, 2**53, 10**12)


@compiled_agent(Plain, NOTHING)
def elsewhere(market: Any, me: Any, p: Any, state: Any) -> None:
    send(market, me, LIMIT, 1, 100, 1, 1, 0, 7, 0)


@compiled_agent(Plain, NOTHING)
def greedy(market: Any, me: Any, p: Any, state: Any) -> None:
    market_order(market, me, 1, 50)
    wake_in(market, me, 1_000_000_000)


AT_START, LATER = r"agent bad at 2024-01-02T14:00:00\.0+Z: ", r"agent bad at 2024-01-02T14:00:.*: "
COMPILED: dict[str, tuple[CompiledAgent, dict[str, Any], str]] = {
    "raises": (
        raises_late, {}, r"agent bad at 2024-01-02T14:00:30\.0+Z: its step raised ValueError: the moon is full "
        r"\(test_faulty_agents\.py, line \d+, in raises_late\); correct",
    ),
    "raises deep inside": (raises_deep, {}, AT_START + "its step raised ValueError: attempt to get argmax of an empty sequence"),
    "takes turns at one time for ever": (never_lets_time_pass, {}, AT_START + "it took more than 10,000 turns without letting time pass"),
    "sends for ever": (floods, {}, AT_START + "it sent more than 10,000 messages in one turn"),
    "never stops sending": (never_stops_sending, {}, AT_START + "it sent more than 10,000 messages in one turn"),
    "reaches outside an array": (reaches_outside, {}, AT_START + "its step raised IndexError: index is out of bounds"),
    "cancels orders of others": (cancels_everybody, {}, LATER + "it asked to cancel or change an order that is not its own"),
    "changes orders of others": (reprices_others, {}, LATER + "it asked to cancel or change an order that is not its own"),
    "speaks for the venue": (closes_the_market, {}, AT_START + "it sent a message that only the venue itself may send"),
    "trades what cannot be counted": (pays_anything, {}, "one of its trades, or its account, is too large to be counted exactly"),
    "sends nowhere": (elsewhere, {}, AT_START + "it sent a message to a symbol or venue that is not there"),
    "goes beyond its position": (greedy, {"largest_position_lot": 300}, LATER + "its position went beyond its limit"),
    "goes beyond its cash": (greedy, {"lowest_cash_tick_lot": -2_000_000}, LATER + "its cash fell below its limit"),
}  # fmt: skip


@pytest.mark.parametrize("name", COMPILED)
def test_a_compiled_agent_that_breaks_the_rules_is_named(name: str) -> None:
    agent, limits, says = COMPILED[name]
    world = world_with(Member("bad", agent, Plain(), **limits))
    parts: list[Any] = []
    with pytest.raises(StrategyError, match=says):
        world.run(parts.append)
    if name.startswith(("goes", "raises")) and agent is not raises_deep:
        must_stay_consistent(world)


def not_enough(market: Any, me: Any) -> None: ...
def returns_something(market: Any, me: Any, p: Any, state: Any) -> Any:
    return me.now_ns


def does_not_compile(market: Any, me: Any, p: Any, state: Any) -> None:
    market.no_such_thing += 1


SIGNATURES = {
    "too few arguments": (not_enough, r"not_enough takes \(market: .*\).*; a step takes \(market, me, p, state\)"),
    "a result": (returns_something, r"returns_something returns int64; a step returns nothing, it acts through send, cancel and wake_at"),
    "no such field": (does_not_compile, r"does_not_compile does not compile: .*no_such_thing"),
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_compiled_agent_of_the_wrong_shape_is_refused_before_anything_runs(name: str) -> None:
    step, says = SIGNATURES[name]
    agent = compiled_agent(Plain, NOTHING)(step)
    with pytest.raises(ConfigError, match=says):
        world_with(Member("bad", agent, Plain()))


class Obedient(PythonAgent):
    """Does what the test says in its turns from the second on."""

    def __init__(self, act: Callable[[MarketTurn], Any]) -> None:
        self.act = act

    def on_turn(self, market: MarketTurn) -> Any:
        return market.now_ns + SECOND if market.turn == 1 else self.act(market)


def run_python(act: Callable[[MarketTurn], Any], watchdog: Watchdog | None = None) -> World:
    world = world_with(Member("bad", None, None))
    world.run(take_turn=taking_turns(Obedient(act)), watchdog=watchdog)
    return world


NONSENSE = {
    "raises": (lambda market: {}["price"], r"agent bad at 2024-01-02T14:00:01\.0+Z: it raised KeyError: 'price'; correct"),
    "returns a word": (lambda market: "soon", r"agent bad at 2024-01-02T14:00:01.*: its turn returned 'soon', expected when to be woken"),
    "returns a float": (lambda market: 1.5, r"returned 1\.5, expected when to be woken, whole ns, or None"),
    "returns a negative time": (lambda market: -5, r"its turn returned -5, expected when to be woken"),
    "returns a time beyond all calendars": (lambda market: 2**70, r"its turn returned 1180591620717411303424, expected when to be woken"),
    "sends a float": (lambda market: market.limit(1, 100.5, 1), r"agent bad at .*: it raised error: required argument is not an integer"),
    "sends a word": (lambda market: market.limit("buy", 100, 1), r"agent bad at .*: it raised error: required argument is not an integer"),
    "never lets time pass": (lambda market: market.now_ns, r"agent bad at .*: it took more than 10,000 turns without letting time pass"),
    "sends for ever": (lambda market: [market.limit(1, 100, 1) for _ in range(20_000)] and None, r"more than 10,000 messages in one turn"),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_an_agent_in_python_that_does_nonsense_is_named(name: str) -> None:
    act, says = NONSENSE[name]
    with pytest.raises(StrategyError, match=says):
        run_python(act)


class Misbehaves(Strategy):
    """Does what the test says after its second bar."""

    def __init__(self, act: Callable[[Any], Any]) -> None:
        super().__init__(StrategyParams())
        self.act = act

    def on_wake(self, market: Any) -> Any:
        return self.act(market) if market.n_bars == 2 else None


STRATEGIES = {
    "raises": (
        lambda market: 1 / 0,
        r"agent strategy raised ZeroDivisionError at 2024-01-02T14:10:00Z: division by zero; correct the strategy",
    ),
    "raises while it yields": (
        (lambda market: (1 / 0 for _ in range(1))),
        r"agent strategy raised ZeroDivisionError at 2024-01-02T14:10:00Z",
    ),
    "returns a word": (lambda market: "buy", r"agent strategy at 2024-01-02T14:10:00Z returned 'b', expected Order or Cancel"),
    "returns a number": (lambda market: 5, r"agent strategy at 2024-01-02T14:10:00Z returned int, expected orders or None"),
    "returns another array": (lambda market: np.zeros(3), r"returned an array of float64, expected records\.ORDER"),
    "orders what is not there": (lambda market: [Order("B", Side.BUY, 1)], r"agent strategy at .* ordered 'B', which is not in the run"),
}


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_strategy_that_does_nonsense_is_named(name: str) -> None:
    act, says = STRATEGIES[name]
    with pytest.raises(StrategyError, match=says):
        trade(Misbehaves(act), empty_panel(["A"], 1, 3, 900))


def endless(_: Any) -> None:
    while True:
        pass


def endless_and_stubborn(_: Any) -> None:
    while True:
        with contextlib.suppress(Exception):  # what a careless author writes
            time.sleep(0.001)


@pytest.mark.parametrize("act", [endless, endless_and_stubborn])
def test_a_turn_in_python_that_never_ends_is_interrupted(act: Callable[[Any], None]) -> None:
    began = time.monotonic()
    with pytest.raises(StrategyError, match=r"agent bad at 2024-01-02T14:00:01\.0+Z: its turn takes longer than 0\.3 s; correct"):
        run_python(act, Watchdog(0.3, pytest.fail))
    with pytest.raises(StrategyError, match=r"agent strategy at 2024-01-02T14:10:00\.0+\d*Z: its turn takes longer than 0\.3 s; correct"):
        trade(Misbehaves(act), empty_panel(["A"], 1, 3, 900), watchdog=Watchdog(0.3, pytest.fail))
    assert time.monotonic() - began < 10


def test_a_watchdog_changes_nothing_about_a_run_that_goes_on() -> None:
    slow = [0]

    def act(market: MarketTurn) -> int:
        slow[0] += 1
        time.sleep(0.02)
        market.limit(1, 9_990, 1)
        return market.now_ns + SECOND

    watched = run_python(act, Watchdog(0.5, pytest.fail)).exchange.digest()
    assert slow[0] > 50  # more than a second in all, no single turn for long
    assert watched == run_python(act).exchange.digest()


PROFILED = """
import cProfile, sys
sys.path.insert(0, {root!r})
from marketsim.markets.simulated.watchdog import Watchdog
from tests.faults.test_faulty_agents import world_with

cProfile.Profile().runcall(world_with().run, watchdog=Watchdog(5.0))
print("done")
"""


def test_a_watched_run_leaves_the_interpreter_as_it_was(tmp_path: Path) -> None:
    # Python 3.11 never lets go of a signal for an exception that was taken back; under a profiler it then stands still.
    (tmp_path / "profiled.py").write_text(PROFILED.format(root=str(Path(__file__).parents[2])), encoding="utf-8")
    done = subprocess.run([sys.executable, str(tmp_path / "profiled.py")], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == "done", done.stderr


HANGS = """
import sys
from typing import Literal
import numpy as np
sys.path.insert(0, {root!r})
from marketsim.agents.compiled import AgentParams, compiled_agent
from marketsim.markets.simulated.watchdog import Watchdog
from marketsim.markets.simulated.setting import Member
from tests.faults.test_faulty_agents import Plain, world_with


@compiled_agent(Plain, np.dtype([("n", np.int64)]))
def hangs(market, me, p, state):
    while me.number > 0:
        state.n += 1


world_with(Member("bad", hangs, Plain())).run(lambda _: print("published"), watchdog=Watchdog(0.5))
print("published")
"""


def test_a_compiled_step_that_never_ends_ends_the_process_with_a_reason(tmp_path: Path) -> None:
    root = str(Path(__file__).parents[2])
    (tmp_path / "hanging.py").write_text(HANGS.format(root=root), encoding="utf-8")
    done = subprocess.run([sys.executable, str(tmp_path / "hanging.py")], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == StrategyError.exit_code
    assert "published" not in done.stdout
    assert "agent bad at 2024-01-02T14:00:00.000000000Z: its turn takes longer than 0.5 s and cannot be interrupted" in done.stderr


POPULATION = """
import sys
sys.path.insert(0, {root!r})
from marketsim.markets.simulated import population_alone
from tests.living.planted import run_spec

population_alone.TURN_LIMIT_S = 0.5
spec = run_spec({{"bad": {{"kind": "tests.living.planted:hangs"}}}})
population_alone.simulate_population(spec, spec.market, lambda name, rows: None)
print("published")
"""


def test_a_population_without_strategies_is_watched_too(tmp_path: Path) -> None:
    root = str(Path(__file__).parents[2])
    (tmp_path / "hanging.py").write_text(POPULATION.format(root=root), encoding="utf-8")
    done = subprocess.run([sys.executable, str(tmp_path / "hanging.py")], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == StrategyError.exit_code
    assert "published" not in done.stdout
    assert "agent bad.0 at 2021-02-05T15:00:00.000000000Z: its turn takes longer than 0.5 s and cannot be interrupted" in done.stderr
