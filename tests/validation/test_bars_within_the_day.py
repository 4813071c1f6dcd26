"""Checks of bars shorter than a session."""

from __future__ import annotations

import pyarrow as pa

from marketsim.validate import validate
from tests.validation.clean_bars import LOOSE, finding, minute_bars, plant, run_spec

SPEC = run_spec(symbols=["AAA"], benchmark=None, horizon="intraday", interval="5m", end="2024-01-03")


def without(bars: pa.Table, first: int, last: int) -> pa.Table:
    return pa.concat_tables([bars.slice(0, first), bars.slice(last)])


def test_five_minute_bars_pass_and_count_their_slots():
    found = validate(minute_bars(), SPEC)
    assert [row["message"] for row in found.failed] == []
    assert finding(found, "missing_bars")["n_checked"] == 2 * 78


def test_holes_within_the_day_are_counted():
    bars = minute_bars()
    told = finding(validate(without(bars, 10, 18), SPEC), "missing_bars", "AAA")
    assert (told["severity"], told["success"], told["n_unexpected"]) == ("warning", False, 8)
    assert finding(validate(without(bars, 10, 17), SPEC), "missing_bars")["success"]  # 7 of 156 = 4.5 %


def test_bars_that_overlap_are_set_aside():
    bars = minute_bars()
    found = validate(plant(bars, 10, close_utc="2024-01-02T15:27"), SPEC)  # it opened at 15:20; the next opens at 15:25
    assert finding(found, "overlapping_bars")["n_unexpected"] == 1
    (reason,) = found.quarantine.column("reason").to_pylist()
    assert reason.startswith("Found the bar that opens at 2024-01-02 15:25:00 UTC overlaps the one before; expected an open no earlier")


def test_bars_outside_regular_hours_are_told():
    bars = minute_bars()
    early = plant(bars.slice(0, 1), 0, open_utc="2024-01-02T14:00", close_utc="2024-01-02T14:05")
    found = validate(pa.concat_tables([early, bars.cast(LOOSE)]), SPEC)
    told = finding(found, "regular_hours", "AAA")
    assert (told["severity"], told["n_unexpected"]) == ("warning", 1)
    assert "2024-01-02 14:00:00 UTC" in told["message"]
    assert found.clean.num_rows == bars.num_rows + 1
