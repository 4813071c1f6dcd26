"""The report of a simulated market that has no strategy in it: the market itself, and what its groups made of each other."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import yaml

from marketsim.config.run import RunSpec
from marketsim.config.simulated import SimulatedMarket
from marketsim.markets.outcome import Simulation
from marketsim.report import market_charts, sections
from marketsim.report.chart_runtime import chart_runtime
from marketsim.report.number_format import MISSING, money, percent, with_unit
from marketsim.report.palette import PAGE, PAPER, chart_config
from marketsim.report.run_report import RunReport
from marketsim.report.tear_sheet import FONT, Identity, script_json
from marketsim.risk.account import account_histories, sessions_per_year
from marketsim.risk.measures_of_markets import MARKET_MEASURES, MarketHistory, MarketMeasure, market_history
from marketsim.risk.metrics import NO_TRIALS, SCHEMA, metrics_of
from marketsim.risk.round_trips import round_trips

TILES = ("market_change", "market_spread", "market_volatility", "market_kurtosis", "market_trades", "market_volume")
PICTURE_SIZE = {"width": 780, "height": 300}


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One group as text, a cell a column of the page's table."""

    name: str
    cells: tuple[str, ...]


COLUMNS = ("Agents", "Orders", "Cancels an order", "Rejected", "Fills", "Made", "Taken", "P&L", "P&L a share")


def market_report(
    spec: RunSpec,
    market: SimulatedMarket,
    simulation: Simulation,
    findings: pa.Table,
    identity: Identity,
    progress: Callable[[str], None] = lambda _: None,
) -> RunReport:
    """Measure a simulated market and write its report; the same arguments give the same bytes.

    Parameters
    ----------
    spec, market : the run and its market section
    simulation : what the simulation left, tables market_bars, market_activity and market_agents among it
    findings : table `findings`
    identity : what tells the run from any other
    progress : hears a short sentence now and then
    """
    bars = simulation.market["market_bars"]
    progress("measuring the market")
    trips = round_trips(simulation.fills, bars_of_market(bars))
    starting = starting_equity(simulation.market["market_agents"])
    histories = account_histories(spec, bars_of_market(bars), simulation, trips, NO_TRIALS, starting)
    books = _books(spec, market, bars)
    progress("writing the page")
    page, rows = _page(spec, simulation, findings, identity, books)
    return RunReport(_sorted(_market_metrics(books), metrics_of(histories)), trips, page, b"", _summary(books, rows))


def with_market(made: RunReport, spec: RunSpec, market: SimulatedMarket, simulation: Simulation, identity: Identity) -> RunReport:
    """Add to the report of a strategy the measures of the market it traded in, and that market's page."""
    books = _books(spec, market, simulation.market["market_bars"])
    page, _ = _page(spec, simulation, None, identity, books)
    return dataclasses.replace(made, metrics=_sorted(made.metrics, _market_metrics(books)), market_html=page)


def _books(spec: RunSpec, market: SimulatedMarket, bars: pa.Table) -> dict[str, MarketHistory]:
    """Return every book's history by its name: the symbol, and the venue where there are several."""
    years = sessions_per_year(spec.calendar)
    return {
        symbol if len(market.venues) == 1 else f"{symbol} {venue.name}": market_history(bars, symbol, venue.name, years)
        for symbol in spec.symbols
        for venue in market.venues
    }


def _sorted(*metrics: pa.Table) -> pa.Table:
    return pa.concat_tables(metrics).sort_by([("agent", "ascending"), ("metric", "ascending")])


def starting_equity(agents: pa.Table) -> dict[str, float]:
    """Return what each group began with, currency."""
    per_group = agents.group_by("group_name").aggregate([("equity_cash", "sum"), ("pnl_cash", "sum")]).to_pylist()
    return {row["group_name"]: row["equity_cash_sum"] - row["pnl_cash_sum"] for row in per_group}


def group_rows(agents: pa.Table, activity: pa.Table) -> list[GroupRow]:
    """Return what each group did, in the population's order; the outside only where it traded."""
    sums = [(name, "sum") for name in ("n_orders", "n_cancels", "n_rejected", "n_fills", "volume_shares", "pnl_cash")]
    groups = agents.group_by("group_name", use_threads=False).aggregate([("agent_number", "count"), *sums]).to_pylist()
    made = activity.group_by("group_name").aggregate([("maker_shares", "sum"), ("taker_shares", "sum")]).to_pylist()
    by_name = {row["group_name"]: row for row in made}
    total = max(sum(row["maker_shares_sum"] + row["taker_shares_sum"] for row in made) / 2, 1e-9)
    rows = []
    for g in groups:
        if g["group_name"] not in by_name:
            continue
        m, orders, volume = by_name[g["group_name"]], g["n_orders_sum"], g["volume_shares_sum"]
        rows.append(
            GroupRow(
                g["group_name"],
                (
                    f"{g['agent_number_count']:,}",
                    f"{orders:,}",
                    f"{g['n_cancels_sum'] / orders:,.2f}" if orders else MISSING,
                    f"{g['n_rejected_sum']:,}",
                    f"{g['n_fills_sum']:,}",
                    percent(m["maker_shares_sum"] / total, 1),
                    percent(m["taker_shares_sum"] / total, 1),
                    money(g["pnl_cash_sum"]),
                    money(g["pnl_cash_sum"] / volume) if volume else MISSING,
                ),
            )
        )
    return rows


def _market_metrics(books: Mapping[str, MarketHistory]) -> pa.Table:
    rows = []
    for name, history in books.items():
        for measure in MARKET_MEASURES:
            value = measure.compute(history)
            rows.append((name, "market", measure.name, value if np.isfinite(value) else None, measure.unit))
    return pa.Table.from_arrays(
        [pa.array(column, f.type) for column, f in zip(zip(*rows, strict=True), SCHEMA, strict=True)], schema=SCHEMA
    )


def bars_of_market(bars: pa.Table) -> pa.Table:
    """Return table `market_bars` in the columns of historical bars, the first venue's where there are several."""
    from marketsim.data.bars import SCHEMA as BARS

    first = bars.filter(pc.equal(bars["venue"], bars["venue"][0]))
    constant = {"split_ratio": 1.0, "dividend_cash": 0.0, "source": "simulated", "retrieved_utc": None}
    columns = [pa.array([constant[f.name]] * first.num_rows, f.type) if f.name in constant else first[f.name].cast(f.type) for f in BARS]
    return pa.Table.from_arrays(columns, schema=BARS)


def _page(
    spec: RunSpec, simulation: Simulation, findings: pa.Table | None, identity: Identity, books: Mapping[str, MarketHistory]
) -> tuple[str, list[GroupRow]]:
    """Return the page and its rows of groups; without ``findings`` the page has none."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    agents = simulation.market["market_agents"]
    rows, starting = group_rows(agents, simulation.market["market_activity"]), starting_equity(agents)
    bars, activity = simulation.market["market_bars"], simulation.market["market_activity"]
    colours = market_charts.group_colours([row.name for row in rows])
    charts = {}
    shown = []
    for number, name in enumerate(books):
        symbol, _, venue = name.partition(" ")
        own = bars.filter(pc.equal(bars["symbol"], symbol))
        own = own.filter(pc.equal(own["venue"], venue or own["venue"][0]))
        shown.append((number, name))
        charts[f"price-{number}"] = market_charts.price_chart(own)
        charts[f"spread-{number}"] = market_charts.area_chart(own, "spread", "Spread", ".3~f")
        charts[f"volume-{number}"] = market_charts.area_chart(own, "volume_shares", "Shares", "~s", "bar")
        charts[f"touch-{number}"] = market_charts.area_chart(own, "touch_shares", "Shares at the touch", "~s")
    charts["shares"] = market_charts.shares_chart(activity, colours)
    charts["profit"] = market_charts.profit_chart(simulation.equity, starting, colours)
    first = next(iter(books.values()))
    dates = pc.min_max(bars["session_date"]).as_py()
    environment = Environment(
        loader=PackageLoader("marketsim.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.get_template("market.html.j2").render(
        spec=spec,
        period=f"{', '.join(spec.symbols[:6])} · {dates['min']} to {dates['max']} · seed {spec.seed}",
        identity=identity,
        n_agents=agents.num_rows - 1,
        tiles=[(m.label, _text(m, first), m.formula) for m in MARKET_MEASURES if m.name in TILES],
        books=shown,
        measures=[(m.label, m.formula, [_text(m, h) for h in books.values()]) for m in MARKET_MEASURES],
        columns=COLUMNS,
        groups=rows,
        gates=sections.health_gates(simulation.health),
        checks=None if findings is None else sections.data_checks(findings),
        config=yaml.safe_dump(spec.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=110),
        data=script_json(
            {"look": {"config": chart_config(PAGE, FONT), "autosize": {"type": "fit-x", "contains": "padding"}}, "charts": charts}
        ),
        runtime=chart_runtime(),
    )
    return page, rows


def price_png(title: str, bars: pa.Table) -> bytes:
    """Return the price of the first symbol of table `market_bars` as PNG; drawing it takes longer than a day of simulation."""
    import vl_convert

    first = bars.filter(pc.and_(pc.equal(bars["symbol"], bars["symbol"][0]), pc.equal(bars["venue"], bars["venue"][0])))
    chart = market_charts.price_chart(first) | PICTURE_SIZE
    chart["layer"] = [{key: value for key, value in layer.items() if key != "params"} for layer in chart["layer"]]
    chart["title"] = {"text": title, "fontSize": 17, "offset": 12}
    chart |= {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "padding": 18,
        "config": chart_config(PAPER, "Roboto, Helvetica, Arial, sans-serif") | {"background": "#ffffff"},
    }
    return bytes(vl_convert.vegalite_to_png(chart, scale=2))


def _text(measure: MarketMeasure, history: MarketHistory) -> str:
    """Return a measure as text; returns of a bar and spreads are small, and get the digits that show them."""
    value = measure.compute(history)
    if measure.unit == "fraction" and 0 < abs(value) < 0.01:
        return percent(value, 4)
    return f"{value:,.4f}" if measure.name == "market_spread" and np.isfinite(value) else with_unit(value, measure.unit)


def _summary(books: Mapping[str, MarketHistory], rows: list[GroupRow]) -> tuple[tuple[str, ...], ...]:
    """Return what the console shows: the market's measures in the first column, what each group did in the others."""
    first = next(iter(books.values()))
    blank = ("",) * len(rows)
    table = [("", next(iter(books)), *(row.name for row in rows))]
    table += [(measure.label, _text(measure, first), *blank) for measure in MARKET_MEASURES]
    table += [(label, "", *(row.cells[k] for row in rows)) for k, label in enumerate(COLUMNS)]
    return tuple(table)
