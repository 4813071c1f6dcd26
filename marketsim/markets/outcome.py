"""What a simulation leaves behind, whatever the market."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Simulation:
    """Everything a run produced, as Arrow tables in the warehouse's columns.

    ``market`` holds the further tables of a simulated market by name, those aside that were handed on while it ran.
    """

    orders: pa.Table
    fills: pa.Table
    positions: pa.Table
    equity: pa.Table
    health: pa.Table
    market: Mapping[str, pa.Table] = field(default_factory=dict)
