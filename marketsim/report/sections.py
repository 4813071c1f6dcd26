"""The page's tables that are no charts: months, worst drawdowns, costs, health, findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from marketsim.report.number_format import MISSING, money, percent
from marketsim.risk.account import AccountHistory
from marketsim.risk.calendar_periods import month_number, year_number
from marketsim.risk.drawdown import episodes
from marketsim.risk.returns import by_period

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
FULL_TINT = 0.10  # a month of ±10 % gets the full colour
WORST = 8
SEVERITIES = ("critical", "error", "warning", "info")


@dataclass(frozen=True, slots=True)
class Cell:
    """A table cell: its text, and how strongly it is tinted, −1 full loss to +1 full gain."""

    text: str
    tint: float


@dataclass(frozen=True, slots=True)
class Year:
    """One row of the monthly table."""

    year: int
    months: tuple[Cell, ...]
    total: Cell
    benchmark: str


def monthly_table(history: AccountHistory, benchmark: AccountHistory | None) -> list[Year]:
    """Return the account's return of each month and year, and the benchmark's of each year."""
    months, values = by_period(history.returns, month_number(history.session))
    by_month = dict(zip(months.tolist(), values.tolist(), strict=True))
    years = _by_year(history)
    reference = _by_year(benchmark) if benchmark is not None else {}
    return [
        Year(
            year,
            tuple(_cell(by_month.get((year - 1970) * 12 + m), FULL_TINT, 1) for m in range(12)),
            _cell(total, 3 * FULL_TINT, 1),
            percent(reference.get(year), 1),
        )
        for year, total in years.items()
    ]


def _by_year(history: AccountHistory) -> dict[int, float]:
    years, values = by_period(history.returns, year_number(history.session))
    return dict(zip(years.tolist(), values.tolist(), strict=True))


def _cell(value: float | None, full: float, digits: int) -> Cell:
    if value is None:
        return Cell("", 0.0)
    return Cell(percent(value, digits).removesuffix(" %"), float(np.clip(value / full, -1.0, 1.0)))


@dataclass(frozen=True, slots=True)
class Fall:
    """One of the worst drawdowns, as text."""

    depth: str
    peak: str
    trough: str
    recovery: str
    bars: str
    days: str


def worst_drawdowns(history: AccountHistory) -> list[Fall]:
    """Return the deepest episodes, deepest first."""
    deepest = sorted(episodes(history.wealth), key=lambda e: (e.depth, e.peak))[:WORST]
    return [
        Fall(
            percent(e.depth),
            _date(history, e.peak),
            _date(history, e.trough),
            _date(history, e.end) if e.recovered else "not yet",
            f"{e.bars:,}",
            f"{(history.wealth_ns[e.end] - history.wealth_ns[e.peak]) / 86_400e9:,.0f}",
        )
        for e in deepest
    ]


def _date(history: AccountHistory, position: int) -> str:
    return str(np.datetime64(int(history.session[max(position - 1, 0)]), "D"))


@dataclass(frozen=True, slots=True)
class CostRow:
    """One account's costs as text, and each kind's share of the bar, percent of the dearest account's costs a unit traded."""

    agent: str
    amounts: tuple[str, ...]
    total: str
    bps: str
    bars: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class SideRow:
    """One account over the sessions that were also simulated, as text: first against bars, then among agents."""

    agent: str
    bars_return: str
    simulated_return: str
    bars_cost_bps: str
    simulated_cost_bps: str
    participation: str
    own_effect: str


def side_rows(sessions: pa.Table, cash: Mapping[str, float]) -> list[SideRow]:
    """Set the accounts of table ``simulated_sessions`` side by side; ``cash`` is what each agent begins with, in the order of the rows.

    Costs are over all sessions, basis points of the notional traded; the effect of the strategy's own trading is the mean over the sessions
    in which it traded.
    """
    rows = []
    present = set(sessions["agent"].to_pylist())
    for agent in (name for name in cash if name in present):
        own = sessions.filter(pc.equal(sessions["agent"], agent))
        (bars_return, bars_bps), (lived_return, lived_bps) = (_side(own, side, cash[agent]) for side in ("bars", "simulated"))
        effect = pc.mean(own["own_effect_bps"]).as_py()
        largest = pc.max(own["participation_frac"]).as_py()
        share = percent(largest, 3) if largest else MISSING
        own_effect = MISSING if effect is None else f"{effect:+.2f}".replace("-", "−")
        rows.append(SideRow(agent, bars_return, lived_return, bars_bps, lived_bps, share, own_effect))
    return rows


def side_summary(sides: Sequence[SideRow], n_sessions: int, accounts: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Return the rows (label, value…) that tell of simulated sessions on a console; accounts that did not trade in them have no value."""
    by_agent = {row.agent: row for row in sides}
    rows = {f"Last {n_sessions}, bars": "bars_return", f"Last {n_sessions}, agents": "simulated_return", "Own effect, bps": "own_effect"}
    return tuple(
        (label, *(getattr(by_agent[a], name) if a in by_agent else MISSING for a in accounts)) for label, name in rows.items() if sides
    )


def _side(own: pa.Table, side: str, cash: float) -> tuple[str, str]:
    """Return an account's return, and its costs in basis points of what it traded, in one of the two markets."""
    turned = pc.sum(own[f"{side}_turnover_cash"]).as_py()
    bps = f"{1e4 * pc.sum(own[f'{side}_cost_cash']).as_py() / turned:.2f}" if turned > 0 else MISSING
    return percent(own[f"{side}_equity_cash"][-1].as_py() / cash - 1.0), bps


COST_KINDS = ("Commissions", "Spread", "Slippage", "Impact", "Borrow")


def cost_rows(histories: Sequence[AccountHistory]) -> list[CostRow]:
    """Return costs by kind of every account that traded, in currency, and all costs in basis points of the notional traded."""
    traders = [(a, float(a.traded.sum())) for a in histories if a.traded.any()]
    dearest = max((a.costs.total / traded for a, traded in traders), default=0.0)
    rows = []
    for a, traded in traders:
        kinds = (a.costs.fees, a.costs.spread, a.costs.slippage, a.costs.impact, a.costs.borrow)
        rows.append(
            CostRow(
                a.agent,
                tuple(money(kind) for kind in kinds),
                money(a.costs.total),
                f"{a.costs.total / traded * 1e4:,.2f}",
                tuple(round(kind / traded / dearest * 100, 2) if dearest > 0 else 0.0 for kind in kinds),
            )
        )
    return rows


@dataclass(frozen=True, slots=True)
class Gates:
    """Health of the run: how many gates passed, and all of them as (gate, passed, observed, allowed, message)."""

    n_passed: int
    rows: tuple[tuple[str, bool, str, str, str], ...]


def health_gates(health: pa.Table) -> Gates:
    """Return the run's gates, failed ones first."""
    rows = [
        (r["gate"], r["passed"], MISSING if r["observed"] is None else f"{r['observed']:.3g}", r["allowed"], r["message"])
        for r in health.to_pylist()
    ]
    return Gates(sum(1 for row in rows if row[1]), tuple(sorted(rows, key=lambda row: (row[1], row[0]))))


@dataclass(frozen=True, slots=True)
class DataChecks:
    """The data's findings: checks made, failures by severity, and the failed ones as (severity, check, symbol, rows, message)."""

    n_checks: int
    failed: tuple[tuple[str, int], ...]
    rows: tuple[tuple[str, str, str, str, str], ...]


def data_checks(findings: pa.Table) -> DataChecks:
    """Return what validation found, the worst first."""
    rows = findings.to_pylist()
    bad = [r for r in rows if not r["success"]]
    counts = tuple((severity, n) for severity in SEVERITIES if (n := sum(1 for r in bad if r["severity"] == severity)))
    bad.sort(key=lambda r: (SEVERITIES.index(r["severity"]), r["check_name"], r["symbol"]))
    return DataChecks(
        len(rows), counts, tuple((r["severity"], r["check_name"], r["symbol"], f"{r['n_unexpected']:,}", r["message"]) for r in bad)
    )
