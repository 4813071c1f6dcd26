"""A simulated market through the whole pipeline: what is published, found again, and published as failed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from marketsim.errors import ConfigError, StrategyError
from tasks.code_version import code_version
from tasks.ingest import ingest
from tasks.pipeline import run_pipeline
from tasks.references import Outcome, RunRequest
from tasks.simulate import simulate
from tasks.staged import spec_of
from tasks.validate import validate
from warehouse import reader
from warehouse.staging import Staging
from warehouse.verify import verify

MARKET = """
name: quarter_hour
horizon: intraday
symbols: [SIM]
start: 2021-02-05
seed: 4
market:
  kind: simulated
  hours: {open: "10:00", close: "10:15"}
  fundamental: {kind: constant, value_tick: 10_000}
  population:
    crowd: {kind: zero_intelligence}
    noise: {kind: poisson_noise, count: 10, cash: 10_000, parameters: {rate_per_s: 0.2}}
  capture: {events: true, depth: {levels: 3, every_s: 10}, accounts: {every_s: 60}}
"""
TABLES = {"market_bars", "market_activity", "market_agents", "market_orders", "market_events", "market_trades", "market_quotes"} | {
    "market_depth",
    "market_accounts",
}


def written(folder: Path, text: str) -> RunRequest:
    path = folder / "market.yaml"
    path.write_text(text, encoding="utf-8")
    return RunRequest(config=path)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome, list[str]]:
    folder = tmp_path_factory.mktemp("simulated")
    told: list[str] = []
    return folder, run_pipeline(written(folder, MARKET), folder / "warehouse", told.append), told


def test_a_market_without_a_strategy_is_published_with_all_its_tables(published: tuple[Path, Outcome, list[str]]) -> None:
    folder, outcome, told = published
    assert (outcome.status, outcome.reason) == ("success", "")
    assert outcome.counts.keys() >= TABLES
    assert "ingest: the market is synthetic; no data are needed" in told
    assert any("trades" in sentence and sentence.startswith("simulate: ") for sentence in told)
    assert verify(folder / "warehouse") == []
    rows = reader.query(folder / "warehouse", "SELECT market, status, n_bars, n_symbols, end_date FROM run_summary").to_pylist()
    assert [(row["market"], row["n_bars"], row["n_symbols"]) for row in rows] == [("simulated", 15, 1)]


def test_its_tables_answer_in_sql(published: tuple[Path, Outcome, list[str]]) -> None:
    folder, outcome, _ = published
    tape = "SELECT count(*) AS n, sum(qty_shares) AS shares FROM market_tape WHERE maker_group = 'crowd' OR taker_group = 'crowd'"
    groups = "SELECT group_name, n_agents FROM market_groups ORDER BY group_name"
    root = folder / "warehouse"
    assert reader.query(root, groups).to_pylist() == [
        {"group_name": "crowd", "n_agents": 1},
        {"group_name": "noise", "n_agents": 10},
        {"group_name": "outside", "n_agents": 1},
    ]
    (row,) = reader.query(root, tape).to_pylist()
    assert 0 < row["n"] <= outcome.counts["market_trades"]
    (summary,) = reader.query(root, "SELECT n_trades, spread_bps FROM market_summary").to_pylist()
    assert summary["n_trades"] == outcome.counts["market_trades"]
    metrics = reader.query(root, "SELECT value FROM metrics WHERE role = 'market' AND metric = 'market_relative_spread'").to_pylist()
    assert metrics[0]["value"] * 1e4 == pytest.approx(summary["spread_bps"])


def test_its_page_is_whole_and_shows_every_group(published: tuple[Path, Outcome, list[str]]) -> None:
    _, outcome, _ = published
    page = outcome.report.read_text(encoding="utf-8")
    assert all(f'data-chart="{chart}"' in page for chart in ("price-0", "spread-0", "volume-0", "touch-0", "shares", "profit"))
    data = json.loads(page.partition('<script id="data" type="application/json">')[2].partition("</script>")[0])
    assert len(data["charts"]["price-0"]["data"]["values"]) >= 29  # 15 of the fundamental and one a bar with a mid
    assert "http://" not in page.partition("<script>")[0]
    assert {row[0] for row in outcome.summary} >= {"Trades", "Spread", "Agents", "P&L"}


def test_a_second_run_finds_the_first_and_the_same_seed_gives_the_same_bytes(
    published: tuple[Path, Outcome, list[str]], tmp_path: Path
) -> None:
    folder, outcome, _ = published
    again = run_pipeline(RunRequest(config=folder / "market.yaml"), folder / "warehouse")
    assert (again.is_new, again.run_id) == (False, outcome.run_id)
    elsewhere = run_pipeline(RunRequest(config=folder / "market.yaml"), tmp_path)
    assert (elsewhere.run_id, elsewhere.digest) == (outcome.run_id, outcome.digest)
    other = run_pipeline(RunRequest(config=folder / "market.yaml", overrides={"seed": 5}), tmp_path)
    assert other.digest != outcome.digest


def test_a_failed_gate_is_published_as_a_failed_run_with_its_reason(tmp_path: Path) -> None:
    storm = MARKET.replace("    noise:", "    storm: {kind: 'tests.living.planted:cancel_storm'}\n    noise:")
    outcome = run_pipeline(written(tmp_path, storm), tmp_path / "warehouse")
    assert outcome.status == "failed"
    assert "storm sent" in outcome.reason
    assert "expected 0 to 10 for one" in outcome.reason
    rows = reader.query(tmp_path / "warehouse", "SELECT gate FROM health WHERE NOT passed").to_pylist()
    assert rows == [{"gate": "storm.cancel_ratio"}]


def test_an_agent_beyond_its_limit_ends_the_run_and_nothing_is_published(tmp_path: Path) -> None:
    poor = MARKET.replace("parameters: {rate_per_s: 0.2}", "limits: {largest_position_shares: 1}, parameters: {rate_per_s: 0.2}")
    with pytest.raises(StrategyError, match=r"agent noise\.\d at 2021-02-05T15:.*position went beyond its limit"):
        run_pipeline(written(tmp_path, poor), tmp_path / "warehouse")
    assert list((tmp_path / "warehouse").glob("staging/*/tables/market_*")) == []
    assert reader.runs(tmp_path / "warehouse") == []


def test_a_strategys_run_has_its_tear_sheet_and_the_page_of_its_market(tmp_path: Path) -> None:
    traded = f"{MARKET}strategy: {{kind: sma_crossover, fast: 2, slow: 4}}\naccount: {{cash: 100_000}}\n"
    outcome = run_pipeline(written(tmp_path, traded), tmp_path / "warehouse")
    assert outcome.summary[0] == ("", "strategy")
    assert 'data-chart="growth"' in outcome.report.read_text(encoding="utf-8")
    assert 'data-chart="spread-0"' in (outcome.folder / "market.html").read_text(encoding="utf-8")
    roles = reader.query(tmp_path / "warehouse", "SELECT role, count(DISTINCT agent) AS n FROM metrics GROUP BY role ORDER BY role")
    assert roles.to_pylist() == [{"role": "market", "n": 1}, {"role": "strategy", "n": 1}]
    moved = reader.query(tmp_path / "warehouse", "SELECT n_agents FROM market_groups WHERE group_name = 'strategy'")
    assert moved.to_pylist() == [{"n_agents": 1}]


def test_a_finished_simulation_is_not_run_again(tmp_path: Path) -> None:
    request = written(tmp_path, MARKET)
    run = ingest(request, tmp_path / "warehouse")
    validate(run, tmp_path / "warehouse")
    first = simulate(run, tmp_path / "warehouse")
    told: list[str] = []
    assert simulate(run, tmp_path / "warehouse", told.append) == first
    assert told == ["the simulation is finished already"]


def test_the_code_of_ones_own_agents_is_part_of_the_runs_identity(tmp_path: Path) -> None:
    request = written(tmp_path, MARKET)
    run = ingest(request, tmp_path / "warehouse")
    plain = code_version(spec_of(Staging(tmp_path / "warehouse", run.run_id)))
    own = written(
        tmp_path, MARKET.replace("kind: poisson_noise", "kind: 'tests.living.planted:sweeper'").replace("{rate_per_s: 0.2}", "{}")
    )
    run = ingest(own, tmp_path / "warehouse")
    assert code_version(spec_of(Staging(tmp_path / "warehouse", run.run_id))).startswith(f"{plain}.")


def test_a_strategy_is_missed_where_the_market_needs_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="strategy: is missing"):
        run_pipeline(written(tmp_path, "name: x\nsymbols: [AAPL]\nstart: 2012-01-03\n"), tmp_path / "warehouse")
