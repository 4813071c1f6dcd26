"""Resynchronisation: a depth-limited recording made whole by its order book file."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from marketsim.errors import DataError
from marketsim.kernel.recorded_book import empty_book
from marketsim.kernel.resync import resynchronise
from marketsim.recorded import COUNTS, RECORDED, RecordedKind
from marketsim.replay.depth import DepthRows
from marketsim.replay.stream import Stream


@dataclass(frozen=True, slots=True)
class Resynchronised:
    """A stream that rebuilds to the recorded levels after every message, and how much had to be added for that."""

    stream: Stream
    n_settings: int  # levels set by the order book file
    n_messages: int  # messages after which at least one level was set


def resynchronised(stream: Stream, depth: DepthRows) -> Resynchronised:
    """Insert, after each message, SET_LEVEL events for the levels in which the rebuilt book differs from the recorded row.

    A depth-limited file leaves out what happens beyond its window, so levels that move into it carry orders nobody announced, and
    levels that come back may have lost some. What is missing becomes anonymous quantity at the front of its level's queue; what is too
    much leaves the anonymous quantity first, then the newest orders.

    Raises
    ------
    DataError
        The stream has several symbols.
    """
    if len(stream.symbols) != 1:
        raise DataError(f"{stream.source} holds {len(stream.symbols)} symbols; resynchronise one at a time, with stream.only(symbol).")
    # The settings themselves open levels, so the book must have room for all recorded prices too.
    room = np.zeros(int(np.count_nonzero(depth.qty_lot)), RECORDED)
    recorded = depth.qty_lot > 0
    room["kind"], room["price_tick"] = RecordedKind.SET_LEVEL, depth.price_tick[recorded]
    room = np.concatenate([stream.events, room[np.unique(room["price_tick"], return_index=True)[1]], np.zeros(1, RECORDED)])
    room["kind"][-1] = RecordedKind.SET_LEVEL
    doubled = np.concatenate([room, room[room["kind"] == RecordedKind.SET_LEVEL]])  # a level's anonymous quantity is a slot of its own
    book, counts, halted = empty_book(doubled, 1), np.zeros(1, COUNTS), np.zeros(1, np.int8)
    out, position = np.zeros(2 * len(stream.events) + 1024, RECORDED), np.zeros(3, np.int64)
    while True:
        resynchronise(stream.events, position, depth.message, depth.price_tick, depth.qty_lot, book, counts, halted, out)
        if position[0] == len(stream.events):
            break
        out = np.concatenate([out, np.zeros(len(out), RECORDED)])
    events = out[: position[2]].copy()
    n_settings = len(events) - len(stream.events)
    own = events["message"] >= 0
    set_after = np.unique(events["message"][own & (events["kind"] == RecordedKind.SET_LEVEL)])
    return Resynchronised(replace(stream, events=events), n_settings, len(set_after))
