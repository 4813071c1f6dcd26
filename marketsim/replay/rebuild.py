"""Rebuilding the book from a stream: open loop, from the first event to the last, nothing looked up in between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from marketsim.kernel.recorded_book import depth_rows, effects, empty_book, first_outside, rebuild
from marketsim.recorded import COUNTS, EFFECT, TOP
from marketsim.replay.depth import DepthRows, IntArray
from marketsim.replay.stream import Stream


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The touch after every event, and what could not be applied as the feed says."""

    top: npt.NDArray[np.void]  # (n_events,) TOP, of the event's symbol
    counts: npt.NDArray[np.void]  # () COUNTS


class Walk:
    """A book that follows a stream as far as it is told; `depth` looks at it."""

    def __init__(self, stream: Stream) -> None:
        self._events = stream.events
        self._n_symbols = len(stream.symbols)
        self._book: Any = empty_book(stream.events, self._n_symbols)
        self._counts = np.zeros(1, COUNTS)
        self._halted = np.zeros(self._n_symbols, np.int8)
        self._done = 0

    def top(self) -> npt.NDArray[np.void]:
        """Apply everything that is left and return the touch after each event, (n_events,) TOP."""
        top = np.zeros(len(self._events), TOP)
        rebuild(self._events, self._done, len(self._events), self._book, self._counts, self._halted, top)
        self._done = len(self._events)
        return top

    def depth(self, until: int, n_levels: int) -> IntArray:
        """Apply the events before index ``until`` and return (2 n_symbols, n_levels, 2) int64: price ticks and lots, best first.

        Rows are the first symbol's bids, its asks, the second symbol's bids and so on; ``until`` may not be less than before.
        """
        depth = np.zeros((2 * self._n_symbols, n_levels, 2), np.int64)
        depth_rows(self._events, self._done, until, self._book, self._counts, self._halted, depth)
        self._done = until
        return depth

    def first_outside(self, until: int, side: int, price_tick: int, n_levels: int) -> int | None:
        """Apply events up to ``until`` (one symbol); return the first after which a price is worse than ``n_levels`` levels, or None."""
        last = first_outside(self._events, self._done, until, side, price_tick, n_levels, self._book, self._counts, self._halted)
        self._done = until if last < 0 else last + 1
        return None if last < 0 else int(last)

    def queue(self, side: int, price_tick: int, symbol: int = 0) -> list[tuple[int, int]]:
        """Return (order id, lots) of a level's orders in their order; id 0 is quantity whose orders are unknown; empty = no level."""
        _, orders, levels, ranks, n_ranks, _, _ = self._book
        row = 2 * symbol + (0 if side > 0 else 1)
        for index in ranks[row, : n_ranks[row]]:
            if levels[index]["price_tick"] == price_tick:
                found, slot = [], int(levels[index]["first"])
                while slot >= 0:
                    found.append((int(orders[slot]["order_id"]), int(orders[slot]["qty_lot"])))
                    slot = int(orders[slot]["after"])
                return found
        return []

    @property
    def counts(self) -> npt.NDArray[np.void]:
        """What was applied so far and what could not be, () COUNTS."""
        return np.array(self._counts[0])


def rebuilt(stream: Stream) -> Rebuilt:
    """Rebuild the book of every symbol of a stream in one pass."""
    walk = Walk(stream)
    return Rebuilt(walk.top(), walk.counts)


def effects_of(stream: Stream) -> npt.NDArray[np.void]:
    """Return which level each event was about and how many lots it brought there, (n_events,) EFFECT."""
    n_symbols = len(stream.symbols)
    effect = np.zeros(len(stream.events), EFFECT)
    effects(stream.events, empty_book(stream.events, n_symbols), np.zeros(1, COUNTS), np.zeros(n_symbols, np.int8), effect)
    return effect


def depth_of(stream: Stream, n_levels: int) -> DepthRows:
    """Return the rebuilt book of a one-symbol stream after each message, as an order book file would show it.

    For recordings of moderate length: the result takes 32 bytes a message and level.
    """
    walk, events = Walk(stream), stream.events
    ends = np.flatnonzero(np.append(events["message"][1:] != events["message"][:-1], True)) + 1
    rows = np.stack([walk.depth(int(end), n_levels) for end in ends]) if len(ends) else np.zeros((0, 2, n_levels, 2), np.int64)
    return DepthRows(rows[..., 0].copy(), rows[..., 1].copy(), events["message"][ends - 1].copy())
