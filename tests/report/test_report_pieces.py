"""The report's parts by hand: numbers as text, thinning, months, best values, costs."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketsim.report.comparison import rows_by_group
from marketsim.report.line_data import thinned
from marketsim.report.number_format import money, percent, with_unit
from marketsim.report.sections import cost_rows, monthly_table, side_rows, side_summary, worst_drawdowns
from marketsim.report.trade_charts import MAX_SYMBOLS, busiest
from marketsim.risk.account import AccountHistory, account_histories
from marketsim.risk.measures import MEASURES
from marketsim.risk.sharpe_significance import Trials
from tests.report.books import bars, equity_of, ledger, spec
from tests.risk.risk_tables import fills_of, table


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.12345, "fraction", "12.35 %"),
        (-0.5, "fraction", "−50.00 %"),
        (-0.000001, "fraction", "0.00 %"),
        (1.005, "ratio", "1.00"),
        (-1234.5, "ratio", "−1,234.50"),
        (1234567.8, "currency", "1,234,568"),
        (12.3, "currency", "12.30"),
        (7.0, "count", "7"),
        (12.25, "bars", "12.2"),
        (1234.5, "days", "1,234"),
        (None, "ratio", "—"),
        (float("nan"), "fraction", "—"),
        (float("inf"), "currency", "—"),
    ],
)
def test_numbers_read_well(value: float | None, unit: str, text: str) -> None:
    assert with_unit(value, unit) == text


def test_missing_percent_and_money_are_dashes() -> None:
    assert percent(None) == money(None) == money(float("nan")) == "—"


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400), st.integers(4, 60))
def test_thinning_keeps_ends_extremes_and_order(values: list[float], most: int) -> None:
    array = np.array(values)
    kept = thinned(array, most)
    assert kept.size <= max(most, 2)
    assert kept[0] == 0
    assert kept[-1] == array.size - 1
    assert (np.diff(kept) > 0).all()
    assert array[kept].max() == array.max()
    assert array[kept].min() == array.min()


def history(level: list[float], name: str = "strategy") -> AccountHistory:
    books = ledger(fills=fills_of([]), equity=equity_of(name, np.array(level)))
    (got,) = account_histories(spec(agents=[], benchmark=None), bars(), books, table("round_trips", []), Trials())
    return got


def test_months_compound_days_and_years_compound_months() -> None:
    level = [1100.0] * 31 + [1210.0] * 28  # January 1970: +10 %, February: +10 %
    (year,) = monthly_table(history(level), None)
    assert [cell.text for cell in year.months[:3]] == ["10.0", "10.0", ""]
    assert year.months[0].tint == pytest.approx(1.0)
    assert year.total.text == "21.0"
    assert year.benchmark == "—"


def test_the_deepest_drawdown_comes_first() -> None:
    first, second = worst_drawdowns(history([1000.0, 900.0, 1000.0, 1000.0, 500.0]))
    assert (first.depth, first.peak, first.trough, first.recovery, first.bars) == ("−50.00 %", "1970-01-04", "1970-01-05", "not yet", "1")
    assert (second.depth, second.recovery) == ("−10.00 %", "1970-01-03")


def test_costs_are_compared_a_unit_traded() -> None:
    (row,) = cost_rows([history([1000.0] * 41)])  # 41 fees of 0.1 on two trades of 100
    assert row.total == "4.10"
    assert row.bps == "205.00"
    assert row.bars == (100.0, 0.0, 0.0, 0.0, 0.0)


def test_best_is_marked_only_where_one_account_is_ahead() -> None:
    accounts = [history([1000.0, 1100.0]), history([1000.0, 1100.0])]
    values = {m.name: {"strategy": 1.0} for m in MEASURES}
    rows = [row for _, group in rows_by_group(values, accounts[:1]) for row in group]
    assert not any(any(row.best) for row in rows)


def test_the_busiest_symbols_are_shown_in_the_order_of_the_run() -> None:
    import pyarrow as pa

    names = [f"S{i}" for i in range(12)]
    fills = pa.concat_tables([fills_of([("buy", 1, 10 + i, "1o")], symbol=name) for i, name in enumerate(names)])
    assert busiest(fills, names) == tuple(names[-MAX_SYMBOLS:])


def test_simulated_sessions_are_three_rows_of_the_summary() -> None:
    sessions = pa.table(
        {
            "agent": ["strategy", "strategy"],
            "bars_equity_cash": [1000.0, 1010.0],
            "simulated_equity_cash": [990.0, 1005.0],
            "bars_turnover_cash": [500.0, 0.0],
            "simulated_turnover_cash": [500.0, 0.0],
            "bars_cost_cash": [1.0, 0.0],
            "simulated_cost_cash": [0.5, 0.0],
            "participation_frac": [0.01, 0.0],
            "own_effect_bps": pa.array([-1.25, None]),
        }
    )
    sides = side_rows(sessions, {"strategy": 1000.0})
    assert side_summary(sides, 2, ["strategy", "benchmark"]) == (
        ("Last 2, bars", "1.00 %", "—"),
        ("Last 2, agents", "0.50 %", "—"),
        ("Own effect, bps", "−1.25", "—"),
    )
    assert side_summary([], 0, ["strategy", "benchmark"]) == ()
