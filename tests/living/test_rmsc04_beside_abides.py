"""A few days of RMSC04 against the published runs; `tests.published.rmsc04` has the full comparison and explains the differences."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.published.rmsc04 import PUBLISHED, PUBLISHED_FIRST_HOUR, SILENT, Day, column, days, report

N = 4


@pytest.fixture(scope="module")
def ours() -> list[Day]:
    return days(N, seed=21)


@pytest.mark.parametrize(
    # Standard deviation of one day's new orders: Poisson looks; ladders of 20 orders; the binomial share of 1,000 that wake in the hour.
    ("kind", "sd"),
    [("value", math.sqrt(2093)), ("adaptive", 20 * math.sqrt(120)), ("momentum", math.sqrt(1167)), ("noise", math.sqrt(222 * 0.78))],
)
def test_first_hour_s_orders_by_kind_are_the_published_ones(ours: list[Day], kind: str, sd: float) -> None:
    mean = np.mean([day.first_hour[kind][0] for day in ours])
    assert abs(mean - PUBLISHED_FIRST_HOUR[kind][0]) < 4 * sd * math.sqrt(1 + 1 / N)


def test_first_hour_s_trades_are_the_published_ones(ours: list[Day]) -> None:
    assert column(ours, "first_hour_trades").mean() == pytest.approx(PUBLISHED["first_hour_trades"][0], rel=0.08)


def test_the_day_is_like_the_published_day_with_both_makers_alive(ours: list[Day]) -> None:
    """Seed 2. Autocorrelations of 389 returns have a standard error of 0.05, ours a half of that; spread and volatility vary by a tenth."""
    assert column(ours, "spread_tick").mean() == pytest.approx(PUBLISHED["spread_tick"][1], rel=0.1)
    assert column(ours, "volatility_bp").mean() == pytest.approx(PUBLISHED["volatility_bp"][1], rel=0.25)
    assert column(ours, "autocorrelation_1").mean() == pytest.approx(PUBLISHED["autocorrelation_1"][1], abs=4 * 0.056)
    assert column(ours, "autocorrelation_1").mean() > 0.1  # real markets have none; the configuration does


def test_with_one_maker_silent_it_is_like_the_published_day_that_lost_one(ours: list[Day]) -> None:
    """Seed 1, whose maker went on for about a third of the day: counts lie between ours with one and with two makers."""
    lame = days(N, seed=21, muted=(SILENT,))
    for name in ("messages", "trades"):
        assert column(lame, name).mean() < PUBLISHED[name][0] < column(ours, name).mean()
    assert column(lame, "spread_tick").mean() == pytest.approx(PUBLISHED["spread_tick"][0], rel=0.1)


def test_the_report_has_a_row_for_every_statistic() -> None:
    comparison, by_kind = report(full=False)
    assert [len(row) for row in comparison.rows] == [len(comparison.columns)] * 11
    assert [row[0] for row in by_kind.rows] == list(PUBLISHED_FIRST_HOUR)
    assert comparison.chart is not None
