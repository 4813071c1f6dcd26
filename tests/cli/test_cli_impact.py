"""`marketsim impact` on a market of twenty minutes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from marketsim.cli import main

CONFIG = """
name: short
horizon: intraday
symbols: [ZI]
start: 2021-02-05
market:
  kind: simulated
  preset: zero_intelligence
  hours: {open: "10:00", close: "10:20"}
  population: {makers: {kind: ladder, count: 2}}
seed: 5
"""
BARS = "name: bars\nsymbols: [AAPL]\nstart: 2012-01-03\nstrategy: {kind: buy_and_hold}\n"
METAORDER = ("--start", "5", "--horizon", "5")


@pytest.fixture
def marketsim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)
    Path("short.yaml").write_text(CONFIG)
    Path("bars.yaml").write_text(BARS)
    return lambda *arguments: CliRunner().invoke(main, ("impact", *arguments))


def test_taking_a_group_away_prints_a_table_and_writes_pictures_and_tables(marketsim: Callable[..., Result]) -> None:
    result = marketsim("short.yaml", "--without", "makers", "--seeds", "3")
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0] == "short without makers: 3 pairs, it traded in 3"
    assert lines[1].split() == ["measure", "mean", "95", "%", "from", "to", "unit", "pairs"]
    labels = [line[:38].strip() for line in lines[3:11]]
    assert labels[0] == "price moved when its last fill was don"
    assert labels[5:] == ["change of volume", "change of the spread", "change of volatility"]
    assert "It moves the price against itself by " in result.stdout
    folder = Path("impact/short-without-makers")
    names = ("impact.png", "impact.html", "path.parquet", "pairs.parquet", "measures.parquet")
    assert lines[-5:] == [f"wrote {folder / name}" for name in names]
    assert (folder / "impact.png").read_bytes()[1:4] == b"PNG"
    assert pq.read_table(folder / "pairs.parquet")["seed"].to_pylist() == [5, 6, 7]
    page = (folder / "impact.html").read_text()
    assert "short without makers" in page
    assert "New York time" in page
    assert 'src="http' not in page
    assert 'href="http' not in page
    assert "pairs: 3 of 3 seeds" in result.stderr


def test_a_metaorder_of_several_sizes_gives_an_exponent(marketsim: Callable[..., Result]) -> None:
    result = marketsim("short.yaml", "--metaorder", "40,10,20", *METAORDER, "--seeds", "6", "--to", "here")
    assert result.exit_code == 0, result.stderr
    assert [line.split()[0] for line in result.stdout.splitlines()[3:6]] == ["10", "20", "40"]
    assert "Impact grows with size to the power " in result.stdout
    assert Path("here/curve.png").read_bytes()[1:4] == b"PNG"
    assert set(pq.read_table("here/path.parquet")["size_lot"].to_pylist()) == {10, 20, 40}


def test_one_object_for_programs(marketsim: Callable[..., Result]) -> None:
    options = ("--agent", "pov", "--parameter", "participation=0.2", "--side", "sell", "--every", "30", "--threads", "1")
    result = marketsim("short.yaml", "--metaorder", "20", *METAORDER, *options, "--seeds", "2", "--to", "here", "--json")
    found = json.loads(result.stdout)
    assert (found["status"], found["name"], found["without"], found["exponent"]) == ("success", "short", None, None)
    (impact,) = found["impacts"]
    assert (impact["size_lot"], impact["n_pairs"], impact["n_trading"]) == (20, 2, 2)
    assert impact["peak_bps"]["low"] <= impact["peak_bps"]["mean"] <= impact["peak_bps"]["high"]
    assert found["written"][0] == "here/impact.png"
    assert all(net < 0 for net in pq.read_table("here/pairs.parquet")["net_lot"].to_pylist())


def test_sizes_that_move_nothing_have_no_exponent_but_a_table(marketsim: Callable[..., Result]) -> None:
    # A ladder of thousands of lots at one price on each side swallows a single lot or two.
    wall = "market.population.makers.parameters.qty_lot=100000"
    result = marketsim("short.yaml", "--set", wall, "--metaorder", "1,2", *METAORDER, "--seeds", "2", "--to", "here", "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (found["exponent"] is None) == (found["no_exponent"] is not None)
    assert len(found["impacts"]) == 2


@pytest.mark.parametrize(
    ("arguments", "exit_code", "sentence"),
    [
        (("short.yaml", "--without", "nobody"), 2, "agent nobody is not in the market; groups: crowd (1), makers (2)"),
        (("bars.yaml", "--without", "strategy"), 2, "in a market of kind bars nobody reacts"),
        (("short.yaml", "--without", "makers", "--seeds", "1"), 2, "--seeds 1: an interval takes at least 2 pairs"),
        (("short.yaml",), 2, "Choose one of --without AGENT and --metaorder"),
        (("short.yaml", "--without", "makers", "--metaorder", "5"), 2, "Choose one of --without AGENT and --metaorder"),
        (("short.yaml", "--without", "makers", "--horizon", "5"), 2, "--horizon says how a metaorder is worked; leave it out"),
        (("short.yaml", "--metaorder", "5,few"), 2, "'5,few' is no list of lots"),
        (("short.yaml", "--metaorder", "0"), 2, "'0' is no list of lots"),
        (("short.yaml", "--metaorder", "5"), 2, "does not fit the session of 20 minutes"),
        (("short.yaml", "--metaorder", "5", *METAORDER, "--agent", "noise"), 2, "kind noise works no parent order"),
        (("short.yaml", "--without", "makers", "--to", "short.yaml/below"), 1, "choose another place with --to"),
        (("absent.yaml", "--without", "makers"), 2, "absent.yaml"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    marketsim: Callable[..., Result], arguments: tuple[str, ...], exit_code: int, sentence: str
) -> None:
    result = marketsim(*arguments)
    assert result.exit_code == exit_code
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
    assert not Path("impact").exists()
