"""Populations from YAML: presets, what is drawn for each agent, and what a change to one leaves as it was."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from marketsim.agents.kinds import agent_of, kinds
from marketsim.config.file import load_runnable, load_spec
from marketsim.config.population import Choice, Distribution, EmpiricalLatency, LogNormal, LogNormalLatency, Normal, Uniform
from marketsim.config.run import RunSpec
from marketsim.config.simulated import SimulatedMarket, load_preset, preset_names
from marketsim.markets.simulated.population import draw, enlist, latency_of
from tests.living.planted import CROWD, run_spec

PROJECT = Path(__file__).parents[2]
NAMES = [f"a.{k}" for k in range(4000)]


def market_of(spec: RunSpec) -> SimulatedMarket:
    assert isinstance(spec.market, SimulatedMarket)
    return spec.market


# --- presets --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted((PROJECT / "configs" / "markets").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_market_file_can_be_run_and_opens_with_its_question(path: Path) -> None:
    spec = load_runnable(path)
    assert spec.name == path.stem
    assert "?" in path.read_text(encoding="utf-8").partition("\nname:")[0]
    assert market_of(spec).population


def test_every_preset_has_a_file_that_runs_it() -> None:
    assert preset_names() == sorted(path.stem for path in (PROJECT / "configs" / "markets").glob("*.yaml"))
    assert {"rmsc04", "zero_intelligence", "cont_stoikov_talreja", "chiarella", "liquid_large_cap", "flash_crash"} <= set(preset_names())


def test_rmsc04_has_the_published_numbers_of_agents() -> None:
    # ABIDES, configs/rmsc04.py: 1,117 agents, one of them the exchange.
    population = load_preset("rmsc04")["population"]
    assert {kind: group["count"] for kind, group in population.items()} == {"noise": 1000, "value": 102, "momentum": 12, "market_maker": 2}


def test_what_stands_beside_a_preset_is_laid_over_it_and_null_drops_a_group() -> None:
    given = {"name": "x", "horizon": "intraday", "symbols": ["S"], "start": "2021-02-05"}
    changes = {"population": {"noise": {"count": 7}, "momentum": None, "mine": {"kind": "noise"}}, "fundamental": {"kind": "constant"}}
    spec = RunSpec.model_validate_json(json.dumps({**given, "market": {"kind": "simulated", "preset": "rmsc04", **changes}}))
    population = market_of(spec).population
    assert set(population) == {"noise", "value", "market_maker", "mine"}
    assert (population["noise"].count, population["noise"].cash, population["noise"].latency.kind) == (7, 100_000.0, "distance")
    assert market_of(spec).fundamental.kind == "constant"  # another kind: nothing of the preset's is left
    assert RunSpec.model_validate_json(spec.canonical_json()) == spec


def test_the_order_of_a_files_groups_decides_nothing() -> None:
    one, other = {"a": {"kind": "noise"}, "b": {"kind": "noise"}}, {"b": {"kind": "noise"}, "a": {"kind": "noise"}}
    names = [[m.name for m in enlist(market_of(run_spec(groups)), ["SIM"], 1).members] for groups in (one, other)]
    assert names[0] == names[1] == ["a.0", "b.0"]


# --- kinds ----------------------------------------------------------------------------------------------------------


def test_every_kind_is_found_and_takes_its_defaults() -> None:
    assert {"noise", "value", "momentum", "adaptive", "zero_intelligence", "ladder", "twap"} <= set(kinds())
    for kind in kinds():
        agent = agent_of(kind)
        assert agent.params.model_fields["kind"].default == kind
        run_spec({"group": {"kind": kind}})


def test_an_agent_of_ones_own_is_named_by_module_and_attribute() -> None:
    assert agent_of("tests.living.planted:dying_maker").params.model_fields["kind"].default == "dying_maker"


# --- what is drawn --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "mean", "sd"),
    [
        (Uniform(low=2.0, high=6.0), 4.0, 4.0 / 12**0.5),
        (Normal(mean=-1.0, sd=3.0), -1.0, 3.0),
        # E[X] = m exp(s^2 / 2), Var[X] = E[X]^2 (exp(s^2) - 1)
        (LogNormal(median=10.0, sigma=0.5), 10.0 * np.exp(0.125), 10.0 * np.exp(0.125) * np.sqrt(np.expm1(0.25))),
        (Choice(values=[1.0, 5.0], weights=[3.0, 1.0]), 2.0, 3.0**0.5),
    ],
)
def test_draws_have_the_moments_of_their_distribution(spec: Distribution, mean: float, sd: float) -> None:
    drawn = np.array([draw(spec, 11, name, "x") for name in NAMES])
    assert abs(drawn.mean() - mean) < 4 * sd / len(NAMES) ** 0.5
    assert drawn.std() == pytest.approx(sd, rel=0.08)


def test_a_draw_outside_its_bounds_is_moved_to_them() -> None:
    drawn = [draw(Normal(mean=0, sd=1, at_least=-0.5, at_most=0.25), 1, name, "x") for name in NAMES[:200]]
    assert (min(drawn), max(drawn)) == (-0.5, 0.25)


def test_a_whole_parameter_is_drawn_whole_and_each_agent_has_its_own() -> None:
    vary = {"order_lot": {"distribution": "uniform", "low": 1, "high": 1000}}
    members = enlist(market_of(run_spec({"noise": {"kind": "poisson_noise", "count": 50, "vary": vary}})), ["SIM"], 5).members
    sizes = [getattr(member.params, "order_lot") for member in members]  # noqa: B009 - the model is the kind's own
    assert all(isinstance(size, int) for size in sizes)
    assert len(set(sizes)) > 40


def test_more_agents_and_further_groups_leave_the_others_draws_as_they_were() -> None:
    vary = {"rate_per_s": {"distribution": "lognormal", "median": 0.1, "sigma": 1.0}}
    few = {"noise": {"kind": "poisson_noise", "count": 5, "vary": vary, "latency": {"kind": "distance"}}}
    many = {"noise": {**few["noise"], "count": 9}, "another": {"kind": "poisson_noise", "vary": vary}, "crowd": CROWD}
    before = {m.name: (m.params, m.latency) for m in enlist(market_of(run_spec(few)), ["SIM"], 5).members}
    after = {m.name: (m.params, m.latency) for m in enlist(market_of(run_spec(many)), ["SIM"], 5).members}
    assert before.items() <= after.items()


def test_latency_by_distance_is_the_time_light_takes() -> None:
    spec = market_of(run_spec({"n": {"kind": "noise", "latency": {"kind": "distance", "line_m": 299_792.458, "venue_at_m": 0}}}))
    delays = np.array([latency_of(spec.population["n"].latency, 3, name, "XSIM").order_ns for name in NAMES])
    # A line of one light-millisecond with the venue at its end: evenly spread delays of 0 to 1 ms.
    assert delays.min() >= 0
    assert delays.max() <= 1_000_000
    assert delays.mean() == pytest.approx(500_000, rel=0.05)


def test_jitter_is_handed_on_in_the_kernels_terms() -> None:
    assert latency_of(LogNormalLatency(median_ns=np.e**10, sigma=0.5), 1, "a", "X").jitter == ("log_normal", pytest.approx(10.0), 0.5)
    assert latency_of(EmpiricalLatency(delays_ns=[5, 7]), 1, "a", "X").jitter == ("empirical", (5, 7))


def test_agents_of_a_group_are_dealt_its_symbols_in_turn() -> None:
    spec = run_spec({"noise": {"kind": "noise", "count": 5, "symbols": ["B", "A"], "position_shares": 3}}, symbols=("A", "B", "C"))
    members = enlist(market_of(spec), ["A", "B", "C"], 1).members
    assert [member.symbol for member in members] == [1, 0, 1, 0, 1]
    assert members[0].position_lot == (0, 3, 0)


def test_the_configs_are_plain_yaml() -> None:
    for path in (PROJECT / "configs" / "markets").glob("*.yaml"):
        assert yaml.safe_load(path.read_text(encoding="utf-8"))["market"]["preset"] == path.stem


def test_one_key_of_a_preset_is_changed_from_the_command_line() -> None:
    path = PROJECT / "configs" / "markets" / "rmsc04.yaml"
    spec = load_spec(path, {"market.population.noise.count": 5, "market.population.momentum": None})
    population = market_of(spec).population
    assert (population["noise"].count, population["noise"].kind, "momentum" in population) == (5, "noise", False)
