"""The metrics table, and the reference page that explains it."""

from __future__ import annotations

import math
from itertools import groupby

import numpy as np
import pyarrow as pa

from marketsim.config.run import RunSpec
from marketsim.risk.account import AccountHistory, Ledger, account_histories
from marketsim.risk.measures import MEASURES
from marketsim.risk.round_trips import round_trips
from marketsim.risk.sharpe_significance import Trials
from marketsim.risk.traded_bars import traded_bars

SCHEMA = pa.schema(
    [
        pa.field("agent", pa.string(), nullable=False),
        pa.field("role", pa.string(), nullable=False),
        pa.field("metric", pa.string(), nullable=False),
        pa.field("value", pa.float64()),
        pa.field("unit", pa.string(), nullable=False),
    ]
)

NO_TRIALS = Trials()


def metrics(spec: RunSpec, bars: pa.Table, ledger: Ledger, trials: Trials = NO_TRIALS) -> pa.Table:
    """Measure every account of a run.

    Parameters
    ----------
    spec : the run's specification; its report section sets the risk-free rate, its calendar the bars a year.
    bars : table `bars`, the clean bars that were simulated.
    ledger : what the simulation left: tables fills and equity are read.
    trials : how many variants were tried to find the strategy; the deflated Sharpe ratio needs it.

    Returns
    -------
    Table `metrics`, sorted by agent and metric; a measure that is not defined is null.
    """
    traded = traded_bars(spec, bars)
    return metrics_of(account_histories(spec, traded, ledger, round_trips(ledger.fills, traded), trials))


def metrics_of(histories: tuple[AccountHistory, ...]) -> pa.Table:
    """Return table `metrics` of histories built already; see `metrics`."""
    with np.errstate(over="ignore", invalid="ignore"):  # an equity of 1e300 overflows; what is not finite is stored as null
        rows = [(a.agent, a.role, m.name, _value(m.compute(a)), m.unit) for a in histories for m in MEASURES]
    rows.sort(key=lambda row: (row[0], row[2]))
    return (
        pa.Table.from_arrays([pa.array(column, f.type) for column, f in zip(zip(*rows, strict=True), SCHEMA, strict=True)], schema=SCHEMA)
        if rows
        else SCHEMA.empty_table()
    )


def _value(value: float) -> float | None:
    return value if math.isfinite(value) else None


_BETTER = {"higher": "higher", "lower": "lower", "neither": "—"}


def metrics_reference() -> str:
    """Return the reference of all measures as Markdown: one table a group, a row a measure."""
    parts = []
    for group, members in groupby(MEASURES, key=lambda m: m.group):
        parts.append(f"## {group}\n")
        parts.append("| metric | name | unit | better | formula | source |\n|---|---|---|---|---|---|")
        for m in members:
            # A bar inside a cell would end it.
            formula = m.formula.replace("|", "\\|")
            parts.append(f"| `{m.name}` | {m.label} | {m.unit} | {_BETTER[m.better]} | {formula} | {m.source or '—'} |")
        parts.append("")
    return "\n".join(parts)
