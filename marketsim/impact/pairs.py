"""Exact pairs: one simulated market with an agent and without it, all other agents drawing the same random numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from marketsim.errors import ConfigError, DataError
from marketsim.kernel.simulation.world import QUOTE
from marketsim.markets.simulated.setting import Handed
from marketsim.markets.simulated.world import World
from marketsim.records import TRADE

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# Builds the world of a seed, the agent in question muted or not; it must capture quotes.
WorldFactory = Callable[[int, bool], World]


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
    factory: WorldFactory,
    agents: Sequence[str],
    seeds: Sequence[int],
    place: Place,
    *,
    threads: int = 1,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Pair]:
    """Run every seed twice, with and without some agents.

    Parameters
    ----------
    factory : ``(seed, muted) -> World``; the two worlds of a seed differ in nothing but whether the agents are muted
    agents : names of the agents whose fills are looked at; with muted they must never get a turn
    seeds : one pair each; pairs come back in this order, however many threads there are
    place : where and how often the price is read
    threads : worlds that run at the same time
    progress : hears how many pairs are done

    Raises
    ------
    ConfigError
        An agent is not in the population.
    DataError
        A world never had both a bid and an ask, so that there is no price to compare.
    """
    done = 0
    pairs: list[Pair] = []
    with ThreadPoolExecutor(max_workers=max(1, threads)) as pool:
        for pair in pool.map(lambda seed: _pair(factory, agents, seed, place), seeds):
            done += 1
            pairs.append(pair)
            progress(f"{done} of {len(seeds)} pairs")
    return pairs


def _pair(factory: WorldFactory, agents: Sequence[str], seed: int, place: Place) -> Pair:
    world = factory(seed, False)
    sessions = world.setting.sessions
    times = np.concatenate([np.arange(start, stop, place.every_ns, dtype=np.int64) for start, stop in sessions])
    numbers = _numbers(world, agents)
    present, trades = _observed(world, place, times)
    absent, _ = _observed(factory(seed, True), place, times)
    bought, sold = np.isin(trades["taker_owner"], numbers), np.isin(trades["maker_owner"], numbers)
    # The taker buys where the aggressor is a buyer; in an auction the buyer stands as the taker.
    taker_sign = np.where(trades["aggressor"] < 0, -1, 1)
    signed = trades["qty_lot"] * taker_sign * (bought.astype(np.int64) - sold.astype(np.int64))
    own = signed != 0
    return Pair(seed, times, present, absent, trades["time_ns"][own], signed[own], trades["price_tick"][own])


def _numbers(world: World, agents: Sequence[str]) -> list[int]:
    known = {member.name: number for number, member in enumerate(world.members, start=1)}
    missing = [name for name in agents if name not in known]
    if missing:
        some = ", ".join(list(known)[:10])
        raise ConfigError(f"agent {missing[0]} is not in the population; it has {some}{', …' if len(known) > 10 else ''}.")
    return [known[name] for name in agents]


def _observed(world: World, place: Place, times: IntArray) -> tuple[Path, npt.NDArray[np.void]]:
    """Run a world and return its path and its trades in the symbol."""
    quotes: list[npt.NDArray[np.void]] = [np.zeros(0, QUOTE)]
    trades: list[npt.NDArray[np.void]] = [np.zeros(0, TRADE)]

    def keep(handed: Handed) -> None:
        here = (handed.quotes["symbol"] == place.symbol) & (handed.quotes["venue"] == place.venue)
        quotes.append(handed.quotes[here])
        trades.append(handed.tape.trades[handed.tape.trades["symbol"] == place.symbol])

    world.run(keep)
    quote, trade = np.concatenate(quotes), np.concatenate(trades)
    both = quote[(quote["bid_lot"] > 0) & (quote["ask_lot"] > 0)]
    if len(both) == 0:
        raise DataError(
            f"symbol {place.symbol} at venue {place.venue} never had both a bid and an ask, so no price change can be measured; "
            "let the population quote both sides."
        )
    at = np.searchsorted(both["time_ns"], times, side="right") - 1
    mid = np.where(at >= 0, (both["bid_tick"][at] + both["ask_tick"][at]) / 2.0, np.nan)
    spread = np.where(at >= 0, both["ask_tick"][at] - both["bid_tick"][at], np.nan).astype(np.float64)
    return Path(mid, spread, int(trade["qty_lot"].sum()), len(trade)), trade
