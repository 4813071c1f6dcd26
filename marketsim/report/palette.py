"""Colours of accounts and the look of charts, once as CSS variables for the page and once as plain colours for pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from marketsim.risk.account import AccountHistory

# Readable on white and on near-black; told apart by most colour-blind readers (after Okabe & Ito 2008).
STRATEGY, BENCHMARK = "#2f6fde", "#8b919b"
AGENTS = ("#d97b29", "#159a86", "#9a62c7", "#c9447b", "#7f9321", "#3fa7d6")


@dataclass(frozen=True, slots=True)
class Ink:
    """Colours a chart is drawn with; any CSS colour, variables included."""

    text: str
    muted: str
    grid: str
    gain: str
    loss: str


PAGE = Ink("var(--ink)", "var(--muted)", "var(--grid)", "var(--gain)", "var(--loss)")
PAPER = Ink("#1c2430", "#5f6875", "#e4e7ec", "#15803d", "#c2313b")


def account_colours(histories: Sequence[AccountHistory]) -> dict[str, str]:
    """Return a colour for each account: the strategy's, the benchmark's, and one after the other for agents."""
    agents = [a.agent for a in histories if a.role == "agent"]
    fixed = {"strategy": STRATEGY, "benchmark": BENCHMARK}
    return {a.agent: fixed.get(a.role) or AGENTS[agents.index(a.agent) % len(AGENTS)] for a in histories}


def chart_config(ink: Ink, font: str) -> dict[str, Any]:
    """Return the Vega-Lite config all charts share; value axes have one width, so that charts under each other line up."""
    return {
        "background": "transparent",
        "font": font,
        "view": {"stroke": None},
        "axis": {
            "labelColor": ink.muted,
            "titleColor": ink.muted,
            "titleFontWeight": "normal",
            "gridColor": ink.grid,
            "domain": False,
            "ticks": False,
            "labelFontSize": 11,
            "titleFontSize": 11,
            "labelPadding": 6,
        },
        "axisX": {"grid": False, "domain": True, "domainColor": ink.grid, "labelFlush": False, "title": None},
        "axisY": {"minExtent": 46, "maxExtent": 46, "title": None, "tickCount": 5},
        "legend": {"labelColor": ink.text, "titleColor": ink.muted, "labelFontSize": 12, "symbolStrokeWidth": 3},
        "title": {"color": ink.text, "subtitleColor": ink.muted, "fontWeight": 600, "anchor": "start"},
    }
