"""Corporate actions: hand calculations, public history, and what rounding may not change."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketsim.data.actions import adjustment_factors, back_adjust, infer_actions, later_splits, place_actions
from marketsim.data.bars import canonical_bars, combine, make_frame
from marketsim.data.calendars import load_calendar
from marketsim.errors import DataError


def test_dividend_by_hand_in_both_conventions():
    # A dividend of 1.00 after a close of 50: Yahoo multiplies earlier closes by 1 − 1/50 = 0.98.
    close = np.array([50.0, 50.0, 49.0, 49.0])
    _, cash = infer_actions(close, np.array([49.0, 49.0, 49.0, 49.0]), "previous_close")
    assert cash.tolist() == [0, 0, 1.0, 0]
    # Reinvested at the ex-date's close of 49, a share becomes 1 + 1/49 = 50/49 shares: earlier closes times 49/50 again.
    _, cash = infer_actions(close, np.array([49.0, 49.0, 49.0, 49.0]), "ex_close")
    assert cash.tolist() == [0, 0, 1.0, 0]


def test_conventions_differ_when_the_price_moves_on_the_ex_date():
    # 100 → 95 with 2.00 ex: previous close gives 100·0.98 = 98; ex close gives 100·95/97 = 97.938144...
    close = np.array([100.0, 95.0])
    assert infer_actions(close, np.array([98.0, 95.0]), "previous_close")[1][1] == 2.0
    assert infer_actions(close, np.array([100 * 95 / 97, 95.0]), "ex_close")[1][1] == 2.0


def test_split_with_a_dividend_on_one_day_is_taken_apart():
    # 2:1 and 0.50 a new share on a close of 100: f jumps by 2 / (1 − 0.5·2/100) = 2 / 0.99.
    ratio, cash = infer_actions(np.array([100.0, 49.6]), np.array([100.0 * 0.99 / 2, 49.6]), "previous_close")
    assert ratio[1] == 2.0
    assert cash[1] == 0.5


@pytest.mark.parametrize("n", [2, 3, 7, 20, 1.5, 0.1, 1 / 8])
def test_simple_ratio_is_a_split(n):
    close = np.array([120.0, 121.0, 121.0 / n, 122.0 / n])
    ratio, cash = infer_actions(close, np.round(close / np.array([n, n, 1, 1]), 4))
    assert ratio.tolist() == [1, 1, n, 1]
    assert not cash.any()


def test_constant_factor_to_the_end_is_no_action():
    close = np.array([100.0, 101.0, 99.5])
    ratio, cash = infer_actions(close, close / 28)
    assert ratio.tolist() == [1, 1, 1]
    assert not cash.any()


def test_missing_and_impossible_closes_are_passed_over():
    close = np.array([np.nan, 50.0, 0.0, np.inf, 25.0, np.nan])
    ratio, _ = infer_actions(close, np.array([1.0, 25.0, 3.0, 4.0, 25.0, np.nan]))
    assert ratio.tolist() == [1, 1, 1, 1, 2, 1]
    assert infer_actions(np.array([np.nan]), np.array([1.0]))[0].tolist() == [1.0]


@st.composite
def histories(draw):
    n = draw(st.integers(10, 60))
    moves = draw(st.lists(st.floats(-0.05, 0.05), min_size=n, max_size=n))
    close = 100 * np.exp(np.cumsum(moves))
    ratio, cash = np.ones(n), np.zeros(n)
    days = draw(st.lists(st.integers(1, n - 1), max_size=4, unique=True))
    for day in days:
        if draw(st.booleans()):
            ratio[day] = draw(st.sampled_from([2.0, 3.0, 1.5, 0.1, 0.5]))
        else:
            cash[day] = draw(st.integers(10, 300)) / 100
    return np.round(close / np.cumprod(ratio), 4), ratio, cash


@given(histories())
def test_actions_folded_into_a_close_are_found_again(history):
    close, ratio, cash = history
    factor, _ = adjustment_factors(close, ratio, cash)
    found_ratio, found_cash = infer_actions(close, close * factor, "previous_close")
    np.testing.assert_allclose(found_ratio, ratio)
    np.testing.assert_allclose(found_cash, cash, atol=0.005)


def test_adjustment_factors_by_hand():
    # Closes 100, 100 | 2:1 split | 50, 50 | 1.00 dividend | 49: the dividend takes 1/50, the split 1/2.
    price, volume = adjustment_factors(np.array([100.0, 100, 50, 50, 49]), np.array([1, 1, 2.0, 1, 1]), np.array([0, 0, 0, 0, 1.0]))
    np.testing.assert_allclose(price, [0.49, 0.49, 0.98, 0.98, 1.0])
    assert volume.tolist() == [2, 2, 1, 1, 1]


def test_missing_close_before_a_dividend_is_bridged():
    price, _ = adjustment_factors(np.array([50.0, np.nan, 49.0]), np.ones(3), np.array([0, 0, 1.0]))
    np.testing.assert_allclose(price, [0.98, 0.98, 1.0])


@pytest.mark.parametrize(("ratio", "cash"), [(1.0, 60.0), (0.0, 0.0), (-2.0, 0.0)])
def test_impossible_action_is_refused(ratio, cash):
    with pytest.raises(DataError, match=r"bar 1: split ratio .* cannot be"):
        adjustment_factors(np.array([50.0, 49.0]), np.array([1, ratio]), np.array([0, cash]))


def test_back_adjusted_bars_keep_traded_value_and_lose_their_actions():
    calendar = load_calendar("XNYS")
    days = pa.array([dt.date(2024, 1, d) for d in (2, 3, 4)])
    prices = [np.array([100.0, 101, 50])] * 4
    frame = make_frame(days, prices, np.array([10.0, 10, 20]), split_ratio=np.array([1.0, 1, 2]))
    flat = make_frame(days, [np.array([5.0, 5, 5])] * 4, np.array([1.0, 1, 1]), dividend_cash=np.array([0.0, 1, 0]))
    bars = combine([canonical_bars(s, f, interval="1d", calendar=calendar, source="x") for s, f in {"AAA": frame, "BBB": flat}.items()])
    adjusted = back_adjust(bars)
    assert adjusted.schema.equals(bars.schema)
    assert adjusted.column("close_price").to_pylist() == pytest.approx([50, 50.5, 50, 4, 5, 5])
    assert adjusted.column("volume_shares").to_pylist() == [20, 20, 20, 1, 1, 1]
    assert set(adjusted.column("split_ratio").to_pylist()) == {1.0}
    assert set(adjusted.column("dividend_cash").to_pylist()) == {0.0}


def test_actions_land_on_the_first_bar_of_their_day_or_after():
    dates = np.array(["2024-01-05", "2024-01-08", "2024-01-08", "2024-01-09"], "datetime64[D]")
    splits = [(dt.date(2024, 1, 6), 2.0), (dt.date(2024, 1, 8), 3.0), (dt.date(2024, 1, 10), 5.0)]
    dividends = [(dt.date(2024, 1, 4), 9.0), (dt.date(2024, 1, 9), 0.5)]
    ratio, cash = place_actions(dates, splits, dividends)
    assert ratio.tolist() == [1, 6, 1, 1]
    assert cash.tolist() == [0, 0, 0, 0.5]
    assert later_splits(dates, splits).tolist() == [30, 5, 5, 5]
