"""Yahoo's chart protocol against a local server, and the way back from restated to raw prices."""

from __future__ import annotations

import datetime as dt

import httpx
import numpy as np
import pytest

from marketsim.data.actions import adjustment_factors
from marketsim.data.bars import to_floats
from marketsim.data.providers.http import Reply, RetryPolicy, Timing
from marketsim.data.providers.yahoo import YahooBars, yfinance_send
from marketsim.errors import ProviderError
from tests.stubs.provider_server import Answer, PretendedClock, ProviderServer, in_turn

START, END = dt.date(2024, 6, 5), dt.date(2024, 6, 12)
DAYS = [dt.date(2024, 6, d) for d in (5, 6, 7, 10, 11, 12)]


def stamp(day, hour=13, minute=30):
    return int(dt.datetime(day.year, day.month, day.day, hour, minute, tzinfo=dt.UTC).timestamp())


def chart(times, close, *, splits=(), dividends=(), volume=1000):
    close32 = [None if c is None else float(np.float32(c)) for c in close]
    events = {
        "splits": {str(stamp(d)): {"date": stamp(d), "numerator": n, "denominator": m, "splitRatio": f"{n}:{m}"} for d, n, m in splits},
        "dividends": {str(stamp(d)): {"date": stamp(d), "amount": a} for d, a in dividends},
    }
    quote = {name: list(close32) for name in ("open", "high", "low", "close")} | {"volume": [None if c is None else volume for c in close]}
    result = {"meta": {"exchangeTimezoneName": "America/New_York"}, "timestamp": times, "indicators": {"quote": [quote]}, "events": events}
    return {"chart": {"result": [result], "error": None}}


def httpx_send(url, params):
    try:
        reply = httpx.get(url, params=dict(params), timeout=5)
    except httpx.HTTPError as error:
        raise ProviderError(f"yahoo cannot be reached ({type(error).__name__}); check the network.", retryable=True) from None
    return Reply(reply.status_code, {k.lower(): v for k, v in reply.headers.items()}, reply.content)


def provider(server, clock=None, **policy):
    clock = clock or PretendedClock()
    return YahooBars(base_url=server.url, send=httpx_send, retry=RetryPolicy(**policy), timing=Timing(clock.clock_s, clock.sleep))


# NVDA as Yahoo shows it after its 10:1 split of 2024-06-10 and dividends of 2024-06-11 (0.01): before the split a share
# traded at 1224.40, 1209.98 and 1208.88, after it at 121.79, 120.91 and 125.20.
NVDA = chart(
    [stamp(d) for d in DAYS],
    [122.440, 120.998, 120.888, 121.79, 120.91, 125.20],
    splits=[(dt.date(2024, 6, 10), 10, 1)],
    dividends=[(dt.date(2024, 6, 5), 0.004), (dt.date(2024, 6, 11), 0.01)],
)


def test_prices_volumes_and_dividends_are_those_of_the_day():
    with ProviderServer(in_turn(Answer(NVDA))) as server:
        frame = provider(server).fetch("NVDA", START, END, "1d")
    assert frame.column("time").to_pylist() == DAYS
    assert frame.column("close").to_pylist() == [1224.40, 1209.98, 1208.88, 121.79, 120.91, 125.20]
    assert frame.column("volume").to_pylist() == [100, 100, 100, 1000, 1000, 1000]
    assert frame.column("split_ratio").to_pylist() == [1, 1, 1, 10, 1, 1]
    assert frame.column("dividend_cash").to_pylist() == pytest.approx([0.04, 0, 0, 0, 0.01, 0])


def test_undoing_and_redoing_the_split_gives_yahoos_own_prices():
    with ProviderServer(in_turn(Answer(NVDA))) as server:
        frame = provider(server).fetch("NVDA", START, END, "1d")
    close, ratio = to_floats(frame.column("close")), to_floats(frame.column("split_ratio"))
    price, _ = adjustment_factors(close, ratio, np.zeros(len(close)))
    np.testing.assert_allclose(close * price, [122.440, 120.998, 120.888, 121.79, 120.91, 125.20], rtol=1e-9)


def test_a_split_after_the_last_bar_asked_for_is_undone_too():
    with ProviderServer(in_turn(Answer(NVDA))) as server:
        frame = provider(server).fetch("NVDA", START, dt.date(2024, 6, 7), "1d")
        assert int(server.requests[0].query["period2"]) > stamp(END)
    assert frame.column("close").to_pylist() == [1224.40, 1209.98, 1208.88]


def test_request_is_the_chart_protocol():
    with ProviderServer(in_turn(Answer(NVDA))) as server:
        provider(server).fetch("BRK-B", START, END, "1d")
    request = server.requests[0]
    assert request.path == "/v8/finance/chart/BRK-B"
    assert request.query["period1"] == str(stamp(START, 0, 0))
    assert (request.query["interval"], request.query["events"]) == ("1d", "div,splits")


def test_rows_of_nulls_are_left_out_and_single_nulls_kept():
    answer = chart([stamp(d) for d in DAYS[:3]], [1.0, None, 2.0])
    answer["chart"]["result"][0]["indicators"]["quote"][0]["high"][2] = None
    with ProviderServer(in_turn(Answer(answer))) as server:
        frame = provider(server).fetch("X", START, END, "1d")
    assert frame.column("time").to_pylist() == [DAYS[0], DAYS[2]]
    assert frame.column("high").to_pylist() == [1.0, None]


def test_bars_within_the_day_come_in_spans_and_are_restated_by_daily_splits():
    def answer(request):
        if request.query["interval"] == "1d":
            return Answer(NVDA)
        first, last = int(request.query["period1"]), int(request.query["period2"])
        times = [t for t in (stamp(d) for d in DAYS) if first <= t < last]
        return Answer(chart(times, [120.0] * len(times)))

    with ProviderServer(answer) as server:
        frame = provider(server).fetch("NVDA", START, END, "1m")
    assert [r.query["interval"] for r in server.requests] == ["1d", "1m", "1m"]
    assert frame.column("close").to_pylist() == [1200, 1200, 1200, 120, 120, 120]
    assert frame.column("split_ratio").to_pylist() == [1, 1, 1, 10, 1, 1]


def test_429_and_500_are_waited_out():
    clock = PretendedClock()
    answers = in_turn(Answer(status=429, headers={"Retry-After": "30"}), Answer(status=500), Answer(NVDA))
    with ProviderServer(answers) as server:
        assert provider(server, clock).fetch("NVDA", START, END, "1d").num_rows == 6
    assert len(server.requests) == 3
    assert clock.slept[0] == 30.0


def broken(change):
    answer = chart([stamp(d) for d in DAYS], [1.0] * 6)
    change(answer["chart"]["result"][0])
    return Answer(answer)


UNKNOWN = {"chart": {"result": None, "error": {"code": "Not Found", "description": "No data found, symbol may be delisted"}}}


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Answer(UNKNOWN, status=404), r"yahoo: NVDA: No data found, symbol may be delisted; check the symbol"),
        (Answer(b""), r"yahoo answered an empty body for NVDA 1d"),
        (Answer(b'{"chart": {"resu'), r"yahoo answered 16 bytes that are no JSON"),
        (Answer(NVDA, cut=True), r"yahoo cannot be reached \(RemoteProtocolError\)"),
        (Answer({"chart": {"result": [], "error": None}}), r"not of the known form \(IndexError"),
        (Answer({"finance": {}}), r"not of the known form \(KeyError"),
        (broken(lambda r: r.pop("meta")), r"not of the known form \(KeyError: 'meta'"),
        (broken(lambda r: r["meta"].update(exchangeTimezoneName="Mars/Olympus")), r"not of the known form \(ArrowInvalid"),
        (broken(lambda r: r["indicators"]["quote"][0]["low"].pop()), r"\(ValueError: 6 times but 5 values of low\)"),
        (broken(lambda r: r["indicators"]["quote"][0]["low"].__setitem__(0, "x")), r"not of the known form \(ValueError"),
        (broken(lambda r: r.pop("timestamp")), r"yahoo has no bars of NVDA from 2024-06-05"),
        (Answer(status=503), r"yahoo failed to answer for NVDA 1d \(HTTP 503\)"),
    ],
)
def test_broken_answer_is_one_sentence(answer, message):
    with ProviderServer(in_turn(answer)) as server, pytest.raises(ProviderError, match=message) as caught:
        provider(server, attempts=2).fetch("NVDA", START, END, "1d")
    assert "\n" not in str(caught.value)


@pytest.fixture
def crumb(monkeypatch):
    """Give yfinance's session a crumb, which it would otherwise ask Yahoo for."""
    data = pytest.importorskip("yfinance.data", reason="yfinance is not installed: `make online` installs it")
    session = data.YfData()
    monkeypatch.setattr(session, "_get_cookie_and_crumb", lambda *_: ("crumb", "basic"))
    monkeypatch.setattr(session, "_cookie_strategy", "basic")
    return "crumb"


def test_yfinances_own_session_carries_the_protocol(crumb):
    with ProviderServer(in_turn(Answer(NVDA))) as server:
        frame = YahooBars(base_url=server.url, send=yfinance_send()).fetch("NVDA", START, END, "1d")
        assert server.requests[0].query["crumb"] == crumb
    assert frame.num_rows == 6


@pytest.mark.usefixtures("crumb")
def test_yfinances_session_reports_limits_and_broken_connections():
    clock = PretendedClock()
    timing = Timing(clock.clock_s, clock.sleep)
    with ProviderServer(in_turn(Answer(status=429))) as server, pytest.raises(ProviderError, match=r"too many requests \(HTTP 429\)"):
        YahooBars(base_url=server.url, retry=RetryPolicy(attempts=2), timing=timing).fetch("NVDA", START, END, "1d")
    with ProviderServer(in_turn(Answer(NVDA, cut=True))) as server, pytest.raises(ProviderError, match=r"yahoo cannot be reached \("):
        YahooBars(base_url=server.url, retry=RetryPolicy(attempts=2), timing=timing).fetch("NVDA", START, END, "1d")


def test_missing_package_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "yfinance.data", None)
    with pytest.raises(ProviderError, match=r"needs the package yfinance; install the online extra with `make online`"):
        YahooBars().fetch("NVDA", START, END, "1d")
