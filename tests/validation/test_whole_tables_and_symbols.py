"""Faults that are not one bar's: wrong columns, strange symbols, missing symbols, old data, and how severe each is for whom."""

from __future__ import annotations

import json
import subprocess
import sys

import pyarrow as pa
import pytest

from marketsim.validate import validate
from marketsim.validation.tables import FINDINGS, QUARANTINE
from tests.validation.clean_bars import LOOSE, N_DAYS, daily_bars, finding, plant, run_spec
from warehouse.schemas import TABLES

ROW = 40  # 2024-02-29


def shortened() -> pa.Table:
    """Return clean bars of which AAA's end ten sessions early, on 2024-05-09."""
    bars = daily_bars()
    return pa.concat_tables([bars.slice(0, 90), bars.slice(N_DAYS)])


def test_age_is_told_but_not_judged_without_a_limit():
    told = finding(validate(shortened(), run_spec()), "freshness", "AAA")
    assert told["success"]
    assert told["severity"] == "info"
    assert "10 sessions behind 2024-05-23" in told["message"]


def test_without_an_end_age_counts_from_the_newest_bar_of_any_symbol():
    found = validate(shortened(), run_spec(end=None, validation={"max_age_sessions": 9}))
    assert "10 sessions behind 2024-05-23" in finding(found, "freshness")["message"]
    assert not [row for row in found.findings.to_pylist() if row["check_name"] == "early_end"]


def test_bars_of_a_symbol_that_was_not_asked_for_are_set_aside():
    found = validate(daily_bars(("AAA", "BBB", "ZZZ", "^IDX")), run_spec())
    told = finding(found, "known_symbols", "*")
    assert (told["severity"], told["n_checked"], told["n_unexpected"]) == ("error", 400, 100)
    assert "symbol ZZZ was not asked for" in told["message"]
    assert found.clean.equals(daily_bars())
    assert set(found.quarantine.column("symbol").to_pylist()) == {"ZZZ"}


def test_a_row_without_symbol_is_set_aside():
    found = validate(plant(daily_bars(), ROW, symbol=None), run_spec())
    assert "symbol is missing" in finding(found, "known_symbols", "*")["message"]
    assert found.quarantine.column("symbol").to_pylist() == [""]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (daily_bars().drop_columns(["volume_shares"]), "volume_shares is none instead of double"),
        (daily_bars().append_column("vwap", pa.nulls(300, pa.float64())), "vwap is double instead of none"),
        (daily_bars().set_column(4, "open_price", pa.nulls(300, pa.string())), "open_price is string instead of double"),
        (daily_bars().append_column("low_price", pa.nulls(300, pa.float64())), "low_price is double and double instead of double"),
    ],
)
def test_wrong_columns_stop_everything(table: pa.Table, words: str):
    found = validate(table, run_spec())
    assert found.findings.num_rows == 1
    assert (found.worst, found.stops, found.clean.num_rows) == ("critical", True, 0)
    assert words in found.sentence


def test_columns_in_another_order_are_as_good():
    bars = daily_bars()
    assert validate(bars.select(sorted(bars.schema.names)), run_spec()).clean.equals(bars)


def test_missing_benchmark_is_an_error_that_lets_the_run_go_on():
    found = validate(daily_bars(("AAA", "BBB")), run_spec())
    assert (found.worst, found.stops) == ("error", False)
    assert finding(found, "has_bars", "^IDX")["severity"] == "error"


def test_missing_traded_symbol_stops_the_run_and_says_what_the_provider_said():
    sources = pa.table(
        {"symbol": ["AAA", "BBB", "^IDX"], "role": ["traded", "traded", "benchmark"], "error": ["", "BBB is not listed here.", ""]}
    )
    found = validate(daily_bars(("AAA", "^IDX")), run_spec(), sources)
    assert (found.worst, found.stops) == ("critical", True)
    assert "BBB: 0 bars received (BBB is not listed here); expected at least one; check the symbol's spelling" in found.sentence


def test_a_benchmark_that_is_also_traded_is_judged_as_traded():
    found = validate(daily_bars(("AAA",)), run_spec(benchmark="BBB"))
    assert finding(found, "has_bars", "BBB")["severity"] == "critical"


def test_an_index_without_volume_is_only_worth_a_note():
    found = validate(plant(daily_bars(), slice(2 * N_DAYS, None), volume_shares=0.0), run_spec())
    assert finding(found, "zero_volume", "^IDX")["severity"] == "info"
    assert found.worst == "info"


@pytest.mark.parametrize(
    ("stop_on", "values", "stops"),
    [
        ("warning", {"volume_shares": 0.0}, True),
        ("error", {"volume_shares": 0.0}, False),
        ("error", {"volume_shares": -1.0}, True),
        ("critical", {"volume_shares": -1.0}, False),
        ("critical", {"split_ratio": 2.0}, True),
    ],
)
def test_a_run_stops_at_the_severity_it_names(stop_on: str, values: dict[str, float], stops: bool):
    found = validate(plant(daily_bars(), ROW, **values), run_spec(validation={"stop_on": stop_on}))
    assert found.stops == stops
    assert (f"the run stops at {stop_on}" in found.sentence) == stops


def test_no_bars_at_all_is_critical_not_a_crash():
    found = validate(LOOSE.empty_table(), run_spec())
    assert (found.worst, found.clean.num_rows, found.quarantine.num_rows) == ("critical", 0, 0)
    assert {row["symbol"] for row in found.failed} == {"AAA", "BBB", "^IDX"}


def test_another_exchange_has_other_sessions():
    # 2024-01-15 is a holiday in New York and a session in London; 2024-04-01 is the reverse.
    found = validate(daily_bars(), run_spec(calendar="XLON"))
    assert "2024-04-01 is no session of XLON" in finding(found, "sessions_only")["message"]
    assert "2024-01-15" in finding(found, "missing_sessions")["message"]


def test_quarantined_row_is_kept_as_it_was_received():
    found = validate(plant(daily_bars(), ROW, close_price=float("nan"), session_date="2024-02-29"), run_spec())
    (row,) = found.quarantine.to_pylist()
    assert row["check_name"] == "required_values"
    assert row["reason"] == "Found close_price missing on 2024-02-29; expected a value in every required column."
    assert json.loads(row["row_json"]) == {
        "symbol": "AAA",
        "session_date": "2024-02-29",
        "open_utc": "2024-02-29 14:30:00.000000000Z",
        "close_utc": "2024-02-29 21:00:00.000000000Z",
        "open_price": 100.0,
        "high_price": pytest.approx(101.9),
        "low_price": pytest.approx(97.9),
        "close_price": "nan",
        "volume_shares": 1e6,
        "split_ratio": 1.0,
        "dividend_cash": 0.0,
        "source": "test",
        "retrieved_utc": None,
    }


def test_tables_are_those_of_the_warehouse():
    for name, ours in (("findings", FINDINGS), ("quarantine", QUARANTINE)):
        assert ours.equals(TABLES[name].arrow)


def test_nothing_is_written_printed_or_sent(tmp_path, monkeypatch, capfd):
    def no_network(*_: object) -> None:
        raise AssertionError("validation opened a socket")

    monkeypatch.setattr("socket.socket.connect", no_network)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    validate(daily_bars(), run_spec())
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_the_verb_can_be_imported_without_great_expectations():
    code = "import sys, marketsim.validate; print('great_expectations' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
