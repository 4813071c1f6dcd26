"""The book at one moment, and how it looks on a terminal."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from marketsim.errors import DataError
from marketsim.recorded import RecordedKind
from marketsim.replay.rebuild import Walk
from marketsim.replay.stream import Stream, per_unit

NS_A_SECOND = 1_000_000_000
BAR_WIDTH = 24


@dataclass(frozen=True, slots=True)
class Rung:
    """One level."""

    price: float  # currency
    qty: float  # shares or coins
    n_orders: int | None  # None where the level's orders are not all known


@dataclass(frozen=True, slots=True)
class Ladder:
    """One symbol's book at a moment, best levels first."""

    symbol: str
    time_ns: int  # asked for
    event_ns: int  # of the last event before
    message: int  # that event's message
    bids: tuple[Rung, ...]
    asks: tuple[Rung, ...]
    is_halted: bool
    tick_size: float  # currency


def book_at(stream: Stream, time_ns: int, depth: int = 10, *, symbol: str | None = None) -> Ladder:
    """Rebuild a stream up to a moment, events at it included, and return the best levels of one symbol.

    Parameters
    ----------
    stream : the recording.
    time_ns : ns since the epoch, UTC.
    depth : levels a side.
    symbol : needed where the stream has several.

    Raises
    ------
    DataError
        The moment lies before the first event, or the symbol is missing or unknown.
    """
    if symbol is None and len(stream.symbols) > 1:
        raise DataError(f"{stream.source} holds {', '.join(stream.symbols[:10])}; say which symbol's book is wanted.")
    own = stream.only(symbol or stream.symbols[0])
    until = int(np.searchsorted(own.events["time_ns"], time_ns, side="right"))
    if until == 0:
        first = f"{moment(int(own.events['time_ns'][0]))}" if len(own.events) else "never"
        raise DataError(f"{own.source} knows no book at {moment(time_ns)}; its first event is at {first}.")
    walk = Walk(own)
    levels = walk.depth(until, depth)
    ticks, lots = per_unit(own.tick_size)[0], per_unit(own.lot_size)[0]
    sides = []
    for row, side in ((0, 1), (1, -1)):
        rungs = []
        for price, qty in levels[row][levels[row, :, 1] > 0].tolist():
            queue = walk.queue(side, price)
            n_orders = None if any(order_id == 0 for order_id, _ in queue) else len(queue)
            rungs.append(Rung(price / ticks, qty / lots, n_orders))
        sides.append(tuple(rungs))
    kinds = own.events["kind"][:until]
    turns = np.flatnonzero((kinds == RecordedKind.HALT) | (kinds == RecordedKind.RESUME))
    halted = len(turns) > 0 and kinds[turns[-1]] == RecordedKind.HALT
    last = own.events[until - 1]
    return Ladder(
        own.symbols[0], time_ns, int(last["time_ns"]), int(last["message"]), sides[0], sides[1], bool(halted), float(own.tick_size[0])
    )


def ladder_text(ladder: Ladder, zone: str = "UTC") -> str:
    """Return the ladder as lines: asks from far to near, bids from near to far, a bar as long as the level is deep."""
    state = ", halted" if ladder.is_halted else ""
    lines = [f"{ladder.symbol} at {moment(ladder.time_ns, zone)}{state} (message {ladder.message:,} at {moment(ladder.event_ns, zone)})"]
    rungs = [*reversed(ladder.asks), *ladder.bids]
    if not rungs:
        return "\n".join([*lines, "  the book is empty"])
    most = max(rung.qty for rung in rungs)
    prices = [f"{rung.price:.10g}" for rung in rungs]
    # As many decimals as the prices need, cents at least where the market trades in them.
    decimals = max(2 if ladder.tick_size <= 0.01 else 0, *(len(text.partition(".")[2]) for text in prices))
    shown = [(f"{rung.price:.{decimals}f}", f"{rung.qty:,.10g}", "?" if rung.n_orders is None else str(rung.n_orders)) for rung in rungs]
    widths = [max(len(head), *(len(row[n]) for row in shown)) for n, head in enumerate(("price", "quantity", "orders"))]
    lines.append(f"       {'price':>{widths[0]}}  {'quantity':>{widths[1]}}  {'orders':>{widths[2]}}")
    for number, (rung, row) in enumerate(zip(rungs, shown, strict=True)):
        if number == len(ladder.asks) and ladder.asks and ladder.bids:
            spread = ladder.asks[0].price - ladder.bids[0].price
            lines.append(f"  ──── spread {spread:.{decimals}f} ────")
        name = "ask" if number < len(ladder.asks) else "bid"
        bar = "█" * max(1, round(BAR_WIDTH * rung.qty / most))
        lines.append(f"  {name}  {row[0]:>{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]:>{widths[2]}}  {bar}")
    return "\n".join(lines)


def moment(time_ns: int, zone: str = "UTC") -> str:
    """Return a time as text, to the nanosecond where it needs that."""
    whole = dt.datetime.fromtimestamp(time_ns // NS_A_SECOND, ZoneInfo(zone))
    rest = f"{time_ns % NS_A_SECOND:09d}".rstrip("0")
    return f"{whole:%Y-%m-%d %H:%M:%S}{'.' if rest else ''}{rest} {whole.tzname()}"


def parsed_moment(text: str, stream: Stream, zone: str = "UTC") -> int:
    """Return ns since the epoch of ``HH:MM[:SS[.fraction]]`` on the recording's first day, or of ISO 8601 date and time, in ``zone``.

    Raises
    ------
    DataError
        The text is neither.
    """
    first = dt.datetime.fromtimestamp(int(stream.events["time_ns"][0]) // NS_A_SECOND if len(stream.events) else 0, ZoneInfo(zone))
    whole, _, fraction = text.strip().partition(".")
    try:
        if "-" in whole or "T" in whole:
            when = dt.datetime.fromisoformat(whole)
        else:
            when = dt.datetime.combine(first.date(), dt.time.fromisoformat(whole))
        if fraction and not (fraction.isdecimal() and len(fraction) <= 9):
            raise ValueError(fraction)
    except ValueError as error:
        raise DataError(f"{text!r} is no time; write HH:MM:SS or YYYY-MM-DDTHH:MM:SS, in {zone} time.") from error
    if when.tzinfo is None:
        when = when.replace(tzinfo=ZoneInfo(zone))
    return int(when.timestamp()) * NS_A_SECOND + int(fraction.ljust(9, "0") or "0")
