"""The metrics table as people read it: one row a measure, one column an account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from marketsim.report.number_format import MISSING, with_unit
from marketsim.risk.account import AccountHistory
from marketsim.risk.measure import Measure
from marketsim.risk.measures import BY_NAME, MEASURES

Values = Mapping[str, Mapping[str, float | None]]  # metric → account → value

SUMMARY = (
    "total_return",
    "cagr",
    "volatility",
    "sharpe",
    "sortino",
    "max_drawdown",
    "calmar",
    "cvar_95",
    "alpha",
    "beta",
    "time_in_market",
    "annual_turnover",
    "n_round_trips",
    "win_rate",
    "total_cost",
    "final_equity",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One measure: its label, what it means, and each account's value as text; ``best`` marks the preferred one."""

    label: str
    explanation: str
    cells: tuple[str, ...]
    best: tuple[bool, ...]


def rows_by_group(values: Values, histories: Sequence[AccountHistory]) -> list[tuple[str, list[Row]]]:
    """Return all measures that any account has a value for, by group."""
    accounts = [a.agent for a in histories]
    contenders = [a.agent for a in histories if a.role != "benchmark"]
    groups = []
    for group, measures in groupby(MEASURES, key=lambda m: m.group):
        rows = [_row(m, values[m.name], accounts, contenders) for m in measures if any(values[m.name][a] is not None for a in accounts)]
        if rows:
            groups.append((str(group), rows))
    return groups


def _row(measure: Measure, value: Mapping[str, float | None], accounts: Sequence[str], contenders: Sequence[str]) -> Row:
    label = f"{measure.label}, {measure.unit}" if measure.unit in ("bars", "days") else measure.label
    source = f" · {measure.source}" if measure.source else ""
    best = _best(measure, value, contenders)
    return Row(
        label,
        f"{measure.formula}{source}",
        tuple(with_unit(value[a], measure.unit) for a in accounts),
        tuple(a in best for a in accounts),
    )


def _best(measure: Measure, value: Mapping[str, float | None], contenders: Sequence[str]) -> set[str]:
    """Return who alone has the preferred value; nobody where it is shared or there is no preference."""
    known = {a: v for a in contenders if (v := value[a]) is not None}
    if measure.better == "neither" or len(known) < 2:
        return set()
    top = (max if measure.better == "higher" else min)(known.values())
    first = {a for a, v in known.items() if v == top}
    return first if len(first) == 1 else set()


def summary_rows(values: Values, histories: Sequence[AccountHistory]) -> tuple[tuple[str, ...], ...]:
    """Return the short comparison for consoles: first the header (empty, accounts…), then (label, value…) rows."""
    accounts = [a.agent for a in histories]
    rows = [("", *accounts)]
    for name in SUMMARY:
        cells = tuple(with_unit(values[name][a], BY_NAME[name].unit) for a in accounts)
        if any(cell != MISSING for cell in cells):
            rows.append((BY_NAME[name].label, *cells))
    return tuple(rows)
