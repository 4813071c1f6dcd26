"""Report: what came of a run, as tables, a page, a picture, and a few rows for the console."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from marketsim.config.run import RunSpec
from marketsim.report.comparison import summary_rows
from marketsim.report.line_data import line_data, shown
from marketsim.report.palette import account_colours
from marketsim.report.picture import picture_png
from marketsim.report.sections import side_summary
from marketsim.report.tear_sheet import Identity, Sheet, n_sessions, period_text, sides, tear_sheet
from marketsim.risk.account import Ledger, account_histories
from marketsim.risk.columns import times
from marketsim.risk.metrics import NO_TRIALS, metrics_of
from marketsim.risk.round_trips import round_trips
from marketsim.risk.sharpe_significance import Trials
from marketsim.risk.traded_bars import traded_bars


@dataclass(frozen=True, slots=True)
class RunReport:
    """Everything a reader gets.

    ``metrics`` and ``round_trips`` are tables of the warehouse; ``html`` is one self-contained page that works offline;
    ``image_png`` shows growth and drawdown, and is empty where there is no strategy; ``summary`` has the header ("", account…) first and
    then rows (label, value…) of text; ``market_html`` is a page about the simulated market a strategy traded in, else empty.
    """

    metrics: pa.Table
    round_trips: pa.Table
    html: str
    image_png: bytes
    summary: tuple[tuple[str, ...], ...]
    market_html: str = ""


def report(  # noqa: PLR0913 - a run's four products and its identity; only what is printed is optional
    spec: RunSpec,
    bars: pa.Table,
    simulation: Ledger,
    findings: pa.Table,
    run_id: str,
    *,
    snapshot_digest: str = "",
    code_version: str = "",
    trials: Trials = NO_TRIALS,
    sessions: pa.Table | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> RunReport:
    """Measure a run and write its report; the same arguments give the same bytes.

    Parameters
    ----------
    bars : table `bars`, the clean bars that were simulated, benchmark included.
    simulation : tables orders, fills, positions, equity and health.
    findings : table `findings`.
    run_id, snapshot_digest, code_version : what the page prints about the run's identity; empty ones are left out.
    sessions : table `simulated_sessions`, where sessions were simulated besides; None where not.
    trials : how many variants were tried to find the strategy, for the deflated Sharpe ratio.
    progress : hears a short sentence now and then.
    """
    traded = traded_bars(spec, bars)
    last_ns = times(simulation.equity, "close_utc").max()
    traded = traded.filter(pa.array(times(traded, "close_utc") <= last_ns))
    progress("matching round trips")
    trips = round_trips(simulation.fills, traded)
    progress("measuring accounts")
    histories = account_histories(spec, traded, simulation, trips, trials)
    table = metrics_of(histories)
    values: dict[str, dict[str, float | None]] = {}
    for row in table.to_pylist():
        values.setdefault(row["metric"], {})[row["agent"]] = row["value"]

    drawn = shown(histories)
    lines = line_data(drawn, spec.report.rolling_bars)
    # From back to front: the benchmark, the agents, the strategy on top.
    colours = dict(reversed(account_colours(drawn).items()))
    progress("drawing the picture")
    picture = picture_png(spec.name.replace("_", " "), period_text(spec, histories[0]), lines, colours)
    progress("writing the page")
    identity = Identity(run_id, snapshot_digest, code_version)
    sheet = Sheet(spec, traded, simulation, findings, histories, values, lines, colours, identity, sessions)
    summary = summary_rows(values, histories) + side_summary(sides(sheet), n_sessions(sheet), [a.agent for a in histories])
    return RunReport(table, trips, tear_sheet(sheet), picture, summary)
