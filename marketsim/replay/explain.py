"""Why a rebuilt book differs from the recorded one: the level at fault, whose orders they are, and what the file says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from marketsim.recorded import NO_PRICE, Difference, RecordedKind
from marketsim.replay.depth import DepthRows, IntArray
from marketsim.replay.rebuild import Walk
from marketsim.replay.stream import Stream

SIDE_NAMES = ("bid", "ask")
EXPLAINED = 25  # stretches whose orders are looked up; each takes a walk through the recording


@dataclass(frozen=True, slots=True)
class Episode:
    """Rows in which one side differs for one reason: from the first to the last, others in between included."""

    first_message: int
    last_message: int
    n_rows: int
    side: int  # +1 bid, -1 ask
    difference: Difference
    price_tick: int  # of the level at fault
    sentence: str


@dataclass(frozen=True, slots=True)
class _Culprit:
    side: int
    price_tick: int
    difference: Difference
    rows: IntArray  # rows of the comparison, ascending


def explained(
    stream: Stream, ends: IntArray, difference: npt.NDArray[np.int8], depth: DepthRows, window_levels: int
) -> tuple[Episode, ...]:
    """Return one episode a level at fault, in order of appearance.

    Parameters
    ----------
    stream : one symbol.
    ends : (n,) int64: index of the last event of each row's message.
    difference : (n, 2) int8 Difference of bid and ask.
    depth : the recorded rows.
    window_levels : levels a side within which the recording reports messages.
    """
    if not difference.any():
        return ()
    top = Walk(stream).top()[ends]
    culprits = sorted(_culprits(top, difference, depth), key=lambda c: int(c.rows[0]))
    return tuple(_episode(stream, ends, culprit, depth, window_levels if n < EXPLAINED else None) for n, culprit in enumerate(culprits))


def _culprits(top: npt.NDArray[np.void], difference: npt.NDArray[np.int8], depth: DepthRows) -> Sequence[_Culprit]:
    found: list[_Culprit] = []
    for index, name in enumerate(SIDE_NAMES):
        ours, theirs = top[f"{name}_tick"], depth.price_tick[:, index, 0]
        level = np.where(difference[:, index] == Difference.MISSING_LEVEL, theirs, ours)
        wrong = np.flatnonzero(difference[:, index])
        for price, kind in sorted({(int(level[row]), int(difference[row, index])) for row in wrong}):
            rows = wrong[(level[wrong] == price) & (difference[wrong, index] == kind)]
            # A level that was right for a long while in between is a new story.
            parts = np.split(rows, np.flatnonzero(np.diff(rows) > 1000) + 1)
            found.extend(_Culprit(1 - 2 * index, price, Difference(kind), part) for part in parts)
    return found


def _episode(stream: Stream, ends: IntArray, culprit: _Culprit, depth: DepthRows, window_levels: int | None) -> Episode:
    row = int(culprit.rows[0])
    first, last = int(depth.message[row]), int(depth.message[culprit.rows[-1]])
    name = SIDE_NAMES[culprit.side < 0]
    tick = float(stream.tick_size[0])
    price = f"{culprit.price_tick * tick:.10g}"
    said_tick, said = (int(array[row, int(culprit.side < 0), 0]) for array in (depth.price_tick, depth.qty_lot))
    recorded = "no level" if said_tick == NO_PRICE else f"{said_tick * tick:.10g} × {said:,}"
    where = f"messages {first:,}–{last:,} ({len(culprit.rows):,} rows)" if last > first else f"message {first:,}"
    if culprit.difference == Difference.MISSING_LEVEL:
        why = f"the file's best {name} is {recorded}, whose entry it never reported"
    elif window_levels is None:
        why = f"the rebuilt {name} is {price} against {recorded} in the file ({culprit.difference.name.lower().replace('_', ' ')})"
    else:
        walk = Walk(stream)
        walk.depth(int(ends[row]) + 1, 1)
        queue = walk.queue(culprit.side, culprit.price_tick)
        held = sum(qty for _, qty in queue)
        why = f"the rebuilt {name} {price} × {held:,} against {recorded} in the file; " + _whose(
            stream, queue, culprit, row, ends, window_levels
        )
    return Episode(first, last, len(culprit.rows), culprit.side, culprit.difference, culprit.price_tick, f"{where}: {why}.")


def _whose(stream: Stream, queue: list[tuple[int, int]], culprit: _Culprit, row: int, ends: IntArray, window_levels: int) -> str:
    """Say which order of the level is likely at fault: the oldest, because what ends unseen is what the market has left behind."""
    events = stream.events
    if not queue:
        return "the level's orders are gone"
    order_id, qty = queue[0]
    if order_id == 0:
        return f"{qty:,} of it stood there before the first message and may have left unreported"
    entered = int(np.flatnonzero((events["order_id"] == order_id) & (events["kind"] == RecordedKind.ADD))[0])
    later = events["message"][entered + 1 :][events["order_id"][entered + 1 :] == order_id]
    named = f"names it last in message {int(later[-1]):,}" if len(later) else "never names it again"
    left = _left_window(stream, culprit, entered, int(ends[row]), window_levels)
    seen = "" if left is None else f", and its price left the {window_levels} recorded levels at message {left:,}"
    return f"order {order_id} ({qty:,}) entered in message {int(events['message'][entered]):,}; the file {named}{seen}"


def _left_window(stream: Stream, culprit: _Culprit, start: int, end: int, window_levels: int) -> int | None:
    """Return the first message after event ``start`` at which a price is worse than ``window_levels`` others, None if there is none."""
    walk = Walk(stream)
    walk.depth(start + 1, 1)
    event = walk.first_outside(end + 1, culprit.side, culprit.price_tick, window_levels)
    return None if event is None else int(stream.events["message"][event])
