"""Tables of what a run's agents did and what it was worth: orders, fills, accounts, measures, gates and trials."""

from __future__ import annotations

import pyarrow as pa

from warehouse.table_schema import COUNT, DATE, REAL, TEXT, UTC_NS, Column, TableSchema

ORDERS = TableSchema(
    "orders",
    "one row an order",
    False,
    ("agent", "order_id"),
    (
        Column("agent", TEXT, "who sent it"),
        Column("order_id", COUNT, "number within the agent, from 0"),
        Column("symbol", TEXT, "ticker"),
        Column("side", TEXT, "buy or sell"),
        Column("kind", TEXT, "market, limit, stop, stop_limit, market_on_open or market_on_close"),
        Column("tif", TEXT, "gtc or day"),
        Column("status", TEXT, "filled, cancelled, expired or rejected"),
        Column("reason", TEXT, "why it ended without filling; none otherwise"),
        Column("submitted_utc", UTC_NS, "when the strategy sent it"),
        Column("ended_utc", UTC_NS, "when it filled or ended"),
        Column("qty_shares", REAL, "quantity asked for, restated at splits"),
        Column("filled_shares", REAL, "quantity filled, restated at splits"),
        Column("limit_price", REAL, "currency", True),
        Column("stop_price", REAL, "currency", True),
        Column("fee_cash", REAL, "commission charged, currency"),
    ),
)

FILLS = TableSchema(
    "fills",
    "one row a fill",
    False,
    ("agent", "fill_id"),
    (
        Column("agent", TEXT, "who traded"),
        Column("fill_id", COUNT, "number within the agent, from 0"),
        Column("order_id", COUNT, "order it belongs to"),
        Column("symbol", TEXT, "ticker"),
        Column("side", TEXT, "buy or sell"),
        Column("liquidity", TEXT, "maker or taker"),
        Column("fill_utc", UTC_NS, "when; a fill inside a bar carries the bar's close"),
        Column("session_date", DATE, "exchange session"),
        Column("qty_shares", REAL, "shares"),
        Column("price", REAL, "paid or received a share, all price costs included, currency"),
        Column("reference_price", REAL, "before half spread, slippage and impact, currency"),
        Column("fee_cash", REAL, "commission, currency"),
        Column("spread_cost_cash", REAL, "half spread paid, currency"),
        Column("slippage_cost_cash", REAL, "slippage paid, currency"),
        Column("impact_cost_cash", REAL, "impact paid, currency"),
        Column("position_after_shares", REAL, "position in the symbol after the fill"),
    ),
)

POSITIONS = TableSchema(
    "positions",
    "one row an agent, symbol and bar with a position, at the bar's close",
    False,
    ("agent", "close_utc", "symbol"),
    (
        Column("agent", TEXT, "who holds it"),
        Column("symbol", TEXT, "ticker"),
        Column("session_date", DATE, "exchange session"),
        Column("close_utc", UTC_NS, "when the bar closed"),
        Column("qty_shares", REAL, "shares, negative when short"),
        Column("price", REAL, "last traded price, currency"),
        Column("market_value_cash", REAL, "quantity times price, currency"),
    ),
)

EQUITY = TableSchema(
    "equity",
    "one row an agent and bar, at the bar's close; the benchmark is an agent that bought and held it, and where a simulated market has no "
    "strategy each group of its population is one",
    False,
    ("agent", "close_utc"),
    (
        Column("agent", TEXT, "whose account"),
        Column("session_date", DATE, "exchange session"),
        Column("close_utc", UTC_NS, "when the bar closed"),
        Column("cash", REAL, "currency"),
        Column("long_value_cash", REAL, "value of long positions, currency"),
        Column("short_value_cash", REAL, "value of short positions, currency, not positive"),
        Column("equity_cash", REAL, "cash plus positions, currency"),
        Column("return_frac", REAL, "change of equity over the bar, a fraction"),
        Column("drawdown_frac", REAL, "equity below its running maximum, a fraction, not positive"),
        Column("turnover_cash", REAL, "notional traded in the bar, currency"),
        Column("fees_cash", REAL, "commissions in the bar, currency"),
        Column("borrow_cash", REAL, "borrow cost in the bar, currency"),
        Column("dividends_cash", REAL, "dividends received less paid in the bar, currency"),
    ),
)

ROUND_TRIPS = TableSchema(
    "round_trips",
    "one row an entry lot closed, first in first out",
    False,
    ("agent", "exit_utc", "symbol", "entry_utc"),
    (
        Column("agent", TEXT, "who traded"),
        Column("symbol", TEXT, "ticker"),
        Column("side", TEXT, "buy for a long trip, sell for a short one"),
        Column("entry_utc", UTC_NS, "when it was opened"),
        Column("exit_utc", UTC_NS, "when it was closed"),
        Column("qty_shares", REAL, "shares at the exit, after splits"),
        Column("entry_price", REAL, "currency, restated for splits in between"),
        Column("exit_price", REAL, "currency"),
        Column("pnl_cash", REAL, "profit after fees, dividends left out, currency"),
        Column("return_frac", REAL, "profit over entry notional, a fraction"),
        Column("fee_cash", REAL, "commissions of entry and exit, currency"),
        Column("bars_held", COUNT, "bars between entry and exit"),
        Column("mae_frac", REAL, "worst move against it on the way, a fraction of the entry price, not positive"),
        Column("mfe_frac", REAL, "best move for it on the way, a fraction of the entry price, not negative"),
    ),
)

METRICS = TableSchema(
    "metrics",
    "one row an agent and metric",
    True,
    ("agent", "metric"),
    (
        Column("agent", TEXT, "whose result; benchmark for the benchmark; of a simulated market its symbol, and venue if it has several"),
        Column("role", TEXT, "strategy, agent or benchmark; market for measures of a simulated market itself"),
        Column("metric", TEXT, "name of the measure"),
        Column("value", REAL, "its value; null where it is not defined", True),
        Column("unit", TEXT, "fraction, ratio, currency, count, bars or days"),
    ),
)

HEALTH = TableSchema(
    "health",
    "one row a gate",
    True,
    ("gate",),
    (
        Column("gate", TEXT, "name of the gate"),
        Column("passed", pa.bool_(), "whether the run passed it"),
        Column("observed", REAL, "what was measured", True),
        Column("allowed", TEXT, "what was allowed"),
        Column("message", TEXT, "one sentence"),
    ),
)

TRIALS = TableSchema(
    "trials",
    "one row a trial of a sweep or a window of a walk-forward",
    True,
    ("trial",),
    (
        Column("trial", COUNT, "number of the trial, from 0"),
        Column("n_trials", COUNT, "how many trials were made in all; the deflated Sharpe ratio needs it"),
        Column("window_number", COUNT, "window of the walk-forward; -1 in a sweep"),
        Column("sample", TEXT, "in or out: whether the result was used to choose"),
        Column("start_date", DATE, "first session"),
        Column("end_date", DATE, "last session"),
        Column("parameters_json", TEXT, "parameters tried, JSON"),
        Column("metric", TEXT, "metric that ranks the trials"),
        Column("value", REAL, "its value", True),
        Column("sharpe", REAL, "annualised Sharpe ratio", True),
        Column("total_return_frac", REAL, "total return, a fraction", True),
        Column("max_drawdown_frac", REAL, "deepest drawdown, a fraction", True),
        Column("chosen", pa.bool_(), "whether it was picked"),
    ),
)
