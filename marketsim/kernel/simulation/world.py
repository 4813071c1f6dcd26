"""What a simulated market holds in memory besides its exchange: one header, its agents, what is due, and what is under way.

The clock of the simulation is the exchange's. An agent lives later: market data take ``data_latency_ns`` to reach it. Its turn at its own
time T is therefore taken at exchange time T - data_latency_ns, with the book and its own account exactly as they are then; what it sends
leaves at T plus its computation time and arrives one order latency later. Nothing has to be copied for it, and nothing is seen too early.

The agent with number k owns the orders with owner_id k. Number 0 is whoever else trades: messages sent from outside.
"""

from __future__ import annotations

import numba
import numpy as np

from marketsim.kernel.memory import accessor
from marketsim.records import DEPTH

# Why the compiled loop came back to Python.
FINISHED, FULL, PYTHON_TURN, FAULT = 0, 1, 2, 3

# What is due.
TURN, ARRIVAL, TAKEN_UP, NEWS, SAMPLE, OUTSIDE = 1, 2, 3, 4, 5, 6

# What an agent did that ends a simulation.
NO_FAULT, RAISED, TOO_MANY_MESSAGES, OVER_POSITION_LIMIT, OVER_CASH_LIMIT, NO_SUCH_MARKET, SELF_TRADES_PREVENTED = 0, 1, 2, 3, 4, 5, 6
TOO_MANY_TURNS, BEYOND_COUNTING, ORDER_OF_ANOTHER, ONLY_FROM_OUTSIDE = 7, 8, 9, 10

# How a delay varies around its constant part.
STEADY, LOG_NORMAL, EMPIRICAL = 0, 1, 2

NANO = 1_000_000_000  # fees are kept in whole billionths of the currency, so that they add up exactly
MOST_TRADED_TICK_LOT = 2**53  # price times quantity of one trade: exact as a real number too, and a thousand of them still sum within int64
MOST_COUNTED = 2**62  # of an account, in tick lots or billionths: one more trade still fits

WORLD = np.dtype(
    [
        ("engine", np.int64),  # header of the exchange, and the machine code that lets it process messages
        ("exchange_code", np.int64),
        ("agents", np.int64),
        ("holdings", np.int64),  # (n_agents, n_symbols) int64, lots
        ("desks", np.int64),  # one row a venue
        ("channels", np.int64),  # (n_agents, n_venues) int64: when the latest message on the way arrives
        ("paths", np.int64),  # fundamentals, one row a symbol
        ("volumes", np.int64),  # (n_symbols,) int64: lots traded so far, and the price of the last trade at any venue
        ("marks", np.int64),
        ("taken", np.int64),  # one TAKEN a symbol, and N_SECONDS of TAKEN_BEFORE a symbol
        ("taken_before", np.int64),
        ("sessions", np.int64),  # SESSION rows
        ("news", np.int64),  # NEWS_ITEM rows
        ("keys", np.int64),  # the queue, and what is in it
        ("items", np.int64),
        ("letters", np.int64),  # messages under way
        ("logs", np.int64),  # one row a table that is written down: ORDERS, QUOTES, DEPTHS, ACCOUNTS
        ("touches", np.int64),  # one QUOTE a book: the touch as last written down; and one DEPTH row to work with
        ("scratch", np.int64),
        ("n_agents", np.int64),
        ("n_symbols", np.int64),
        ("n_venues", np.int64),
        ("n_sessions", np.int64),
        ("n_news", np.int64),
        ("n_items", np.int64),
        ("item_capacity", np.int64),
        ("free_item", np.int64),
        ("letters_used", np.int64),
        ("letter_capacity", np.int64),
        ("free_letter", np.int64),
        ("tape_rows", np.int64),  # the tape is handed over when trades or events reach this many
        ("n_depth", np.int64),
        ("depth_every_ns", np.int64),  # grids of the samples, 0 for never
        ("accounts_every_ns", np.int64),
        ("trades_seen", np.int64),  # rows of the tape that are booked
        ("events_seen", np.int64),
        ("now_ns", np.int64),  # exchange time
        ("until_ns", np.int64),  # the simulation ends before this
        ("session", np.int64),  # the one under way, or the next
        ("serial", np.int64),  # of the next item
        ("next_order_id", np.int64),
        ("n_turns", np.int64),
        ("n_messages", np.int64),
        ("turn_agent", np.int64),  # whose turn it is, also while Python takes it
        ("sent_this_turn", np.int64),
        ("fault", np.int64),
        ("fault_agent", np.int64),
        ("fault_exception", np.int64),  # where compiled code left word of what it raised
        ("answered", np.int64),  # 1 when a turn in Python has ended; what it sends, and when it wants to be woken, 0 for never
        ("answer_messages", np.int64),
        ("n_answer", np.int64),
        ("answer_wake_ns", np.int64),
        ("shown", np.int64),  # one SHOWN row: what an agent in Python sees in its turn
        ("reports", np.int64),  # REPORT rows for agents that ask for them
        ("n_reports", np.int64),
        ("report_capacity", np.int64),
        ("n_reporters", np.int64),  # agents that ask for reports
        ("before_book", np.int64),  # the book the message under way is meant for, and its touch before it
        ("before_bid_tick", np.int64),
        ("before_ask_tick", np.int64),
        ("news_symbol", np.int64),  # of the news an agent is told
        ("news_code", np.int64),
        ("news_size", np.float64),
    ]
)

AGENT = np.dtype(
    [
        ("number", np.int64),  # its row, and the owner_id of its orders
        ("turn", np.int64),  # why it is its turn: records.Turn
        ("now_ns", np.int64),  # its own clock, at its latest turn
        ("wake_ticket", np.int64),  # serial of the wake-up that counts; earlier ones were replaced
        ("step", np.int64),  # machine code; 0 for an agent in Python
        ("parameters", np.int64),
        ("state", np.int64),
        ("stream", np.int64),  # random stream of its decisions, and another of its delays
        ("delay_stream", np.int64),
        ("symbol", np.int64),  # where it trades unless it says otherwise
        ("venue", np.int64),
        ("data_latency_ns", np.int64),
        ("order_latency_ns", np.int64),
        ("computation_ns", np.int64),
        ("busy_until_ns", np.int64),
        ("jitter", np.int64),  # STEADY, LOG_NORMAL or EMPIRICAL, added to both latencies
        ("jitter_log_mean", np.float64),  # of ln(ns)
        ("jitter_log_sd", np.float64),
        ("jitter_table", np.int64),  # (n_jitter,) int64, ns, drawn from with equal chances
        ("n_jitter", np.int64),
        ("cash_tick_lot", np.int64),  # ticks times lots; fees apart
        ("fees_nano", np.int64),
        ("lowest_cash_tick_lot", np.int64),  # limits; the simulation fails when a message breaks one
        ("largest_position_lot", np.int64),
        ("bought_lot", np.int64),  # since its latest turn
        ("sold_lot", np.int64),
        ("bought_tick_lot", np.int64),
        ("sold_tick_lot", np.int64),
        ("fill_due", np.int64),  # a turn for a fill is in the queue
        ("hears_fills", np.int64),
        ("hears_news", np.int64),
        ("wants_reports", np.int64),  # of everything that happens to its orders
        ("turns_at_once", np.int64),  # turns it has taken at one and the same time of its clock
        ("muted", np.int64),  # never gets a turn
        ("under_way", np.int64),  # messages it has sent that the exchange has not processed yet
        ("n_turns", np.int64),
        ("n_orders", np.int64),  # new orders sent
        ("n_cancels", np.int64),  # cancels, mass cancels, replaces and reduces sent
        ("n_fills", np.int64),
        ("n_rejected", np.int64),
        ("volume_lot", np.int64),
        ("first_turn_ns", np.int64),
        ("last_turn_ns", np.int64),
    ]
)

# When an item is due: of two for the same time the one with the lower rank comes first.
KEY = np.dtype([("time_ns", np.int64), ("rank", np.int64)])

ITEM = np.dtype(
    [
        ("serial", np.int64),
        ("what", np.int64),
        ("row", np.int64),  # the agent, the letter or the news; of a free row the next free one
        ("why", np.int64),  # of a turn: records.Turn
        ("agent_ns", np.int64),  # of a turn: the agent's own time
        ("news", np.int64),  # of a turn for news: which
    ]
)

DESK = np.dtype(
    [
        ("latency_ns", np.int64),  # one way, on top of the agent's own
        ("processing_ns", np.int64),  # the venue takes one message after the other
        ("free_ns", np.int64),
        ("fees_nano", np.int64),  # collected less paid out
    ]
)

SESSION = np.dtype([("start_ns", np.int64), ("end_ns", np.int64)])

NEWS_ITEM = np.dtype([("time_ns", np.int64), ("symbol", np.int64), ("code", np.int64), ("size", np.float64)])

# The fundamental value of one symbol, (n_sessions, n) float64 in ticks, every step_ns from each session's start; straight lines in between.
# ``activity`` is (n_sessions,) float64: how busy its real session was, 1 as usual.
PATH = np.dtype([("values", np.int64), ("n", np.int64), ("step_ns", np.int64), ("activity", np.int64)])

# What an agent in Python sees in its turn, of its own symbol and venue; NO_PRICE with quantity 0 where there is none.
SHOWN = np.dtype(
    [
        ("number", np.int64),
        ("turn", np.int64),  # records.Turn
        ("now_ns", np.int64),  # its own clock
        ("bid_tick", np.int64),
        ("bid_lot", np.int64),
        ("ask_tick", np.int64),
        ("ask_lot", np.int64),
        ("last_tick", np.int64),
        ("phase", np.int64),  # records.Phase
        ("position_lot", np.int64),
        ("cash_tick_lot", np.int64),
        ("bought_lot", np.int64),  # since its latest turn
        ("sold_lot", np.int64),
        ("bought_tick_lot", np.int64),
        ("sold_tick_lot", np.int64),
        ("next_order_id", np.int64),
        ("news_symbol", np.int64),  # of the news it is told
        ("news_code", np.int64),
    ]
)

# What happened to an order of an agent that wants to be told: a trade (kind 0) or an event of the exchange.
REPORT = np.dtype(
    [
        ("time_ns", np.int64),  # of the exchange
        ("order_id", np.int64),
        ("agent", np.int64),
        ("symbol", np.int64),
        ("venue", np.int64),
        ("kind", np.int64),  # TRADED or records.EventKind
        ("side", np.int64),
        ("price_tick", np.int64),
        ("qty_lot", np.int64),
        ("reason", np.int64),  # records.Reason
        ("aggressor", np.int64),  # of a trade: 1 if the order took, -1 if it made, 0 in an auction
        ("bid_tick", np.int64),  # of a trade: the touch before the message that led to it, NO_PRICE where there was none
        ("ask_tick", np.int64),
    ]
)
TRADED = 0

# Lots traded so far by the side of the taker; and the same at the start of each of the latest N_SECONDS, in a ring.
TAKEN = np.dtype([("second", np.int64), ("bought_lot", np.int64), ("sold_lot", np.int64)])
TAKEN_BEFORE = np.dtype([("bought_lot", np.int64), ("sold_lot", np.int64)])
N_SECONDS = 4096

QUOTE = np.dtype(
    [
        ("time_ns", np.int64),
        ("bid_tick", np.int64),  # 0 with quantity 0 where there is none
        ("bid_lot", np.int64),
        ("ask_tick", np.int64),
        ("ask_lot", np.int64),
        ("symbol", np.int32),
        ("venue", np.int32),
    ]
)

# One symbol of one agent on the sampling grid.
ACCOUNT_SAMPLE = np.dtype(
    [
        ("time_ns", np.int64),
        ("agent", np.int64),
        ("symbol", np.int64),
        ("position_lot", np.int64),
        ("mark_tick", np.int64),  # last trade at any venue, NO_PRICE before the first
        ("cash_tick_lot", np.int64),  # of the whole account
        ("fees_nano", np.int64),
    ]
)

# One level of one book on the sampling grid, 0 the best.
DEPTH_SAMPLE = np.dtype([("time_ns", np.int64), ("symbol", np.int64), ("venue", np.int64), ("level", np.int64), ("depth", DEPTH)])

LOG = np.dtype([("rows", np.int64), ("n", np.int64), ("capacity", np.int64)])  # capacity 0: not wanted
ORDERS, QUOTES, DEPTHS, ACCOUNTS = 0, 1, 2, 3
N_LOGS = 4

WORLD_RECORD, AGENT_RECORD = numba.from_dtype(WORLD), numba.from_dtype(AGENT)

world_at = accessor(WORLD)
agent_at = accessor(AGENT)
key_at = accessor(KEY)
item_at = accessor(ITEM)
desk_at = accessor(DESK)
session_at = accessor(SESSION)
news_at = accessor(NEWS_ITEM)
path_at = accessor(PATH)
shown_at = accessor(SHOWN)
report_at = accessor(REPORT)
taken_at = accessor(TAKEN)
taken_before_at = accessor(TAKEN_BEFORE)
quote_at = accessor(QUOTE)
account_sample_at = accessor(ACCOUNT_SAMPLE)
depth_sample_at = accessor(DEPTH_SAMPLE)
log_at = accessor(LOG)
