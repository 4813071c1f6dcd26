"""What holds for every series of returns."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from marketsim.risk import activity, benchmark, drawdown, ratios, returns, sharpe_significance, tails, trips
from marketsim.risk.range_extremes import RangeExtremes

RETURNS = st.lists(st.floats(-0.5, 0.5).map(lambda x: round(x, 6)), min_size=1, max_size=60).map(np.array)
NAN = float("nan")

ON_RETURNS = {
    "total_return": returns.total_return,
    "annualised_return": lambda r: returns.annualised_return(r, 252),
    "cagr": lambda r: returns.cagr(r, r.size / 252),
    "volatility": lambda r: returns.volatility(r, 252),
    "sharpe": lambda r: ratios.sharpe(r, 252),
    "sortino": lambda r: ratios.sortino(r, 252),
    "downside_deviation": lambda r: ratios.downside_deviation(r, 252),
    "omega": ratios.omega,
    "skewness": tails.skewness,
    "kurtosis": tails.excess_kurtosis,
    "tail_ratio": tails.tail_ratio,
    "value_at_risk": lambda r: tails.value_at_risk(r, 0.99),
    "expected_shortfall": lambda r: tails.expected_shortfall(r, 0.99),
    "beta": lambda r: benchmark.beta(r, r),
    "alpha": lambda r: benchmark.alpha(r, r, 252),
    "tracking_error": lambda r: benchmark.tracking_error(r, r, 252),
    "information_ratio": lambda r: benchmark.information_ratio(r, r, 252),
    "correlation": lambda r: benchmark.correlation(r, r),
    "probabilistic_sharpe": sharpe_significance.probabilistic_sharpe_of,
    "best": returns.best,
    "worst": returns.worst,
    "win_rate": trips.win_rate,
    "profit_factor": trips.profit_factor,
    "payoff_ratio": trips.payoff_ratio,
    "kelly_fraction": trips.kelly_fraction,
    "sqn": trips.system_quality_number,
    "expectancy": trips.expectancy,
    "max_drawdown": drawdown.max_drawdown,
    "average_drawdown": drawdown.average_drawdown,
    "max_drawdown_bars": drawdown.max_drawdown_bars,
    "ulcer_index": drawdown.ulcer_index,
    "turnover": lambda r: activity.annual_turnover(r, r, 252),
    "time_in_market": lambda r: activity.time_in_market(r, r),
}
HARD = {
    "nothing": np.array([]),
    "all missing": np.full(5, NAN),
    "one bar": np.array([0.01]),
    "flat": np.zeros(50),
    "constant": np.full(50, 0.1),
    "one missing": np.array([0.01, NAN, -0.02, 0.03]),
    "infinite": np.array([0.01, np.inf, -0.02]),
    "ruin": np.array([0.1, -1.0, 0.0]),
    "beyond ruin": np.array([0.1, -1.5, 0.2]),
    "tiny": np.full(9, 5e-324),
}


@pytest.mark.parametrize("sample", HARD)
@pytest.mark.parametrize("measure", ON_RETURNS)
def test_no_sample_raises_or_warns(measure: str, sample: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value = ON_RETURNS[measure](HARD[sample])
    assert isinstance(value, float)


UNDEFINED_WITHOUT_DATA = sorted(set(ON_RETURNS) - {"time_in_market", "turnover"})


@pytest.mark.parametrize("measure", UNDEFINED_WITHOUT_DATA)
def test_without_a_single_observation_a_measure_is_nan(measure: str) -> None:
    assert math.isnan(ON_RETURNS[measure](HARD["nothing"]))
    assert math.isnan(ON_RETURNS[measure](HARD["all missing"]))


@pytest.mark.parametrize(
    "measure", ["sharpe", "skewness", "kurtosis", "beta", "correlation", "information_ratio", "probabilistic_sharpe", "sqn"]
)
def test_a_series_without_variance_has_no_ratio(measure: str) -> None:
    assert math.isnan(ON_RETURNS[measure](HARD["constant"]))


@given(RETURNS)
def test_drawdowns_are_never_positive_and_never_below_minus_one(r: np.ndarray) -> None:
    wealth = np.concatenate(([100.0], 100 * np.cumprod(1 + r)))
    depth = drawdown.drawdowns(wealth)
    assert ((depth <= 0) & (depth >= -1)).all()
    assert drawdown.max_drawdown(wealth) <= drawdown.average_drawdown(wealth)
    assert drawdown.ulcer_index(wealth) <= -drawdown.max_drawdown(wealth) + 1e-12


@given(RETURNS)
def test_episodes_tile_the_bars_below_the_mark(r: np.ndarray) -> None:
    wealth = np.concatenate(([100.0], 100 * np.cumprod(1 + r)))
    covered = np.zeros(wealth.size, dtype=bool)
    for e in drawdown.episodes(wealth):
        stop = e.end if e.recovered else e.end + 1
        assert not covered[e.peak + 1 : stop].any()
        covered[e.peak + 1 : stop] = True
        assert wealth[e.trough] == wealth[e.peak : e.end + 1].min()
        assert e.depth == pytest.approx(wealth[e.trough] / wealth[e.peak] - 1)
    assert (covered == (drawdown.drawdowns(wealth) < 0)).all()


@given(RETURNS, st.floats(0.01, 3))
def test_leverage_does_not_change_sharpe_sortino_omega_or_shape(r: np.ndarray, leverage: float) -> None:
    assume(np.ptp(r) > 1e-3)
    for measure in ("sharpe", "sortino", "omega", "skewness", "kurtosis"):
        once, levered = ON_RETURNS[measure](r), ON_RETURNS[measure](leverage * r)
        assert (math.isnan(once) and math.isnan(levered)) or levered == pytest.approx(once, rel=1e-6, abs=1e-9)


@given(RETURNS, st.floats(0.5, 0.999))
def test_expected_shortfall_is_at_least_value_at_risk_and_grows_with_confidence(r: np.ndarray, confidence: float) -> None:
    es = tails.expected_shortfall(r, confidence)
    assert es >= tails.value_at_risk(r, confidence) - 1e-12
    assert tails.expected_shortfall(r, confidence + (1 - confidence) / 2) >= es - 1e-12


@given(st.lists(st.tuples(st.floats(-0.1, 0.1), st.floats(-0.1, 0.1)), min_size=2, max_size=40), st.sampled_from([0.9, 0.95, 0.975]))
def test_expected_shortfall_is_subadditive(pairs: list[tuple[float, float]], confidence: float) -> None:
    a, b = np.array(pairs).T
    together = tails.expected_shortfall(a + b, confidence)
    assert together <= tails.expected_shortfall(a, confidence) + tails.expected_shortfall(b, confidence) + 1e-12


@given(RETURNS)
def test_missing_bars_are_left_out(r: np.ndarray) -> None:
    holey = np.insert(r, r.size // 2, NAN)
    for measure in ("total_return", "volatility", "sharpe", "value_at_risk", "expected_shortfall"):
        expected = ON_RETURNS[measure](r)
        assert ON_RETURNS[measure](holey) == pytest.approx(expected, nan_ok=True)


@given(RETURNS)
def test_periods_compound_to_the_total(r: np.ndarray) -> None:
    months = returns.by_period(r, np.arange(r.size) // 7)[1]
    assert returns.total_return(months) == pytest.approx(returns.total_return(r), rel=1e-9, abs=1e-12)


@given(st.integers(1, 40), st.data())
def test_range_extremes_equal_a_scan(n: int, data: st.DataObject) -> None:
    values = st.one_of(st.floats(-1e6, 1e6), st.just(NAN))
    low = np.array(data.draw(st.lists(values, min_size=n, max_size=n)))
    high = np.array(data.draw(st.lists(values, min_size=n, max_size=n)))
    first = np.array([i for i in range(n + 1) for j in range(i, n + 1)])
    stop = np.array([j for i in range(n + 1) for j in range(i, n + 1)])
    lowest, highest = RangeExtremes.of(low, high).between(first, stop)
    for at, (i, j) in enumerate(zip(first, stop, strict=True)):
        lows, highs = low[i:j][~np.isnan(low[i:j])], high[i:j][~np.isnan(high[i:j])]
        assert (np.isnan(lowest[at]) and lows.size == 0) or lowest[at] == lows.min()
        assert (np.isnan(highest[at]) and highs.size == 0) or highest[at] == highs.max()
