"""Compiling beside the start of a flow: what the small run covers, and when there is nothing to do."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from flows import compilation
from marketsim.config.file import load_spec
from marketsim.simulate import simulate

CONFIGS = Path(__file__).parents[2] / "configs"
SIMULATED = [CONFIGS / "nightly.yaml", CONFIGS / "real_sessions.yaml", *sorted((CONFIGS / "markets").glob("*.yaml"))]


@pytest.mark.parametrize("config", SIMULATED, ids=lambda path: path.stem)
def test_the_small_run_has_an_agent_of_every_kind_and_needs_no_data(config: Path) -> None:
    spec = load_spec(config)
    market = compilation.simulated_market(spec)
    assert market is not None
    small = compilation.smallest(spec, market)
    assert not small.reads_data
    agents = simulate(small, pa.table({})).market["market_agents"].to_pandas()
    agents = agents[~agents.group_name.isin(["outside", "strategy"])]
    assert set(agents.group_name) == set(market.population)
    assert (agents.groupby("group_name").size() == 1).all()


def test_a_run_without_a_simulated_market_starts_no_other_process() -> None:
    config = CONFIGS / "sma_crossover.yaml"
    spec = load_spec(config)
    assert compilation.simulated_market(spec) is None
    assert not compilation.compile_meanwhile(config, spec)


def test_what_is_compiled_already_starts_no_other_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compilation, "is_compiled", lambda _module: True)
    config = CONFIGS / "nightly.yaml"
    assert not compilation.compile_meanwhile(config, load_spec(config))
