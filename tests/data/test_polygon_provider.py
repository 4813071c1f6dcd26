"""Polygon's aggregates, splits and dividends against a local server, over the real client's session."""

from __future__ import annotations

import datetime as dt

import pytest

from marketsim.data.providers.http import RetryPolicy, Timing
from marketsim.data.providers.polygon import PolygonBars
from marketsim.errors import ProviderError
from tests.stubs.provider_server import Answer, PretendedClock, ProviderServer

KEY = "s3cret-key"
START, END = dt.date(2024, 6, 6), dt.date(2024, 6, 11)


@pytest.fixture(autouse=True)
def key(monkeypatch):
    pytest.importorskip("massive", reason="massive is not installed: `make online` installs it")
    monkeypatch.setenv("POLYGON_API_KEY", KEY)


def provider(server, clock=None, **settings):
    clock = clock or PretendedClock()
    timing = Timing(clock.clock_s, clock.sleep)
    return PolygonBars(base_url=server.url, requests_per_minute=6000.0, retry=RetryPolicy(attempts=2), timing=timing, **settings)


def bar(day, close, volume=100):
    # New York's midnight in summer is 04:00 UTC.
    t = int(dt.datetime(2024, 6, day, 4, tzinfo=dt.UTC).timestamp() * 1000)
    return {"t": t, "o": close, "h": close, "l": close, "c": close, "v": volume, "vw": close, "n": 5}


def ok(results, **more):
    return {"status": "OK", "results": results, **more}


def market(request):
    if request.path == "/v3/reference/splits":
        return Answer(ok([{"execution_date": "2024-06-10", "split_from": 1, "split_to": 10, "ticker": "NVDA"}]))
    if request.path == "/v3/reference/dividends":
        return Answer(ok([{"ex_dividend_date": "2024-06-11", "cash_amount": 0.01, "ticker": "NVDA"}]))
    if "cursor" in request.query:
        return Answer(ok([bar(10, 121.79), bar(11, 120.91)]))
    return Answer(ok([bar(6, 1209.98), bar(7, 1208.88)], next_url="https://elsewhere.invalid/v2/aggs/next?cursor=abc"))


def test_pages_are_joined_and_actions_placed():
    with ProviderServer(market) as server:
        frame = provider(server).fetch("NVDA", START, END, "1d")
    assert frame.column("time").to_pylist() == [dt.date(2024, 6, d) for d in (6, 7, 10, 11)]
    assert frame.column("close").to_pylist() == [1209.98, 1208.88, 121.79, 120.91]
    assert frame.column("split_ratio").to_pylist() == [1, 1, 10, 1]
    assert frame.column("dividend_cash").to_pylist() == [0, 0, 0, 0.01]


def test_requests_are_unadjusted_and_the_key_travels_in_a_header_only():
    with ProviderServer(market) as server:
        provider(server).fetch("NVDA", START, END, "1d")
    first, second = server.requests[:2]
    assert first.path == "/v2/aggs/ticker/NVDA/range/1/day/2024-06-06/2024-06-11"
    assert first.query["adjusted"] == "false"
    assert (second.path, second.query) == ("/v2/aggs/next", {"cursor": "abc"})  # on our host, wherever next_url points
    for request in server.requests:
        assert request.headers["authorization"] == f"Bearer {KEY}"
        assert KEY not in request.path
        assert KEY not in str(request.query)


def test_minutes_are_stamped_in_utc():
    opened = int(dt.datetime(2024, 6, 6, 13, 30, tzinfo=dt.UTC).timestamp() * 1000)

    def answer(request):
        return Answer(ok([{"t": opened, "o": 1, "h": 1, "l": 1, "c": 1, "v": 1}] if "aggs" in request.path else []))

    with ProviderServer(answer) as server:
        frame = provider(server).fetch("SPY", START, END, "5m")
    assert server.requests[0].path.endswith("/range/5/minute/2024-06-06/2024-06-11")
    assert [f"{time:%H:%M}" for time in frame.column("time").to_pylist()] == ["13:30"]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Answer(ok([])), r"polygon has no 1d bars of NVDA from 2024-06-06 to 2024-06-11"),
        (Answer({"status": "OK", "resultsCount": 0}), r"polygon has no 1d bars of NVDA"),
        (Answer({"status": "ERROR", "error": "Unknown ticker"}), r"polygon refused NVDA 1d: Unknown ticker; check the key"),
        (Answer({"status": "NOT_AUTHORIZED", "message": "upgrade"}, status=403), r"polygon refused access to NVDA 1d \(HTTP 403\)"),
        (Answer(b'{"status": "OK", "resul'), r"polygon answered 23 bytes that are no JSON"),
        (Answer(ok([bar(6, 1.0)]), cut=True), r"polygon cannot be reached \("),
        (Answer(ok([{"t": 1, "o": 1}])), r"not of the known form \(KeyError"),
        (Answer(ok([bar(6, "dear")])), r"not of the known form \(ValueError"),
        (Answer(ok(["bar"])), r"not of the known form \(TypeError"),
        (Answer({"status": "OK", "results": {"a": 1}}), r"polygon refused NVDA 1d"),
        (Answer(status=429), r"polygon says too many requests \(HTTP 429\)"),
        (Answer(status=500), r"polygon failed to answer for NVDA 1d \(HTTP 500\)"),
    ],
)
def test_broken_answer_is_one_sentence_without_the_key(answer, message, capfd):
    def only_bars_are_broken(request):
        return answer if "aggs" in request.path else Answer(ok([]))

    with ProviderServer(only_bars_are_broken) as server, pytest.raises(ProviderError, match=message) as caught:
        provider(server).fetch("NVDA", START, END, "1d")
    assert "\n" not in str(caught.value)
    assert KEY not in str(caught.value)
    assert KEY not in "".join(capfd.readouterr())


def test_429_is_waited_out():
    clock = PretendedClock()
    waiting = [Answer(status=429, headers={"Retry-After": "12"})]
    with ProviderServer(lambda request: waiting.pop() if waiting else market(request)) as server:
        assert provider(server, clock).fetch("NVDA", START, END, "1d").num_rows == 4
    assert clock.slept == [12.0]


def test_a_broken_later_page_is_an_error_and_not_the_end():
    def answer(request):
        return Answer(b"<html>") if "cursor" in request.query else market(request)

    with ProviderServer(answer) as server, pytest.raises(ProviderError, match=r"no JSON for NVDA 1d"):
        provider(server).fetch("NVDA", START, END, "1d")


def test_missing_key_names_the_variable(monkeypatch):
    monkeypatch.delenv("POLYGON_API_KEY")
    with pytest.raises(ProviderError, match=r"needs a key in the environment variable POLYGON_API_KEY"):
        PolygonBars().fetch("NVDA", START, END, "1d")


def test_hours_that_do_not_start_with_the_session_are_refused():
    with pytest.raises(ProviderError, match=r"1h bars start on the clock's hour"):
        PolygonBars().fetch("NVDA", START, END, "1h")


def test_missing_package_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "massive", None)
    with pytest.raises(ProviderError, match=r"needs the package massive; install the online extra with `make online`"):
        PolygonBars().fetch("NVDA", START, END, "1d")
