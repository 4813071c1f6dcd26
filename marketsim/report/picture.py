"""One picture of the run: the accounts' growth above their drawdowns."""

from __future__ import annotations

from typing import Any

import numpy as np

from marketsim.report.line_charts import PERCENT, SIGNED_PERCENT, TIME, account_colour, account_lines, strategy_area, zero_line
from marketsim.report.line_data import LineData, thinned
from marketsim.report.palette import PAPER, chart_config
from marketsim.risk.observations import IntArray

WIDTH = 780
SCALE = 2
MAX_POINTS = 600
FONT = "Roboto, Helvetica, Arial, sans-serif"


def picture_png(title: str, subtitle: str, data: LineData, colours: dict[str, str]) -> bytes:
    """Return the picture as PNG, twice as many pixels as its size on a page."""
    import vl_convert

    picked = thinned(data.measures["growth"][data.names[0]], MAX_POINTS)
    growth, drawdown = account_lines(colours, SIGNED_PERCENT), account_lines(colours, PERCENT)
    growth["encoding"]["color"] = account_colour(
        dict(reversed(colours.items())), legend={"orient": "top", "title": None, "symbolType": "stroke", "columns": 8, "offset": 12}
    )
    growth["encoding"]["x"] = TIME | {"axis": {"labels": False, "domain": False}}
    size: dict[str, Any] = {"width": WIDTH}
    spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "title": {"text": title, "subtitle": subtitle, "fontSize": 17, "subtitleFontSize": 12, "subtitlePadding": 5, "offset": 12},
        "padding": 18,
        "spacing": 10,
        "vconcat": [
            size | {"height": 250, "data": {"values": _rows(data, "growth", picked, colours)}, "layer": [zero_line(PAPER.grid), growth]},
            size
            | {
                "height": 100,
                "data": {"values": _rows(data, "drawdown", picked, colours)},
                "layer": [strategy_area(colours), drawdown],
            },
        ],
        "resolve": {"scale": {"color": "independent"}},
        "config": chart_config(PAPER, FONT) | {"background": "#ffffff"},
    }
    return bytes(vl_convert.vegalite_to_png(spec, scale=SCALE))


def _rows(data: LineData, measure: str, picked: IntArray, colours: dict[str, str]) -> list[dict[str, Any]]:
    """Return rows t, account, v, accounts from back to front."""
    times = data.time_ms[picked].tolist()
    return [
        {"t": t, "account": account, "v": round(value, 5)}
        for account in colours
        for t, value in zip(times, data.measures[measure][account][picked].tolist(), strict=True)
        if np.isfinite(value)
    ]
