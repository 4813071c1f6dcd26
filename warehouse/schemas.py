"""Every table of the warehouse, by name."""

from __future__ import annotations

from warehouse.account_tables import EQUITY, FILLS, HEALTH, METRICS, ORDERS, POSITIONS, ROUND_TRIPS, TRIALS
from warehouse.market_tables import (
    MARKET_ACCOUNTS,
    MARKET_ACTIVITY,
    MARKET_AGENTS,
    MARKET_BARS,
    MARKET_DEPTH,
    MARKET_EVENTS,
    MARKET_ORDERS,
    MARKET_QUOTES,
    MARKET_TRADES,
    SIMULATED_SESSIONS,
)
from warehouse.run_tables import BARS, CONFIGS, FINDINGS, QUARANTINE, RUNS, SOURCES
from warehouse.table_schema import TableSchema

TABLES: dict[str, TableSchema] = {
    t.name: t
    for t in (
        RUNS,
        CONFIGS,
        SOURCES,
        BARS,
        FINDINGS,
        QUARANTINE,
        ORDERS,
        FILLS,
        POSITIONS,
        EQUITY,
        ROUND_TRIPS,
        METRICS,
        HEALTH,
        TRIALS,
        MARKET_BARS,
        MARKET_ACTIVITY,
        SIMULATED_SESSIONS,
        MARKET_AGENTS,
        MARKET_ORDERS,
        MARKET_EVENTS,
        MARKET_TRADES,
        MARKET_QUOTES,
        MARKET_DEPTH,
        MARKET_ACCOUNTS,
    )
}
