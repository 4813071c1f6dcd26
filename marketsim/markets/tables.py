"""An account's run as Arrow tables, and the gates that tell whether its books add up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from marketsim.markets.account_run import AccountRun
from marketsim.markets.model import Gate
from marketsim.markets.panel import Panel
from marketsim.records import Kind, Liquidity, Reason, Side, Status, Tif

UTC_NS = pa.timestamp("ns", tz="UTC")
# Books are float64: sums of millions of fills agree to about a part in 10^10.
TOLERANCE = 1e-9


def orders_table(agent: str, run: AccountRun, panel: Panel) -> pa.Table:
    """Return the `orders` rows of one agent."""
    o = run.orders
    return _table(
        agent=_constant(agent, len(o)),
        order_id=pa.array(o["order_id"]),
        symbol=_symbols(panel, o["symbol"]),
        side=_names(Side, o["side"]),
        kind=_names(Kind, o["kind"]),
        tif=_names(Tif, o["tif"]),
        status=_names(Status, o["status"]),
        reason=_names(Reason, o["reason"]),
        submitted_utc=_time(o["submitted_ns"]),
        ended_utc=_time(o["ended_ns"]),
        qty_shares=pa.array(o["qty"]),
        filled_shares=pa.array(o["filled_qty"]),
        limit_price=pa.array(o["limit_price"], from_pandas=True),
        stop_price=pa.array(o["stop_price"], from_pandas=True),
        fee_cash=pa.array(o["fee"]),
    )


def fills_table(agent: str, run: AccountRun, panel: Panel) -> pa.Table:
    """Return the `fills` rows of one agent."""
    f = run.fills
    return _table(
        agent=_constant(agent, len(f)),
        fill_id=pa.array(np.arange(len(f))),
        order_id=pa.array(f["order_id"]),
        symbol=_symbols(panel, f["symbol"]),
        side=_names(Side, f["side"]),
        liquidity=_names(Liquidity, f["liquidity"]),
        fill_utc=_time(f["time_ns"]),
        session_date=pa.array(panel.session[f["bar"]]),
        qty_shares=pa.array(f["qty"]),
        price=pa.array(f["price"]),
        reference_price=pa.array(f["reference_price"]),
        fee_cash=pa.array(f["fee"]),
        spread_cost_cash=pa.array(f["spread_cost"]),
        slippage_cost_cash=pa.array(f["slippage_cost"]),
        impact_cost_cash=pa.array(f["impact_cost"]),
        position_after_shares=pa.array(f["position_after"]),
    )


def positions_table(agent: str, run: AccountRun, panel: Panel) -> pa.Table:
    """Return the `positions` rows of one agent: every symbol held at a bar's close, symbols in alphabetical order."""
    order = np.argsort(np.array(panel.symbols))
    bar, rank = np.nonzero(run.position[:, order])
    column = order[rank]
    qty, price = run.position[bar, column], run.mark[bar, column]
    return _table(
        agent=_constant(agent, len(bar)),
        symbol=_symbols(panel, column),
        session_date=pa.array(panel.session[bar]),
        close_utc=_time(panel.close_ns[bar]),
        qty_shares=pa.array(qty),
        price=pa.array(price),
        market_value_cash=pa.array(qty * price),
    )


def equity_table(agent: str, starting_cash: float, run: AccountRun, panel: Panel) -> pa.Table:
    """Return the `equity` rows of one agent, one a bar."""
    value = run.position * np.nan_to_num(run.mark)
    equity = run.cash + value.sum(axis=1)
    before = np.concatenate([[starting_cash], equity[:-1]])
    with np.errstate(divide="ignore", invalid="ignore"):
        returns = np.where(before > 0.0, equity / before - 1.0, 0.0)
    peak = np.maximum.accumulate(np.maximum(equity, starting_cash))
    return _table(
        agent=_constant(agent, panel.n_bars),
        session_date=pa.array(panel.session),
        close_utc=_time(panel.close_ns),
        cash=pa.array(run.cash),
        long_value_cash=pa.array(np.maximum(value, 0.0).sum(axis=1)),
        short_value_cash=pa.array(np.minimum(value, 0.0).sum(axis=1)),
        equity_cash=pa.array(equity),
        return_frac=pa.array(returns),
        drawdown_frac=pa.array(equity / peak - 1.0),
        turnover_cash=pa.array(run.turnover),
        fees_cash=pa.array(run.fees),
        borrow_cash=pa.array(run.borrow),
        dividends_cash=pa.array(run.dividends),
    )


def health_table(
    runs: Sequence[tuple[str, float, AccountRun]], panel: Panel, of_market: Callable[[AccountRun], Sequence[Gate]]
) -> pa.Table:
    """Return the `health` rows: per agent, whether cash, shares and orders add up, and what the market itself checks."""
    rows: list[tuple[str, bool, float, str, str]] = []
    for agent, cash, run in runs:
        f, o = run.fills, run.orders
        side = f["side"].astype(np.float64)
        booked = cash - (side * f["qty"] * f["price"]).sum() - f["fee"].sum() + run.dividends.sum() - run.borrow.sum()
        scale = max(cash, float((f["qty"] * f["price"]).sum()), 1.0)
        rows.append(_gate(agent, "cash_conserved", abs(booked - run.cash[-1]) / scale, "relative difference of cash from its fills"))
        rows.append(_gate(agent, "shares_conserved", _share_gap(run, panel), "shares held beyond the sum of fills, splits restated"))
        ended = np.isin(o["status"], (Status.FILLED, Status.CANCELLED, Status.EXPIRED, Status.REJECTED))
        untrue_fill = (o["status"] == Status.FILLED) & (np.abs(o["qty"] - o["filled_qty"]) > 1e-6)
        rows.append(_gate(agent, "orders_accounted", float((~ended).sum() + untrue_fill.sum()), "orders without a true final state"))
        rows += [_gate(agent, *gate) for gate in of_market(run)]
    rows.sort()
    gate, passed, observed, allowed, message = zip(*rows, strict=True)
    return _table(
        gate=pa.array(gate), passed=pa.array(passed), observed=pa.array(observed), allowed=pa.array(allowed), message=pa.array(message)
    )


def _gate(agent: str, name: str, observed: float, what: str) -> tuple[str, bool, float, str, str]:
    passed = bool(observed <= TOLERANCE)
    message = f"{agent}: {what}: {observed:.3g}{'' if passed else f', expected at most {TOLERANCE:g}'}."
    return f"{agent}.{name}", passed, observed, f"<= {TOLERANCE:g}", message


def _share_gap(run: AccountRun, panel: Panel) -> float:
    """Return the largest difference between final positions and fills carried through later splits, relative to shares traded."""
    f = run.fills
    later = np.vstack([np.cumprod(panel.split[::-1], axis=0)[::-1][1:], np.ones((1, len(panel.symbols)))])
    restated = f["qty"] * later[f["bar"], f["symbol"]]
    total, traded = np.zeros(len(panel.symbols)), np.ones(len(panel.symbols))
    np.add.at(total, f["symbol"], f["side"] * restated)
    np.add.at(traded, f["symbol"], restated)
    return float(np.max(np.abs(total - run.position[-1]) / traded))


def _table(**columns: pa.Array) -> pa.Table:
    """Build a table whose columns are nullable only where nulls are meant: prices an order kind does not have."""
    fields = [pa.field(name, column.type, nullable=name in ("limit_price", "stop_price", "observed")) for name, column in columns.items()]
    return pa.Table.from_arrays(list(columns.values()), schema=pa.schema(fields))


def _constant(text: str, count: int) -> pa.Array:
    return pa.repeat(text, count)


def _symbols(panel: Panel, index: npt.NDArray[np.integer]) -> pa.Array:
    return pa.array(panel.symbols).take(pa.array(index))


def _names(enum: type[IntEnum], codes: npt.NDArray[np.int8]) -> pa.Array:
    members = sorted(enum)
    position = np.searchsorted([int(m) for m in members], codes)
    return pa.array([m.name.lower() for m in members]).take(pa.array(position))


def _time(ns: npt.NDArray[np.int64]) -> pa.Array:
    return pa.array(ns).view(UTC_NS)
