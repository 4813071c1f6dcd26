"""The `market: {kind: simulated}` section: an exchange, what is known of it beforehand, and the population that trades there."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from marketsim.config.model import MOST_LATENCY_NS, Model, Name, Symbol
from marketsim.config.population import Group
from marketsim.markets.simulated.fundamentals import ConstantFundamental, Fundamental

PRESETS = Path(__file__).parents[1] / "markets" / "simulated" / "presets"
TIME_PATTERN = r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?$"

TimeOfDay = Annotated[str, Field(pattern=TIME_PATTERN, description="Local time of the exchange's calendar such as 09:30 or 14:45:13.5.")]

# --- venues and hours -----------------------------------------------------------------------------------------------


class VenueFees(Model):
    """What a venue charges for a trade; a negative number is a rebate."""

    maker_per_share: float = Field(0.0, ge=-1e3, le=1e3, description="Of the resting order, currency a share.")
    taker_per_share: float = Field(0.0, ge=-1e3, le=1e3, description="Of the incoming order, currency a share.")
    maker_notional_frac: float = Field(0.0, ge=-1, le=1, description="Of the resting order, a fraction of the notional.")
    taker_notional_frac: float = Field(0.0, ge=-1, le=1, description="Of the incoming order, a fraction of the notional.")


class Venue(Model):
    """An exchange: the rules of a real one, changed where wanted."""

    name: str = Field("XSIM", pattern=r"^[A-Z0-9]{2,12}$", description="Name of the venue, for instance its MIC.")
    rules: Literal["plain", "nasdaq", "cme", "crypto"] = Field("plain", description="Whose rules it has; the settings below change them.")
    self_trade: Literal["none", "cancel_newest", "cancel_oldest", "cancel_both", "decrement"] | None = Field(
        None, description="What happens when an agent's order meets its own; left out = as the rules say."
    )
    post_only: Literal["reject", "slide"] | None = Field(
        None, description="What becomes of post-only orders that would trade; left out = as the rules say."
    )
    protection_ticks: int | None = Field(
        None, ge=0, description="How far beyond the touch market orders may trade, ticks; left out = as the rules say."
    )
    fees: VenueFees | None = Field(None, description="Fees; left out = as the rules say.")
    latency_ns: int = Field(0, ge=0, le=MOST_LATENCY_NS, description="Nanoseconds orders take to it on top of each agent's own.")
    processing_ns: int = Field(0, ge=0, le=MOST_LATENCY_NS, description="Nanoseconds it takes over a message, one after the other.")


class Hours(Model):
    """Continuous trading of every session, local time."""

    open: TimeOfDay
    close: TimeOfDay


class Phases(Model):
    """What surrounds continuous trading; a phase of no length is left out."""

    pre_open_s: float = Field(0.0, ge=0, le=43_200, description="Orders are collected for so long before the opening auction, seconds.")
    opening_auction_s: float = Field(0.0, ge=0, le=43_200, description="Call phase of the auction that is held at the open, seconds.")
    closing_auction_s: float = Field(
        0.0, ge=0, le=43_200, description="Call phase of the auction that is held at the close, seconds; continuous trading ends before it."
    )


# --- what happens from outside --------------------------------------------------------------------------------------


class Moment(Model):
    """When something happens, and to what."""

    time: TimeOfDay
    session: int = Field(0, ge=0, description="Number of the session, from 0.")
    symbol: Symbol | None = Field(None, description="Symbol concerned; left out = the first.")


class NewsItem(Moment):
    """News that agents who listen are told, one data latency later; the code means what they take it to mean."""

    what: Literal["news", "liquidity", "own"] = Field("news", description="What it is; `own` is what your own agents take `code` for.")
    code: int = Field(100, ge=100, le=1_000_000_000, description="Of `own` news, the number agents are told.")
    size: float = Field(
        0.0, description="News: the relative change of value it stands for. Liquidity: share of their quotes that makers withdraw, 0 to 1."
    )


class FundamentalShock(Moment):
    """The fundamental value jumps and stays there for the rest of the simulation."""

    kind: Literal["fundamental"] = "fundamental"
    size_frac: float = Field(gt=-1, le=100, description="Relative change, a fraction.")


class OrderShock(Moment):
    """An order of nobody in particular reaches the exchange."""

    kind: Literal["order"] = "order"
    venue: str | None = Field(None, description="Where; left out = the first venue.")
    side: Literal["buy", "sell"] = Field(description="buy or sell.")
    qty_shares: float = Field(gt=0, le=1e12, description="Shares.")
    limit_price: float | None = Field(None, gt=0, description="Limit, currency; left out = a market order.")


class WithdrawalShock(Moment):
    """Every live order of a group is cancelled at once."""

    kind: Literal["withdrawal"] = "withdrawal"
    group: Name = Field(description="Group of the population.")


class HaltShock(Moment):
    """Trading of a symbol halts; orders are still taken, and trading resumes with an auction."""

    kind: Literal["halt"] = "halt"
    duration_s: float = Field(300.0, gt=0, le=86_400, description="How long, seconds.")


Shock = Annotated[FundamentalShock | OrderShock | WithdrawalShock | HaltShock, Field(discriminator="kind")]

# --- what is written down -------------------------------------------------------------------------------------------


class DepthCapture(Model):
    """The book on a regular grid."""

    levels: int = Field(10, ge=1, le=1000, description="Price levels a side.")
    every_s: float = Field(1.0, ge=0.001, le=86_400, description="Distance of the grid's points, seconds.")


class AccountCapture(Model):
    """Every agent's account on a regular grid."""

    every_s: float = Field(60.0, ge=0.001, le=86_400, description="Distance of the grid's points, seconds.")


class CaptureSpec(Model):
    """What is written down of the market besides its bars and what came of every agent; it changes nothing else."""

    orders: bool = Field(default=True, description="Table market_orders: every message the exchange got.")
    events: bool = Field(default=False, description="Table market_events: what became of every order.")
    trades: bool = Field(default=True, description="Table market_trades: every trade.")
    quotes: bool = Field(default=True, description="Table market_quotes: every change of a book's best prices or their quantities.")
    depth: DepthCapture | None = Field(None, description="Table market_depth: price levels on a grid; left out = not written.")
    accounts: AccountCapture | None = Field(
        None, description="Table market_accounts: each agent's cash, position and equity on a grid; left out = not written."
    )


# --- the market -----------------------------------------------------------------------------------------------------


class SimulatedMarket(Model):
    """A population of agents trades on an exchange; strategies among them move the market as anybody does."""

    kind: Literal["simulated"] = "simulated"
    preset: str | None = Field(
        None, max_length=100, description="Market to start from; what stands beside it is laid over it, and `null` drops a group."
    )
    tick_size: float = Field(0.01, gt=0, le=1e6, description="Smallest price step, currency.")
    lot_size: float = Field(1.0, gt=0, le=1e9, description="Smallest quantity, shares.")
    sessions: int | None = Field(None, ge=1, le=10_000, description="Sessions simulated from `start` on; left out = 1, or up to `end`.")
    hours: Hours | None = Field(None, description="Continuous trading; left out = the calendar's hours.")
    phases: Phases = Phases()
    venues: list[Venue] = Field([Venue()], min_length=1, max_length=100, description="Where is traded.")
    fundamental: Fundamental = Field(
        ConstantFundamental(), description="What a share of every symbol is worth; informed agents see it with noise."
    )
    fundamentals: dict[Symbol, Fundamental] = Field(default_factory=dict, description="Symbol → its own, where it has another one.")
    correlation: list[list[float]] | None = Field(
        None, description="Correlation of the symbols' fundamentals, a matrix in the order of `symbols`; left out = independent."
    )
    population: dict[Name, Group] = Field(default_factory=dict, description="Group → kind, number and parameters of its agents.")
    news: list[NewsItem] = Field(default_factory=list, max_length=100_000, description="Scheduled news.")
    shocks: list[Shock] = Field(default_factory=list, max_length=100_000, description="Scheduled shocks.")
    capture: CaptureSpec = CaptureSpec()

    @property
    def needs_history(self) -> bool:
        """Whether a fundamental follows real bars."""
        return any(fundamental.kind == "history" for fundamental in (self.fundamental, *self.fundamentals.values()))

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, data: Any) -> Any:
        """Write the preset out, so that a run's identity holds all of it."""
        if not isinstance(data, Mapping) or not isinstance(name := data.get("preset"), str):
            return data
        given = {key: value for key, value in data.items() if key != "preset"}
        return _laid_over(load_preset(name), given)


def preset_names() -> list[str]:
    """Return the names of the markets that come with the product."""
    return sorted(path.stem for path in PRESETS.glob("*.yaml"))


@functools.cache
def _preset_text(name: str) -> str:
    return (PRESETS / f"{name}.yaml").read_text(encoding="utf-8")


def load_preset(name: str) -> dict[str, Any]:
    """Return the market section of a preset.

    Raises
    ------
    ValueError
        There is none of that name.
    """
    from marketsim.config.strict_yaml import parse

    if name not in preset_names():
        raise ValueError(f"preset: there is none named {name!r}; presets: {', '.join(preset_names())}")
    section: dict[str, Any] = parse(_preset_text(name), name)
    return section


def _laid_over(base: Mapping[str, Any], given: Mapping[str, Any], path: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return ``base`` with ``given`` laid over it, section by section; one of another kind replaces the whole section."""
    result = dict(base)
    for key, value in given.items():
        before = result.get(key)
        if value is None and path == ("population",):
            result.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(before, Mapping) and value.get("kind", before.get("kind")) == before.get("kind"):
            result[key] = _laid_over(before, value, (*path, key))
        else:
            result[key] = value
    return result
