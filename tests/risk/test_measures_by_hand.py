"""Measures against sums that can be followed with a pencil."""

from __future__ import annotations

import math

import numpy as np
import pytest

from marketsim.risk import activity, benchmark, drawdown, ratios, returns, tails, trips
from marketsim.risk.calendar_periods import month_number, year_number

DAY_NS = 86_400_000_000_000


def test_two_halves_and_a_double_end_where_they_began() -> None:
    assert returns.total_return(np.array([1.0, -0.5])) == 0.0
    assert returns.total_return(np.array([0.1, 0.1])) == pytest.approx(0.21)


def test_annualised_return_counts_bars_and_cagr_counts_calendar_years() -> None:
    doubled = np.array([0.0, 1.0])
    assert returns.annualised_return(doubled, periods_per_year=1) == pytest.approx(math.sqrt(2) - 1)
    assert returns.cagr(doubled, years=1.0) == pytest.approx(1.0)
    assert returns.cagr(doubled, years=returns.years_between(0, 4 * int(365.25 * DAY_NS))) == pytest.approx(2**0.25 - 1)


def test_a_total_loss_is_minus_one_a_year_and_more_than_that_is_not_defined() -> None:
    assert returns.cagr(np.array([0.5, -1.0]), years=3.0) == -1.0
    assert math.isnan(returns.cagr(np.array([-1.5]), years=3.0))


def test_volatility_of_plus_and_minus_one_percent() -> None:
    # mean 0, squares 1e-4 each, divisor n - 1 = 1: s = sqrt(2e-4)
    assert returns.volatility(np.array([0.01, -0.01]), 252) == pytest.approx(math.sqrt(2e-4 * 252))


def test_sharpe_of_one_and_three_percent() -> None:
    # mean 2 %, s = sqrt(2 * 1e-4) = 1.41421 %, one bar a year
    assert ratios.sharpe(np.array([0.01, 0.03]), 1) == pytest.approx(math.sqrt(2))
    assert ratios.sharpe(np.array([0.01, 0.03]), 4, risk_free=0.01) == pytest.approx(math.sqrt(2))


def test_sortino_divides_the_shortfall_by_all_bars() -> None:
    # mean 0.5 %, downside sqrt((0 + 1e-4 + 0 + 1e-4) / 4) = 0.70711 %
    assert ratios.sortino(np.array([0.02, -0.01, 0.02, -0.01]), 1) == pytest.approx(0.005 / math.sqrt(0.5e-4))


def test_omega_is_gains_over_losses_about_the_threshold() -> None:
    assert ratios.omega(np.array([0.03, -0.01, 0.01, -0.01])) == pytest.approx(2.0)
    assert ratios.omega(np.array([0.03, 0.01]), threshold=0.02) == pytest.approx(1.0)


WEALTH = np.array([100.0, 90.0, 110.0, 99.0, 88.0, 110.0, 121.0, 120.0])
# Episodes: 100→90→110 (−10 %, bars 0–2), 110→88→110 (−20 %, bars 2–5), 121→120 (−0.826 %, bars 6–7, not recovered)


def test_drawdown_episodes_of_a_short_path() -> None:
    first, second, last = drawdown.episodes(WEALTH)
    assert (first.peak, first.trough, first.end, first.recovered) == (0, 1, 2, True)
    assert (second.peak, second.trough, second.end, second.recovered) == (2, 4, 5, True)
    assert (last.peak, last.trough, last.end, last.recovered) == (6, 7, 7, False)
    assert [e.depth for e in (first, second, last)] == pytest.approx([-0.1, -0.2, -1 / 121])
    assert drawdown.max_drawdown(WEALTH) == pytest.approx(-0.2)
    assert drawdown.average_drawdown(WEALTH) == pytest.approx((-0.1 - 0.2 - 1 / 121) / 3)
    assert drawdown.max_drawdown_bars(WEALTH) == 3
    assert drawdown.average_drawdown_bars(WEALTH) == pytest.approx((2 + 3 + 1) / 3)


def test_drawdown_days_follow_the_calendar_over_a_weekend() -> None:
    time_ns = np.array([0, 1, 4, 5, 6, 7, 8, 11]) * DAY_NS
    assert drawdown.max_drawdown_days(WEALTH, time_ns) == 4.0
    assert drawdown.average_drawdown_days(WEALTH, time_ns) == pytest.approx((4 + 3 + 3) / 3)


def test_a_loss_in_the_first_bar_is_a_drawdown() -> None:
    assert drawdown.max_drawdown(np.array([100.0, 50.0])) == -0.5


def test_ulcer_index_is_the_root_mean_square_of_drawdowns() -> None:
    assert drawdown.ulcer_index(np.array([100.0, 90.0, 80.0, 100.0])) == pytest.approx(math.sqrt((0.01 + 0.04 + 0.0) / 3))


def test_historical_var_is_a_return_that_happened() -> None:
    worst_first = np.arange(-10, 90) / 1000.0  # 100 returns from −1.0 % up in steps of 0.1 %
    assert tails.value_at_risk(worst_first, 0.95) == pytest.approx(0.006)  # the 5th worst
    assert tails.value_at_risk(worst_first, 0.99) == pytest.approx(0.010)  # the worst
    assert tails.value_at_risk(worst_first, 0.945) == pytest.approx(0.005)  # 5.5 → the 6th worst


def test_expected_shortfall_weighs_the_boundary_return_in_part() -> None:
    worst_first = np.arange(-10, 90) / 1000.0
    assert tails.expected_shortfall(worst_first, 0.95) == pytest.approx((10 + 9 + 8 + 7 + 6) / 5 / 1000)
    assert tails.expected_shortfall(worst_first, 0.945) == pytest.approx((10 + 9 + 8 + 7 + 6 + 0.5 * 5) / 5.5 / 1000)


def test_expected_shortfall_of_tied_returns_takes_only_as_many_as_fill_the_tail() -> None:
    # 20 returns, tail of 10 % = 2 of them: −8 % once, −2 % three times. Averaging all at or below VaR would give 3.5 %.
    tied = np.array([-0.08] + [-0.02] * 3 + [0.01] * 16)
    assert tails.value_at_risk(tied, 0.90) == pytest.approx(0.02)
    assert tails.expected_shortfall(tied, 0.90) == pytest.approx((0.08 + 0.02) / 2)


def test_expected_shortfall_of_the_21_day_example() -> None:
    # 21 observations at 95 %: the tail holds 1.05 of them: the worst, −10 %, and 5 % of the next, −9 %.
    toy = np.array([-0.10, -0.09] + [0.001] * 19)
    assert tails.expected_shortfall(toy, 0.95) == pytest.approx((0.10 + 0.05 * 0.09) / 1.05)


def test_skewness_and_kurtosis_of_a_small_sample() -> None:
    # 1, 2, 3, 4, 10: mean 4, m2 = 50/5 = 10, m3 = (−27 − 8 − 1 + 0 + 216)/5 = 36, m4 = (81 + 16 + 1 + 0 + 1296)/5 = 278.8
    x = np.array([1.0, 2.0, 3.0, 4.0, 10.0])
    assert tails.moment_skewness(x) == pytest.approx(36 / 10**1.5)
    assert tails.skewness(x) == pytest.approx(36 / 10**1.5 * math.sqrt(20) / 3)
    assert tails.moment_kurtosis(x) == pytest.approx(2.788)
    assert tails.excess_kurtosis(x) == pytest.approx(4 / 6 * (6 * (2.788 - 3) + 6))


def test_beta_of_a_doubled_benchmark_is_two_and_alpha_is_what_was_added() -> None:
    market = np.array([0.01, -0.02, 0.03, 0.00])
    own = 2 * market + 0.001
    assert benchmark.beta(own, market) == pytest.approx(2.0)
    assert benchmark.alpha(own, market, 252) == pytest.approx(0.252)
    assert benchmark.alpha(own, market, 252, risk_free=0.001) == pytest.approx((0.001 + 0.001) * 252)
    assert benchmark.correlation(own, market) == pytest.approx(1.0)


def test_information_ratio_of_a_hand_made_difference() -> None:
    market = np.array([0.01, 0.02])
    own = market + np.array([0.01, 0.03])  # differences: mean 2 %, s = sqrt(2) %
    assert benchmark.tracking_error(own, market, 4) == pytest.approx(math.sqrt(2) * 0.01 * 2)
    assert benchmark.information_ratio(own, market, 4) == pytest.approx(math.sqrt(2) * 2)


def test_trip_measures_of_three_wins_and_two_losses() -> None:
    pnl = np.array([100.0, -50.0, 200.0, -100.0, 150.0])
    assert trips.win_rate(pnl) == 0.6
    assert trips.profit_factor(pnl) == 3.0
    assert trips.expectancy(pnl) == 60.0
    assert trips.payoff_ratio(pnl) == 2.0
    assert trips.kelly_fraction(pnl) == pytest.approx(0.6 - 0.4 / 2)
    # deviations 40, −110, 140, −160, 90: squares sum to 67,000, s = sqrt(67000 / 4)
    assert trips.system_quality_number(pnl) == pytest.approx(math.sqrt(5) * 60 / math.sqrt(16_750))


def test_a_round_trip_that_made_nothing_is_neither_win_nor_loss() -> None:
    assert trips.win_rate(np.array([1.0, 0.0])) == 0.5
    assert trips.payoff_ratio(np.array([1.0, 0.0, -1.0])) == 1.0


def test_turnover_counts_both_sides() -> None:
    # buys 100 and sells 100 of an account worth 100, within half a year of two bars
    assert activity.annual_turnover(np.array([100.0, 100.0]), np.array([100.0, 100.0]), periods_per_year=4) == 4.0


def test_exposure_of_a_long_and_short_book() -> None:
    long, short, equity = np.array([80.0, 0.0]), np.array([-30.0, 0.0]), np.array([100.0, 100.0])
    assert activity.gross_exposure(long, short, equity).tolist() == [1.1, 0.0]
    assert activity.net_exposure(long, short, equity).tolist() == [0.5, 0.0]
    assert activity.time_in_market(long, short) == 0.5


def test_capacity_scales_the_account_until_it_takes_one_percent_of_volume() -> None:
    # an account of 1,000,000 that trades 0.1 % of a day's dollars reaches 1 % at ten times its size
    assert activity.capacity(np.array([0.001]), np.array([1e6])) == pytest.approx(1e7)


def test_months_and_years_of_sessions_compound() -> None:
    session = np.array(["2010-12-30", "2010-12-31", "2011-01-03"], dtype="datetime64[D]").astype(np.int64)
    r = np.array([0.1, 0.1, -0.5])
    months, growth = returns.by_period(r, month_number(session))
    assert months.tolist() == [40 * 12 + 11, 41 * 12]
    assert growth == pytest.approx([0.21, -0.5])
    assert year_number(session).tolist() == [2010, 2010, 2011]


def test_rolling_measures_equal_the_measure_of_each_window() -> None:
    r = np.sin(np.arange(300.0)) / 100
    for end in (62, 200, 299):
        window = r[end - 62 : end + 1]
        assert returns.rolling_sharpe(r, 63, 252, 0.0001)[end] == pytest.approx(ratios.sharpe(window, 252, 0.0001))
        assert returns.rolling_volatility(r, 63, 252)[end] == pytest.approx(returns.volatility(window, 252))
    assert np.isnan(returns.rolling_sharpe(r, 63, 252)[:62]).all()
