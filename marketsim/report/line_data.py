"""What the page's line charts show: every account on one thinned clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from marketsim.risk.account import AccountHistory
from marketsim.risk.activity import gross_exposure
from marketsim.risk.drawdown import drawdowns
from marketsim.risk.observations import FloatArray, IntArray
from marketsim.risk.returns import rolling_sharpe, rolling_volatility

MAX_POINTS = 2_400
MAX_AGENTS = 6
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class LineData:
    """Lines of all accounts; ``rows`` picks the bars that are drawn, ``time_ms`` (n_rows,) are their times, UTC.

    Each measure has one (n_rows,) array an account, fractions or ratios, NaN where it is not defined.
    """

    names: tuple[str, ...]
    rows: IntArray
    time_ms: IntArray
    measures: dict[str, dict[str, FloatArray]]


def shown(histories: Sequence[AccountHistory]) -> tuple[AccountHistory, ...]:
    """Return the accounts that are drawn: strategy, the first agents, benchmark. Tables hold all of them."""
    agents = [a for a in histories if a.role == "agent"][:MAX_AGENTS]
    return tuple(a for a in histories if a.role != "agent" or a in agents)


def line_data(histories: Sequence[AccountHistory], rolling_bars: int) -> LineData:
    """Compute the lines of the accounts drawn; all of them must lie on the first one's clock."""
    first = histories[0]
    rows = thinned(first.equity, MAX_POINTS)
    measures: dict[str, dict[str, FloatArray]] = {name: {} for name in ("growth", "drawdown", "sharpe", "volatility", "exposure")}
    for a in histories:
        years = a.clock.periods_per_year
        measures["growth"][a.agent] = (a.equity / a.wealth[0] - 1.0)[rows]
        measures["drawdown"][a.agent] = drawdowns(a.wealth)[1:][rows]
        measures["sharpe"][a.agent] = rolling_sharpe(a.returns, rolling_bars, years, a.clock.risk_free)[rows]
        measures["volatility"][a.agent] = rolling_volatility(a.returns, rolling_bars, years)[rows]
        measures["exposure"][a.agent] = gross_exposure(a.long_value, a.short_value, a.equity)[rows]
    return LineData(tuple(a.agent for a in histories), rows, clock_ms(first)[rows], measures)


def clock_ms(history: AccountHistory) -> IntArray:
    """Return the time each bar is drawn at, (n,) milliseconds UTC: its session's date for daily bars, else its close."""
    if np.unique(history.session).size == history.session.size:
        return history.session * DAY_MS
    return history.wealth_ns[1:] // 1_000_000


def thinned(values: FloatArray, most: int) -> IntArray:
    """Return at most ``most`` positions that keep first, last, and the lowest and highest value of each stretch between."""
    n = values.size
    if n <= most:
        return np.arange(n, dtype=np.int64)
    edges = np.linspace(0, n, (most - 2) // 2 + 1).astype(np.int64)
    kept = {0, n - 1}
    for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        part = values[start:stop]
        kept.update((start + int(np.argmin(part)), start + int(np.argmax(part))))
    return np.array(sorted(kept), dtype=np.int64)
