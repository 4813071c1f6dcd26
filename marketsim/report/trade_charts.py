"""Trades on the price: one chart a symbol, with the fills of the account the reader picks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from marketsim.report.line_charts import TIME, ZOOM, Spec
from marketsim.report.palette import Ink
from marketsim.risk.columns import codes, numbers, rows_of, times
from marketsim.risk.observations import FloatArray, IntArray

MAX_SYMBOLS = 8
MAX_MARKERS = 600


@dataclass(frozen=True, slots=True)
class Marker:
    """An account's fills of one side on one bar; price and shares restated to the last bar's shares, price their mean."""

    row: int
    side: str
    price: float
    shares: float


@dataclass(frozen=True, slots=True)
class SymbolTrades:
    """A symbol's closes in the last bar's shares, on the page's clock, (n_rows,); markers by account, and how many were left out."""

    symbol: str
    close: FloatArray
    markers: dict[str, tuple[Marker, ...]]
    left_out: int


def busiest(fills: pa.Table, symbols: Sequence[str]) -> tuple[str, ...]:
    """Return the symbols with most notional traded, at most `MAX_SYMBOLS`, in the order of ``symbols``."""
    names, code = codes(fills, "symbol")
    total = np.bincount(code, weights=numbers(fills, "qty_shares") * numbers(fills, "price"), minlength=len(names))
    notional = dict(zip(names, total.tolist(), strict=True))
    chosen = sorted(symbols, key=lambda s: (-notional.get(s, 0.0), s))[:MAX_SYMBOLS]
    return tuple(s for s in symbols if s in chosen)


def symbol_trades(symbol: str, bars: pa.Table, fills: pa.Table, accounts: Sequence[str], close_ns: IntArray) -> SymbolTrades:
    """Gather what the chart of one symbol shows.

    Parameters
    ----------
    bars, fills : rows of the symbol, bars in the prices and shares that were traded.
    accounts : whose fills are shown.
    close_ns : (n_rows,) closes of the bars drawn; the price at each is the symbol's last known close.
    """
    shares = np.cumprod(numbers(bars, "split_ratio"))
    bar_close, bar_open = times(bars, "close_utc"), times(bars, "open_utc")
    restated = numbers(bars, "close_price") * shares / shares[-1]
    at = np.searchsorted(bar_close, close_ns, side="right") - 1
    close = np.where(at >= 0, restated[np.maximum(at, 0)], np.nan)
    markers, left_out = {}, 0
    for account in accounts:
        own = rows_of(fills, "agent", account)
        opened = np.maximum(np.searchsorted(bar_open, times(own, "fill_utc"), side="right") - 1, 0)
        ratio = shares[-1] / shares[opened] if own.num_rows else np.empty(0)
        row = np.minimum(np.searchsorted(close_ns, times(own, "fill_utc")), close_ns.size - 1)
        found = _grouped(row, own["side"].to_pylist(), numbers(own, "qty_shares") * ratio, numbers(own, "price") / ratio)
        kept = sorted(sorted(found, key=lambda m: -m.price * m.shares)[:MAX_MARKERS], key=lambda m: (m.row, m.side))
        left_out += len(found) - len(kept)
        if kept:
            markers[account] = tuple(kept)
    return SymbolTrades(symbol, close, markers, left_out)


def _grouped(row: IntArray, side: list[str], shares: FloatArray, price: FloatArray) -> list[Marker]:
    sums: dict[tuple[int, str], tuple[float, float]] = {}
    for key_row, key_side, qty, paid in zip(row.tolist(), side, shares.tolist(), price.tolist(), strict=True):
        qty_before, notional_before = sums.get((key_row, key_side), (0.0, 0.0))
        sums[key_row, key_side] = (qty_before + qty, notional_before + qty * paid)
    return [Marker(r, s, notional / qty, qty) for (r, s), (qty, notional) in sums.items()]


def trades_on_price(ink: Ink, accounts: Sequence[str]) -> Spec:
    """Return the chart of one symbol: tables ``price`` (t, v) and ``trades`` (t, account, side, v, Price, Shares)."""
    y: Spec = {"field": "v", "type": "quantitative", "scale": {"zero": False}, "axis": {"format": "~s"}}
    return {
        "params": [{"name": "who", "value": accounts[0] if accounts else ""}],
        "width": "container",
        "height": 220,
        "layer": [
            {
                "data": {"name": "price"},
                "mark": {"type": "line", "strokeWidth": 1.2, "color": ink.muted, "clip": True},
                "params": [ZOOM],
                "encoding": {"x": TIME, "y": y},
            },
            {
                "data": {"name": "trades"},
                "transform": [{"filter": "datum.account === who"}],
                "mark": {"type": "point", "filled": True, "size": 46, "opacity": 0.9, "clip": True},
                "encoding": {
                    "x": TIME,
                    "y": y,
                    "shape": {
                        "field": "side",
                        "type": "nominal",
                        "legend": None,
                        "scale": {"domain": ["buy", "sell"], "range": ["triangle-up", "triangle-down"]},
                    },
                    "color": {
                        "field": "side",
                        "type": "nominal",
                        "legend": None,
                        "scale": {"domain": ["buy", "sell"], "range": [ink.gain, ink.loss]},
                    },
                    "tooltip": [
                        {"field": "t", "type": "temporal", "format": "%Y-%m-%d", "title": "Bar"},
                        {"field": "side", "title": "Side"},
                        {"field": "Shares"},
                        {"field": "Price"},
                    ],
                },
            },
        ],
    }
