"""The `market` section of a run: which market model answers orders, and what that model can be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from marketsim.config.model import MOST_LATENCY_NS, Model
from marketsim.config.simulated import SimulatedMarket


class Impact(Model):
    """Square-root impact: price moves coefficient × daily volatility × sqrt(quantity / average daily volume)."""

    coefficient: float = Field(0.0, ge=0, le=10, description="Y of the square-root law; about 1 in the literature, 0 = off.")
    window_bars: int = Field(20, ge=2, le=2520, description="Closed bars over which volatility and volume are averaged.")


class BarsMarket(Model):
    """Fills against historical bars; trading never moves them."""

    kind: Literal["bars"] = "bars"
    fill: Literal["next_open", "same_close"] = Field(
        "next_open",
        description="Where market orders fill: the next bar's open, or (only when asked) the close just seen.",
    )
    participation_cap: float | None = Field(
        None,
        gt=0,
        le=1,
        description="Largest share of a bar's volume one agent may take; the rest of the order waits. None = no cap.",
    )
    impact: Impact = Impact()
    actions: Literal["apply", "ignore", "adjust"] = Field(
        "apply",
        description="apply: raw prices, splits and dividends hit positions. ignore: bars as they are. adjust: back-adjusted prices trade.",
    )


class ReplayMarket(Model):
    """Orders join a recorded order flow at their true place in the queue; the flow does not react, and every agent trades in it alone."""

    kind: Literal["replay"] = "replay"
    order_latency_ns: int = Field(
        0, ge=0, le=MOST_LATENCY_NS, description="Nanoseconds from the strategy to the market, orders and cancels alike."
    )
    data_latency_ns: int = Field(0, ge=0, le=MOST_LATENCY_NS, description="Nanoseconds from a recorded event to the strategy.")
    queue: Literal["at_back", "pro_rata"] = Field(
        "at_back",
        description="Where decreases of levels without order ids are taken to strike: behind the own order, or in front and behind "
        "in proportion.",
    )


def _kind(section: Any) -> Any:
    """Return the kind of a market section; one that names none is of the bars market."""
    return section.get("kind", "bars") if isinstance(section, Mapping) else getattr(section, "kind", None)


Market = Annotated[
    Annotated[BarsMarket, Tag("bars")] | Annotated[ReplayMarket, Tag("replay")] | Annotated[SimulatedMarket, Tag("simulated")],
    Discriminator(_kind),
]
