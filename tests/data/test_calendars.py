"""Sessions against published exchange hours."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from marketsim.data.calendars import load_calendar
from marketsim.errors import ConfigError


@pytest.fixture(scope="module")
def nyse():
    return load_calendar("XNYS")


def hours(calendar, *dates):
    times = (ns.view("M8[ns]").astype("M8[m]").astype(str) for ns in calendar.hours(np.array(dates, "datetime64[D]")))
    return list(zip(*times, strict=True))


def test_half_day_after_thanksgiving(nyse):
    assert hours(nyse, "2012-11-23") == [("2012-11-23T14:30", "2012-11-23T18:00")]


def test_daylight_saving_moves_the_open_in_utc(nyse):
    assert hours(nyse, "2013-03-08", "2013-03-11") == [
        ("2013-03-08T14:30", "2013-03-08T21:00"),
        ("2013-03-11T13:30", "2013-03-11T20:00"),
    ]


def test_day_without_a_session_gets_the_usual_hours(nyse):
    # Independence Day (summer time) and a Saturday in winter.
    assert hours(nyse, "2012-07-04", "2024-01-06", "2049-12-31") == [
        ("2012-07-04T13:30", "2012-07-04T20:00"),
        ("2024-01-06T14:30", "2024-01-06T21:00"),
        ("2049-12-31T14:30", "2049-12-31T21:00"),
    ]
    assert hours(load_calendar("CMES"), "2024-01-06") == [("2024-01-05T23:00", "2024-01-06T23:00")]


def test_known_closures_are_no_sessions(nyse):
    sessions = set(nyse.between(dt.date(2001, 9, 1), dt.date(2012, 10, 31)).astype(str))
    assert not sessions & {"2001-09-11", "2001-09-14", "2004-06-11", "2007-01-02", "2012-10-29", "2012-10-30", "2005-03-25"}
    assert {"2001-09-10", "2001-09-17", "2012-10-31"} <= sessions


def test_between_includes_both_ends(nyse):
    assert nyse.between(dt.date(2024, 1, 2), dt.date(2024, 1, 5)).astype(str).tolist() == [
        "2024-01-02",
        "2024-01-03",
        "2024-01-04",
        "2024-01-05",
    ]
    assert len(nyse.between(dt.date(2024, 1, 6), dt.date(2024, 1, 7))) == 0


def test_open_counts_as_within_the_session_and_close_does_not(nyse):
    times = np.array(["2024-01-02T14:29:59", "2024-01-02T14:30", "2024-01-02T20:59", "2024-01-02T21:00", "2024-01-06T15:00"], "M8[ns]")
    assert nyse.in_session(times.astype(np.int64)).tolist() == [False, True, True, False, False]


def test_last_closed_session(nyse):
    def at(text):
        return nyse.last_closed(dt.datetime.fromisoformat(text)).isoformat()

    assert at("2024-01-05T20:59:59+00:00") == "2024-01-04"
    assert at("2024-01-05T21:00:00+00:00") == "2024-01-05"
    assert at("2024-01-07T12:00:00-05:00") == "2024-01-05"


def test_exchange_with_short_records_is_loaded_as_far_as_they_reach():
    hong_kong = load_calendar("XHKG")
    assert str(hong_kong.sessions[0]) >= "1960-01-01"
    assert str(hong_kong.between(dt.date(2024, 1, 1), dt.date(2024, 1, 3))[0]) == "2024-01-02"


def test_unknown_exchange_names_the_nearest():
    with pytest.raises(ConfigError, match=r"calendar: XNYX is not an exchange .* did you mean XNY?S\?"):
        load_calendar("XNYX")
