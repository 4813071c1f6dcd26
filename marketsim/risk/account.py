"""One account's history as arrays: what every measure of the report is computed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa

from marketsim.config.run import RunSpec
from marketsim.risk.columns import codes, days, numbers, rows_of, times
from marketsim.risk.observations import FloatArray, IntArray
from marketsim.risk.ratios import risk_free_per_bar
from marketsim.risk.returns import returns_from_wealth
from marketsim.risk.sharpe_significance import Trials

BENCHMARK = "benchmark"
SESSIONS_PER_YEAR = {"24/7": 365.0, "24/5": 260.0}


class Ledger(Protocol):
    """What a simulation leaves behind, as tables of the warehouse's schemas."""

    @property
    def orders(self) -> pa.Table:
        """Table `orders`."""

    @property
    def fills(self) -> pa.Table:
        """Table `fills`."""

    @property
    def positions(self) -> pa.Table:
        """Table `positions`."""

    @property
    def equity(self) -> pa.Table:
        """Table `equity`."""

    @property
    def health(self) -> pa.Table:
        """Table `health`."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Conventions of time and money that all accounts of a run share; rates are fractions."""

    start_ns: int
    periods_per_year: float
    risk_free_yearly: float
    trials: Trials

    @property
    def risk_free(self) -> float:
        """Risk-free rate a bar."""
        return risk_free_per_bar(self.risk_free_yearly, self.periods_per_year)


@dataclass(frozen=True, slots=True)
class Costs:
    """What an account paid over the run, currency; dividends are what it received less what it paid."""

    fees: float
    spread: float
    slippage: float
    impact: float
    borrow: float
    dividends: float

    @property
    def total(self) -> float:
        """Everything paid; dividends are no cost."""
        return self.fees + self.spread + self.slippage + self.impact + self.borrow


@dataclass(frozen=True, slots=True)
class AccountHistory:
    """One account on the run's clock; (n,) arrays have one entry a bar, wealth and its times one more for the start."""

    agent: str
    role: str
    clock: Clock
    wealth: FloatArray
    wealth_ns: IntArray
    session: IntArray
    returns: FloatArray
    benchmark: FloatArray
    long_value: FloatArray
    short_value: FloatArray
    traded: FloatArray
    costs: Costs
    n_fills: int
    share_of_volume: FloatArray
    share_equity: FloatArray
    trips: pa.Table

    @property
    def equity(self) -> FloatArray:
        """Equity at each bar's close, (n,) currency."""
        return self.wealth[1:]


def sessions_per_year(calendar: str) -> float:
    """Return how many sessions a calendar counts a year: 252 for exchanges, 365 for 24/7, 260 for 24/5."""
    return SESSIONS_PER_YEAR.get(calendar, 252.0)


def account_histories(
    spec: RunSpec, bars: pa.Table, ledger: Ledger, trips: pa.Table, trials: Trials, starting: Mapping[str, float] | None = None
) -> tuple[AccountHistory, ...]:
    """Return the accounts of a run: the strategy first, the agents in the specification's order, the benchmark last.

    The first bar's return is measured from the starting cash, so the total return is final equity over starting cash less one.
    Bars a year are the calendar's sessions times the median number of bars a session.

    Parameters
    ----------
    bars : table `bars` as traded; the run starts at the open of its first bar.
    ledger : what the simulation left.
    trips : table `round_trips`.
    starting : account → equity it began with; None = the cash of the run's traders and benchmark.
    """
    cash = starting or {trader.name: (trader.account or spec.account).cash for trader in spec.traders} | {BENCHMARK: spec.account.cash}
    present = set(codes(ledger.equity, "agent")[0])
    rows = {name: rows_of(ledger.equity, "agent", name) for name in cash if name in present}
    if not rows:
        return ()
    first = next(iter(rows.values()))
    clock = Clock(
        start_ns=int(min(times(first, "close_utc")[0], times(bars, "open_utc").min(initial=np.iinfo(np.int64).max))),
        periods_per_year=sessions_per_year(spec.calendar) * _bars_per_session(days(first, "session_date")),
        risk_free_yearly=spec.report.risk_free_rate,
        trials=trials,
    )
    seen = bars.filter(pa.array(times(bars, "close_utc") <= times(first, "close_utc")[-1]))
    market = _Market(clock, rows.get(BENCHMARK), _dollar_volume(seen))
    return tuple(
        _history(name, cash[name], market, table, rows_of(ledger.fills, "agent", name), rows_of(trips, "agent", name))
        for name, table in rows.items()
    )


@dataclass(frozen=True, slots=True)
class _Market:
    """What all accounts are measured against: the clock, the benchmark's equity, and dollars traded a session by symbol."""

    clock: Clock
    reference: pa.Table | None
    dollar_volume: dict[str, float]


def _role(name: str) -> str:
    return name if name in ("strategy", BENCHMARK) else "agent"


def _bars_per_session(session: IntArray) -> float:
    return float(np.median(np.unique(session, return_counts=True)[1]))


def _history(name: str, starting_cash: float, market: _Market, equity: pa.Table, fills: pa.Table, trips: pa.Table) -> AccountHistory:
    level, session, close_ns = numbers(equity, "equity_cash"), days(equity, "session_date"), times(equity, "close_utc")
    wealth = np.concatenate(([starting_cash], level))
    share, at_session = _share_of_volume(fills, market.dollar_volume)
    last_bar = np.searchsorted(session, at_session, side="right") - 1
    return AccountHistory(
        agent=name,
        role=_role(name),
        clock=market.clock,
        wealth=wealth,
        wealth_ns=np.concatenate(([market.clock.start_ns], close_ns)),
        session=session,
        returns=returns_from_wealth(wealth),
        benchmark=_aligned_returns(market.reference, close_ns),
        long_value=numbers(equity, "long_value_cash"),
        short_value=numbers(equity, "short_value_cash"),
        traded=numbers(equity, "turnover_cash"),
        costs=Costs(
            fees=float(numbers(equity, "fees_cash").sum()),
            spread=float(numbers(fills, "spread_cost_cash").sum()),
            slippage=float(numbers(fills, "slippage_cost_cash").sum()),
            impact=float(numbers(fills, "impact_cost_cash").sum()),
            borrow=float(numbers(equity, "borrow_cash").sum()),
            dividends=float(numbers(equity, "dividends_cash").sum()),
        ),
        n_fills=fills.num_rows,
        share_of_volume=share,
        share_equity=level[last_bar],
        trips=trips,
    )


def _aligned_returns(reference: pa.Table | None, close_ns: IntArray) -> FloatArray:
    """Return the benchmark's return of each bar, (n,) fractions; NaN where it has none."""
    aligned = np.full(close_ns.size, np.nan)
    if reference is None:
        return aligned
    its_close, its_return = times(reference, "close_utc"), numbers(reference, "return_frac")
    at = np.minimum(np.searchsorted(its_close, close_ns), its_close.size - 1)
    known = its_close[at] == close_ns
    aligned[known] = its_return[at[known]]
    return aligned


def _dollar_volume(bars: pa.Table) -> dict[str, float]:
    """Return each symbol's average dollar volume a session, close times volume summed over the session's bars, currency."""
    symbols, code = codes(bars, "symbol")
    dollars = numbers(bars, "close_price") * numbers(bars, "volume_shares")
    session = days(bars, "session_date")
    total = np.bincount(code, weights=np.where(np.isfinite(dollars), dollars, 0.0), minlength=len(symbols))
    seen = np.unique(session * max(len(symbols), 1) + code) % max(len(symbols), 1)
    sessions = np.bincount(seen, minlength=len(symbols))
    return {name: float(total[i] / sessions[i]) if total[i] > 0 else float("nan") for i, name in enumerate(symbols)}


def _share_of_volume(fills: pa.Table, volume: dict[str, float]) -> tuple[FloatArray, IntArray]:
    """Return, for each symbol and session traded, the notional over the symbol's average dollar volume, and the session, (m,) each."""
    symbols, code = codes(fills, "symbol")
    if not symbols:
        return np.empty(0), np.empty(0, dtype=np.int64)
    notional = numbers(fills, "qty_shares") * numbers(fills, "price")
    keys, inverse = np.unique(days(fills, "session_date") * len(symbols) + code, return_inverse=True)
    average = np.array([volume.get(name, float("nan")) for name in symbols])
    return np.bincount(inverse, weights=notional) / average[keys % len(symbols)], keys // len(symbols)
