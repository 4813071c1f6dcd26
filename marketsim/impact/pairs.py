"""Exact pairs: one simulated market with an agent and without it, all other agents drawing the same random numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from marketsim.errors import ConfigError
from marketsim.impact.observer import FloatArray, IntArray, Observer, Path, Place
from marketsim.impact.scenes import Scene

__all__ = ["FloatArray", "IntArray", "Pair", "Path", "Place", "run_pairs"]


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
    threads: int = 1,
    progress: Callable[[str], None] = lambda _: None,
) -> list[list[Pair]]:
    """Run every seed with and without some agents.

    Parameters
    ----------
    scene_of : returns the market of a seed, all in as many variants; the one without the agents runs once a seed, whatever their number
    agents : names of the agents whose fills are looked at; in variant 0 they must never get a turn
    seeds : one pair each; pairs come back in this order, however many threads there are
    place : where and how often the price is read
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
    for pairs in _in_order(lambda seed: _of_seed(scene_of(seed), agents, seed, place), seeds, threads):
        found.append(pairs)
        progress(f"pairs: {len(found)} of {len(seeds)} seeds")
    return [list(pairs) for pairs in zip(*found, strict=True)]


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


def _of_seed(scene: Scene, agents: Sequence[str], seed: int, place: Place) -> list[Pair]:
    numbers = _numbers(scene.names, agents)
    times = np.concatenate([np.arange(start, stop, place.every_ns, dtype=np.int64) for start, stop in scene.sessions])
    absent = Observer(place, times, numbers)
    scene.play(0, absent.hear)
    without = absent.path(f"without {_listed(agents)}")
    pairs = []
    for variant in range(1, scene.variants + 1):
        present = Observer(place, times, numbers)
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
