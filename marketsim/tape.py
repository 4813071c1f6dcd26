"""What an exchange did: trades and events as structured arrays, with an Arrow table of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Tape:
    """The outcome of some messages, in order.

    Attributes
    ----------
    trades : (n_trades,) TRADE
    events : (n_events,) EVENT
    top : (n_messages,) DEPTH, the touch of the book a message concerned, after it; None unless asked for
    depth : (n_messages, n_levels) DEPTH, best level first; None unless asked for
    consolidated : (n_messages,) CONSOLIDATED, the best of all venues in the symbol a message concerned, after it; None unless asked for
    digest : hash of all trades and events since the exchange began, however the messages were cut into calls
    """

    trades: NDArray[np.void]
    events: NDArray[np.void]
    top: NDArray[np.void] | None
    depth: NDArray[np.void] | None
    consolidated: NDArray[np.void] | None
    digest: str

    def trades_table(self) -> pa.Table:
        """Return the trades as an Arrow table, one column a field."""
        return _table(self.trades)

    def events_table(self) -> pa.Table:
        """Return the events as an Arrow table, one column a field."""
        return _table(self.events)


def _table(rows: NDArray[np.void]) -> pa.Table:
    names = rows.dtype.names or ()
    return pa.table({name: pa.array(np.ascontiguousarray(rows[name])) for name in names})
