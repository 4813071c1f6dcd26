"""Exact pairs: one simulated market with an agent and without it, all other agents drawing the same random numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from marketsim.errors import ConfigError, DataError
from marketsim.impact.scenes import Scene
from marketsim.markets.simulated.world import Handed

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the price is read: one symbol at one venue, on a regular grid of ``every_ns`` over all sessions."""

    symbol: int = 0
    venue: int = 0
    every_ns: int = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Path:
    """One market as the grid saw it.

    Attributes
    ----------
    mid_tick : (n_times,) float64, the mid at or last before each grid time while both sides are there; NaN before the first
    spread_tick : (n_times,) float64, the spread of the same quote
    volume_lot : traded in the symbol at all venues
    n_trades : number of trades in the symbol
    """

    mid_tick: FloatArray
    spread_tick: FloatArray
    volume_lot: int
    n_trades: int


@dataclass(frozen=True, slots=True)
class Pair:
    """One seed's market with the agent and without it, and what the agent traded, (n_fills,) arrays in order of time."""

    seed: int
    time_ns: IntArray  # (n_times,)
    present: Path
    absent: Path
    fill_ns: IntArray
    fill_lot: IntArray  # signed, positive when it bought
    fill_tick: IntArray

    @property
    def net_lot(self) -> int:
        """What the agent bought less what it sold."""
        return int(self.fill_lot.sum())


def run_pairs(
    scene_of: Callable[[int], Scene],
    agents: Sequence[str],
    seeds: Sequence[int],
    place: Place,
    *,
    variants: int = 1,
    threads: int = 1,
    progress: Callable[[str], None] = lambda _: None,
) -> list[list[Pair]]:
    """Run every seed with and without some agents.

    Parameters
    ----------
    scene_of : returns the market of a seed
    agents : names of the agents whose fills are looked at; in variant 0 they must never get a turn
    seeds : one pair each; pairs come back in this order, however many threads there are
    place : where and how often the price is read
    variants : markets with the agents; all are compared with the one without them, which runs once a seed
    threads : seeds that run at the same time; the compiled loop lets others run, agents in Python do not
    progress : hears how many seeds are done

    Returns
    -------
    list of list of Pair
        The pairs of variant 1, of variant 2 and so on.

    Raises
    ------
    ConfigError
        An agent is not in the population.
    DataError
        A market never had both a bid and an ask, so that there is no price to compare.
    """
    found: list[list[Pair]] = []
    for pairs in _in_order(lambda seed: _of_seed(scene_of(seed), agents, seed, place, variants), seeds, threads):
        found.append(pairs)
        progress(f"pairs: {len(found)} of {len(seeds)} seeds")
    return [[pairs[k] for pairs in found] for k in range(variants)]


def _in_order(run: Callable[[int], list[Pair]], seeds: Sequence[int], threads: int) -> Iterator[list[Pair]]:
    if not seeds:
        return
    # The first alone: it compiles what is not compiled yet, and what is wrong with all seeds is told before others have begun.
    yield run(seeds[0])
    pool = ThreadPoolExecutor(max_workers=max(1, threads))
    try:
        yield from pool.map(run, seeds[1:])
    finally:
        pool.shutdown(cancel_futures=True)


def _of_seed(scene: Scene, agents: Sequence[str], seed: int, place: Place, variants: int) -> list[Pair]:
    numbers = _numbers(scene.names, agents)
    times = np.concatenate([np.arange(start, stop, place.every_ns, dtype=np.int64) for start, stop in scene.sessions])
    absent = _Observer(place, times, numbers)
    scene.play(0, absent.hear)
    without = absent.path(f"without {_listed(agents)}")
    pairs = []
    for variant in range(1, variants + 1):
        present = _Observer(place, times, numbers)
        scene.play(variant, present.hear)
        fills = np.concatenate([np.zeros((0, 3), np.int64), *present.fills])
        pairs.append(Pair(seed, times, present.path(f"with {_listed(agents)}"), without, *fills.T))
    return pairs


def _numbers(names: Sequence[str], agents: Sequence[str]) -> list[int]:
    known = {name: number for number, name in enumerate(names, start=1)}
    missing = [name for name in agents if name not in known]
    if missing:
        some = ", ".join(list(known)[:10])
        raise ConfigError(f"agent {missing[0]} is not in the population; it has {some}{', …' if len(known) > 10 else ''}.")
    return [known[name] for name in agents]


def _listed(agents: Sequence[str]) -> str:
    return agents[0] if len(agents) == 1 else f"{agents[0]} and {len(agents) - 1} others"


class _Observer:
    """Reads a market while it runs and keeps no more of it than a path and some agents' fills, so that memory stays flat."""

    def __init__(self, place: Place, times: IntArray, numbers: Sequence[int]) -> None:
        self._place, self._times, self._numbers = place, times, np.array(numbers)
        self._mid, self._spread = np.full(len(times), np.nan), np.full(len(times), np.nan)
        self._n_read = self._volume_lot = self._n_trades = 0
        self._latest = (np.nan, np.nan)  # mid and spread of the latest quote with both sides
        self.fills: list[IntArray] = []  # (n, 3): time, signed lots, tick

    def hear(self, handed: Handed) -> None:
        """Read what has happened."""
        quotes, trades, place = handed.quotes, handed.tape.trades, self._place
        here = (quotes["symbol"] == place.symbol) & (quotes["venue"] == place.venue)
        both = quotes[here & (quotes["bid_lot"] > 0) & (quotes["ask_lot"] > 0)]
        if len(both):
            # Further quotes of its last nanosecond may still come, so the grid is read up to before it.
            self._read(both, int(np.searchsorted(self._times, both["time_ns"][-1])))
        own = trades[trades["symbol"] == place.symbol]
        self._volume_lot += int(own["qty_lot"].sum())
        self._n_trades += len(own)
        self._keep_fills(own)

    def path(self, which: str) -> Path:
        """Return the path of a market that is over."""
        if np.isnan(self._latest[0]):
            raise DataError(
                f"{which}, symbol {self._place.symbol} at venue {self._place.venue} never had both a bid and an ask, so no price change "
                "can be measured; let the rest of the population quote both sides."
            )
        self._mid[self._n_read :], self._spread[self._n_read :] = self._latest
        return Path(self._mid, self._spread, self._volume_lot, self._n_trades)

    def _read(self, both: npt.NDArray[np.void], until: int) -> None:
        """Fill the grid up to a place from quotes that reach beyond it."""
        mid = (both["bid_tick"] + both["ask_tick"]) / 2.0
        spread = (both["ask_tick"] - both["bid_tick"]).astype(np.float64)
        at = np.searchsorted(both["time_ns"], self._times[self._n_read : until], side="right") - 1
        for grid, values, before in ((self._mid, mid, self._latest[0]), (self._spread, spread, self._latest[1])):
            grid[self._n_read : until] = np.where(at >= 0, values[at], before)
        self._n_read = until
        self._latest = float(mid[-1]), float(spread[-1])

    def _keep_fills(self, trades: npt.NDArray[np.void]) -> None:
        took, made = np.isin(trades["taker_owner"], self._numbers), np.isin(trades["maker_owner"], self._numbers)
        # The taker buys where the aggressor is a buyer; in an auction the buyer stands as the taker.
        taker_sign = np.where(trades["aggressor"] < 0, -1, 1)
        signed = trades["qty_lot"] * taker_sign * (took.astype(np.int64) - made.astype(np.int64))
        own = signed != 0
        if own.any():
            self.fills.append(np.stack([trades["time_ns"][own], signed[own], trades["price_tick"][own]], axis=1))
