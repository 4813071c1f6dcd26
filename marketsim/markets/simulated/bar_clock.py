"""The bars of a simulated market's sessions, and which of them a time belongs to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketsim.markets.panel import IntArray
from marketsim.markets.simulated.timetable import Session


@dataclass(frozen=True, slots=True)
class BarClock:
    """The bars of all sessions' trading hours, (n_bars,) each; what happens outside them counts to the nearest bar of its session."""

    open_ns: IntArray
    close_ns: IntArray
    session: IntArray
    first_of_session: IntArray  # (n_sessions,)
    session_start_ns: IntArray  # (n_sessions,)

    @classmethod
    def of(cls, sessions: tuple[Session, ...], bar_ns: int) -> BarClock:
        """Cut the hours of each session into bars; the last one ends with the session."""
        opens = [np.arange(s.open_ns, s.close_ns, bar_ns, dtype=np.int64) for s in sessions]
        closes = [np.append(o[1:], s.close_ns) for o, s in zip(opens, sessions, strict=True)]
        counts = [len(o) for o in opens]
        return cls(
            np.concatenate(opens),
            np.concatenate(closes),
            np.repeat(np.arange(len(sessions)), counts),
            np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64),
            np.array([s.start_ns for s in sessions], np.int64),
        )

    @property
    def n_bars(self) -> int:
        """Number of bars."""
        return len(self.open_ns)

    def bar_of(self, time_ns: IntArray) -> IntArray:
        """Return the bar each time belongs to."""
        bar = np.maximum(np.searchsorted(self.open_ns, time_ns, side="right") - 1, 0)
        session = np.maximum(np.searchsorted(self.session_start_ns, time_ns, side="right") - 1, 0)
        return np.maximum(bar, self.first_of_session[session])
