"""How far a recording and the book rebuilt from it agree, and why not where they do not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from marketsim.errors import DataError
from marketsim.kernel.one_step import one_step
from marketsim.recorded import Difference, Fault
from marketsim.replay.depth import ASK, BID, DepthRows
from marketsim.replay.explain import Episode, explained
from marketsim.replay.rebuild import Walk
from marketsim.replay.stream import Stream


@dataclass(frozen=True, slots=True)
class Comparison:
    """One way of comparing, row by row, the touch with price and quantity on both sides."""

    n_rows: int
    n_exact: int
    differences: dict[Difference, int]  # sides of rows that differ, by how
    first_message: int | None  # message of the first row that differs

    @property
    def exact_frac(self) -> float:
        """Share of exact rows; NaN without rows."""
        return self.n_exact / self.n_rows if self.n_rows else float("nan")


@dataclass(frozen=True, slots=True)
class VerificationReport:
    """What `verify` found."""

    source: str
    n_messages: int
    one_step: Comparison | None  # None where no order book was recorded, or the feed has several events a message
    open_loop: Comparison | None  # None where no order book was recorded
    episodes: tuple[Episode, ...]  # every stretch in which the open loop differs, with its reason
    counts: dict[str, int]  # fields of COUNTS
    faults: dict[Fault, tuple[int, int]]  # rows refused: how many, the first
    retimed: tuple[int, ...]  # messages whose time contradicted their place

    @property
    def is_exact(self) -> bool:
        """Whether nothing differs, nothing was refused and no order was unknown."""
        compared = [c for c in (self.one_step, self.open_loop) if c is not None]
        unclear = sum(self.counts[name] for name in ("unknown", "overdrawn", "duplicate", "crossed"))
        return all(c.n_exact == c.n_rows for c in compared) and not (unclear or self.faults or self.retimed)


def verify(stream: Stream, depth: DepthRows | None = None, *, window_levels: int | None = None) -> VerificationReport:
    """Rebuild a one-symbol stream and compare it with what the order book file says.

    Parameters
    ----------
    stream : the recording; with ``depth`` it opens with the state before the first message, as readers return it.
    depth : recorded depth after all messages or some of them; None = only what the stream tells about itself.
    window_levels : recorded levels a side, where the messages cover more than ``depth`` does; used to explain differences.

    Returns
    -------
    VerificationReport
        One step: the recorded row before a message plus that message, against the row after it. Open loop: the book rebuilt from the
        first message on, against every row. Both compare prices and quantities of the best bid and ask.

    Raises
    ------
    DataError
        The stream has several symbols, or ``depth`` belongs to another one.
    """
    if len(stream.symbols) != 1:
        raise DataError(f"{stream.source} holds {len(stream.symbols)} symbols; verify one at a time, with stream.only(symbol).")
    walk = Walk(stream)
    top = walk.top()
    counts = {name: int(walk.counts[name]) for name in walk.counts.dtype.names or ()}
    single = open_loop = None
    episodes: tuple[Episode, ...] = ()
    if depth is not None:
        own = stream.events["message"] >= 0
        ends = np.flatnonzero(np.append(stream.events["message"][1:] != stream.events["message"][:-1], True) & own)
        ends = ends[np.isin(stream.events["message"][ends], depth.message)]
        if not np.array_equal(stream.events["message"][ends], depth.message):
            raise DataError(f"{stream.source} and its order book rows name different messages; read both with one call.")
        single = verify_steps(stream, depth)
        difference = compare_tops(top[ends], depth)
        open_loop = _comparison(difference, depth.message)
        episodes = explained(stream, ends, difference, depth, window_levels or depth.n_levels)
    retimed = tuple(int(m) for m in stream.retimed)
    return VerificationReport(stream.source, stream.n_messages, single, open_loop, episodes, counts, stream.faults(), retimed)


def compare_tops(top: npt.NDArray[np.void], depth: DepthRows) -> npt.NDArray[np.int8]:
    """Return how rebuilt touches, (n,) TOP, differ from recorded rows: (n, 2) int8 Difference, bid then ask."""
    result = np.zeros((len(top), 2), np.int8)
    for index, name in ((BID, "bid"), (ASK, "ask")):
        sign = 1 - 2 * index
        price, qty = top[f"{name}_tick"], top[f"{name}_lot"]
        said, said_qty = depth.price_tick[:, index, 0], depth.qty_lot[:, index, 0]
        better = np.where(qty == 0, False, (said_qty == 0) | (sign * (price - said) > 0))
        result[:, index] = np.where(
            price == said,
            np.where(qty == said_qty, Difference.NONE, Difference.WRONG_QUANTITY),
            np.where(better, Difference.STALE_LEVEL, Difference.MISSING_LEVEL),
        )
    return result


def verify_steps(stream: Stream, depth: DepthRows) -> Comparison | None:
    """Compare each recorded row plus its next message with the row after it; None where a message is several events or rows are missing.

    This is what tells whether messages and order book belong together; a resynchronised book agrees with its order book in any case.
    """
    events = stream.events[stream.events["message"] >= 0]
    if len(events) != len(depth):
        return None
    difference = np.zeros((len(events), 2), np.int8)
    one_step(events, depth.price_tick, depth.qty_lot, np.zeros((2, depth.n_levels), np.int64), difference)
    return _comparison(difference[1:], depth.message[1:])


def _comparison(difference: npt.NDArray[np.int8], message: npt.NDArray[np.int64]) -> Comparison:
    """Summarise; sides that nothing can be said about are counted but do not make a row differ."""
    wrong = ((difference != Difference.NONE) & (difference != Difference.OUTSIDE_WINDOW)).any(axis=1)
    unknown = (difference == Difference.OUTSIDE_WINDOW).any(axis=1) & ~wrong
    kinds = {kind: int(np.count_nonzero(difference == kind)) for kind in Difference if kind and np.any(difference == kind)}
    first = np.flatnonzero(wrong)
    return Comparison(
        n_rows=int(len(difference) - unknown.sum()),
        n_exact=int(len(difference) - unknown.sum() - wrong.sum()),
        differences=kinds,
        first_message=int(message[first[0]]) if len(first) else None,
    )


def verification_text(report: VerificationReport) -> str:
    """Return the report as lines a person reads."""
    return "\n".join(_lines(report))


def _lines(report: VerificationReport) -> Iterator[str]:
    yield f"{report.source}: {report.n_messages:,} messages"
    for fault, (count, first) in report.faults.items():
        yield f"  refused      {count:,} rows: {fault.name.lower().replace('_', ' ')}, first in row {first:,}"
    if report.retimed:
        yield f"  time mended  {len(report.retimed):,} messages out of order, first message {report.retimed[0]:,}; each kept its place"
    for title, found in (("one step", report.one_step), ("open loop", report.open_loop)):
        if found is None:
            continue
        yield f"  {title:<12} {found.n_exact:,} of {found.n_rows:,} rows exact ({100 * found.exact_frac:.3f} %)"
        for kind, count in found.differences.items():
            yield f"               {count:,} × {kind.name.lower().replace('_', ' ')}"
    for episode in report.episodes[:10]:
        yield f"  {episode.sentence}"
    if len(report.episodes) > 10:
        yield f"  … and {len(report.episodes) - 10:,} further stretches"
    told = {name: count for name, count in report.counts.items() if count}
    yield "  events       " + ", ".join(f"{count:,} {name}" for name, count in told.items())
