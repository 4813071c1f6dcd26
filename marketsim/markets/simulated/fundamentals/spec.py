"""What every kind of fundamental value has in common: when it is needed, what it may draw, and what it returns."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

LARGEST_TICK = 1e15  # of a fundamental value or an order from outside; nine times less than the exchange's own bound


@dataclass(frozen=True, slots=True)
class Grid:
    """When values are needed: ``n_points`` of them every ``step_ns`` from each session's start.

    Sessions of different lengths have the same number of points; those past a shorter session's end are never looked at.
    """

    sessions: tuple[tuple[int, int], ...]  # start and end, ns
    step_ns: int = 1_000_000_000

    @property
    def n_points(self) -> int:
        """Points a session: the longest one and its end are covered."""
        return max(-(-(end - start) // self.step_ns) for start, end in self.sessions) + 1

    def last_point(self, session: int) -> int:
        """Return the point at or just after a session's end."""
        start, end = self.sessions[session]
        return -(-(end - start) // self.step_ns)


@dataclass(frozen=True, slots=True)
class Draws:
    """The random numbers of one symbol; each session has its own, which follow from the seed, the symbol's name and the session's start.

    ``normals`` is (n_sessions, n_points), standard normal, correlated with those of the other symbols where that was asked for. The first
    of a session belongs to the night before it, the k-th to the step that ends at point k.
    """

    seed: int
    symbol: str
    normals: NDArray[np.float64]

    def generator(self, start_ns: int, purpose: str) -> np.random.Generator:
        """Return a generator of a session's own for anything but ``normals``; no purpose disturbs another."""
        return keyed_generator(self.seed, self.symbol, start_ns, purpose)


class FundamentalSpec(BaseModel, ABC):
    """Frozen parameters of one kind of fundamental; a kind adds its ``kind`` literal and its `path`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @abstractmethod
    def path(self, grid: Grid, draws: Draws) -> NDArray[np.float64]:
        """Return the values, (n_sessions, n_points) float64, ticks."""


def keyed_generator(seed: int, symbol: str, start_ns: int, purpose: str) -> np.random.Generator:
    """Return a generator that follows from the seed, a symbol's name, a time and a purpose alone."""
    digest = hashlib.sha256(f"{seed}\n{symbol}\n{start_ns}\n{purpose}".encode()).digest()
    return np.random.Generator(np.random.Philox(key=np.frombuffer(digest[:16], "<u8")))
