"""Tables of a simulated market: its bars, its agents, and whatever of its messages, trades and books was captured."""

from __future__ import annotations

import pyarrow as pa

from warehouse.table_schema import COUNT, DATE, REAL, TEXT, UTC_NS, Column, TableSchema

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
