"""Impact charts: in the market's own time, and one line a size."""

from __future__ import annotations

import datetime as dt

import numpy as np

from marketsim.impact.measures import Estimate, Impact, measure_impact
from marketsim.impact.metaorders import ImpactCurve
from marketsim.impact.pairs import Pair, Path
from marketsim.report.impact_chart import curve_chart, path_chart, picture

MINUTE = 60_000_000_000
HALF_PAST_NINE = 1_612_535_400_000_000_000  # 2021-02-05 14:30 UTC, 09:30 in New York


def impact(times: np.ndarray) -> Impact:
    n = len(times)
    paths = [Path(np.full(n, mid), np.ones(n), 1, 1) for mid in (101.0, 100.0)]
    return measure_impact([Pair(1, times, *paths, times[:1], np.array([1]), np.array([100]))])


def test_the_time_of_one_session_is_the_market_s_own() -> None:
    chart = path_chart({"": impact(HALF_PAST_NINE + MINUTE * np.arange(3))}, "America/New_York")
    first = dt.datetime.fromtimestamp(chart["data"]["values"][0]["t"] / 1e3, dt.UTC)
    assert (first.hour, first.minute) == (9, 30)
    assert chart["layer"][-1]["encoding"]["x"]["axis"]["title"] == "New York time"
    assert path_chart({"": impact(MINUTE * np.arange(3))}, "UTC")["layer"][-1]["encoding"]["x"]["axis"]["title"] == "UTC"


def test_nights_take_no_room() -> None:
    day = HALF_PAST_NINE + MINUTE * np.arange(60)
    chart = path_chart({"": impact(np.concatenate([day, day + 1440 * MINUTE]))}, "America/New_York")
    hours = [row["t"] for row in chart["data"]["values"]]
    assert hours[0] == 0.0
    assert np.isclose(hours[-1], 119 / 60)
    assert chart["layer"][-1]["encoding"]["x"]["axis"]["title"] == "hours of trading"


def test_only_several_sizes_get_a_legend() -> None:
    one = impact(HALF_PAST_NINE + MINUTE * np.arange(3))
    assert path_chart({"": one}, "UTC")["layer"][-1]["encoding"]["color"]["legend"] is None
    several = path_chart({"10 lots": one, "20 lots": one}, "UTC")
    assert several["layer"][-1]["encoding"]["color"]["legend"] is not None
    assert {row["name"] for row in several["data"]["values"]} == {"10 lots", "20 lots"}


def test_a_size_that_gained_has_no_place_on_a_logarithmic_scale() -> None:
    peaks = (Estimate(-1.0, -2.0, 0.5, 5), Estimate(2.0, -1.0, 4.0, 5), Estimate(4.0, 3.0, 5.0, 5))
    chart = curve_chart(ImpactCurve(np.array([10.0, 20.0, 40.0]), peaks, Estimate(1.0, 0.5, 1.5, 15), 0.1))
    rows = chart["data"]["values"]
    assert [row["q"] for row in rows] == [20.0, 40.0]
    assert all(0 < row["low"] <= row["mean"] <= row["high"] for row in rows)
    assert picture(chart, "title", "subtitle")[1:4] == b"PNG"
