"""The displayed book as others see it: the touch, and N levels of depth."""

from __future__ import annotations

from marketsim.kernel.book_state import ASKS, BIDS, LADDERS_A_BOOK, NONE, book_at, ladder_at, level_at
from marketsim.kernel.compile import inner
from marketsim.kernel.consolidated import write_consolidated
from marketsim.kernel.memory import accessor
from marketsim.records import DEPTH

depth_at = accessor(DEPTH)


@inner
def capture(engine, message, book_index, row):
    """Write the captures the header asks for, of the book a message touched or names; of no book at all, zeros."""
    if book_index == NONE and 0 <= message.venue < engine.n_venues and 0 <= message.symbol < engine.n_symbols:
        book_index = message.venue * engine.n_symbols + message.symbol
    if engine.top != 0:
        write_depth(engine, book_index, engine.top, row, 1)
    if engine.depth != 0:
        write_depth(engine, book_index, engine.depth, row * engine.n_depth, engine.n_depth)
    if engine.consolidated != 0:
        symbol = message.symbol if 0 <= message.symbol < engine.n_symbols else NONE
        if book_index != NONE:
            symbol = book_at(engine.books, book_index).symbol
        write_consolidated(engine, symbol, engine.consolidated, row)


@inner
def write_depth(engine, book_index, table, first_row, n_depth):
    """Write the best ``n_depth`` displayed levels of both sides into rows of DEPTH; a missing level has quantity 0 and price 0."""
    for k in range(n_depth):
        row = depth_at(table, first_row + k)
        row.bid_tick = row.bid_lot = row.ask_tick = row.ask_lot = 0
    if book_index == NONE:
        return
    index = ladder_at(engine.ladders, book_index * LADDERS_A_BOOK + BIDS).best
    k = 0
    while index != NONE and k < n_depth:
        level = level_at(engine.levels, index)
        if level.qty_lot > 0:
            row = depth_at(table, first_row + k)
            row.bid_tick, row.bid_lot = -level.key, level.qty_lot
            k += 1
        index = level.worse
    index = ladder_at(engine.ladders, book_index * LADDERS_A_BOOK + ASKS).best
    k = 0
    while index != NONE and k < n_depth:
        level = level_at(engine.levels, index)
        if level.qty_lot > 0:
            row = depth_at(table, first_row + k)
            row.ask_tick, row.ask_lot = level.key, level.qty_lot
            k += 1
        index = level.worse
