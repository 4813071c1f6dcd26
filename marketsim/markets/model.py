"""What a market model offers to `marketsim.simulate`: the bars strategies wake by, the accounts that come of them, its own gates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from marketsim.agents.strategy import Strategy
from marketsim.config.run import Agent
from marketsim.markets.account_run import AccountRun
from marketsim.markets.panel import Panel


class Gate(NamedTuple):
    """A count that must be zero for an account to be believed."""

    name: str
    observed: float
    what: str  # completes "agent: "


class MarketModel(Protocol):
    """One market, made from a run's specification and its clean bars."""

    @property
    def panel(self) -> Panel:
        """The bars strategies wake by."""

    def play(self, traders: Sequence[tuple[Agent, Strategy]], on_bar: Callable[[str, int], None]) -> list[AccountRun]:
        """Let the traders trade, each with its account filled in, and return their accounts in the same order.

        ``on_bar`` hears a trader's name and the number of bars played.
        """

    def gates(self, run: AccountRun) -> list[Gate]:
        """Check what only this market can tell about an account."""


def told_of(on_bar: Callable[[str, int], None], name: str) -> Callable[[int], None]:
    """Return what hears the bars one trader has played."""
    return lambda done: on_bar(name, done)
