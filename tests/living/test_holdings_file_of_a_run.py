"""A fund of a population that follows a holdings file: named in YAML, read from beside it, part of the run's identity."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from marketsim.config.simulated import SimulatedMarket
from marketsim.data.ingest import ingest
from marketsim.errors import ConfigError
from marketsim.markets.simulated.holdings import beside
from marketsim.markets.simulated.population import check_population
from marketsim.markets.simulated.run import SimulatedRun
from marketsim.simulate import simulate
from tests.living.planted import CROWD, run_spec

TEXT = "date,fund,ticker,shares\n2021-02-04,ONE,AAA,60\n2021-02-05,ONE,AAA,50\n2021-02-05,TWO,AAA,9\n2021-02-05,ONE,BBB,30\n"


def spec_of(file: str, **parameters: Any) -> Any:
    fund = {"holdings_file": file, "fund": "ONE", "before_close_s": 900.0, "n_slices": 5, **parameters}
    population = {"crowd": {**CROWD, "count": 2}, "ark": {"kind": "holdings_fund", "parameters": fund, "cash": 1e7}}
    return run_spec(population, symbols=("BBB", "AAA"))


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_fund_named_in_yaml_holds_at_the_close_what_its_file_says(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "holdings.csv").write_text(TEXT)
    pq.write_table(pacsv.read_csv(tmp_path / "holdings.csv"), tmp_path / "holdings.parquet")
    spec = spec_of(f"holdings.{suffix}")
    check_population(spec.market)
    run = SimulatedRun(spec, beside(spec.market, tmp_path), lambda _name, _rows: None)
    run.play()
    number = 1 + [member.name for member in run.roster.members].index("ark.0")
    assert run.world.holdings[number].tolist() == [30, 50]
    assert isinstance(spec.market, SimulatedMarket)
    assert "target_lot" not in spec.market.population["ark"].parameters  # what is published is what was written


def test_the_file_is_among_the_sources_of_a_run_and_changes_its_snapshot(tmp_path: Path) -> None:
    file = tmp_path / "holdings.csv"
    file.write_text(TEXT)
    spec = spec_of("holdings.csv")
    first = ingest(spec, base_dir=tmp_path, cache_dir=tmp_path / "cache")
    [row] = first.sources.to_pylist()
    assert (row["role"], row["request"], row["n_rows"]) == ("holdings", "holdings.csv", 4)
    file.write_text(TEXT.replace("30", "31"))
    assert ingest(spec, base_dir=tmp_path, cache_dir=tmp_path / "cache").digest != first.digest


def test_what_is_wrong_with_a_fund_is_said_with_the_groups_name(tmp_path: Path) -> None:
    spec = spec_of("nowhere.csv")
    with pytest.raises(ConfigError, match=r"market\.population\.ark\.parameters: holdings file .*nowhere\.csv is not there"):
        SimulatedRun(spec, beside(spec.market, tmp_path), lambda _name, _rows: None)
    with pytest.raises(ConfigError, match=r"market\.population\.ark\.parameters.*n_slizes"):
        check_population(spec_of("nowhere.csv", n_slizes=3).market)


def test_a_whole_run_finds_the_file_beside_its_description(tmp_path: Path) -> None:
    (tmp_path / "holdings.csv").write_text(TEXT)
    spec = spec_of("holdings.csv")
    bars = ingest(spec, base_dir=tmp_path, cache_dir=tmp_path / "cache").bars
    result = simulate(spec, bars, base_dir=tmp_path)
    held = result.positions.filter(pc.equal(result.positions["agent"], "ark")).to_pylist()
    last = {row["symbol"]: row["qty_shares"] for row in held}
    assert last == {"AAA": 50.0, "BBB": 30.0}
