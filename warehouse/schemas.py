"""Every table of the warehouse: its columns with unit and meaning, its grain, and where its rows lie.

A *small* table is stored as Parquet with its run and copied into the catalog file, so it answers in milliseconds; a *big*
one stays Parquet and is a view. ``run_id`` is a column of every table for readers, but lies in the folder name, not in the files.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

UTC_NS = pa.timestamp("ns", tz="UTC")
TEXT = pa.string()
REAL = pa.float64()
COUNT = pa.int64()
DATE = pa.date32()


@dataclass(frozen=True, slots=True)
class Column:
    """One column: name with unit, Arrow type, meaning."""

    name: str
    type: pa.DataType
    meaning: str
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class TableSchema:
    """One table: what a row is, how rows are sorted, and its columns."""

    name: str
    grain: str
    small: bool
    sort_by: tuple[str, ...]
    columns: tuple[Column, ...]
    streamed: bool = False  # written while the run goes on, by the million rows: packed for speed

    @property
    def arrow(self) -> pa.Schema:
        """The Arrow schema of a stored file, without ``run_id``."""
        return pa.schema([pa.field(c.name, c.type, nullable=c.nullable) for c in self.columns])


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

MARKET_BARS = TableSchema(
    "market_bars",
    "one row a symbol, venue and bar of a simulated market",
    False,
    ("symbol", "venue", "open_utc"),
    (
        Column("symbol", TEXT, "ticker"),
        Column("venue", TEXT, "name of the venue"),
        Column("session_date", DATE, "exchange session"),
        Column("open_utc", UTC_NS, "when the bar opened"),
        Column("close_utc", UTC_NS, "when it closed; auctions at the session's ends count to its first and last bar"),
        Column("open_price", REAL, "first trade, currency; null without trades", True),
        Column("high_price", REAL, "highest trade, currency", True),
        Column("low_price", REAL, "lowest trade, currency", True),
        Column("close_price", REAL, "last trade, currency", True),
        Column("volume_shares", REAL, "shares traded"),
        Column("n_trades", COUNT, "trades"),
        Column("mid_price", REAL, "middle of best bid and ask at the bar's end, currency; null where a side is missing", True),
        Column("spread", REAL, "best ask less best bid, time-weighted over two-sided continuous trading, currency", True),
        Column("touch_shares", REAL, "mean quantity at the best bid and ask, time-weighted likewise, shares", True),
        Column("quoted_frac", REAL, "share of the bar in which both sides were quoted in continuous trading"),
        Column("fundamental_price", REAL, "what a share was worth at the bar's end, currency"),
    ),
)

MARKET_ACTIVITY = TableSchema(
    "market_activity",
    "one row a group of agents and bar of a simulated market",
    False,
    ("group_name", "close_utc"),
    (
        Column("group_name", TEXT, "group of the population; outside for whoever is no agent"),
        Column("session_date", DATE, "exchange session"),
        Column("close_utc", UTC_NS, "when the bar closed"),
        Column("n_orders", COUNT, "new orders that reached the exchange"),
        Column("n_cancels", COUNT, "cancels, mass cancels, replaces and reduces that did"),
        Column("n_fills", COUNT, "sides of trades"),
        Column("maker_shares", REAL, "shares traded by resting orders, and in auctions"),
        Column("taker_shares", REAL, "shares traded by incoming orders"),
    ),
)

SIMULATED_SESSIONS = TableSchema(
    "simulated_sessions",
    "one row an agent and session that was simulated beside a backtest; every account begins the first with its cash alone",
    False,
    ("agent", "session_date"),
    (
        Column("agent", TEXT, "who traded"),
        Column("session_date", DATE, "exchange session"),
        Column("bars_equity_cash", REAL, "account at the close, traded against the bars, currency"),
        Column("simulated_equity_cash", REAL, "the same, traded among agents"),
        Column("bars_turnover_cash", REAL, "notional traded against the bars, currency"),
        Column("simulated_turnover_cash", REAL, "notional traded among agents, currency"),
        Column("bars_cost_cash", REAL, "commission, spread, slippage and impact by the rules of the bars market, currency"),
        Column("simulated_cost_cash", REAL, "commission, spread and impact paid in the simulated book, currency"),
        Column("participation_frac", REAL, "share of the simulated market's notional that the agent traded"),
        Column(
            "own_effect_bps", REAL,
            "how much further the symbols closed in the direction the main strategy traded than without it, weighted with its trades, bps; "
            "null where it did not trade, and for other agents", True,
        ),
    ),
)  # fmt: skip

MARKET_AGENTS = TableSchema(
    "market_agents",
    "one row an agent of a simulated market; number 0 is whoever else traded",
    False,
    ("agent_number",),
    (
        Column("agent_number", pa.int32(), "number that the other market tables name it by"),
        Column("agent", TEXT, "its name, GROUP.NUMBER"),
        Column("group_name", TEXT, "its group"),
        Column("symbol", TEXT, "what it trades by itself; it may trade others too"),
        Column("venue", TEXT, "where it trades by itself"),
        Column("n_turns", COUNT, "times it acted"),
        Column("n_orders", COUNT, "new orders sent"),
        Column("n_cancels", COUNT, "cancels, mass cancels, replaces and reduces sent"),
        Column("n_fills", COUNT, "sides of trades"),
        Column("n_rejected", COUNT, "messages the exchange rejected"),
        Column("volume_shares", REAL, "shares traded"),
        Column("first_turn_utc", UTC_NS, "its first turn, by its own clock; null if it never had one", True),
        Column("last_turn_utc", UTC_NS, "its last turn", True),
        Column("cash", REAL, "at the end, after fees, currency"),
        Column("fees_cash", REAL, "paid less rebates received, currency"),
        Column("equity_cash", REAL, "cash plus positions at the last trade, currency"),
        Column("pnl_cash", REAL, "equity less what it started with, positions then at the fundamental value, currency"),
    ),
)

MARKET_ORDERS = TableSchema(
    "market_orders",
    "one row a message the simulated exchange got, in order of arrival",
    False,
    ("seq",),
    (
        Column("seq", COUNT, "number of the message, from 0; market_events and market_trades name it"),
        Column("time_utc", UTC_NS, "when it arrived"),
        Column("agent_number", pa.int32(), "who sent it; 0 for the venue itself and other outsiders"),
        Column("order_id", COUNT, "order it creates or concerns"),
        Column("kind", TEXT, "kind of order, or cancel, replace, reduce, cancel_owner, phase"),
        Column("side", TEXT, "buy or sell; empty where it has none"),
        Column("tif", TEXT, "time in force; empty where it has none"),
        Column("symbol", TEXT, "ticker; * for all"),
        Column("venue", TEXT, "name of the venue"),
        Column("limit_price", REAL, "currency", True),
        Column("stop_price", REAL, "trigger, or distance of a trailing stop, currency", True),
        Column("qty_shares", REAL, "shares asked for", True),
        Column("display_shares", REAL, "visible slice of an iceberg, shares", True),
        Column("is_post_only", pa.bool_(), "whether it must not take"),
        Column("is_hidden", pa.bool_(), "whether it is not displayed"),
    ),
    streamed=True,
)

MARKET_EVENTS = TableSchema(
    "market_events",
    "one row a thing that happened to an order or a book of a simulated exchange",
    False,
    ("seq",),
    (
        Column("seq", COUNT, "message that caused it"),
        Column("time_utc", UTC_NS, "when"),
        Column("agent_number", pa.int32(), "whose order"),
        Column("order_id", COUNT, "which order; null for what concerns a book", True),
        Column("kind", TEXT, "of an order: accepted, rejected, cancelled, …; of a book: phase, auction, indication, band, …"),
        Column("reason", TEXT, "why; none otherwise"),
        Column("side", TEXT, "buy or sell; empty where it has none"),
        Column("symbol", TEXT, "ticker; * for all"),
        Column("venue", TEXT, "name of the venue"),
        Column(
            "price",
            REAL,
            "of an order its limit or stop after the event; of a book the auction's, indicated or band's price, currency",
            True,
        ),
        Column("qty_shares", REAL, "open, taken off, shown, auctioned or left over, shares", True),
        Column("phase", TEXT, "phase entered", True),
    ),
    streamed=True,
)

MARKET_TRADES = TableSchema(
    "market_trades",
    "one row a trade of a simulated exchange",
    False,
    ("seq",),
    (
        Column("seq", COUNT, "message that caused it"),
        Column("time_utc", UTC_NS, "when"),
        Column("symbol", TEXT, "ticker"),
        Column("venue", TEXT, "name of the venue"),
        Column("price", REAL, "currency"),
        Column("qty_shares", REAL, "shares"),
        Column("aggressor", TEXT, "buy or sell: side of the incoming order; empty in an auction"),
        Column("phase", TEXT, "phase it printed in"),
        Column("maker_number", pa.int32(), "agent whose order rested; the seller in an auction"),
        Column("taker_number", pa.int32(), "agent whose order came in; the buyer in an auction"),
        Column("maker_order_id", COUNT, "its order"),
        Column("taker_order_id", COUNT, "its order"),
        Column("maker_fee_cash", REAL, "currency; negative is a rebate"),
        Column("taker_fee_cash", REAL, "currency"),
    ),
    streamed=True,
)

_SIDES = (
    Column("bid_price", REAL, "highest price bid, currency; null where nobody bids", True),
    Column("bid_shares", REAL, "displayed there, shares"),
    Column("ask_price", REAL, "lowest price asked, currency; null where nobody asks", True),
    Column("ask_shares", REAL, "displayed there, shares"),
)

MARKET_QUOTES = TableSchema(
    "market_quotes",
    "one row a change of a book's best prices or of their quantities",
    False,
    ("time_utc",),
    (
        Column("time_utc", UTC_NS, "when"),
        Column("symbol", TEXT, "ticker"),
        Column("venue", TEXT, "name of the venue"),
        *_SIDES,
    ),
    streamed=True,
)

MARKET_DEPTH = TableSchema(
    "market_depth",
    "one row a level of a book on the grid of times that was asked for",
    False,
    ("time_utc",),
    (
        Column("time_utc", UTC_NS, "when"),
        Column("symbol", TEXT, "ticker"),
        Column("venue", TEXT, "name of the venue"),
        Column("level", pa.int32(), "0 the best"),
        *_SIDES,
    ),
    streamed=True,
)

MARKET_ACCOUNTS = TableSchema(
    "market_accounts",
    "one row an agent and symbol on the grid of times that was asked for",
    False,
    ("time_utc", "agent_number"),
    (
        Column("time_utc", UTC_NS, "when"),
        Column("agent_number", pa.int32(), "whose account"),
        Column("symbol", TEXT, "ticker"),
        Column("position_shares", REAL, "shares held, negative when short"),
        Column("mark_price", REAL, "last trade, before the first one the fundamental value, currency"),
        Column("cash", REAL, "of the whole account, after fees, currency"),
        Column("equity_cash", REAL, "of the whole account, currency"),
    ),
    streamed=True,
)

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
