"""An agent that does what it must not is named, with the time and the reason."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from marketsim.agents.compiled import AgentParams, CompiledAgent, compiled_agent, machine_code
from marketsim.errors import ConfigError, StrategyError
from marketsim.kernel.simulation.actions import limit, wake_in
from marketsim.kernel.simulation.world import WORLD
from marketsim.markets.simulated.setting import Member
from marketsim.markets.simulated.world import World
from tests.living.probes import BUY, SELL, BlindParams, ProbeParams, blind, probe, run, setting

ROOT = Path(__file__).parents[2]

NOTHING = np.dtype([("nothing", np.int64)])
AT = 2_000_000_000  # 22:13:22, two seconds after the start
TIME = "2023-11-14T22:13:22"


class FaultyParams(AgentParams):
    """Which fault."""

    kind: Literal["faulty"] = "faulty"
    fault: Literal["raises", "floods", "elsewhere"] = "raises"


@compiled_agent(FaultyParams, NOTHING)
def faulty(market, me, p, state):
    if me.turn == 1:
        wake_in(market, me, 2e9)
    elif p.fault == 0:
        raise ValueError("no such luck")
    elif p.fault == 1:
        for _ in range(10_001):
            limit(market, me, 1, 1, 1)
    else:
        me.symbol = 7
        limit(market, me, 1, 1, 1)


def fault_of(member: Member) -> str:
    """Return the sentence a run among harmless agents ends with."""
    crowd = [Member(f"blind.{k}", blind, BlindParams()) for k in range(3)]
    with pytest.raises(StrategyError) as caught:
        run(World(setting(messages=[(1.0, SELL, 105, 10**6), (1.0, BUY, 95, 10**6)]), [*crowd, member], 1))
    return str(caught.value)


@pytest.mark.parametrize(
    ("fault", "reason"), [("raises", "raised"), ("floods", "more than 10,000 messages"), ("elsewhere", "symbol or venue that is not there")]
)
def test_a_faulty_step_is_reported_with_name_time_and_reason(fault: str, reason: str) -> None:
    sentence = fault_of(Member("culprit", faulty, FaultyParams.model_validate({"fault": fault})))
    assert "culprit" in sentence
    assert TIME in sentence
    assert reason in sentence


def test_a_position_limit_is_enforced() -> None:
    sentence = fault_of(Member("greedy", probe, ProbeParams(at_ns=(AT,), price_tick=200, qty_lot=1000), largest_position_lot=999))
    assert "greedy" in sentence
    assert TIME in sentence
    assert "position" in sentence


def test_a_cash_limit_is_enforced() -> None:
    sentence = fault_of(Member("poor", probe, ProbeParams(at_ns=(AT,), price_tick=200, qty_lot=1000), lowest_cash_tick_lot=0))
    assert "poor" in sentence
    assert "cash" in sentence


def test_a_step_with_the_wrong_arguments_is_refused() -> None:
    def two(market, me):
        pass

    with pytest.raises(ConfigError, match=r"two takes .*a step takes \(market, me, p, state\)"):
        machine_code(CompiledAgent(BlindParams, NOTHING, two))


def test_a_step_that_returns_something_is_refused() -> None:
    def answers(market, me, p, state):
        return 1

    with pytest.raises(ConfigError, match=r"answers returns .*int.* a step returns nothing"):
        machine_code(CompiledAgent(BlindParams, NOTHING, answers))


def test_a_step_that_reads_a_field_that_is_not_there_is_refused() -> None:
    def dreams(market, me, p, state):
        state.nothing = p.neither

    with pytest.raises(ConfigError, match=r"dreams does not compile: .* field 'neither'"):
        machine_code(CompiledAgent(BlindParams, NOTHING, dreams))


def test_a_step_that_does_not_compile_is_refused() -> None:
    def mixes(market, me, p, state):
        state.nothing = "one" + 1

    with pytest.raises(ConfigError, match="mixes does not compile: "):
        machine_code(CompiledAgent(BlindParams, NOTHING, mixes))


def test_two_agents_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="twin is there twice"):
        World(setting(), [Member("twin", blind, BlindParams())] * 2, 1)


def test_the_header_is_as_large_as_its_fields() -> None:
    """Compiled code reads it by offsets: padding would mean that Python and Numba disagree."""
    assert WORLD.itemsize == sum(WORLD[name].itemsize for name in WORLD.names or ())


def test_nothing_is_left_to_compile_in_a_turn_that_a_watchdog_times() -> None:
    program = (
        "from marketsim.kernel.simulation.loop import act, simulate\n"
        "from tests.living.probes import setting, world_of\n"
        "world_of([], setting())\n"
        "assert simulate.signatures, 'simulate is not compiled'\n"
        "assert act.signatures, 'act is not compiled'\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
