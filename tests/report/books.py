"""A small run by hand: two symbols, three accounts, a few fills, one split."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from marketsim.config.run import RunSpec
from tests.risk.risk_tables import CLOSE_NS, DAY_NS, bars_of, fills_of, table

N_BARS = 320
SPLIT_BAR = 100


@dataclass(frozen=True)
class Books:
    """What a simulation leaves."""

    orders: pa.Table
    fills: pa.Table
    positions: pa.Table
    equity: pa.Table
    health: pa.Table


def spec(**changes: object) -> RunSpec:
    """Return a specification of the run, with changes."""
    settings = {
        "name": "two_walks",
        "symbols": ["AAA", "BBB"],
        "benchmark": "IDX",
        "start": "1970-01-01",
        "account": {"cash": 1000},
        "strategy": {"kind": "buy_and_hold"},
        "agents": [{"name": "other", "strategy": {"kind": "buy_and_hold"}}],
        "report": {"rolling_bars": 60},
    }
    return RunSpec.model_validate(settings | changes)


def walk(seed: int, n: int = N_BARS) -> np.ndarray:
    """Return a positive random walk that starts near 1."""
    return np.exp(np.cumsum(np.random.default_rng(seed).normal(0.0003, 0.012, n)))


def equity_of(agent: str, level: np.ndarray, *, cash: float = 1000.0, bars_a_day: int = 1) -> pa.Table:
    """Return table `equity` of one account that is always invested."""
    before = np.concatenate(([cash], level[:-1]))
    rows = [
        {
            "agent": agent,
            "session_date": i // bars_a_day,
            "close_utc": i // bars_a_day * DAY_NS + CLOSE_NS - (bars_a_day - 1 - i % bars_a_day) * 60_000_000_000,
            "cash": 0.0,
            "long_value_cash": float(max(value, 0.0)),
            "short_value_cash": 0.0,
            "equity_cash": float(value),
            "return_frac": float(value / prior - 1) if prior > 0 else 0.0,
            "drawdown_frac": 0.0,
            "turnover_cash": 100.0 if i % 40 == 0 and agent != "benchmark" else 0.0,
            "fees_cash": 0.1 if agent != "benchmark" else 0.0,
            "borrow_cash": 0.0,
            "dividends_cash": 0.0,
        }
        for i, (value, prior) in enumerate(zip(level, before, strict=True))
    ]
    return table("equity", rows)


def bars() -> pa.Table:
    """Return bars of both symbols and the index; AAA splits two for one."""
    price = 50 * walk(1)
    price[:SPLIT_BAR] *= 2
    tables = [
        bars_of(list(zip(price * 0.99, price, strict=True)), symbol="AAA", splits={SPLIT_BAR: 2.0}),
        *(bars_of(list(zip(p * 0.99, p, strict=True)), symbol=name) for name, p in (("BBB", 20 * walk(2)), ("IDX", 100 * walk(3)))),
    ]
    return pa.concat_tables(tables)


def ledger(**changes: pa.Table) -> Books:
    """Return the books of strategy, other and benchmark, with changes."""
    none = {name: table(name, []) for name in ("orders", "positions")}
    health = [
        {"gate": "strategy.cash_conserved", "passed": True, "observed": 0.0, "allowed": "<= 1e-9", "message": "Cash adds up."},
        {"gate": "strategy.uncrossed", "passed": False, "observed": None, "allowed": "<= 0", "message": "Two quotes crossed."},
    ]
    parts = none | {
        "fills": pa.concat_tables(
            [
                fills_of([("buy", 5, 100, "50o"), ("sell", 4, 60, "150o"), ("sell", 6, 55, "250o")], symbol="AAA", fee=0.5),
                fills_of([("buy", 10, 20, "10o")], agent="other", symbol="BBB"),
            ]
        ),
        "equity": pa.concat_tables(
            [equity_of(name, 1000 * walk(seed)) for name, seed in (("benchmark", 3), ("other", 5), ("strategy", 4))]
        ),
        "health": table("health", health),
    }
    return Books(**(parts | changes))


def findings(message: str = "AAA stood still for 6 bars; expected at most 5.") -> pa.Table:
    """Return one failed and one passed check."""
    common = {"column_name": "close_price", "n_checked": N_BARS, "unexpected_pct": 0.0, "observed": "6"}
    rows = [
        {"check_name": "stale_price", "symbol": "AAA", "severity": "warning", "success": False, "n_unexpected": 6, "message": message},
        {"check_name": "duplicates", "symbol": "*", "severity": "critical", "success": True, "n_unexpected": 0, "message": "None."},
    ]
    return table("findings", [common | row for row in rows])
