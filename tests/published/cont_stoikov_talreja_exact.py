"""Cont, Stoikov and Talreja (2010): the exact chances of their questions, by the Markov chains of the two best queues.

Every chance is the solution of one linear system; nothing is simulated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.sparse import lil_matrix
from scipy.sparse.linalg import spsolve

Numbers = npt.NDArray[np.float64]
LIMITS, CANCELS, MARKETS = (1.85, 1.51, 1.09, 0.88, 0.77), (0.71, 0.81, 0.68, 0.56, 0.47), 0.94  # table 2, 1/min
SIZES = (1, 2, 3, 4, 5)

State = tuple[int, ...]
YES: State = (-1,)
NO: State = (-2,)
MOST = 35  # orders in a queue; more have no chance that shows
BORN, DIES = LIMITS[0], CANCELS[0]


def exact_one_step(distance_tick: int, n_queue: int) -> float:
    """Return lambda(i) / (lambda(i) + mu [i = 1] + n theta(i)): section 4.1."""
    born, dies = LIMITS[distance_tick - 1], n_queue * CANCELS[distance_tick - 1] + (MARKETS if distance_tick == 1 else 0.0)
    return born / (born + dies)


def absorbed(states: list[State], moves: Callable[[State], dict[State, float]]) -> dict[State, float]:
    """Return the chance of ending in YES from each state of a Markov chain in continuous time: one linear system."""
    place = {state: k for k, state in enumerate(states)}
    matrix, right = lil_matrix((len(states), len(states))), np.zeros(len(states))
    for state, k in place.items():
        for target, rate in moves(state).items():
            matrix[k, k] += rate
            if target == YES:
                right[k] += rate
            elif target != NO:
                matrix[k, place[target]] -= rate
    solution = spsolve(matrix.tocsr(), right)
    return {state: float(solution[k]) for state, k in place.items()}


def exact_mid_up() -> Numbers:
    """Return the chance that the ask is empty before the bid: two independent birth-and-death queues."""

    def moves(state: State) -> dict[State, float]:
        b, a = state
        out = {(b + 1, a): BORN} if b < MOST else {}
        out |= {(b, a + 1): BORN} if a < MOST else {}
        out[(b - 1, a) if b > 1 else NO] = MARKETS + b * DIES
        out[(b, a - 1) if a > 1 else YES] = MARKETS + a * DIES
        return out

    return _cells(absorbed([(b, a) for b in range(1, MOST + 1) for a in range(1, MOST + 1)], moves))


def exact_filled(side: Literal["bid", "ask"] = "bid") -> Numbers:
    """Return the chance that the last order of one queue trades before the other queue is empty (proposition 5)."""

    def moves(state: State) -> dict[State, float]:
        place, n = state
        out = {(place, n + 1): BORN} if n < MOST else {}
        out[(place - 1, n) if place > 1 else YES] = MARKETS + (place - 1) * DIES
        out[(place, n - 1) if n > 1 else NO] = MARKETS + n * DIES
        return out

    cells = _cells(absorbed([(place, n) for place in SIZES for n in range(1, MOST + 1)], moves))
    return cells if side == "bid" else cells.T


def exact_both_filled() -> Numbers:
    """Return the chance that the last orders of both queues trade before either queue is empty.

    A queue is (place, behind) while its order waits, (0, length) once that has traded.
    """
    behind = 14
    halves = [(place, k) for place in SIZES for k in range(behind + 1)] + [(0, n) for n in range(1, behind + 1)]

    def half_moves(place: int, k: int) -> dict[State, float]:
        out: dict[State, float] = {(place, k + 1): BORN} if k < behind else {}
        if place == 0:
            out[(0, k - 1) if k > 1 else NO] = MARKETS + k * DIES
            return out
        if k > 0:
            out[place, k - 1] = k * DIES
        out[(place - 1, k)] = MARKETS + (place - 1) * DIES
        return out

    def moves(state: State) -> dict[State, float]:
        out: dict[State, float] = {}
        for which in (0, 2):
            other = state[2 - which : 4 - which]
            for half, rate in half_moves(*state[which : which + 2]).items():
                target: State = NO
                if half != NO:
                    if half[0] == 0 and other[0] == 0:
                        target = YES
                    elif half != (0, 0):  # nobody behind: the mid moves as the order trades
                        target = (*half, *other) if which == 0 else (*other, *half)
                out[target] = out.get(target, 0.0) + rate
        return out

    open_states = [(*one, *two) for one in halves for two in halves if one[0] or two[0]]
    chances = absorbed(open_states, moves)
    return np.array([[chances[b, 0, a, 0] for a in SIZES] for b in SIZES])


def _cells(chances: dict[State, float]) -> Numbers:
    return np.array([[chances[b, a] for a in SIZES] for b in SIZES])
