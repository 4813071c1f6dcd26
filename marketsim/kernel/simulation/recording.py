"""What a simulation writes down besides the exchange's tape: orders, changes of the touch, and samples on a regular grid."""

from __future__ import annotations

from marketsim.kernel.book_state import engine_at
from marketsim.kernel.capture import depth_at, write_depth
from marketsim.kernel.compile import inner
from marketsim.kernel.memory import load_i64, store_i64
from marketsim.kernel.simulation.world import (
    ACCOUNTS,
    DEPTHS,
    ORDERS,
    QUOTES,
    account_sample_at,
    agent_at,
    depth_sample_at,
    log_at,
    quote_at,
    session_at,
)
from marketsim.records import MESSAGE

MESSAGE_BYTES = MESSAGE.itemsize


@inner
def is_full(market):
    """Whether a log has no room for what one more item may write, or the tape is long enough to be handed over."""
    engine = engine_at(market.engine, 0)
    if max(engine.n_trades, engine.n_events) >= market.tape_rows:
        return True
    n_books = market.n_venues * market.n_symbols
    return (
        _lacks(market, ORDERS, 2)
        or _lacks(market, QUOTES, 2 * n_books)
        or _lacks(market, DEPTHS, n_books * market.n_depth)
        or _lacks(market, ACCOUNTS, market.n_agents * market.n_symbols)
    )


@inner
def _lacks(market, which, more):
    log = log_at(market.logs, which)
    return 0 < log.capacity < log.n + more


@inner
def write_order(market, message_address):
    """Write down a message as the exchange gets it."""
    log = log_at(market.logs, ORDERS)
    if log.capacity > 0:
        for word in range(MESSAGE_BYTES // 8):
            store_i64(log.rows + log.n * MESSAGE_BYTES, word, load_i64(message_address, word))
        log.n += 1


@inner
def write_touches(market):
    """Write down the touch of every book in which it has changed."""
    log = log_at(market.logs, QUOTES)
    if log.capacity == 0:
        return
    for index in range(market.n_venues * market.n_symbols):
        write_depth(engine_at(market.engine, 0), index, market.scratch, 0, 1)
        now, before = depth_at(market.scratch, 0), quote_at(market.touches, index)
        if (
            now.bid_tick != before.bid_tick
            or now.bid_lot != before.bid_lot
            or now.ask_tick != before.ask_tick
            or now.ask_lot != before.ask_lot
        ):
            before.bid_tick, before.bid_lot, before.ask_tick, before.ask_lot = now.bid_tick, now.bid_lot, now.ask_tick, now.ask_lot
            row = quote_at(log.rows, log.n)
            row.bid_tick, row.bid_lot, row.ask_tick, row.ask_lot = now.bid_tick, now.bid_lot, now.ask_tick, now.ask_lot
            row.time_ns = market.now_ns
            row.venue, row.symbol = index // market.n_symbols, index % market.n_symbols
            log.n += 1


@inner
def write_sample(market, which):
    """Write down every book's depth (DEPTHS) or every agent's account (ACCOUNTS)."""
    if which == DEPTHS:
        _write_depths(market)
    else:
        _write_accounts(market)


@inner
def next_sample_ns(market, which):
    """Return the next point of a grid; between two sessions there is none, and the next session begins its own grid."""
    next_ns = market.now_ns + (market.depth_every_ns if which == DEPTHS else market.accounts_every_ns)
    # Sessions before ``k`` are over by then.
    for k in range(market.session, market.n_sessions):
        session = session_at(market.sessions, k)
        if next_ns < session.end_ns:
            return max(next_ns, session.start_ns)
    return next_ns


@inner
def _write_depths(market):
    log = log_at(market.logs, DEPTHS)
    if log.capacity == 0:
        return
    for index in range(market.n_venues * market.n_symbols):
        # The depth is written level by level into the rows' own space.
        write_depth(engine_at(market.engine, 0), index, market.scratch, 0, market.n_depth)
        for level in range(market.n_depth):
            row = depth_sample_at(log.rows, log.n)
            row.time_ns, row.symbol, row.venue, row.level = market.now_ns, index % market.n_symbols, index // market.n_symbols, level
            source = depth_at(market.scratch, level)
            row.depth.bid_tick, row.depth.bid_lot = source.bid_tick, source.bid_lot
            row.depth.ask_tick, row.depth.ask_lot = source.ask_tick, source.ask_lot
            log.n += 1


@inner
def _write_accounts(market):
    log = log_at(market.logs, ACCOUNTS)
    if log.capacity == 0:
        return
    for number in range(market.n_agents):
        me = agent_at(market.agents, number)
        for symbol in range(market.n_symbols):
            row = account_sample_at(log.rows, log.n)
            row.time_ns, row.agent, row.symbol = market.now_ns, number, symbol
            row.position_lot = load_i64(market.holdings, number * market.n_symbols + symbol)
            row.mark_tick = load_i64(market.marks, symbol)
            row.cash_tick_lot, row.fees_nano = me.cash_tick_lot, me.fees_nano
            log.n += 1
