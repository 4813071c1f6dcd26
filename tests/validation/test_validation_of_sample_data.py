"""What is known of the bundled history: it has no errors, and its one wild day is real."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

import pytest

from marketsim.config.run import RunSpec
from marketsim.data.ingest import Snapshot, ingest
from marketsim.validate import Validation, validate
from tests.validation.clean_bars import finding


def sample_spec(**keys: object) -> RunSpec:
    fields = {"symbols": ["AAPL", "FB", "GOOG", "IBM", "MSFT"], "benchmark": "^GSPC", "start": "2000-03-01", "end": "2013-03-01"}
    return RunSpec.model_validate({"name": "sample", "strategy": {"kind": "buy_and_hold"}, **fields, **keys})


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return ingest(sample_spec(), base_dir=Path(), cache_dir=tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def found(snapshot: Snapshot) -> Validation:
    return validate(snapshot.bars, sample_spec(), snapshot.sources)


def test_bundled_bars_have_no_error_and_none_is_set_aside(snapshot: Snapshot, found: Validation):
    assert [row["message"] for row in found.failed if row["severity"] in {"error", "critical"}] == []
    assert found.quarantine.num_rows == 0
    assert found.clean.equals(snapshot.bars)


def test_the_only_unexplained_jump_is_apples_profit_warning_of_september_2000(found: Validation):
    jumps = [row for row in found.failed if row["check_name"] == "price_jumps"]
    assert [(row["symbol"], row["severity"], row["n_unexpected"]) for row in jumps] == [("AAPL", "warning", 1)]
    # The press of the day: Apple lost half its value, 53.50 to 25.75.
    assert "close from 53.5 to 25.75 (-51.9%) on 2000-09-29" in jumps[0]["message"]
    assert "looks like" not in jumps[0]["message"]


def test_symbols_listed_later_are_told_with_their_first_day(found: Validation):
    late = {row["symbol"]: row["observed"] for row in found.failed if row["check_name"] == "late_start"}
    assert late.keys() == {"FB", "GOOG"}
    assert late["GOOG"].endswith("2004-08-19")
    assert late["FB"].endswith("2012-05-18")


def test_nothing_else_fails(found: Validation):
    assert {row["check_name"] for row in found.failed} == {"price_jumps", "late_start"}


def test_sessions_closed_by_disaster_are_not_missed(found: Validation):
    # Four sessions after 11 September 2001, two of hurricane Sandy, and the days of mourning in 2004 and 2007.
    assert all(finding(found, "missing_sessions", symbol)["n_unexpected"] == 0 for symbol in ("AAPL", "IBM", "MSFT", "^GSPC"))


def test_real_splits_show_in_real_prices_and_are_missed_when_not_recorded(snapshot: Snapshot):
    bars = snapshot.bars
    unrecorded = bars.set_column(bars.schema.get_field_index("split_ratio"), bars.schema.field("split_ratio"), [[1.0] * bars.num_rows])
    found = validate(unrecorded, sample_spec())
    assert "2000-06-21, which looks like an unrecorded 2-for-1 split" in finding(found, "price_jumps", "AAPL")["message"]
    assert "2005-02-28, which looks like an unrecorded 2-for-1 split" in finding(found, "price_jumps", "AAPL")["message"]
    assert "2003-02-18, which looks like an unrecorded 2-for-1 split" in finding(found, "price_jumps", "MSFT")["message"]


def test_splits_recorded_beside_adjusted_prices_are_found(snapshot: Snapshot):
    # Split-adjusted IBM prices with somebody else's split column: the commonest fault of downloaded files.
    bars = snapshot.bars
    ratio = [
        2.0 if symbol == "IBM" and day == dt.date(2006, 6, 1) else 1.0 if symbol == "IBM" else ratio
        for symbol, day, ratio in zip(*(bars.column(name).to_pylist() for name in ("symbol", "session_date", "split_ratio")), strict=True)
    ]
    found = validate(bars.set_column(bars.schema.get_field_index("split_ratio"), bars.schema.field("split_ratio"), [ratio]), sample_spec())
    assert [row["symbol"] for row in found.failed if row["check_name"] == "splits_in_price"] == ["IBM"]
    assert (found.worst, found.stops) == ("critical", True)


def test_threshold_is_a_log_return(snapshot: Snapshot):
    limit = -math.log(25.75 / 53.5)  # 0.7312
    for threshold, success in ((limit - 0.001, False), (limit + 0.001, True)):
        found = validate(snapshot.bars, sample_spec(validation={"jump_threshold": threshold}))
        assert finding(found, "price_jumps", "AAPL")["success"] == success
