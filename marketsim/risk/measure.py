"""What a measure is: a name, what it means to a reader, and the function that computes it from an account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from marketsim.risk.account import AccountHistory

Unit = Literal["fraction", "ratio", "currency", "count", "bars", "days"]
Better = Literal["higher", "lower", "neither"]
Group = Literal["Return", "Risk", "Reward for risk", "Drawdown", "Tails", "Against the benchmark", "Activity", "Round trips", "Costs"]


@dataclass(frozen=True, slots=True)
class Measure:
    """One row of the metrics table.

    ``name`` is the key in table `metrics`; ``formula`` and ``source`` are what the report shows on hover and the reference prints;
    ``better`` is the direction a reader would prefer.
    """

    name: str
    label: str
    group: Group
    unit: Unit
    better: Better
    formula: str
    source: str
    compute: Callable[[AccountHistory], float]
