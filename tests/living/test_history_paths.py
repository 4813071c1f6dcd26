"""A path made of a bar: its open, high, low and close are the bar's, and between them it is Brownian motion given those four."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketsim.data.ingest import ingest
from marketsim.errors import ConfigError, DataError
from marketsim.markets.panel import Panel, panel
from marketsim.markets.simulated.bar_path import PARKINSON_VARIANCE, bar_path
from marketsim.markets.simulated.history import history
from tests.markets.worlds import spec

SECOND = 1_000_000_000


@st.composite
def valid_bars(draw: st.DrawFn) -> tuple[float, float, float, float]:
    """Draw open, high, low and close; edges that coincide are as likely as those that do not."""
    tick = draw(st.sampled_from([0.0001, 0.01, 1.0]))
    low = draw(st.integers(1, 100_000))
    high = low + draw(st.integers(0, 3) | st.integers(0, 100_000))
    start, end = (draw(st.sampled_from([low, high]) | st.integers(low, high)) for _ in range(2))
    return start * tick, high * tick, low * tick, end * tick


@settings(max_examples=400)
@given(valid_bars(), st.integers(4, 200) | st.just(23_401), st.integers(-(2**63), 2**63 - 1))
def test_a_path_respects_open_high_low_and_close_exactly(bar: tuple[float, float, float, float], n: int, stream: int) -> None:
    path = bar_path(bar, n, stream)
    assert len(path) == n
    assert (path[0], path.max(), path.min(), path[-1]) == bar


def conditioned_by_rejection(x: float, y: float, n: int, wanted: int) -> npt.NDArray[np.float64]:
    """Return bridges from x to y, kept where they happen to fill the band [0, 1]: slow, and true by definition.

    A discrete path misses the extremes of the continuous one by 0.5826 standard deviations of a step
    (Broadie, Glasserman and Kou 1997, Mathematical Finance 7).
    """
    random = np.random.default_rng(7)
    missed = 0.5826 * np.sqrt(PARKINSON_VARIANCE / (n - 1))
    kept: list[npt.NDArray[np.float64]] = []
    while sum(map(len, kept)) < wanted:
        steps = random.normal(0.0, np.sqrt(PARKINSON_VARIANCE / (n - 1)), (100_000, n - 1))
        free = np.concatenate([np.zeros((100_000, 1)), np.cumsum(steps, axis=1)], axis=1)
        bridge = x + free + (y - x - free[:, -1:]) * np.linspace(0.0, 1.0, n)
        fills = (np.abs(bridge.max(axis=1) + missed - 1.0) < 0.04) & (np.abs(bridge.min(axis=1) - missed) < 0.04)
        kept.append(bridge[fills])
    return np.concatenate(kept)[:wanted]


def test_paths_have_the_law_of_brownian_motion_given_the_bar() -> None:
    n, x, y = 65, 0.35, 0.6
    truth = conditioned_by_rejection(x, y, n, 1200)
    low, high = 100.0, 200.0
    price = [low * (high / low) ** height for height in (x, 1.0, 0.0, y)]
    ours = np.stack([np.log(bar_path((price[0], high, low, price[3]), n, stream) / low) / np.log(2.0) for stream in range(1200)])
    for statistic in (
        lambda paths: paths.argmax(axis=1) / n,
        lambda paths: paths.argmin(axis=1) / n,
        lambda paths: (paths.argmax(axis=1) < paths.argmin(axis=1)).astype(float),
        lambda paths: paths[:, n // 4],
        lambda paths: paths[:, n // 2],
        lambda paths: np.abs(paths[:, n // 2] - 0.5),
    ):
        a, b = statistic(truth), statistic(ours)
        error = np.sqrt(a.var() / len(a) + b.var() / len(b))
        # Four standard errors, and what the tolerance on the band costs the slow method.
        assert abs(a.mean() - b.mean()) < 4 * error + 0.02 * b.std(), (a.mean(), b.mean(), error)


def test_the_variance_of_a_path_is_the_one_its_range_tells() -> None:
    path = np.log(bar_path((100.0, 103.0, 99.0, 102.0), 23_401, 9))
    # The quadratic variation of Brownian motion is the same whatever it is conditioned on; its relative error is sqrt(2 / n).
    assert (np.diff(path) ** 2).sum() == pytest.approx(np.log(103 / 99) ** 2 / (4 * np.log(2)), rel=4 * np.sqrt(2 / 23_400))


def one_bar_panel(**changes: object) -> Panel:
    """A panel of two symbols over three sessions of ten minutes, two bars each."""
    day = np.array(["2024-01-02", "2024-01-02", "2024-01-03", "2024-01-03", "2024-01-04", "2024-01-04"], "datetime64[D]")
    open_ns = day.astype("datetime64[ns]").astype(np.int64) + np.array([0, 300] * 3) * SECOND + 14 * 3600 * SECOND
    shape = (6, 2)
    o = np.array([[10, 20], [11, 21], [12, 22], [11, 21], [10, 20], [5, 20]], float)
    values = {
        "symbols": ("A", "B"), "open_ns": open_ns, "close_ns": open_ns + 300 * SECOND, "session": day,
        "open": o, "high": o + 1, "low": o - 1, "close": o + 0.5,
        "volume": np.full(shape, 100.0), "split": np.ones(shape), "dividend": np.zeros(shape),
    }  # fmt: skip
    return Panel(**{**values, **changes})  # type: ignore[arg-type]


def test_bars_within_the_day_are_respected_one_by_one() -> None:
    bars = one_bar_panel()
    found = history(bars, list(np.unique(bars.session)), seed=1)
    assert found.price.shape == (2, 3, 601)
    for place in range(6):
        part = found.price[:, place // 2, 300 * (place % 2) : 300 * (place % 2) + 300 + place % 2]
        for column in range(2):
            seen = (part[column, 0], part[column].max(), part[column].min(), part[column, -1])
            assert seen == (bars.open[place, column], bars.high[place, column], bars.low[place, column], bars.close[place, column])


def test_who_asks_for_what_changes_nothing() -> None:
    bars = one_bar_panel()
    days = list(np.unique(bars.session))
    everything = history(bars, days, seed=5)
    one = history(bars, days[1:2], seed=5)
    assert np.array_equal(one.price[:, 0], everything.price[:, 1])
    other = history(bars, days[1:2], seed=6)
    assert not np.array_equal(one.price, other.price)
    assert not np.array_equal(everything.price[0] + 10, everything.price[1])  # the two symbols do not move alike


def test_a_missing_bar_leaves_the_value_at_the_last_close_restated_for_a_split() -> None:
    bars = one_bar_panel()
    for prices in (bars.open, bars.high, bars.low, bars.close):
        prices[4, 0] = np.nan
    bars.split[4, 0] = 2.0
    found = history(bars, list(np.unique(bars.session)), seed=1)
    assert np.all(found.price[0, 2, :300] == 11.5 / 2.0)


def test_activity_is_the_volume_over_the_mean_of_the_sessions_before_in_today_s_shares() -> None:
    volume = np.array([[100, 10], [100, 10], [300, 10], [300, 10], [800, 20], [800, np.nan]], float)
    split = np.ones((6, 2))
    split[4, 0] = 2.0
    found = history(one_bar_panel(volume=volume, split=split), list(np.unique(one_bar_panel().session)), seed=1)
    assert found.volume.tolist() == [[200, 600, 1600], [20, 20, 20]]
    assert found.activity[0].tolist() == [1.0, 3.0, 1600 / ((400 + 1200) / 2)]
    assert found.activity[1].tolist() == [1.0, 1.0, 1.0]


def test_a_bar_that_contradicts_itself_is_named() -> None:
    bars = one_bar_panel()
    bars.high[3, 1] = 5.0
    with pytest.raises(DataError, match=r"B at 2024-01-03T14:05:00.*contradict each other"):
        history(bars, list(np.unique(bars.session)), seed=1)


def test_a_grid_too_coarse_for_the_bars_is_refused() -> None:
    bars = one_bar_panel()
    with pytest.raises(ConfigError, match=r"fundamental step 100 s: the bar of A .* lasts 300 s; use a step that divides it"):
        history(bars, list(np.unique(bars.session)), seed=1, step_ns=100 * SECOND)
    with pytest.raises(ConfigError, match="divides"):
        history(bars, list(np.unique(bars.session)), seed=1, step_ns=7 * SECOND)


def test_a_session_without_bars_is_named() -> None:
    with pytest.raises(DataError, match="no bar of session 2024-02-01"):
        history(one_bar_panel(), [np.datetime64("2024-02-01")], seed=1)


def test_real_days_are_respected(tmp_path: Path) -> None:
    run = spec(symbols=["AAPL", "IBM"], start="2011-11-01", end="2011-12-02")
    real = panel(ingest(run, base_dir=Path(), cache_dir=tmp_path).bars, ["AAPL", "IBM"])
    days = list(real.session)
    found = history(real, days, seed=3)
    for column in range(2):
        for row, day in enumerate(days):
            length = (real.close_ns[row] - real.open_ns[row]) // SECOND + 1  # 25 November was a half day
            path = found.price[column, row, :length]
            assert (path[0], path.max(), path.min(), path[-1]) == (
                real.open[row, column], real.high[row, column], real.low[row, column], real.close[row, column]
            ), day  # fmt: skip
    assert dt.date(2011, 11, 25) in [day.astype(dt.date) for day in days]
    assert found.price.shape[2] == 23_401
