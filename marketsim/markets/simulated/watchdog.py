"""A watch over agents that never end their turn. It stands outside the simulation: it can end a run, never change one.

A turn in Python that takes too long is interrupted where it stands. Compiled code cannot be: the watch then says who and when, and ends the
process with an exit code that is not zero. A run is published in one step at its end, so nothing of it is left half-way.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum, auto
from typing import TYPE_CHECKING

from marketsim.errors import StrategyError

if TYPE_CHECKING:
    from marketsim.markets.simulated.world import World

CHECKS_A_LIMIT = 20
TURN_LIMIT_S = 60.0  # real time one turn of a run may take; nothing about a run that goes on depends on it


class Stage(Enum):
    """Who has the word: the compiled loop, an agent in Python, or whoever takes what has happened."""

    COMPILED = auto()
    PYTHON = auto()
    OUTSIDE = auto()


class TurnTakesTooLong(BaseException):  # not an Exception: an agent that catches those must not catch this
    """Raised inside a turn in Python that takes too long."""


def end_process(sentence: str) -> None:
    """Say why, and end the process at once, as a run that failed by its strategy."""
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()
    os._exit(StrategyError.exit_code)


class Watchdog:
    """Ends turns without progress.

    Parameters
    ----------
    limit_s : how long one turn may take, seconds of real time.
    give_up : what to do about a turn that cannot be interrupted; ends the process by default.
    """

    def __init__(self, limit_s: float, give_up: Callable[[str], None] = end_process) -> None:
        self.limit_s, self._give_up = limit_s, give_up

    @contextmanager
    def watching(self, world: World) -> Iterator[None]:
        """Watch over a simulation that runs in this thread."""
        over, interrupted = threading.Event(), threading.Event()
        thread = threading.get_ident()
        watch = threading.Thread(target=self._watch, args=(world, thread, over, interrupted), name="watchdog", daemon=True)
        watch.start()
        try:
            yield
        finally:
            over.set()
            watch.join()
            if interrupted.is_set():
                _absorb_what_came_too_late()

    def _watch(self, world: World, thread: int, over: threading.Event, interrupted: threading.Event) -> None:
        seen, since = (world.stage, -1, -1), time.monotonic()
        while not over.wait(self.limit_s / CHECKS_A_LIMIT):
            header = world.header
            now = (world.stage, int(header["n_turns"]), int(header["n_messages"]))
            if now != seen or world.stage is Stage.OUTSIDE:
                seen, since = now, time.monotonic()
                continue
            if time.monotonic() - since < self.limit_s * (2 if interrupted.is_set() else 1):
                continue
            if world.stage is Stage.PYTHON and not interrupted.is_set():
                interrupted.set()
                # Raised in the simulation's thread at its next step of Python.
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(TurnTakesTooLong))
            else:
                self._give_up(world.accusation(f"its turn takes longer than {self.limit_s:g} s and cannot be interrupted"))
                return


def _absorb_what_came_too_late() -> None:
    """Let an interruption that is still on its way arrive here, where the turn is over, and not in whatever follows."""
    with suppress(TurnTakesTooLong):
        for _ in range(1000):
            time.sleep(0)
