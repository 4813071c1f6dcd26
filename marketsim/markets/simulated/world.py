"""A simulated market: a population of agents, an exchange, and the compiled loop that lets time pass between them."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from numba import types

from marketsim.errors import ConfigError, StrategyError
from marketsim.exchange import Exchange
from marketsim.kernel.exceptions import raised_exception
from marketsim.kernel.simulation import world as w
from marketsim.kernel.simulation.loop import act, begin, end, schedule, simulate
from marketsim.markets.simulated.setting import Capture, Handed, Member, Setting
from marketsim.markets.simulated.watchdog import Stage, TurnTakesTooLong, Watchdog
from marketsim.markets.simulated.world_memory import WorldMemory

TURN_AGENT = (w.WORLD.names or ()).index("turn_agent")  # the header's word that says whose turn it is; all before it are words too
FAULTS = {
    w.RAISED: "its step raised an error",
    w.TOO_MANY_MESSAGES: "it sent more than 10,000 messages in one turn",
    w.OVER_POSITION_LIMIT: "its position went beyond its limit",
    w.OVER_CASH_LIMIT: "its cash fell below its limit",
    w.NO_SUCH_MARKET: "it sent a message to a symbol or venue that is not there",
    w.TOO_MANY_TURNS: "it took more than 10,000 turns without letting time pass",
    w.BEYOND_COUNTING: "one of its trades, or its account, is too large to be counted exactly",
    w.ORDER_OF_ANOTHER: "it asked to cancel or change an order that is not its own",
    w.ONLY_FROM_OUTSIDE: "it sent a message that only the venue itself may send, such as a change of phase",
    w.SELF_TRADES_PREVENTED: "it stands for many who trade with one another, but its venue prevents self-trades (set self_trade to none)",
}


class World:
    """One simulation, run once.

    Parameters
    ----------
    setting : sessions, venues, fundamentals, messages and news from outside
    members : the population; member k has the number k + 1, 0 is whoever else trades
    seed : of all random streams
    capture : what is written down
    progress : told when something has to be compiled

    Raises
    ------
    ConfigError
        Names are not unique, or an agent does not compile.
    """

    def __init__(
        self,
        setting: Setting,
        members: Sequence[Member],
        seed: int,
        capture: Capture | None = None,
        progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        names = [member.name for member in members]
        twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
        if twice:
            raise ConfigError(f"population: the name {twice[0]} is there twice; names key the random streams and must be unique.")
        self.members = tuple(members)
        self.setting = setting
        self.exchange = Exchange(setting.rules, symbols=setting.fundamental.shape[0], progress=progress)
        self._memory = memory = WorldMemory(setting, self.members, seed, capture or Capture(), self.exchange.address)
        self._header, self.agents, self.holdings = memory.header, memory.agents, memory.holdings
        self.desks, self.shown = memory.desks, memory.shown
        self._address = self._header.ctypes.data
        self.words = self._header.data.cast("B").cast("q")
        self.stage = Stage.OUTSIDE
        _compile()
        begin(self._address)
        weakref.finalize(self, _release, self._header)
        rows = np.ascontiguousarray(setting.messages)
        schedule(self._address, rows.ctypes.data, len(rows))

    def run(
        self,
        hand_over: Callable[[Handed], None] = lambda _: None,
        take_turn: Callable[[World, int], None] | None = None,
        watchdog: Watchdog | None = None,
    ) -> None:
        """Let all time pass.

        Parameters
        ----------
        hand_over : gets what has happened, in parts, the last one at the end
        take_turn : takes the turn of an agent in Python, given its number; ends it with `act`
        watchdog : ends a turn that takes too long; None for none

        Raises
        ------
        StrategyError
            An agent raised, hung or broke a limit; the message names it, the time and the reason. The exchange is consistent then: every
            message was processed wholly or not at all.
        """
        if watchdog is None:
            self._run(hand_over, take_turn)
            return
        with watchdog.watching(self):
            try:
                self._run(hand_over, take_turn)
            except TurnTakesTooLong:
                raise StrategyError(self.accusation(f"its turn takes longer than {watchdog.limit_s:g} s")) from None

    def _run(self, hand_over: Callable[[Handed], None], take_turn: Callable[[World, int], None] | None) -> None:
        words, turn_agent = self.words, TURN_AGENT
        compiled, python = Stage.COMPILED, Stage.PYTHON  # looked up once: a turn in Python is a matter of microseconds
        while True:
            self.stage = compiled
            code = simulate(self._address)
            if code == w.PYTHON_TURN:
                if take_turn is None:
                    raise ConfigError("the population has agents in Python, but nobody takes their turns")
                self.stage = python
                take_turn(self, words[turn_agent])
                continue
            self.stage = Stage.OUTSIDE
            if code == w.FAULT:
                raise StrategyError(self._fault())
            hand_over(self._hand_over())
            if code == w.FINISHED:
                return

    def act(self, messages: npt.NDArray[np.void], wake_ns: int = 0) -> int:
        """End the turn of an agent in Python: send (n,) MESSAGE in its name, and wake it at a time of its own clock.

        Returns
        -------
        int
            order_id of the first new order; further ones count up from it.
        """
        return int(act(self._address, messages.ctypes.data, len(messages), wake_ns))

    def reports(self) -> npt.NDArray[np.void]:
        """Return what has happened since the last call to the orders of members with ``reports``, (n,) REPORT, oldest first."""
        return self._memory.reports()

    @property
    def address(self) -> int:
        """Where the header lies, for compiled code."""
        return int(self._address)

    @property
    def header(self) -> np.void:
        """The compiled loop's header, a WORLD record: counters and the clock."""
        record: np.void = self._header[0]
        return record

    def _hand_over(self) -> Handed:
        tape = self.exchange.take()
        return Handed(tape, *self._memory.taken_rows())

    def _fault(self) -> str:
        number, fault = int(self._header["fault_agent"][0]), int(self._header["fault"][0])
        what = FAULTS[fault]
        if fault == w.RAISED:
            told = raised_exception(int(self._header["fault_exception"][0]))
            what = f"its step raised {told}" if told else what
        return self.accusation(what, number)

    def accusation(self, what: str, number: int | None = None) -> str:
        """Return a sentence that says what an agent did, by default the one whose turn it is, and when."""
        number = int(self.words[TURN_AGENT]) if number is None else number
        name = self.members[number - 1].name if number > 0 else "outside"
        when = np.datetime64(int(self.agents[number]["now_ns"]), "ns")
        return f"agent {name} at {when}Z: {what}; correct the agent or its limits."


def _compile() -> None:
    """Compile, or load, what else would be compiled in somebody's turn, which a watchdog would take for one that hangs."""
    simulate.compile((types.int64,))
    act.compile((types.int64,) * 4)


def _release(header: npt.NDArray[np.void]) -> None:
    end(header.ctypes.data)
