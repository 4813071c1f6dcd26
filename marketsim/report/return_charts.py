"""Vega-Lite specifications of what returns look like together: their distribution, and year by year."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np

from marketsim.report.line_charts import Spec, account_colour
from marketsim.report.number_format import percent
from marketsim.report.palette import Ink
from marketsim.risk.account import AccountHistory
from marketsim.risk.calendar_periods import month_number, year_number
from marketsim.risk.observations import observed, standard_deviation
from marketsim.risk.returns import by_period
from marketsim.risk.tails import expected_shortfall, value_at_risk

BINS = 70
WIDEST = 5.0  # standard deviations shown; what lies beyond is counted in the outermost bars


def return_distribution(history: AccountHistory, ink: Ink, colour: str) -> Spec | None:
    """Return the histogram of an account's bar returns with a normal curve of the same mean and deviation, and its VaR and CVaR.

    None where there is nothing to show: no returns, all equal, or beyond what floats can square.
    """
    r = observed(history.returns)
    deviation = standard_deviation(r)
    if not (deviation > 0 and np.isfinite(deviation)):
        return None
    centre = float(r.mean())
    edges = np.linspace(max(r.min(), centre - WIDEST * deviation), min(r.max(), centre + WIDEST * deviation), BINS + 1)
    counts = np.histogram(np.clip(r, edges[0], edges[-1]), edges)[0]
    normal = NormalDist(centre, deviation)
    bars = [
        {"from": low, "to": high, "share": count / r.size, "Return": f"{percent(low)} to {percent(high)}", "Bars": int(count)}
        for low, high, count in zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True)
    ]
    width = float(edges[1] - edges[0])
    curve = [{"at": at, "share": normal.pdf(at) * width} for at in np.linspace(edges[0], edges[-1], 121).tolist()]
    marks = [
        {"at": -loss, "label": label}
        for label, loss in (
            ("VaR 95 %", value_at_risk(r, 0.95)),
            ("CVaR 95 %", expected_shortfall(r, 0.95)),
            ("VaR 99 %", value_at_risk(r, 0.99)),
            ("CVaR 99 %", expected_shortfall(r, 0.99)),
        )
        if -loss > edges[0]
    ]
    x: Spec = {"type": "quantitative", "axis": {"format": "+.1%"}, "scale": {"nice": False}}
    y: Spec = {"field": "share", "type": "quantitative", "axis": {"format": ".0%"}}
    return {
        "width": "container",
        "height": 220,
        "layer": [
            {
                "data": {"values": bars},
                "mark": {"type": "bar", "color": colour, "opacity": 0.75, "binSpacing": 1},
                "encoding": {
                    "x": x | {"field": "from", "bin": {"binned": True}},
                    "x2": {"field": "to"},
                    "y": y,
                    "tooltip": [{"field": "Return"}, {"field": "Bars", "format": ","}],
                },
            },
            {
                "data": {"values": curve},
                "mark": {"type": "line", "color": ink.muted, "strokeWidth": 1.5, "strokeDash": [4, 3]},
                "encoding": {"x": x | {"field": "at"}, "y": y},
            },
            {"data": {"values": marks}, "mark": {"type": "rule", "color": ink.loss}, "encoding": {"x": x | {"field": "at"}}},
            {
                "data": {"values": marks},
                "mark": {"type": "text", "color": ink.loss, "angle": 270, "align": "right", "dx": -2, "dy": -6, "fontSize": 10},
                "encoding": {"x": x | {"field": "at"}, "y": {"value": 0}, "text": {"field": "label"}},
            },
        ],
    }


def yearly_returns(histories: Sequence[AccountHistory], colours: Mapping[str, str]) -> Spec:
    """Return bars of each calendar year's return, strategy beside benchmark."""
    rows = []
    for a in histories:
        years, values = by_period(a.returns, year_number(a.session))
        rows += [
            {"year": str(year), "account": a.agent, "v": value, "Return": percent(value)}
            for year, value in zip(years.tolist(), values.tolist(), strict=True)
        ]
    return {
        "data": {"values": rows},
        "width": "container",
        "height": 220,
        "mark": {"type": "bar", "cornerRadiusEnd": 2},
        "encoding": {
            "x": {"field": "year", "type": "ordinal", "axis": {"labelAngle": 0, "labelOverlap": True}},
            "xOffset": {"field": "account", "sort": [a.agent for a in histories]},
            "y": {"field": "v", "type": "quantitative", "axis": {"format": ".0%"}},
            "color": account_colour({a.agent: colours[a.agent] for a in histories}),
            "tooltip": [{"field": "account", "title": "Account"}, {"field": "year", "title": "Year"}, {"field": "Return"}],
        },
    }


def monthly_turnover(history: AccountHistory, colour: str) -> Spec:
    """Return bars of the notional traded in each calendar month as a share of mean equity."""
    months = month_number(history.session)
    first = np.flatnonzero(np.concatenate(([True], months[1:] != months[:-1])))
    traded = np.add.reduceat(history.traded, first)
    level = float(observed(history.equity).mean())
    rows: list[dict[str, Any]] = [
        {
            "t": int(np.datetime64(int(month), "M").astype("datetime64[ms]").astype(np.int64)),
            "v": value / level,
            "Traded": percent(value / level),
        }
        for month, value in zip(months[first].tolist(), traded.tolist(), strict=True)
    ]
    return {
        "data": {"values": rows},
        "width": "container",
        "height": 150,
        "mark": {"type": "bar", "color": colour},
        "encoding": {
            "x": {
                "field": "t",
                "type": "temporal",
                "timeUnit": "utcyearmonth",
                "axis": {"format": "%Y", "tickCount": "year", "labelOverlap": True},
            },
            "y": {"field": "v", "type": "quantitative", "axis": {"format": ".0%"}},
            "tooltip": [{"field": "t", "type": "temporal", "timeUnit": "utcyearmonth", "title": "Month"}, {"field": "Traded"}],
        },
    }
