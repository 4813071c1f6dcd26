"""The HTML tear sheet: one file, no network, charts drawn by the Vega runtime inside it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import yaml

from marketsim.config.run import RunSpec
from marketsim.report import comparison, sections
from marketsim.report.chart_runtime import chart_runtime
from marketsim.report.line_charts import PERCENT, RATIO, SIGNED_PERCENT, Spec, account_lines, over_time, strategy_area, zero_line
from marketsim.report.line_data import MAX_AGENTS, LineData
from marketsim.report.number_format import with_unit
from marketsim.report.palette import PAGE, STRATEGY, chart_config
from marketsim.report.return_charts import monthly_turnover, return_distribution, yearly_returns
from marketsim.report.trade_charts import MAX_SYMBOLS, SymbolTrades, busiest, symbol_trades, trades_on_price
from marketsim.risk.account import AccountHistory, Ledger
from marketsim.risk.columns import rows_of
from marketsim.risk.measures import BY_NAME

FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif'
TILES = ("total_return", "cagr", "sharpe", "volatility", "max_drawdown", "total_cost")
TILES_OF_DAYS = tuple(name for name in TILES if name != "cagr")  # days compounded to a year are no growth anybody had


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells this run from any other; empty texts are not printed."""

    run_id: str
    snapshot_digest: str
    code_version: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything the page is made of; ``bars`` are the traded ones, ``colours`` order the drawn accounts from back to front."""

    spec: RunSpec
    bars: pa.Table
    ledger: Ledger
    findings: pa.Table
    histories: tuple[AccountHistory, ...]
    values: comparison.Values
    lines: LineData
    colours: dict[str, str]
    identity: Identity
    sessions: pa.Table | None = None  # table simulated_sessions, where the run has one


@dataclass(frozen=True, slots=True)
class Chart:
    """A Vega-Lite chart and the tables the page fills it with: ``lines`` names a measure, ``symbol`` a symbol's trades."""

    name: str
    spec: Spec
    lines: str = ""
    percent: bool = True
    symbol: str = ""


def period_text(spec: RunSpec, history: AccountHistory) -> str:
    """Return what was traded and when, in a few words."""
    first, last = (np.datetime64(int(history.session[i]), "D") for i in (0, -1))
    named = ", ".join(spec.symbols[:6]) + (f" and {len(spec.symbols) - 6} more" if len(spec.symbols) > 6 else "")
    against = f" · against {spec.benchmark}" if spec.benchmark else ""
    clock = "" if spec.bar_interval == "1d" else ", times UTC"
    return f"{named} · {first} to {last} · {history.returns.size:,} bars{clock}{against}"


def tear_sheet(sheet: Sheet) -> str:
    """Render the page; the same sheet gives the same text."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    strategy = sheet.histories[0]
    benchmark = next((a for a in sheet.histories if a.role == "benchmark"), None)
    trades = _trades(sheet)
    charts = _charts(sheet, strategy, benchmark, trades)
    # Autoescape keeps a hostile symbol or message text; what is marked safe below is our own JSON and the Vega runtime.
    environment = Environment(
        loader=PackageLoader("marketsim.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("tear_sheet.html.j2").render(
        spec=sheet.spec,
        period=period_text(sheet.spec, strategy),
        identity=sheet.identity,
        tiles=_tiles(sheet.values, benchmark, TILES if _spans_months(strategy) else TILES_OF_DAYS),
        accounts=sheet.histories,
        colours=sheet.colours,
        drawn=list(reversed(sheet.colours)),
        max_agents=MAX_AGENTS,
        charts={chart.name for chart in charts},
        trades=trades,
        max_symbols=MAX_SYMBOLS,
        traders=[a for a in sheet.lines.names if any(a in t.markers for t in trades)],
        groups=comparison.rows_by_group(sheet.values, sheet.histories),
        months=sections.MONTHS,
        years=sections.monthly_table(strategy, benchmark) if _spans_months(strategy) else [],
        falls=sections.worst_drawdowns(strategy),
        cost_kinds=sections.COST_KINDS,
        costs=sections.cost_rows(sheet.histories),
        sides=sides(sheet),
        n_sessions=n_sessions(sheet),
        gates=sections.health_gates(sheet.ledger.health),
        checks=sections.data_checks(sheet.findings),
        trials=strategy.clock.trials,
        config=yaml.safe_dump(sheet.spec.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=110),
        data=script_json(_page_data(sheet, charts, trades)),
        runtime=chart_runtime(),
    )


def sides(sheet: Sheet) -> list[sections.SideRow]:
    """Return the accounts side by side; none where no session was simulated."""
    if sheet.sessions is None:
        return []
    cash = {trader.name: (trader.account or sheet.spec.account).cash for trader in sheet.spec.traders}
    return sections.side_rows(sheet.sessions, cash)


def n_sessions(sheet: Sheet) -> int:
    """Return how many sessions were also simulated."""
    return 0 if sheet.sessions is None else len(sheet.sessions["session_date"].unique())


def _spans_months(history: AccountHistory) -> bool:
    """Tell whether a run reaches into a second month; else what is told by the month or the year would be one bar, or far from true."""
    months = history.session[[0, -1]].astype("datetime64[D]").astype("datetime64[M]")
    return bool(months[0] != months[1])


def _tiles(values: comparison.Values, benchmark: AccountHistory | None, names: Sequence[str]) -> list[tuple[str, str, str, str]]:
    """Return (label, strategy's value, benchmark's value or empty, explanation) of the page's first figures."""
    tiles = []
    for name in names:
        measure = BY_NAME[name]
        other = with_unit(values[name]["benchmark"], measure.unit) if benchmark is not None and name != "total_cost" else ""
        tiles.append((measure.label, with_unit(values[name]["strategy"], measure.unit), other, measure.formula))
    return tiles


def _trades(sheet: Sheet) -> list[SymbolTrades]:
    close_ns = sheet.histories[0].wealth_ns[1:][sheet.lines.rows]
    traders = [name for name in sheet.lines.names if name != "benchmark"]
    fills = sheet.ledger.fills
    return [
        symbol_trades(symbol, rows_of(sheet.bars, "symbol", symbol), rows_of(fills, "symbol", symbol), traders, close_ns)
        for symbol in busiest(fills, [s for s in sheet.spec.symbols if rows_of(sheet.bars, "symbol", s).num_rows])
    ]


def _charts(sheet: Sheet, strategy: AccountHistory, benchmark: AccountHistory | None, trades: Sequence[SymbolTrades]) -> list[Chart]:
    """Return the page's charts; one that has nothing to show is left out."""
    colours, zero = sheet.colours, zero_line("var(--axis)")
    clock = (int(sheet.lines.time_ms[0]), int(sheet.lines.time_ms[-1]))
    charts = [
        Chart("growth", over_time([zero, account_lines(colours, SIGNED_PERCENT)], 300, clock), "growth"),
        Chart("drawdown", over_time([strategy_area(colours), account_lines(colours, PERCENT)], 150, clock), "drawdown"),
    ]
    if strategy.returns.size > sheet.spec.report.rolling_bars:
        charts += [
            Chart("sharpe", over_time([zero, account_lines(colours, RATIO)], 170, clock), "sharpe", percent=False),
            Chart("volatility", over_time([account_lines(colours, PERCENT)], 170, clock), "volatility"),
        ]
    distribution = return_distribution(strategy, PAGE, STRATEGY)
    if distribution is not None:
        charts.append(Chart("distribution", distribution))
    if _spans_months(strategy):
        charts.append(Chart("yearly", yearly_returns([strategy] if benchmark is None else [strategy, benchmark], colours)))
    charts.append(
        Chart("exposure", over_time([strategy_area(colours), account_lines(colours, PERCENT, others=0.45)], 150, clock), "exposure")
    )
    if strategy.traded.any() and _spans_months(strategy):
        charts.append(Chart("turnover", monthly_turnover(strategy, STRATEGY)))
    traders = [a for a in sheet.lines.names if any(a in t.markers for t in trades)]
    charts += [Chart(f"trades-{i}", trades_on_price(PAGE, traders), symbol=t.symbol) for i, t in enumerate(trades)]
    return charts


def _page_data(sheet: Sheet, charts: Sequence[Chart], trades: Sequence[SymbolTrades]) -> dict[str, Any]:
    """Return what the page's script works on: times and lines by column, markers by symbol, and the charts' specifications."""
    config = chart_config(PAGE, FONT)
    daily = sheet.histories[0].returns.size == np.unique(sheet.histories[0].session).size
    measures = {chart.lines for chart in charts if chart.lines}
    return {
        "look": {"config": config, "autosize": {"type": "fit-x", "contains": "padding"}},
        "accounts": [{"name": name, "colour": colour} for name, colour in sheet.colours.items()],
        "daily": daily,
        "times": sheet.lines.time_ms.tolist(),
        "lines": {
            name: {account: _numbers(values) for account, values in by_account.items()}
            for name, by_account in sheet.lines.measures.items()
            if name in measures
        },
        "symbols": {
            t.symbol: {
                "close": _numbers(t.close, 6),
                "trades": [
                    {
                        "row": m.row,
                        "account": account,
                        "side": m.side,
                        "v": _number(m.price, 6),
                        "Price": f"{m.price:,.2f}",
                        "Shares": f"{m.shares:,.0f}" if m.shares >= 10 else f"{m.shares:,.3g}",
                    }
                    for account, markers in t.markers.items()
                    for m in markers
                ],
            }
            for t in trades
        },
        "charts": [
            {
                "name": chart.name,
                "lines": chart.lines,
                "percent": chart.percent,
                "symbol": chart.symbol,
                "spec": chart.spec,
            }
            for chart in charts
        ],
    }


def _number(value: float, digits: int = 5) -> float | None:
    return float(f"{value:.{digits}g}") if math.isfinite(value) else None


def _numbers(values: np.ndarray, digits: int = 5) -> list[float | None]:
    """Return numbers with as many digits as a screen can show; not more, as they are most of the page's bytes."""
    return [_number(value, digits) for value in values.tolist()]


def script_json(data: dict[str, Any]) -> str:
    """Return JSON that may stand inside a script element."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return (
        text.replace("&", "\\u0026")
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )
