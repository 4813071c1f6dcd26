"""Whether an account's fills are ones the recording can have given: at its prices, at its times, and no lot twice.

Everything is counted from the recorded events and the rebuilt book, nothing from what the market kept while it ran.
"""

from __future__ import annotations

import functools
from collections import Counter

import numpy as np
import numpy.typing as npt

from marketsim.markets.account_run import AccountRun
from marketsim.markets.model import Gate
from marketsim.markets.panel import IntArray
from marketsim.recorded import RecordedKind
from marketsim.records import Liquidity, Side
from marketsim.replay.rebuild import effects_of, rebuilt
from marketsim.replay.stream import Stream, per_unit

K = RecordedKind
FLOW = (K.EXECUTE, K.EXECUTE_HIDDEN, K.TRADE, K.CROSS)
ENTRIES = (K.ADD, K.REPLACE, K.SET_LEVEL)


class ReplayGates:
    """The recording as seen from outside: its touch after every event, and what each event did to the book."""

    def __init__(self, stream: Stream) -> None:
        self._events = stream.events
        self._top, self._effects = rebuilt(stream).top, effects_of(stream)
        self._ticks, self._lots = per_unit(stream.tick_size), per_unit(stream.lot_size)
        self._of_symbol = [np.flatnonzero(stream.events["symbol"] == symbol) for symbol in range(len(stream.symbols))]

    @functools.cached_property
    def _entered(self) -> dict[tuple[int, int, int], int]:
        """All lots that ever entered a level, by symbol, side and tick."""
        rows = np.flatnonzero(self._effects["entered_lot"])
        levels = np.stack([self._events["symbol"][rows], self._effects["side"][rows], self._effects["price_tick"][rows]], axis=1)
        order = np.lexsort(levels.T)
        levels, lots = levels[order], self._effects["entered_lot"][rows][order]
        first = np.flatnonzero(np.append(True, (levels[1:] != levels[:-1]).any(axis=1))) if len(rows) else rows
        sums = np.add.reduceat(lots, first) if len(rows) else lots
        return {(int(s), int(side), int(tick)): int(total) for (s, side, tick), total in zip(levels[first], sums, strict=True)}

    def __call__(self, run: AccountRun) -> list[Gate]:
        """Return the gates of one account."""
        return [
            Gate("fills_at_recorded_prices", float(self._unoffered(run.fills)), "fills at a price the recording did not offer then"),
            Gate("liquidity_taken_once", float(self._taken_twice(run.fills)), "lots taken beyond what the recording had"),
        ]

    def _unoffered(self, fills: npt.NDArray[np.void]) -> int:
        """Count takers that paid less than the touch of their moment, and makers that no recorded event of their moment reached."""
        count = 0
        for fill in fills:
            tick = round(float(fill["price"]) * self._ticks[fill["symbol"]])
            at, before = self._moment(int(fill["symbol"]), int(fill["time_ns"]))
            if fill["liquidity"] == Liquidity.TAKER:
                count += not self._paid_the_touch(int(fill["side"]), tick, at if before is None else np.append(before, at))
            else:
                count += not any(self._reaches(row, int(fill["side"]), tick) for row in at)
        return count

    def _moment(self, symbol: int, time_ns: int) -> tuple[IntArray, int | None]:
        """Return the rows of a symbol's events at a time, and the row before them."""
        rows = self._of_symbol[symbol]
        times = self._events["time_ns"]
        low, high = (int(np.searchsorted(rows, np.searchsorted(times, time_ns, side=side))) for side in ("left", "right"))
        return rows[low:high], int(rows[low - 1]) if low else None

    def _paid_the_touch(self, side: int, tick: int, rows: IntArray) -> bool:
        """Tell whether a price is the best of the other side, or worse, in one of the states of the book after these events."""
        other = "ask" if side == Side.BUY else "bid"
        shown = self._top[rows]
        shown = shown[shown[f"{other}_lot"] > 0]
        return bool(np.any(side * (tick - shown[f"{other}_tick"]) >= 0))

    def _reaches(self, row: int, side: int, tick: int) -> bool:
        """Tell whether an event trades at an own order's price or through it, or brings the other side there."""
        effect, kind = self._effects[row], self._events["kind"][row]
        sides = (-side,) if kind in ENTRIES else (0, side) if kind in FLOW else ()
        return bool(effect["side"] in sides and side * (effect["price_tick"] - tick) <= 0)

    def _taken_twice(self, fills: npt.NDArray[np.void]) -> int:
        """Count lots taken from a level beyond all that ever entered it, and lots made in a moment beyond what it traded or brought."""
        taken: Counter[tuple[int, int, int]] = Counter()
        made: Counter[tuple[int, int, int]] = Counter()
        for fill in fills:
            symbol, side = int(fill["symbol"]), int(fill["side"])
            lots = round(float(fill["qty"]) * self._lots[symbol])
            if fill["liquidity"] == Liquidity.TAKER:
                taken[symbol, -side, round(float(fill["price"]) * self._ticks[symbol])] += lots
            else:
                made[symbol, side, int(fill["time_ns"])] += lots
        excess = 0
        for level, lots in taken.items():
            excess += max(0, lots - self._entered.get(level, 0))
        for (symbol, _, time_ns), lots in made.items():
            at, _ = self._moment(symbol, time_ns)
            of_flow = np.isin(self._events["kind"][at], (*FLOW, *ENTRIES))
            excess += max(0, lots - int(self._events["qty_lot"][at][of_flow].sum()))
        return excess
