"""Pictures of an agent's impact: the price difference through time, and how it grows with the size of a metaorder."""

from __future__ import annotations

from typing import Any

import numpy as np

from marketsim.impact.measures import Impact
from marketsim.impact.metaorders import ImpactCurve
from marketsim.report.palette import PAPER, STRATEGY, chart_config
from marketsim.report.picture import FONT, SCALE, WIDTH

MAX_POINTS = 600
NS_A_MS = 1_000_000


def impact_spec(impact: Impact, title: str) -> dict[str, Any]:
    """Return the Vega-Lite chart of the mean price difference with its 95 % band."""
    path = impact.path
    picked = np.unique(np.linspace(0, len(path.time_ns) - 1, MAX_POINTS).astype(np.int64))
    rows = [
        {
            "t": int(path.time_ns[k]) // NS_A_MS,
            "mean": float(path.mean_bps[k]),
            "low": float(path.low_bps[k]),
            "high": float(path.high_bps[k]),
        }
        for k in picked
        if np.isfinite(path.mean_bps[k])
    ]
    x = {"field": "t", "type": "temporal", "scale": {"type": "utc"}, "axis": {"format": "%H:%M", "labelOverlap": True, "title": "UTC"}}
    layers = [
        {"data": {"values": [{"zero": 0}]}, "mark": {"type": "rule", "color": PAPER.muted},
         "encoding": {"y": {"field": "zero", "type": "quantitative"}}},
        {"mark": {"type": "area", "opacity": 0.18, "color": STRATEGY},
         "encoding": {"x": x, "y": {"field": "low", "type": "quantitative"}, "y2": {"field": "high"}}},
        {"mark": {"type": "line", "strokeWidth": 2, "color": STRATEGY},
         "encoding": {"x": x, "y": {"field": "mean", "type": "quantitative", "title": "bps against the trader"}}},
    ]  # fmt: skip
    subtitle = (
        f"Mid price with less without, {impact.n_pairs} pairs of the same random numbers; band: 95 % of the mean"
        f" · when done {impact.peak_bps.mean:+.2f} bps, at the end {impact.permanent_bps.mean:+.2f} bps"
    )
    return _framed(title, subtitle) | {"height": 320, "data": {"values": rows}, "layer": layers}


def curve_spec(curve: ImpactCurve, title: str) -> dict[str, Any]:
    """Return the Vega-Lite chart of peak impact against size, both logarithmic, with the fitted power law."""
    rows = [
        {"q": float(q), "mean": e.mean, "low": max(e.low, 1e-3), "high": e.high}
        for q, e in zip(curve.traded_lot, curve.peak_bps, strict=True)
        if e.mean > 0
    ]
    line = [{"q": row["q"], "law": curve.coefficient * row["q"] ** curve.exponent.mean} for row in rows]
    x = {"field": "q", "type": "quantitative", "scale": {"type": "log"}, "axis": {"title": "lots traded"}}
    scale = {"type": "log"}
    layers = [
        {"data": {"values": line}, "mark": {"type": "line", "strokeDash": [5, 3], "color": PAPER.muted},
         "encoding": {"x": x, "y": {"field": "law", "type": "quantitative", "scale": scale}}},
        {"mark": {"type": "rule", "color": STRATEGY},
         "encoding": {"x": x, "y": {"field": "low", "type": "quantitative", "scale": scale}, "y2": {"field": "high"}}},
        {"mark": {"type": "point", "filled": True, "size": 70, "color": STRATEGY},
         "encoding": {"x": x, "y": {"field": "mean", "type": "quantitative", "scale": scale, "title": "bps when done"}}},
    ]  # fmt: skip
    e = curve.exponent
    subtitle = f"Impact grows with size to the power {e.mean:.2f} (95 %: {e.low:.2f} to {e.high:.2f}); about 0.5 in real markets"
    return _framed(title, subtitle) | {"height": 320, "data": {"values": rows}, "layer": layers}


def png(spec: dict[str, Any]) -> bytes:
    """Return a chart as PNG, twice as many pixels as its size on a page."""
    import vl_convert

    return bytes(vl_convert.vegalite_to_png(spec, scale=SCALE))


def _framed(title: str, subtitle: str) -> dict[str, Any]:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "title": {"text": title, "subtitle": subtitle, "fontSize": 17, "subtitleFontSize": 12, "subtitlePadding": 5, "offset": 12},
        "width": WIDTH,
        "padding": 18,
        "config": chart_config(PAPER, FONT) | {"background": "#ffffff"},
    }
