"""Vega-Lite specifications of the charts that follow the accounts through time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Spec = dict[str, Any]

# Hours of the day as exchanges write them; years, months and days keep the form they have by default.
CLOCK: Spec = {"hours": "%H:%M", "minutes": "%H:%M"}
TIME: Spec = {
    "field": "t",
    "type": "temporal",
    "scale": {"type": "utc"},
    "axis": {"labelOverlap": True, "tickCount": 8, "format": CLOCK},
}
# Growth wears its sign, but nothing has none.
SIGNED_PERCENT: Spec = {"labelExpr": "datum.value === 0 ? '0%' : format(datum.value, '+.0%')"}
PERCENT: Spec = {"format": ".0%"}
RATIO: Spec = {"format": ".1f"}
# The wheel alone belongs to the page's scrolling.
ZOOM: Spec = {
    "name": "zoom",
    "select": {"type": "interval", "encodings": ["x"], "zoom": "wheel![event.ctrlKey || event.metaKey || event.altKey]"},
    "bind": "scales",
}
IS_STRATEGY = "datum.account === 'strategy'"
IS_BENCHMARK = "datum.account === 'benchmark'"


def account_colour(colours: Mapping[str, str], *, legend: Spec | None = None) -> Spec:
    """Return the colour encoding of accounts."""
    return {
        "field": "account",
        "type": "nominal",
        "legend": legend,
        "sort": list(colours),
        "scale": {"domain": list(colours), "range": list(colours.values())},
    }


def account_lines(colours: Mapping[str, str], axis: Spec, *, others: float = 0.9) -> Spec:
    """Return a layer with one line an account from columns t, account, v: the strategy's thick, the benchmark's dashed.

    ``axis`` is the value axis, ``others`` the opacity of every line but the strategy's.
    """
    return {
        "mark": {"type": "line", "strokeJoin": "round", "clip": True},
        "encoding": {
            "x": TIME,
            "y": {"field": "v", "type": "quantitative", "axis": axis},
            "color": account_colour(colours),
            "strokeWidth": {"condition": {"test": IS_STRATEGY, "value": 2.2}, "value": 1.3},
            "opacity": {"condition": {"test": IS_STRATEGY, "value": 1}, "value": others},
            "strokeDash": {"condition": {"test": IS_BENCHMARK, "value": [5, 3]}, "value": [1, 0]},
        },
    }


def zero_line(colour: str) -> Spec:
    """Return a layer with a line at zero."""
    return {
        "data": {"values": [{"zero": 0}]},
        "mark": {"type": "rule", "color": colour},
        "encoding": {"y": {"field": "zero", "type": "quantitative"}},
    }


def strategy_area(colours: Mapping[str, str]) -> Spec:
    """Return a layer that fills the strategy's line down to zero."""
    return {
        "transform": [{"filter": IS_STRATEGY}],
        "mark": {"type": "area", "opacity": 0.16, "clip": True, "color": colours["strategy"]},
        "encoding": {"x": TIME, "y": {"field": "v", "type": "quantitative"}},
    }


def over_time(layers: list[Spec], height: int, clock_ms: tuple[int, int]) -> Spec:
    """Return a chart of layers over table ``lines``, as wide as its place on the page; the last layer carries the zoom.

    ``clock_ms`` are the first and the last time, so that charts whose lines start later still line up.
    """
    front = layers[-1] | {
        "params": [ZOOM],
        "encoding": layers[-1]["encoding"] | {"x": TIME | {"scale": {"type": "utc", "domain": list(clock_ms)}}},
    }
    return {"data": {"name": "lines"}, "width": "container", "height": height, "layer": [*layers[:-1], front]}
