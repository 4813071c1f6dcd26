"""Runs in a recorded market from their YAML to the warehouse: what is published, what it depends on, and what proves it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import yaml
from click.testing import CliRunner, Result

from marketsim.cli import main
from marketsim.errors import DataError
from tasks.pipeline import run_pipeline
from tasks.references import Outcome, RunRequest
from tests.conftest import SHARED_DATA
from tests.replay.lobster_writer import write_day
from warehouse import reader

MS = 1_000_000
LATENCY_MS = 30
MESSAGES = "{symbol}_2024-03-04_34200000_57600000_message_10.csv"
CONFIG: dict[str, Any] = {
    "name": "replayed",
    "horizon": "intraday",
    "interval": "1m",
    "symbols": ["ACME"],
    "start": "2024-03-04",
    "end": "2024-03-04",
    "market": {"kind": "replay", "order_latency_ns": 20 * MS, "data_latency_ns": 10 * MS},
    "providers": [{"kind": "recording", "path": MESSAGES}],
    "account": {"cash": 100_000},
    "fees": {"per_share": 0.005},
    "strategy": {"kind": "sma_crossover", "fast": 2, "slow": 5, "short": True},
}


def write_config(folder: Path, **changes: Any) -> Path:
    path = folder / "replayed.yaml"
    path.write_text(yaml.safe_dump({**CONFIG, **changes}, sort_keys=False), encoding="utf-8")
    return path


def ran(folder: Path, root: Path, **changes: Any) -> Outcome:
    return run_pipeline(RunRequest(config=write_config(folder, **changes)), root)


def rows(root: Path, outcome: Outcome, table: str) -> list[dict[str, Any]]:
    return reader.table(root, outcome.run_id, table).to_pylist()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an hour of one symbol."""
    folder = tmp_path_factory.mktemp("recorded")
    write_day(folder)
    return folder


@pytest.fixture
def folder(recorded: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may spoil."""
    return Path(shutil.copytree(recorded, tmp_path / "recorded"))


@pytest.fixture(scope="module")
def published(recorded: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    root = tmp_path_factory.mktemp("warehouse")
    return root, ran(recorded, root)


def test_a_run_in_a_recording_is_published_with_gates_and_findings_of_its_own(recorded: Path, published: tuple[Path, Outcome]) -> None:
    root, outcome = published
    n = len(next(recorded.glob("*message*")).read_text().splitlines())
    assert (outcome.status, rows(root, outcome, "runs")[0]["market"]) == ("success", "replay")
    assert outcome.counts["fills"] > 20
    assert [row["gate"].removeprefix("strategy.") for row in rows(root, outcome, "health")] == [
        "cash_conserved",
        "fills_at_recorded_prices",
        "liquidity_taken_once",
        "orders_accounted",
        "shares_conserved",
    ]
    told = {row["check_name"]: (row["severity"], row["success"], row["observed"]) for row in rows(root, outcome, "findings")}
    # The file of this recording is whole and in order, and ten levels hold all of its book.
    assert {name: found for name, found in told.items() if name.startswith("recording_")} == {
        "recording_book": ("warning", True, f"0 of {n:,} touches of the rebuilt book differ from the recorded ones"),
        "recording_depth": ("info", True, "0 levels set by the order book file"),
        "recording_gaps": ("error", True, "0 gaps in the feed's numbers"),
        "recording_orders": ("warning", True, f"0 of {n:,} events name an unknown order, one twice, or more than it has"),
        "recording_rows": ("warning", True, f"0 of {n:,} rows refused"),
        "recording_steps": ("error", True, f"0 of {n - 1:,} steps differ from the order book file"),
        "recording_times": ("warning", True, f"0 of {n:,} messages out of order in time"),
        "recording_uncrossed": ("warning", True, f"0 of {n:,} messages leave the book crossed"),
    }


def test_every_market_order_begins_at_the_quote_that_the_files_show_when_it_arrives(
    recorded: Path, published: tuple[Path, Outcome]
) -> None:
    root, outcome = published
    quotes = np.loadtxt(next(recorded.glob("*orderbook*")), delimiter=",")[:, [0, 2]] / 10_000  # best ask, best bid
    midnight_ns = int(np.datetime64("2024-03-04T05:00", "ns").astype(np.int64))  # New York keeps winter time
    times_ns = midnight_ns + np.round(np.loadtxt(next(recorded.glob("*message*")), delimiter=",")[:, 0] * 1e9).astype(np.int64)
    orders = {row["order_id"]: row for row in _ns(reader.table(root, outcome.run_id, "orders"), "submitted_utc")}
    first = {}
    for fill in _ns(reader.table(root, outcome.run_id, "fills"), "fill_utc"):
        first.setdefault(fill["order_id"], fill)
    assert len(first) > 10
    for number, fill in first.items():
        assert fill["fill_utc"] - orders[number]["submitted_utc"] == LATENCY_MS * MS
        shown = quotes[np.searchsorted(times_ns, fill["fill_utc"], side="right") - 1]
        assert fill["price"] == pytest.approx(shown[0 if fill["side"] == "buy" else 1])
        assert fill["reference_price"] == pytest.approx(shown.mean())
        assert fill["liquidity"] == "taker"


def test_the_same_strategy_runs_unchanged_against_the_bars_of_the_recording(recorded: Path, published: tuple[Path, Outcome]) -> None:
    root, outcome = published
    against_bars = ran(recorded, root, name="bars", market={"kind": "bars"})
    assert against_bars.status == "success"
    replayed, filled = (rows(root, run, "fills") for run in (outcome, against_bars))
    assert reader.table(root, outcome.run_id, "bars").equals(reader.table(root, against_bars.run_id, "bars"))
    assert {fill["order_id"] for fill in replayed} == {fill["order_id"] for fill in filled}
    # Bars fill at the next open without a spread; the recorded book charges one.
    assert sum(fill["spread_cost_cash"] for fill in filled) == 0.0 < sum(fill["spread_cost_cash"] for fill in replayed)


def test_the_same_recording_gives_the_same_bytes_and_another_one_another_run(
    folder: Path, published: tuple[Path, Outcome], tmp_path: Path
) -> None:
    _, outcome = published
    again = ran(folder, tmp_path / "again")
    assert (again.run_id, again.digest) == (outcome.run_id, outcome.digest)
    # One share more at the tenth level changes no bar, and still the flow is another one.
    book = next(folder.glob("*orderbook*"))
    lines = book.read_text().splitlines()
    cells = lines[-1].split(",")
    cells[-1] = str(int(cells[-1]) + 1)
    book.write_text("\n".join([*lines[:-1], ",".join(cells)]) + "\n")
    changed = ran(folder, tmp_path / "again")
    assert changed.run_id != outcome.run_id
    assert rows(tmp_path / "again", changed, "bars") == rows(tmp_path / "again", again, "bars")


def reproduced(root: Path, run_id: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Result:
    monkeypatch.setenv("MARKETSIM_WAREHOUSE", str(root))
    return CliRunner().invoke(main, ["reproduce", run_id, "--config-dir", str(folder), "--json"])


def test_a_run_is_reproduced_from_its_recording_and_refused_when_that_has_changed(
    folder: Path, published: tuple[Path, Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    root, outcome = published
    proof = reproduced(root, outcome.run_id, folder, monkeypatch)
    assert (proof.exit_code, json.loads(proof.stdout)["status"]) == (0, "identical")
    path = next(folder.glob("*message*"))
    path.write_text(path.read_text().replace(",100,", ",101,", 1))
    refused = reproduced(root, outcome.run_id, folder, monkeypatch)
    assert refused.exit_code == 3
    assert f"{path.name}, {path.name.replace('message', 'orderbook')} is not what the run's bars were made of; restore" in refused.stderr


def test_the_sources_table_names_the_files_and_their_digests(recorded: Path, published: tuple[Path, Outcome]) -> None:
    import hashlib

    root, outcome = published
    found = {row["request"]: row["sha256"] for row in rows(root, outcome, "sources") if row["role"] == "recording"}
    assert found == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in recorded.glob("ACME*")}


def test_agents_trade_alone_so_two_of_a_kind_get_the_same_fills(recorded: Path, tmp_path: Path) -> None:
    twin = {"name": "twin", "strategy": CONFIG["strategy"]}
    poor = {"name": "poor", "strategy": CONFIG["strategy"], "account": {"cash": 1_000}}
    outcome = ran(recorded, tmp_path, agents=[twin, poor])
    fills = reader.table(tmp_path, outcome.run_id, "fills").to_pandas()
    own, others = (fills[fills["agent"] == name].drop(columns="agent").reset_index(drop=True) for name in ("strategy", "twin"))
    assert own.equals(others)
    assert fills[fills["agent"] == "poor"]["qty_shares"].sum() < own["qty_shares"].sum() / 50


def test_an_order_larger_than_the_book_ends_with_its_reason(recorded: Path, tmp_path: Path) -> None:
    outcome = ran(recorded, tmp_path, account={"cash": 1e9})
    ended = {(row["status"], row["reason"]) for row in rows(tmp_path, outcome, "orders")}
    assert ("cancelled", "no_liquidity") in ended
    assert ended <= {("cancelled", "no_liquidity"), ("filled", "none"), ("cancelled", "end_of_run")}
    assert outcome.status == "success"


def test_a_sweep_over_the_latency_and_a_walk_forward_replay_every_trial(recorded: Path, tmp_path: Path) -> None:
    sweep = {"parameters": {"market.order_latency_ns": [0, 5_000 * MS], "strategy.slow": [5, 8]}, "metric": "total_return"}
    swept = ran(recorded, tmp_path, name="swept", sweep=sweep)
    values = [row["value"] for row in rows(tmp_path, swept, "trials")]
    assert len(set(values)) == len(values) == 4
    sweep = {"parameters": {"strategy.slow": [5, 8]}, "metric": "total_return"}
    walked = ran(recorded, tmp_path, name="walked", sweep=sweep, walk_forward={"train_bars": 30, "test_bars": 10})
    assert walked.status == "success"
    trials = rows(tmp_path, walked, "trials")
    assert {row["sample"] for row in trials} == {"in", "out"}
    assert len({row["window_number"] for row in trials}) == 3
    first_test = min(row["submitted_utc"] for row in rows(tmp_path, walked, "orders"))
    assert first_test.isoformat() >= "2024-03-04T15:00"


def test_symbols_of_one_feed_replay_together_and_those_whose_ids_meet_are_refused(recorded: Path, tmp_path: Path) -> None:
    write_day(tmp_path, "ACME", minutes=30)
    write_day(tmp_path, "OTHER", minutes=30, seed=2, first_id=1_000_000)
    outcome = ran(tmp_path, tmp_path / "warehouse", symbols=["OTHER", "ACME"])
    assert outcome.status == "success"
    assert {row["symbol"] for row in rows(tmp_path / "warehouse", outcome, "fills")} == {"ACME", "OTHER"}
    write_day(tmp_path, "OTHER", minutes=30, seed=2)
    with pytest.raises(DataError, match=r"give the same ids to different orders, as feeds of different exchanges do; replay them in runs"):
        ran(tmp_path, tmp_path / "warehouse", symbols=["OTHER", "ACME"])


def test_only_recordings_are_asked_for_a_traded_symbol_but_any_provider_for_the_benchmark(recorded: Path, tmp_path: Path) -> None:
    (tmp_path / "ACME.csv").write_text("time,open,high,low,close,volume\n2024-03-04T15:00:00,1,1,1,1,1\n")
    minutes = [f"2024-03-04T14:{30 + n}:00,50,50,50,{50 + n},10" for n in range(30)]
    (tmp_path / "INDEX.csv").write_text("\n".join(["time,open,high,low,close,volume", *minutes]) + "\n")
    providers = [{"kind": "file", "path": "{symbol}.csv"}, {"kind": "recording", "path": str(recorded / MESSAGES)}]
    outcome = ran(tmp_path, tmp_path / "warehouse", providers=providers, benchmark="INDEX")
    found = {row["symbol"]: row["source"] for row in rows(tmp_path / "warehouse", outcome, "sources")}
    assert found == {"ACME": "recording", "INDEX": "file"}
    assert {row["agent"] for row in rows(tmp_path / "warehouse", outcome, "equity")} == {"strategy", "benchmark"}


@pytest.mark.skipif(not (SHARED_DATA / "lobster").is_dir(), reason=f"the recordings are not in {SHARED_DATA / 'lobster'}")
def test_a_day_of_amzn_runs_from_end_to_end(tmp_path: Path) -> None:
    path = str(SHARED_DATA / "lobster" / "{symbol}_2012-06-21_L5_message.parquet")
    day = {"symbols": ["AMZN"], "start": "2012-06-21", "end": "2012-06-21", "providers": [{"kind": "recording", "path": path}]}
    outcome = ran(tmp_path, tmp_path / "warehouse", **day)
    assert outcome.status == "success"
    told = {row["check_name"]: row["observed"] for row in rows(tmp_path / "warehouse", outcome, "findings")}
    assert told["recording_steps"] == "0 of 155,934 steps differ from the order book file"
    assert told["recording_book"] == "0 of 155,935 touches of the rebuilt book differ from the recorded ones"
    assert 380 <= outcome.counts["bars"] <= 390
    assert outcome.counts["fills"] > 50


@pytest.mark.skipif(not (SHARED_DATA / "crypto").is_dir(), reason=f"the recordings are not in {SHARED_DATA / 'crypto'}")
def test_a_stream_of_levels_runs_around_the_clock(tmp_path: Path) -> None:
    name = str(SHARED_DATA / "crypto" / "binance_spot_btcusdt_20230405_{}.parquet")
    recording = {"kind": "recording", "path": name.format("depth"), "more_paths": [name.format("trades"), name.format("bbo")]}
    day = {"symbols": ["BTCUSDT"], "start": "2023-04-05", "end": "2023-04-05", "calendar": "24/7", "providers": [recording]}
    rules = {
        "market": {"kind": "replay", "queue": "pro_rata"},
        "account": {"cash": 1e6, "lot_size": 0.001},
        "fees": {"per_notional_bps": 10},
    }
    outcome = ran(tmp_path, tmp_path / "warehouse", strategy={"kind": "buy_and_hold"}, **day, **rules)
    assert outcome.status == "success"
    told = {row["check_name"]: row["observed"] for row in rows(tmp_path / "warehouse", outcome, "findings")}
    assert told["recording_gaps"] == "0 gaps in the feed's numbers"
    assert told["recording_book"] == "0 of 3,929 touches of the rebuilt book differ from the recorded ones"


def _ns(table: pa.Table, column: str) -> list[dict[str, Any]]:
    """Return a table's rows with one column of times as ns since the epoch."""
    place = table.schema.get_field_index(column)
    found: list[dict[str, Any]] = table.set_column(place, column, table[column].cast(pa.int64())).to_pylist()
    return found
