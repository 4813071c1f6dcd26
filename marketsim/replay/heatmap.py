"""A picture of a recording: how much lay at which price when, and where it traded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from marketsim.errors import DataError
from marketsim.recorded import RecordedKind
from marketsim.replay.rebuild import Walk
from marketsim.replay.stream import IntArray, Stream, per_unit
from marketsim.report.palette import PAPER, chart_config

FONT = "Roboto, Helvetica, Arial, sans-serif"
WIDTH, HEIGHT, SCALE = 900, 460, 2
COLUMNS, ROWS, LEVELS = 300, 80, 200
MOST_TRADES = 1_500
NS_A_MS = 1_000_000
TEN_MINUTES_MS = 600_000


@dataclass(frozen=True, slots=True)
class HeatMap:
    """A Vega-Lite specification."""

    spec: dict[str, Any]

    def png(self) -> bytes:
        """Return the picture as PNG, twice as many pixels as its size on a page."""
        import vl_convert

        return bytes(vl_convert.vegalite_to_png(self.spec, scale=SCALE))

    def html(self) -> str:
        """Return a page that needs nothing from elsewhere."""
        import vl_convert

        return str(vl_convert.vegalite_to_html(self.spec, bundle=True))


def heat_map(stream: Stream) -> HeatMap:
    """Draw the depth of a one-symbol recording through time with its trades.

    Cells hold the quantity at a price at the end of their stretch of time. Of many trades the largest are drawn, and the subtitle tells.

    Raises
    ------
    DataError
        The stream has several symbols, or no moment with both a bid and an ask.
    """
    if len(stream.symbols) != 1:
        raise DataError(f"{stream.source} holds {len(stream.symbols)} symbols; draw one at a time, with stream.only(symbol).")
    times = stream.events["time_ns"]
    if len(times) == 0 or times[-1] == times[0]:
        raise DataError(f"{stream.source} covers no stretch of time, so there is nothing to draw.")
    edges = np.linspace(times[0], times[-1], COLUMNS + 1).astype(np.int64)[1:]
    walk = Walk(stream)
    depth = np.stack([walk.depth(int(until), LEVELS) for until in np.searchsorted(times, edges, side="right")])
    low, high = _range(depth)
    step = _row_height(depth, low, high)
    ticks, lots = per_unit(stream.tick_size)[0], per_unit(stream.lot_size)[0]
    width = (edges[1] - edges[0]) / NS_A_MS
    cells = _cells(depth, low, high, step)
    values = [
        {"t": edges[c] / NS_A_MS - width, "t2": edges[c] / NS_A_MS, "p": p / ticks, "p2": (p + step) / ticks, "q": q / lots}
        for (c, p), q in cells.items()
    ]
    trades, n_trades = _trades(stream, low, high + step)
    left_out = f", the largest {len(trades):,} of {n_trades:,} trades" if n_trades > len(trades) else f", {n_trades:,} trades"
    return HeatMap(_spec(f"Depth of {stream.symbols[0]}", f"{stream.source}{left_out}; times UTC", values, trades))


def _range(depth: IntArray) -> tuple[int, int]:
    """Return the ticks to draw: what the touch went through, and half as much again on each side."""
    both = (depth[:, 0, 0, 1] > 0) & (depth[:, 1, 0, 1] > 0)
    if not both.any():
        raise DataError("the recording never shows a bid and an ask at once, so there is no range of prices to draw.")
    bid, ask = depth[both, 0, 0, 0], depth[both, 1, 0, 0]
    low, high = np.percentile(bid, 1), np.percentile(ask, 99)
    pad = 0.5 * (high - low) + 1
    return int(low - pad), int(high + pad)


def _row_height(depth: IntArray, low: int, high: int) -> int:
    """Return ticks a row: the grid that prices really use, widened until the picture has at most ROWS rows."""
    prices = np.unique(depth[..., 0][(depth[..., 1] > 0) & (depth[..., 0] >= low) & (depth[..., 0] <= high)])
    grid = int(np.gcd.reduce(np.diff(prices))) if len(prices) > 1 else 1
    grid = max(1, grid)
    return grid * max(1, -(-(high - low) // (grid * ROWS)))


def _cells(depth: IntArray, low: int, high: int, step: int) -> dict[tuple[int, int], int]:
    """Return the quantity by column and by the lowest tick of the row."""
    column, _, _ = np.nonzero((depth[..., 1] > 0) & (depth[..., 0] >= low) & (depth[..., 0] <= high))
    inside = depth[(depth[..., 1] > 0) & (depth[..., 0] >= low) & (depth[..., 0] <= high)]
    cells: dict[tuple[int, int], int] = {}
    for c, price, qty in zip(column.tolist(), (inside[:, 0] // step * step).tolist(), inside[:, 1].tolist(), strict=True):
        cells[c, price] = cells.get((c, price), 0) + qty
    return cells


def _trades(stream: Stream, low: int, high: int) -> tuple[list[dict[str, Any]], int]:
    """Return the largest trades in range and how many there are."""
    e = stream.events
    prints = np.isin(e["kind"], (RecordedKind.EXECUTE, RecordedKind.EXECUTE_HIDDEN, RecordedKind.TRADE)) & (e["qty_lot"] > 0)
    e = e[prints & (e["price_tick"] >= low) & (e["price_tick"] <= high)]
    kept = np.sort(np.argsort(-e["qty_lot"], kind="stable")[:MOST_TRADES])
    ticks, lots = per_unit(stream.tick_size)[0], per_unit(stream.lot_size)[0]
    names = {1: "sell", -1: "buy", 0: "unknown"}
    rows = [
        {"t": row["time_ns"] / NS_A_MS, "p": row["price_tick"] / ticks, "q": row["qty_lot"] / lots, "aggressor": names[int(row["side"])]}
        for row in e[kept]
    ]
    return rows, len(e)


def _spec(title: str, subtitle: str, cells: list[dict[str, Any]], trades: list[dict[str, Any]]) -> dict[str, Any]:
    long = cells[-1]["t2"] - cells[0]["t"] > TEN_MINUTES_MS
    clock = "%H:%M" if long else "%H:%M:%S"
    x = {"field": "t", "type": "temporal", "scale": {"type": "utc", "nice": False}, "axis": {"tickCount": 8, "format": clock}}
    y = {"field": "p", "type": "quantitative", "scale": {"zero": False, "nice": False}, "axis": {"format": ",~f"}}
    present = sorted({trade["aggressor"] for trade in trades})
    colours = {"domain": present, "range": [{"buy": PAPER.gain, "sell": PAPER.loss, "unknown": PAPER.muted}[name] for name in present]}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "title": {"text": title, "subtitle": subtitle, "fontSize": 17, "subtitleFontSize": 12, "subtitlePadding": 5, "offset": 12},
        "padding": 18,
        "width": WIDTH,
        "height": HEIGHT,
        "layer": [
            {
                "data": {"values": cells},
                "mark": {"type": "rect", "clip": True},
                "encoding": {
                    "x": x,
                    "x2": {"field": "t2"},
                    "y": y,
                    "y2": {"field": "p2"},
                    "color": {
                        "field": "q",
                        "type": "quantitative",
                        "scale": {"type": "log", "scheme": {"name": "blues", "extent": [0, 0.8]}},
                        "legend": {"title": "Quantity", "orient": "right", "gradientLength": 160},
                    },
                },
            },
            {
                "data": {"values": trades},
                "mark": {"type": "circle", "opacity": 0.75, "clip": True},
                "encoding": {
                    "x": x,
                    "y": y,
                    "size": {"field": "q", "type": "quantitative", "scale": {"range": [4, 260]}, "legend": None},
                    "color": {"field": "aggressor", "type": "nominal", "scale": colours, "legend": {"title": "Trade, by aggressor"}},
                },
            },
        ],
        "resolve": {"scale": {"color": "independent"}},
        "config": chart_config(PAPER, FONT) | {"background": "#ffffff", "axisY": {"title": None, "grid": False}},
    }
