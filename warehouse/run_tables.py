"""Tables of a run and of the data it used: its identity and settings, sources, bars, findings, quarantined rows."""

from __future__ import annotations

import pyarrow as pa

from warehouse.table_schema import COUNT, DATE, REAL, TEXT, UTC_NS, Column, TableSchema

RUNS = TableSchema(
    "runs",
    "one row a published run",
    True,
    (),
    (
        Column("name", TEXT, "name of the run in its configuration"),
        Column("mode", TEXT, "backtest, live or realtime"),
        Column("horizon", TEXT, "daily or intraday"),
        Column("market", TEXT, "market model: bars, replay or simulated"),
        Column("status", TEXT, "success or failed"),
        Column("status_reason", TEXT, "why it failed; empty on success"),
        Column("start_date", DATE, "first session asked for"),
        Column("end_date", DATE, "last session in the data"),
        Column("n_symbols", COUNT, "traded symbols"),
        Column("n_bars", COUNT, "steps of the market"),
        Column("seed", COUNT, "seed of the run"),
        Column("config_digest", TEXT, "sha256 of the resolved configuration"),
        Column("snapshot_digest", TEXT, "sha256 of the canonical input bars"),
        Column("code_version", TEXT, "version and digest of the library's sources"),
        Column("parent_run_id", TEXT, "run this trial belongs to; empty for a run of its own"),
    ),
)

CONFIGS = TableSchema(
    "configs",
    "one row a run",
    True,
    (),
    (
        Column("config_digest", TEXT, "sha256 of config_json"),
        Column("config_json", TEXT, "resolved configuration, JSON with sorted keys"),
    ),
)

SOURCES = TableSchema(
    "sources",
    "one row a symbol asked for, and one a file of holdings or recorded order flow",
    True,
    ("symbol",),
    (
        Column("symbol", TEXT, "ticker"),
        Column("role", TEXT, "traded or benchmark; holdings or recording for a file that decides the result as well"),
        Column("source", TEXT, "provider that answered; empty when none did"),
        Column("request", TEXT, "what was asked of it"),
        Column("n_rows", COUNT, "bars received"),
        Column("first_date", DATE, "first session received", True),
        Column("last_date", DATE, "last session received", True),
        Column("sha256", TEXT, "digest of the symbol's canonical bars, retrieval time left out; of the file where the row is one"),
        Column("error", TEXT, "why the symbol is missing; empty when it is there"),
    ),
)

BARS = TableSchema(
    "bars",
    "one row a symbol and bar, as received, benchmark included",
    False,
    ("symbol", "open_utc"),
    (
        Column("symbol", TEXT, "ticker"),
        Column("session_date", DATE, "exchange session the bar belongs to"),
        Column("open_utc", UTC_NS, "when the bar opened"),
        Column("close_utc", UTC_NS, "when the bar closed"),
        Column("open_price", REAL, "first traded price, currency, not adjusted", True),
        Column("high_price", REAL, "highest price, currency, not adjusted", True),
        Column("low_price", REAL, "lowest price, currency, not adjusted", True),
        Column("close_price", REAL, "last price, currency, not adjusted", True),
        Column("volume_shares", REAL, "shares traded, not adjusted", True),
        Column("split_ratio", REAL, "new shares for one old, effective at this bar's open; 1 = none"),
        Column("dividend_cash", REAL, "cash a share going ex at this bar's open, currency; 0 = none"),
        Column("source", TEXT, "provider"),
        Column("retrieved_utc", UTC_NS, "when it was fetched; null for data that ship with the packages", True),
    ),
)

FINDINGS = TableSchema(
    "findings",
    "one row a check and symbol",
    True,
    ("check_name", "symbol"),
    (
        Column("check_name", TEXT, "name of the check"),
        Column("symbol", TEXT, "ticker; * where the check looks at all of them"),
        Column("column_name", TEXT, "column looked at; empty where it is the whole row"),
        Column("severity", TEXT, "info, warning, error or critical"),
        Column("success", pa.bool_(), "whether the data passed"),
        Column("n_checked", COUNT, "rows looked at"),
        Column("n_unexpected", COUNT, "rows that failed"),
        Column("unexpected_pct", REAL, "share of rows that failed, percent"),
        Column("observed", TEXT, "what was found, short"),
        Column("message", TEXT, "one sentence: found, expected, what to do"),
    ),
)

QUARANTINE = TableSchema(
    "quarantine",
    "one row a bad bar and reason; the bar is not used",
    False,
    ("symbol", "open_utc", "check_name"),
    (
        Column("symbol", TEXT, "ticker"),
        Column("open_utc", UTC_NS, "when the bar opened", True),
        Column("check_name", TEXT, "check it failed"),
        Column("reason", TEXT, "one sentence: what was found and expected"),
        Column("row_json", TEXT, "the bar as received, JSON"),
    ),
)
