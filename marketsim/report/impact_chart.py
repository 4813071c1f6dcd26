"""Charts of an agent's impact: the price difference through time, and how it grows with the size of a metaorder."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from marketsim.impact.measures import Impact, ImpactPath
from marketsim.impact.metaorders import ImpactCurve
from marketsim.report.palette import AGENTS, PAPER, STRATEGY, Ink, chart_config
from marketsim.report.picture import FONT, SCALE, WIDTH
from marketsim.risk.observations import FloatArray, IntArray

Spec = dict[str, Any]
MAX_POINTS = 600
HEIGHT = 320
NS_A_MS, NS_AN_HOUR = 1_000_000, 3_600_000_000_000
COLOURS = (STRATEGY, *AGENTS)


def path_chart(impacts: Mapping[str, Impact], zone: str, ink: Ink = PAPER) -> Spec:
    """Return the mean price difference with its 95 % band through time, one line a name.

    Times of one session are the market's own; those of several are hours of trading, as nights would take most of the chart.

    Parameters
    ----------
    impacts : by the name in the legend, which a single one does not get
    zone : IANA zone of the market
    ink : colours
    """
    rows = [row for name, impact in impacts.items() for row in _rows(name, impact.path, zone)]
    x, show_x = _time_axis(next(iter(impacts.values())).path, zone)
    several = len(impacts) > 1
    colour = {
        "field": "name",
        "type": "nominal",
        "sort": None,
        "scale": {"domain": list(impacts), "range": _colours(len(impacts))},
        "legend": {"orient": "top", "title": None, "symbolType": "stroke", "symbolOpacity": 1} if several else None,
    }
    tooltip = [show_x, *([{"field": "name", "title": "Size"}] if several else []), *_shown("bps", "+.3f")]
    layers = [
        {"mark": {"type": "area", "opacity": 0.08 if several else 0.18},
         "encoding": {"x": x, "y": {"field": "low", "type": "quantitative"}, "y2": {"field": "high"}, "color": colour}},
        {"mark": {"type": "line", "strokeWidth": 2},
         "encoding": {"x": x, "y": {"field": "mean", "type": "quantitative", "title": "bps against the trader"},
                      "color": colour, "tooltip": tooltip}},
    ]  # fmt: skip
    return {"height": HEIGHT, "data": {"values": rows}, "layer": [_zero(ink), *layers]}


def curve_chart(curve: ImpactCurve, ink: Ink = PAPER) -> Spec:
    """Return peak impact against size, both logarithmic, with the fitted power law; sizes without a positive impact have no place there."""
    # An interval that reaches down to zero would go on for ever.
    floor = min((e.mean for e in curve.peak_bps if e.mean > 0), default=1.0) / 4
    rows = [
        {"q": float(q), "mean": e.mean, "low": max(e.low, floor), "high": e.high}
        for q, e in zip(curve.traded_lot, curve.peak_bps, strict=True)
        if e.mean > 0
    ]
    line = [{"q": row["q"], "law": curve.coefficient * row["q"] ** curve.exponent.mean} for row in rows]
    x = {"field": "q", "type": "quantitative", "scale": {"type": "log", "nice": False, "padding": 20},
         "axis": {"title": "lots traded", "format": "~s", "labelOverlap": True}}  # fmt: skip
    scale = {"type": "log", "nice": False}
    mean = {
        "field": "mean",
        "type": "quantitative",
        "scale": scale,
        "axis": {"title": "bps when done", "format": "~g", "labelOverlap": True},
    }
    tooltip = [{"field": "q", "title": "Lots", "format": ",.0f"}, *_shown("bps", "+.3f")]
    layers = [
        {"data": {"values": line}, "mark": {"type": "line", "strokeDash": [5, 3], "color": ink.muted},
         "encoding": {"x": x, "y": {"field": "law", "type": "quantitative", "scale": scale}}},
        {"mark": {"type": "rule", "color": STRATEGY},
         "encoding": {"x": x, "y": {"field": "low", "type": "quantitative", "scale": scale}, "y2": {"field": "high"}}},
        {"mark": {"type": "point", "filled": True, "size": 70, "color": STRATEGY},
         "encoding": {"x": x, "y": mean, "tooltip": tooltip}},
    ]  # fmt: skip
    return {"height": HEIGHT, "data": {"values": rows}, "layer": layers}


def picture(chart: Spec, title: str, *subtitle: str) -> bytes:
    """Return a chart as PNG, twice as many pixels as its size on a page."""
    import vl_convert

    framed = chart | {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "title": {"text": title, "subtitle": list(subtitle), "fontSize": 17, "subtitleFontSize": 12, "subtitlePadding": 5, "offset": 12},
        "width": WIDTH,
        "padding": 18,
        "config": chart_config(PAPER, FONT) | {"background": "#ffffff"},
    }
    return bytes(vl_convert.vegalite_to_png(framed, scale=SCALE))


def _rows(name: str, path: ImpactPath, zone: str) -> list[Spec]:
    picked = np.unique(np.linspace(0, len(path.time_ns) - 1, MAX_POINTS).astype(np.int64))
    t = _trading_hours(path.time_ns) if _sessions(path.time_ns) > 1 else _local_ms(path.time_ns, zone)
    return [
        {"name": name, "t": float(t[k]), "mean": float(path.mean_bps[k]), "low": float(path.low_bps[k]), "high": float(path.high_bps[k])}
        for k in picked
        if np.isfinite(path.mean_bps[k])
    ]


def _time_axis(path: ImpactPath, zone: str) -> tuple[Spec, Spec]:
    """Return the encoding of time, and how a tip tells it."""
    if _sessions(path.time_ns) > 1:
        title = "hours of trading"
        return {"field": "t", "type": "quantitative", "axis": {"title": title}}, {"field": "t", "title": "Hours", "format": ".2f"}
    title = f"{zone.rpartition('/')[2].replace('_', ' ')} time" if zone != "UTC" else "UTC"
    axis = {"format": "%H:%M", "labelOverlap": True, "tickCount": 8, "title": title}
    shown = {"field": "t", "type": "temporal", "timeUnit": "utchoursminutesseconds", "title": "Time", "format": "%H:%M:%S"}
    # The numbers are local times already; a scale of UTC does not move them again.
    return {"field": "t", "type": "temporal", "scale": {"type": "utc"}, "axis": axis}, shown


def _local_ms(time_ns: IntArray, zone: str) -> FloatArray:
    """Return times as ms of a clock in the market's zone; within a session it does not change between winter and summer."""
    offset = dt.datetime.fromtimestamp(int(time_ns[0]) // 1_000_000_000, ZoneInfo(zone)).utcoffset() or dt.timedelta()
    return np.asarray(time_ns / NS_A_MS + offset.total_seconds() * 1e3)


def _sessions(time_ns: IntArray) -> int:
    steps = np.diff(time_ns)
    return 1 + int((steps > steps.min()).sum()) if len(steps) else 1


def _trading_hours(time_ns: IntArray) -> FloatArray:
    """Return the time of trading before each point of the grid, hours; a night counts one step of it."""
    return np.asarray(np.arange(len(time_ns)) * np.diff(time_ns).min() / NS_AN_HOUR)


def _zero(ink: Ink) -> Spec:
    return {"data": {"values": [{"zero": 0}]}, "mark": {"type": "rule", "color": ink.muted},
            "encoding": {"y": {"field": "zero", "type": "quantitative"}}}  # fmt: skip


def _shown(unit: str, form: str) -> list[Spec]:
    return [
        {"field": "mean", "title": f"Mean, {unit}", "format": form},
        {"field": "low", "title": "95 % from", "format": form},
        {"field": "high", "title": "to", "format": form},
    ]


def _colours(n: int) -> list[str]:
    return [COLOURS[k % len(COLOURS)] for k in range(n)]
