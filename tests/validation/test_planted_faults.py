"""Every check finds the fault planted for it, in the symbol it was planted in, and none in bars without a fault.

Each fault gets a symbol of its own and all of them are validated together, so that one symbol's fault must not touch another's result.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pytest

from marketsim.validate import Validation, validate
from tests.validation.clean_bars import LOOSE, N_DAYS, daily_bars, finding, plant, run_spec

ROW = 40  # 2024-02-29
PRICES = ("open_price", "high_price", "low_price", "close_price")
Change = Callable[[pa.Table], pa.Table]


@dataclass(frozen=True)
class Planted:
    """A fault, and what must be said about it."""

    check: str
    severity: str
    change: Change
    words: tuple[str, ...]
    n_unexpected: int = 1
    quarantined: int = 0


def at_row(**values: Any) -> Change:
    return lambda bars: plant(bars, ROW, **values)


def without(first: int, last: int) -> Change:
    return lambda bars: pa.concat_tables([bars.slice(0, first), bars.slice(last)])


def with_copy(**values: Any) -> Change:
    return lambda bars: pa.concat_tables([bars.cast(LOOSE), plant(bars.slice(ROW, 1), 0, **values)])


def scaled_from(row: int, factor: float, **values: Any) -> Change:
    """Multiply the prices from a row on; 0.5 is what a 2-for-1 split does."""

    def change(bars: pa.Table) -> pa.Table:
        for place in range(row, N_DAYS):
            prices = {name: bars.column(name)[place].as_py() * factor for name in PRICES}
            bars = plant(bars, place, **prices)
        return plant(bars, row, **values) if values else bars

    return change


def swapped(bars: pa.Table) -> pa.Table:
    order = list(range(bars.num_rows))
    order[10], order[11] = order[11], order[10]
    return bars.take(order)


FAULTS = [
    Planted("required_values", "error", at_row(close_price=None), ("close_price", "2024-02-29", "missing"), quarantined=1),
    Planted("required_values", "error", at_row(close_price=math.nan), ("close_price", "2024-02-29", "missing"), quarantined=1),
    Planted("required_values", "error", at_row(volume_shares=None), ("volume_shares",), quarantined=1),
    Planted("required_values", "error", at_row(open_utc=None), ("open_utc", "2024-02-29"), quarantined=1),
    Planted("required_values", "error", at_row(session_date=None), ("session_date missing on 2024-02-29 14:30:00 UTC",), quarantined=1),
    Planted("positive_prices", "error", at_row(low_price=0.0), ("low_price 0 on 2024-02-29", "above 0"), quarantined=1),
    Planted("positive_prices", "error", at_row(open_price=-3.5), ("open_price -3.5",), quarantined=1),
    Planted("positive_prices", "error", at_row(close_price=-math.inf), ("close_price -inf",), quarantined=1),
    Planted("price_bounds", "error", at_row(high_price=99.0), ("high_price 99", "2024-02-29"), quarantined=1),
    Planted("price_bounds", "error", at_row(low_price=100.5), ("low_price 100.5",), quarantined=1),
    Planted("price_bounds", "error", at_row(open_price=120.0), ("open_price 120",), quarantined=1),
    Planted("volume_not_negative", "error", at_row(volume_shares=-1.0), ("volume_shares -1 on 2024-02-29",), quarantined=1),
    Planted("plausible_sizes", "error", at_row(high_price=2e7), ("high_price 20,000,000", "up to 10,000,000"), quarantined=1),
    Planted("plausible_sizes", "error", at_row(volume_shares=math.inf), ("volume_shares inf",), quarantined=1),
    Planted("corporate_actions", "error", at_row(split_ratio=0.0), ("split_ratio 0 ",), quarantined=1),
    Planted("corporate_actions", "error", at_row(split_ratio=-2.0), ("split_ratio -2 ",), quarantined=1),
    Planted("corporate_actions", "error", at_row(dividend_cash=-0.1), ("dividend_cash -0.1",), quarantined=1),
    Planted("corporate_actions", "error", at_row(dividend_cash=250.0), ("dividend_cash 250", "below the price"), quarantined=1),
    Planted("bar_times", "error", at_row(close_utc="2024-02-29T14:30"), ("14:30:00 UTC to 2024-02-29 14:30:00",), quarantined=1),
    Planted("bar_times", "error", at_row(open_utc="2024-02-28T20:59"), ("from 2024-02-28 20:59:00 UTC",), quarantined=1),
    Planted("bar_times", "error", at_row(close_utc="2024-03-01T14:31"), ("to 2024-03-01 14:31:00 UTC",), quarantined=1),
    Planted(
        "sessions_only",
        "error",
        at_row(session_date="2024-03-29", open_utc="2024-03-29T13:30", close_utc="2024-03-29T20:00"),
        ("2024-03-29 is no session of XNYS", "time zone"),  # Good Friday
        quarantined=1,
    ),
    Planted("inside_period", "error", at_row(session_date="1999-12-31"), ("1999-12-31", "from 2024-01-02 to 2024-05-23"), quarantined=1),
    Planted("repeated_bars", "error", with_copy(), ("2024-02-29 came again", "one copy was kept"), quarantined=1),
    Planted("repeated_bars", "error", with_copy(source="another"), ("2024-02-29 came again",), quarantined=1),
    Planted("conflicting_bars", "error", with_copy(close_price=101.0), ("contradict each other on 2024-02-29",), 2, quarantined=2),
    Planted(
        "conflicting_bars",
        "error",
        with_copy(open_utc="2024-02-29T15:00"),
        ("contradict each other on 2024-02-29",),
        2,
        quarantined=2,
    ),
    Planted("time_order", "warning", swapped, ("the bar of 2024-01-17 arrived after a later one",)),
    Planted(
        "price_jumps",
        "warning",
        scaled_from(ROW, 0.5),
        ("on 2024-02-29", "looks like an unrecorded 2-for-1 split", "-50", "%"),
    ),
    Planted(
        "splits_in_price",
        "critical",
        at_row(split_ratio=2.0),
        ("a split of 2 on 2024-02-29", "split-adjusted already", "from 100.89 to 100"),
    ),
    Planted("splits_in_price", "critical", at_row(split_ratio=0.1), ("a split of 0.1 on 2024-02-29",)),
    Planted(
        "stale_prices", "warning", lambda bars: plant(bars, slice(30, 35), close_price=100.0), ("5 closes at 100 from 2024-02-14 on",), 5
    ),
    Planted("zero_volume", "warning", at_row(volume_shares=0.0), ("no share traded on 2024-02-29",)),
    Planted("missing_sessions", "warning", without(ROW, ROW + 2), ("2 of 100 sessions", "2024-02-29, 2024-03-01", "fetch"), 2),
    Planted("late_start", "info", without(0, 30), ("30 sessions of the run before", "2024-02-14"), 30),
    Planted("early_end", "warning", without(90, N_DAYS), ("10 sessions of the run after", "2024-05-09"), 10),
    Planted("freshness", "critical", without(90, N_DAYS), ("10 sessions behind 2024-05-23", "at most 9"), 10),
    Planted("has_bars", "critical", without(0, N_DAYS), ("0 bars received", "spelling"), 0),
    Planted("enough_bars", "warning", without(19, N_DAYS), ("19 usable bars; expected 20 or more",), 0),
    Planted(
        "usable_share",
        "critical",
        lambda bars: plant(bars, slice(0, 6), volume_shares=-1.0),
        ("6 of 100 bars quarantined", "at most 5 %"),
        6,
        quarantined=6,
    ),
]


LIMITS = {"max_age_sessions": 9}
SYMBOLS = {f"S{place:02}": fault for place, fault in enumerate(FAULTS)}

INSIDE: list[tuple[str, Change]] = [
    ("price_bounds", at_row(close_price=100.0, high_price=100.0, low_price=100.0, open_price=100.0)),
    ("price_bounds", at_row(high_price=100.0 * (1 - 1e-12), open_price=100.0, close_price=99.0)),
    ("corporate_actions", at_row(dividend_cash=50.0)),
    ("splits_in_price", scaled_from(ROW, 0.5, split_ratio=2.0)),
    ("price_jumps", scaled_from(ROW, 0.5, split_ratio=2.0)),
    ("price_jumps", scaled_from(ROW, 0.6, dividend_cash=40.0)),
    ("stale_prices", lambda bars: plant(bars, slice(30, 34), close_price=100.0)),
    ("freshness", without(91, N_DAYS)),
    ("enough_bars", without(20, N_DAYS)),
    ("usable_share", lambda bars: plant(bars, slice(0, 5), volume_shares=-1.0)),
    ("plausible_sizes", at_row(high_price=1e7, volume_shares=1e12)),
    ("volume_not_negative", at_row(volume_shares=0.0)),
]


def together(changes: list[Change]) -> pa.Table:
    """Return each change made to clean bars of a symbol of its own, and the clean bars of AAA."""
    tables = [change(daily_bars((f"S{place:02}",))).cast(LOOSE) for place, change in enumerate(changes)]
    return pa.concat_tables([daily_bars(("AAA",)).cast(LOOSE), *tables])


@pytest.fixture(scope="module")
def faulty() -> Validation:
    spec = run_spec(symbols=["AAA", *SYMBOLS], benchmark=None, validation=LIMITS)
    return validate(together([fault.change for fault in FAULTS]), spec)


@pytest.fixture(scope="module")
def just_inside() -> Validation:
    spec = run_spec(symbols=["AAA", *(f"S{place:02}" for place in range(len(INSIDE)))], benchmark=None, validation=LIMITS)
    return validate(together([change for _, change in INSIDE]), spec)


@pytest.mark.parametrize("symbol", SYMBOLS, ids=[f"{fault.check}: {fault.words[0]}" for fault in FAULTS])
def test_planted_fault_is_found_and_told(faulty: Validation, symbol: str):
    fault = SYMBOLS[symbol]
    told = finding(faulty, fault.check, symbol)
    assert not told["success"]
    assert told["severity"] == fault.severity
    assert told["n_unexpected"] == fault.n_unexpected
    for word in fault.words:
        assert word in told["message"]
    assert told["message"].startswith(f"{symbol}: ")
    assert told["message"].endswith(".")


@pytest.mark.parametrize("symbol", SYMBOLS, ids=[f"{fault.check}: {fault.words[0]}" for fault in FAULTS])
def test_only_the_bars_at_fault_are_set_aside(faulty: Validation, symbol: str):
    fault = SYMBOLS[symbol]
    n_received = fault.change(daily_bars((symbol,))).num_rows
    n_clean = faulty.clean.column("symbol").to_pylist().count(symbol)
    assert n_clean == n_received - fault.quarantined
    reasons = [row for row in faulty.quarantine.to_pylist() if row["symbol"] == symbol]
    assert bool(reasons) == bool(fault.quarantined)
    if fault.quarantined and fault.check != "usable_share":
        assert fault.check in {row["check_name"] for row in reasons}


def test_the_symbol_without_fault_passes_among_the_faulty(faulty: Validation):
    assert all(row["success"] for row in faulty.findings.to_pylist() if row["symbol"] == "AAA")


@pytest.mark.parametrize("place", range(len(INSIDE)), ids=[check for check, _ in INSIDE])
def test_what_lies_just_inside_the_limit_passes(just_inside: Validation, place: int):
    told = finding(just_inside, INSIDE[place][0], f"S{place:02}")
    assert told["success"], told["message"]


def test_clean_bars_pass_every_check_untouched():
    bars = daily_bars()
    found = validate(bars, run_spec())
    assert found.failed == []
    assert found.worst is None
    assert found.clean.equals(bars)
    assert found.quarantine.num_rows == 0
    assert not found.stops
    assert found.sentence == "300 bars checked, 0 quarantined; all 71 checks passed."
