"""Whatever is done to clean bars, validation sorts every row into clean or quarantine, and is content with its own result."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from marketsim.validate import Validation, validate
from marketsim.validation.quarantine import rows_json
from tests.validation.clean_bars import LOOSE, daily_bars, from_lists, minute_bars, run_spec, to_lists

FLOATS = st.one_of(
    st.none(),
    st.sampled_from([0.0, -1.0, 1.0, 2.0, 0.5, 100.0, 1e-320, 1e7, 1e13, math.nan, math.inf, -math.inf]),
    st.floats(allow_nan=True, allow_infinity=True),
)
DAYS = st.one_of(st.none(), st.integers(19_700, 19_900), st.integers(-(2**31), 2**31 - 1))
TIMES = st.one_of(st.none(), st.integers(1704 * 10**15, 1717 * 10**15), st.integers(-(2**63), 2**63 - 1))
TEXTS = st.one_of(st.none(), st.sampled_from(["AAA", "BBB", "", "ZZZ"]), st.text(max_size=3))
VALUES = {pa.float64(): FLOATS, pa.date32(): DAYS, pa.string(): TEXTS}

DAILY, MINUTES = daily_bars().slice(60, 80), minute_bars(minutes=15)
DAILY_SPEC = run_spec()
MINUTES_SPEC = run_spec(symbols=["AAA"], benchmark=None, horizon="intraday", interval="15m", end="2024-01-03")


@st.composite
def corrupted(draw: st.DrawFn, clean: pa.Table) -> pa.Table:
    """Change values, repeat rows and drop rows, many at a time."""
    columns = to_lists(clean)
    n = clean.num_rows
    rows = st.integers(0, n - 1)
    for place in draw(st.lists(rows, max_size=6)):
        for values in columns.values():
            values.append(values[place])
    last = len(columns["symbol"]) - 1
    for name, place in draw(st.lists(st.tuples(st.sampled_from(LOOSE.names), st.integers(0, last)), max_size=25)):
        columns[name][place] = draw(VALUES.get(LOOSE.field(name).type, TIMES))
    dropped = draw(st.sets(st.integers(0, last), max_size=10))
    kept = [place for place in range(last + 1) if place not in dropped]
    return from_lists({name: [values[place] for place in kept] for name, values in columns.items()})


def bars_of(table: pa.Table) -> Counter[str]:
    return Counter(rows_json(table.select(LOOSE.names)))


def quarantined_bars(found: Validation) -> Counter[str]:
    """Count the bars in quarantine, each once however many reasons it has."""
    by_reason = Counter(zip(*(found.quarantine.column(name).to_pylist() for name in ("row_json", "check_name")), strict=True))
    bars: Counter[str] = Counter()
    for (row, _), count in by_reason.items():
        bars[row] = max(bars[row], count)
    return bars


def without_order(found: Validation) -> list[dict[str, Any]]:
    return [row for row in found.findings.to_pylist() if row["check_name"] != "time_order"]


def check_everything(bars: pa.Table, spec: Any, shuffle: Any) -> None:
    found = validate(bars, spec)
    assert bars_of(bars) == bars_of(found.clean) + quarantined_bars(found)
    again = validate(found.clean, spec)
    assert again.quarantine.num_rows == 0
    assert again.clean.equals(found.clean)
    order = list(range(bars.num_rows))
    shuffle.shuffle(order)
    shuffled = validate(bars.take(order), spec)
    assert shuffled.clean.equals(found.clean)
    assert shuffled.quarantine.equals(found.quarantine)
    assert without_order(shuffled) == without_order(found)


# One example takes three validations of half a second, so each spoils much at a time.
@settings(max_examples=4)
@given(bars=corrupted(DAILY), shuffle=st.randoms(use_true_random=False))
def test_spoilt_daily_bars_are_parted_once_and_for_all(bars: pa.Table, shuffle: Any):
    check_everything(bars, DAILY_SPEC, shuffle)


@settings(max_examples=2)
@given(bars=corrupted(MINUTES), shuffle=st.randoms(use_true_random=False))
def test_spoilt_bars_within_the_day_are_parted_once_and_for_all(bars: pa.Table, shuffle: Any):
    check_everything(bars, MINUTES_SPEC, shuffle)
