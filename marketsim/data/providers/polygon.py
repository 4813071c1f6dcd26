"""Polygon, now Massive: unadjusted aggregates page by page, splits and dividends, over the session of its own client.

The client's own paging turns an unreadable page into the end of the data, so the pages are read here.
"""

from __future__ import annotations

import datetime as dt
import functools
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from marketsim.data.actions import Dates, Events, place_actions
from marketsim.data.bars import make_frame
from marketsim.data.providers.http import JsonApi, Reply, RetryPolicy, Send, Timing
from marketsim.errors import ProviderError

BASE_URL = "https://api.massive.com"
SPANS = {"1d": "1/day", "1m": "1/minute", "5m": "5/minute", "15m": "15/minute", "30m": "30/minute"}
ZONE = "America/New_York"  # a daily aggregate is stamped with New York's midnight
MOST_PAGES = 10_000


class PolygonBars:
    """Bars of US stocks, raw, with splits and cash dividends."""

    name = "polygon"
    remote = True

    def __init__(
        self,
        *,
        api_key_env: str = "POLYGON_API_KEY",
        requests_per_minute: float = 5.0,
        base_url: str = BASE_URL,
        retry: RetryPolicy | None = None,
        timing: Timing | None = None,
    ) -> None:
        """Keep how to reach Polygon; the key is looked up with the first request, so a cached run needs none."""
        self._api_key_env = api_key_env
        self._requests_per_minute = requests_per_minute
        self._base_url = base_url.rstrip("/")
        self._retry = retry
        self._timing = timing

    def request(self, symbol: str, interval: str) -> str:
        """Name the aggregates asked for."""
        return f"aggregates {symbol} {interval} unadjusted"

    def fetch(self, symbol: str, start: dt.date, end: dt.date | None, interval: str) -> pa.Table:
        """Return raw bars with the splits and dividends that took effect on them."""
        if interval not in SPANS:
            raise ProviderError(f"polygon: {interval} bars start on the clock's hour, not with the session; use one of {', '.join(SPANS)}.")
        last = end or dt.date(2049, 12, 31)
        ticker = quote(symbol, safe="")
        aggregates = self._pages(
            f"/v2/aggs/ticker/{ticker}/range/{SPANS[interval]}/{start}/{last}",
            {"adjusted": "false", "sort": "asc", "limit": "50000"},
            f"{symbol} {interval}",
        )
        if not aggregates:
            raise ProviderError(f"polygon has no {interval} bars of {symbol} from {start} to {last}; check symbol and plan.")
        events = {"ticker": symbol, "limit": "1000"}
        splits = self._pages("/v3/reference/splits", {**events, "execution_date.gte": str(start)}, f"{symbol} splits")
        dividends = self._pages("/v3/reference/dividends", {**events, "ex_dividend_date.gte": str(start)}, f"{symbol} dividends")
        try:
            return _frame(
                aggregates,
                interval,
                [(dt.date.fromisoformat(e["execution_date"]), e["split_to"] / e["split_from"]) for e in splits],
                [(dt.date.fromisoformat(e["ex_dividend_date"]), float(e["cash_amount"])) for e in dividends],
            )
        except (KeyError, TypeError, ValueError, ZeroDivisionError, pa.ArrowException) as error:
            raise ProviderError(
                f"polygon answered bars or actions of {symbol} that are not of the known form ({type(error).__name__}: {error}); "
                "try again later, or use another provider."
            ) from None

    @functools.cached_property
    def _api(self) -> JsonApi:
        key = os.environ.get(self._api_key_env, "")
        if not key:
            raise ProviderError(f"polygon needs a key in the environment variable {self._api_key_env}; set it, or use another provider.")
        return JsonApi(
            "polygon",
            massive_send(key, self._base_url),
            requests_per_minute=self._requests_per_minute,
            retry=self._retry,
            timing=self._timing,
        )

    def _pages(self, path: str, params: Mapping[str, str], subject: str) -> list[dict[str, Any]]:
        """Return the results of all pages; each page's `next_url` is followed on our own host only, for the key goes along."""
        results: list[dict[str, Any]] = []
        url = self._base_url + path
        for _ in range(MOST_PAGES):
            answer = self._api.get(url, params, subject)
            page = answer.get("results") or []
            if answer.get("status") not in ("OK", "DELAYED") or not isinstance(page, list):
                reason = answer.get("error") or answer.get("message") or f"status {answer.get('status')!r}"
                raise ProviderError(f"polygon refused {subject}: {str(reason)[:200]}; check the key, the plan and the symbol.")
            results += page
            if not answer.get("next_url"):
                return results
            following = urlsplit(str(answer["next_url"]))
            url, params = f"{self._base_url}{following.path}?{following.query}", {}
        raise ProviderError(f"polygon goes on after {MOST_PAGES} pages of {subject}; expected an end; ask for fewer bars.")


def massive_send(key: str, base_url: str) -> Send:
    """Return the Massive client's session as a `Send`; it adds the key as a header, so no address ever shows it.

    Raises
    ------
    ProviderError
        The client is not installed.
    """
    try:
        from massive import RESTClient
        from urllib3.exceptions import HTTPError
    except ImportError:
        raise ProviderError("polygon needs the package massive; install the online extra with `make online`.") from None
    client = RESTClient(api_key=key, base=base_url, retries=0)

    def send(url: str, params: Mapping[str, str]) -> Reply:
        try:
            reply = client.client.request("GET", url, fields=dict(params), headers=client.headers, retries=False)
        except HTTPError as error:
            raise ProviderError(f"polygon cannot be reached ({type(error).__name__}); check the network.", retryable=True) from None
        return Reply(reply.status, {k.lower(): v for k, v in reply.headers.items()}, reply.data)

    return send


def _frame(aggregates: list[dict[str, Any]], interval: str, splits: Events, dividends: Events) -> pa.Table:
    opened = pa.array([a["t"] for a in aggregates], pa.timestamp("ms", ZONE))
    local = pc.local_timestamp(opened).cast(pa.date32(), safe=False)
    dates: Dates = local.cast(pa.int32()).to_numpy(zero_copy_only=False).astype("datetime64[D]")
    ratio, cash = place_actions(dates, splits, dividends)
    prices = [np.array([a[name] for a in aggregates], np.float64) for name in ("o", "h", "l", "c")]
    volume = np.array([a["v"] for a in aggregates], np.float64)
    return make_frame(local if interval == "1d" else opened, prices, volume, split_ratio=ratio, dividend_cash=cash)
