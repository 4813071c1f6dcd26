"""Yahoo Finance: its chart protocol, spoken over yfinance's session, which brings cookie, crumb and a browser's handshake.

The answers are read here rather than by yfinance because a broken one must be an error, not an empty frame. Yahoo restates
prices, volumes and dividends for every later split; here they are taken back to what was traded on the day.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from marketsim.data.actions import Dates, Events, later_splits, place_actions
from marketsim.data.bars import PRICES, make_frame
from marketsim.data.providers.http import JsonApi, Reply, RetryPolicy, Send, Timing
from marketsim.data.providers.provider import within
from marketsim.errors import ProviderError

BASE_URL = "https://query2.finance.yahoo.com"
# Longest span of one request for bars within a day; Yahoo keeps 1m for 30 days and the others for 60 to 730.
SPAN_DAYS = {"1m": 7, "5m": 59, "15m": 59, "30m": 59, "1h": 700}
# Later than any bar: splits after the last bar asked for have moved its price too, so they are always asked for.
FOR_EVER = 9_999_999_999


class YahooBars:
    """Bars of anything Yahoo has, with its splits and dividends."""

    name = "yahoo"
    remote = True

    def __init__(
        self,
        *,
        requests_per_minute: float = 60.0,
        base_url: str = BASE_URL,
        send: Send | None = None,
        retry: RetryPolicy | None = None,
        timing: Timing | None = None,
    ) -> None:
        """Keep how to reach Yahoo; ``send`` None = yfinance's session, opened with the first request."""
        self._requests_per_minute = requests_per_minute
        self._base_url = base_url
        self._send = send
        self._retry = retry
        self._timing = timing

    def request(self, symbol: str, interval: str) -> str:
        """Name the chart asked for."""
        return f"chart {symbol} {interval}"

    def fetch(self, symbol: str, start: dt.date, end: dt.date | None, interval: str) -> pa.Table:
        """Return raw bars; daily ones in one request, others in as many as their span needs and one more for the splits."""
        try:
            daily = self._chart(symbol, start, None, "1d")
            splits, dividends = _events(daily)
            if interval == "1d":
                return within(_frame(daily, interval, splits, dividends), start, end)
            parts = [self._chart(symbol, first, last, interval) for first, last in _spans(start, end or _last_day(daily), interval)]
            frames = [_frame(part, interval, splits, dividends) for part in parts if part.get("timestamp")]
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, pa.ArrowException) as error:
            raise ProviderError(
                f"yahoo answered a chart for {symbol} that is not of the known form ({type(error).__name__}: {error}); "
                "try again later, or use another provider."
            ) from None
        if not frames:
            raise ProviderError(f"yahoo has no {interval} bars of {symbol} from {start}; it keeps them for a short time only.")
        return pa.concat_tables(frames)

    @functools.cached_property
    def _api(self) -> JsonApi:
        send = self._send or yfinance_send()
        return JsonApi("yahoo", send, requests_per_minute=self._requests_per_minute, retry=self._retry, timing=self._timing)

    def _chart(self, symbol: str, start: dt.date, last: dt.date | None, interval: str) -> dict[str, Any]:
        period = {"period1": str(_midnight(start)), "period2": str(FOR_EVER if last is None else _midnight(last + dt.timedelta(days=1)))}
        answer = self._api.get(
            f"{self._base_url}/v8/finance/chart/{quote(symbol, safe='')}",
            {**period, "interval": interval, "events": "div,splits", "includePrePost": "false"},
            f"{symbol} {interval}",
            also=(404,),
        )
        chart = answer["chart"]
        if chart.get("error"):
            raise ProviderError(f"yahoo: {symbol}: {chart['error'].get('description', 'unknown error')}; check the symbol and the dates.")
        result: dict[str, Any] = chart["result"][0]
        if interval == "1d" and not result.get("timestamp"):
            raise ProviderError(f"yahoo has no bars of {symbol} from {start}; check the symbol and the dates.")
        return result


def yfinance_send() -> Send:
    """Return yfinance's session as a `Send`.

    Raises
    ------
    ProviderError
        yfinance is not installed.
    """
    try:
        from yfinance.data import YfData
        from yfinance.exceptions import YFRateLimitError
    except ImportError:
        raise ProviderError("yahoo needs the package yfinance; install the online extra with `make online`.") from None
    session = YfData()

    def send(url: str, params: Mapping[str, str]) -> Reply:
        try:
            response = session.get(url, params=dict(params))
        except YFRateLimitError:
            return Reply(429, {}, b"")
        except OSError as error:  # the base of both curl_cffi's and requests' errors
            raise ProviderError(f"yahoo cannot be reached ({type(error).__name__}); check the network.", retryable=True) from None
        return Reply(response.status_code, {k.lower(): v for k, v in response.headers.items()}, response.content)

    return send


def _frame(chart: dict[str, Any], interval: str, splits: Events, dividends: Events) -> pa.Table:
    quotes = chart["indicators"]["quote"][0]
    seconds = chart["timestamp"]
    dates = _local_dates(chart, seconds)
    values = {name: np.array(quotes[name], np.float64) for name in (*PRICES, "volume")}
    short = [name for name, column in values.items() if column.shape != (len(seconds),)]
    if short:
        raise ValueError(f"{len(seconds)} times but {len(values[short[0]])} values of {short[0]}")
    factor = later_splits(dates, splits)
    # A row of nulls is a day without trading that Yahoo lists all the same.
    kept = ~np.all([np.isnan(values[name]) for name in PRICES], axis=0)
    paid = [(day, cash * float(later_splits(np.array([day], "datetime64[D]"), splits)[0])) for day, cash in dividends]
    ratio, cash = place_actions(dates[kept], splits, paid) if kept.any() else (None, None)
    time = pa.array(dates, pa.date32()) if interval == "1d" else pa.array(seconds, pa.timestamp("s", "UTC"))
    return make_frame(
        time.filter(pa.array(kept)),
        [_seven_digits(values[name] * factor)[kept] for name in PRICES],
        np.round(values["volume"] / factor)[kept],
        split_ratio=ratio,
        dividend_cash=cash,
    )


def _events(chart: dict[str, Any]) -> tuple[Events, Events]:
    events = chart.get("events") or {}
    splits = [(e["date"], float(e["numerator"]) / float(e["denominator"])) for e in (events.get("splits") or {}).values()]
    dividends = [(e["date"], float(e["amount"])) for e in (events.get("dividends") or {}).values()]
    return _dated(chart, splits), _dated(chart, dividends)


def _dated(chart: dict[str, Any], events: list[tuple[int, float]]) -> Events:
    dates = _local_dates(chart, [seconds for seconds, _ in events])
    return sorted((date.astype(dt.date), value) for date, (_, value) in zip(dates, events, strict=True))


def _local_dates(chart: dict[str, Any], seconds: list[int]) -> Dates:
    local = pc.local_timestamp(pa.array(seconds, pa.timestamp("s", chart["meta"]["exchangeTimezoneName"])))
    dates: Dates = local.cast(pa.date32(), safe=False).cast(pa.int32()).to_numpy(zero_copy_only=False).astype("datetime64[D]")
    return dates


def _spans(start: dt.date, end: dt.date, interval: str) -> Iterator[tuple[dt.date, dt.date]]:
    first = start
    while first <= end:
        last = min(end, first + dt.timedelta(days=SPAN_DAYS[interval] - 1))
        yield first, last
        first = last + dt.timedelta(days=1)


def _last_day(chart: dict[str, Any]) -> dt.date:
    day: dt.date = _local_dates(chart, chart["timestamp"][-1:])[0].astype(dt.date)
    return day


def _midnight(date: dt.date) -> int:
    return int(dt.datetime.combine(date, dt.time(), dt.UTC).timestamp())


def _seven_digits(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Round to what Yahoo's float32 holds, so that 187.14999389648438 is 187.15 again."""
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = 10.0 ** (6 - np.floor(np.log10(np.abs(values))))
        rounded: npt.NDArray[np.float64] = np.where(np.isfinite(scale), np.round(values * scale) / scale, values)
    return rounded
