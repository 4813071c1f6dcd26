"""Real bars as fundamental values: for every session a path that opens, turns and closes where the real price did.

`bar_path` leads through one bar. Each bar draws from a stream of its own, named after the seed, the symbol and the time it opens, so it
looks the same whichever others are asked for. What the path does not know: jumps, volatility that changes inside a bar, and the market's
real order of events.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from marketsim.errors import ConfigError, DataError
from marketsim.markets.panel import FloatArray, Panel
from marketsim.markets.simulated.bar_path import bar_path

FEWEST_STEPS = 4  # open, high, low and close
USUAL_SESSIONS = 20  # sessions the usual volume is taken over


@dataclass(frozen=True, slots=True)
class History:
    """Fundamental values of some sessions.

    Attributes
    ----------
    sessions : start and end of each, ns.
    step_ns : time between two values.
    price : (n_symbols, n_sessions, n) float64, currency a share, raw as traded that day; a shorter session repeats its last value.
    volume : (n_symbols, n_sessions) float64, shares traded; NaN where unknown.
    activity : (n_symbols, n_sessions) float64, volume relative to the mean of up to 20 sessions before; 1 where unknown.
    """

    sessions: tuple[tuple[int, int], ...]
    step_ns: int
    price: FloatArray
    volume: FloatArray
    activity: FloatArray

    def ticks(self, tick_size: float) -> FloatArray:
        """Return the values in ticks, as `Setting.fundamental` wants them."""
        return np.asarray(self.price / tick_size)


def history(bars: Panel, sessions: Sequence[np.datetime64], seed: int, step_ns: int = 1_000_000_000) -> History:
    """Turn real bars into fundamental values.

    Parameters
    ----------
    bars : daily bars, or bars within the day; all symbols need a bar before or in every session asked for.
    sessions : which sessions, ascending; those before them count for the usual volume.
    seed : the run's; the streams follow from it, the symbol and each bar's opening time.
    step_ns : grid, ns; every bar must hold at least four steps.

    Returns
    -------
    History
        Where a symbol has no bar the value stays at its last close.

    Raises
    ------
    ConfigError
        The grid is too coarse for the bars, or does not divide them.
    DataError
        A session has no bar, a symbol has no price yet, or a bar contradicts itself.
    """
    rows = [np.flatnonzero(bars.session == day) for day in sessions]
    missing = [str(day) for day, found in zip(sessions, rows, strict=True) if len(found) == 0]
    if missing:
        raise DataError(f"no bar of session {missing[0]} is there to make a fundamental of; check the run's start and end.")
    spans = tuple((int(bars.open_ns[found[0]]), int(bars.close_ns[found[-1]])) for found in rows)
    n_points = max((stop - start) // step_ns + 1 for start, stop in spans)
    price = np.empty((len(bars.symbols), len(spans), n_points))
    for column in range(len(bars.symbols)):
        for place, found in enumerate(rows):
            _fill_session(price[column, place], bars, found, column, step_ns, seed)
    return History(spans, step_ns, price, *_volumes(bars, rows))


def _fill_session(path: FloatArray, bars: Panel, rows: npt.NDArray[np.intp], column: int, step_ns: int, seed: int) -> None:
    """Write one symbol's session; the last bar ends on the grid's last point, the others one step before the next bar opens."""
    start = int(bars.open_ns[rows[0]])
    last = _last_close(bars, column, int(rows[0]))
    for row in map(int, rows):
        open_ns, length_ns = int(bars.open_ns[row]), int(bars.close_ns[row] - bars.open_ns[row])
        if length_ns % step_ns or length_ns // step_ns < FEWEST_STEPS:
            raise ConfigError(
                f"fundamental step {step_ns / 1e9:g} s: the bar of {bars.symbols[column]} at {np.datetime64(open_ns, 'ns')}Z lasts "
                f"{length_ns / 1e9:g} s; use a step that divides it into at least {FEWEST_STEPS}."
            )
        first, n = (open_ns - start) // step_ns, length_ns // step_ns + (row == rows[-1])
        path[first : first + n] = last
        if not np.isnan(bars.open[row, column]):
            path[first : first + n] = _bar(bars, row, column, n, f"{seed}\nhistory\n{bars.symbols[column]}\n{open_ns}")
        last = float(path[first + n - 1])
        path[first + n :] = last


def _bar(bars: Panel, row: int, column: int, n: int, key: str) -> FloatArray:
    start, high, low, end = (float(prices[row, column]) for prices in (bars.open, bars.high, bars.low, bars.close))
    if not 0.0 < low <= min(start, end) <= max(start, end) <= high < np.inf:
        raise DataError(
            f"{bars.symbols[column]} at {np.datetime64(int(bars.open_ns[row]), 'ns')}Z: open {start}, high {high}, low {low}, close {end} "
            "contradict each other; expected 0 < low <= open, close <= high. Validation quarantines such bars: check its settings."
        )
    return bar_path((start, high, low, end), n, int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "little", signed=True))


def _last_close(bars: Panel, column: int, before: int) -> float:
    """Return the price a symbol opens a session with while it does not trade: its last close, or the first open to come."""
    known = np.flatnonzero(np.isfinite(bars.close[:before, column]))
    if len(known):
        return float(bars.close[known[-1], column] / np.prod(bars.split[known[-1] + 1 : before + 1, column]))
    coming = np.flatnonzero(np.isfinite(bars.open[:, column]))
    if len(coming) == 0:
        raise DataError(f"{bars.symbols[column]} has no bar; a fundamental needs at least one.")
    return float(bars.open[coming[0], column] * np.prod(bars.split[before + 1 : coming[0] + 1, column]))


def _volumes(bars: Panel, rows: Sequence[npt.NDArray[np.intp]]) -> tuple[FloatArray, FloatArray]:
    """Return the sessions' volumes and how they compare with the sessions before, both (n_symbols, n_sessions)."""
    first_of = bars.session_starts
    daily = np.add.reduceat(np.nan_to_num(bars.volume), first_of, axis=0)
    daily[~np.logical_or.reduceat(np.isfinite(bars.volume), first_of, axis=0)] = np.nan
    later = np.vstack([np.cumprod(bars.split[::-1], axis=0)[::-1][1:], np.ones((1, len(bars.symbols)))])[first_of]
    restated = daily * later  # in today's shares, so that a split is no change of activity
    volume = np.empty((len(bars.symbols), len(rows)))
    activity = np.ones_like(volume)
    for place, found in enumerate(rows):
        day = int(np.searchsorted(first_of, found[0], side="right")) - 1
        volume[:, place] = daily[day]
        past = restated[max(0, day - USUAL_SESSIONS) : day]
        for column in range(len(bars.symbols)):
            usual = past[np.isfinite(past[:, column]), column]
            if len(usual) and usual.mean() > 0.0 and np.isfinite(restated[day, column]):
                activity[column, place] = restated[day, column] / usual.mean()
    return volume, activity
