"""Vega-Lite charts of a simulated market: its price, spread and volume, who traded, and what each group made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from marketsim.report.line_charts import TIME, ZOOM
from marketsim.report.palette import AGENTS, BENCHMARK, STRATEGY
from marketsim.risk.columns import numbers, rows_of, times
from marketsim.risk.observations import FloatArray, IntArray

Spec = dict[str, Any]
MOST_POINTS = 1_200


def group_colours(groups: Sequence[str]) -> dict[str, str]:
    """Return a colour for each group."""
    palette = (STRATEGY, *AGENTS)
    return {group: palette[k % len(palette)] for k, group in enumerate(groups)}


def price_chart(bars: pa.Table) -> Spec:
    """Return the mid and the fundamental value over time."""
    t, every = _clock(bars)
    rows = _rows(t, every, "Mid", numbers(bars, "mid_price")) + _rows(t, every, "Fundamental", numbers(bars, "fundamental_price"))
    colour = {"domain": ["Mid", "Fundamental"], "range": [STRATEGY, BENCHMARK]}
    return {
        "height": 280,
        "data": {"values": rows},
        "layer": [_lines("series", colour, {"format": ",.2f"}) | {"params": [ZOOM]}],
    }


def area_chart(bars: pa.Table, column: str, label: str, form: str, mark: str = "line") -> Spec:
    """Return one column of the bars over time, as a line or, for what adds up, as bars."""
    t, every = _clock(bars)
    values = numbers(bars, column)
    if mark == "bar" and every > 1:  # what is drawn as one stands for all it covers
        values = np.add.reduceat(values, np.arange(0, len(values), every)).repeat(every)[: len(values)]
    return {
        "height": 130,
        "data": {"values": _rows(t, every, label, values)},
        "mark": {"type": mark, "color": STRATEGY, "clip": True, **({"strokeWidth": 1.3} if mark == "line" else {})},
        "encoding": {
            "x": TIME,
            "y": {"field": "v", "type": "quantitative", "axis": {"format": form}, "scale": {"zero": True}},
            "tooltip": _tooltip(label, form),
        },
    }


def shares_chart(activity: pa.Table, colours: Mapping[str, str]) -> Spec:
    """Return how much each group traded, as a maker and as a taker."""
    rows = [
        {"group": group.replace("_", " "), "as": side, "v": float(numbers(rows_of(activity, "group_name", group), column).sum())}
        for group in colours
        for side, column in (("maker", "maker_shares"), ("taker", "taker_shares"))
    ]
    return {
        "height": {"step": 26},
        "data": {"values": rows},
        "mark": {"type": "bar", "cornerRadiusEnd": 2},
        "encoding": {
            "y": {"field": "group", "type": "nominal", "axis": {"title": None, "minExtent": 110, "maxExtent": 160}, "sort": None},
            "x": {"field": "v", "type": "quantitative", "axis": {"format": "~s", "title": "Shares", "grid": True, "tickCount": 8}},
            "color": {
                "field": "as",
                "type": "nominal",
                "scale": {"domain": ["maker", "taker"], "range": [AGENTS[1], AGENTS[0]]},
                "legend": {"orient": "top", "title": None},
            },
            "tooltip": [
                {"field": "group", "title": "Group"},
                {"field": "as", "title": "As"},
                {"field": "v", "title": "Shares", "format": ",.0f"},
            ],
        },
    }


def profit_chart(equity: pa.Table, starting: Mapping[str, float], colours: Mapping[str, str]) -> Spec:
    """Return each group's profit over time."""
    rows: list[Spec] = []
    for group in colours:
        own = rows_of(equity, "agent", group)
        if own.num_rows:
            t, every = _clock(own)
            rows += _rows(t, every, group.replace("_", " "), numbers(own, "equity_cash") - starting[group])
    colour = {"domain": [group.replace("_", " ") for group in colours], "range": list(colours.values())}
    return {"height": 220, "data": {"values": rows}, "layer": [_lines("series", colour, {"format": "~s"}) | {"params": [ZOOM]}]}


def _lines(field: str, colour: Spec, axis: Spec) -> Spec:
    return {
        "mark": {"type": "line", "strokeJoin": "round", "strokeWidth": 1.5, "clip": True},
        "encoding": {
            "x": TIME,
            "y": {"field": "v", "type": "quantitative", "axis": axis, "scale": {"zero": False}},
            "detail": {"field": "day"},
            "color": {
                "field": field,
                "type": "nominal",
                "scale": colour,
                "legend": {"orient": "top", "title": None, "symbolType": "stroke"},
            },
        },
    }


def _tooltip(label: str, form: str) -> list[Spec]:
    return [
        {"field": "t", "type": "temporal", "title": "Time, UTC", "format": "%Y-%m-%d %H:%M", "formatType": "utcFormat"},
        {"field": "v", "title": label, "format": form},
    ]


def _clock(table: pa.Table) -> tuple[IntArray, int]:
    """Return the bars' ends in milliseconds, and how many bars one point stands for."""
    t = times(table, "close_utc") // 1_000_000
    return t, -(-len(t) // MOST_POINTS)


def _rows(t: IntArray, every: int, series: str, values: FloatArray) -> list[Spec]:
    picked = np.arange(0, len(t), every)
    return [
        {"t": int(t[k]), "day": int(t[k] // 86_400_000), "series": series, "v": float(f"{values[k]:.7g}")}
        for k in picked
        if np.isfinite(values[k])
    ]
