"""A trader that changes its strategy on given dates: what a walk-forward trades once every choice has been made."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import Annotated, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from marketsim.agents.library import StrategySpec, build
from marketsim.agents.strategy import MarketView, Strategy, StrategyParams
from marketsim.records import Cancel, Fill, Kind, Order, Side, Tif

MARKET_KINDS = (Kind.MARKET, Kind.MARKET_ON_OPEN, Kind.MARKET_ON_CLOSE)


class Stage(BaseModel):
    """One strategy, when it starts to listen, and when it takes over the account."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    listen_from_ns: int = Field(description="Close of the first bar it hears of, ns since the epoch; its orders are thrown away.")
    trade_from_ns: int = Field(description="Close of the bar at which it takes over, ns since the epoch; it trades from the next bar on.")
    strategy: StrategySpec
    opening_weights: dict[str, float] = Field(
        default_factory=dict, description="Symbol → weight of equity it would hold at the take-over had it traded all along; others 0."
    )


class ScheduledParams(StrategyParams):
    """Stages in the order in which they take over; before the first one nothing is traded."""

    stages: Annotated[list[Stage], Field(min_length=1)]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        starts = [stage.trade_from_ns for stage in self.stages]
        if starts != sorted(set(starts)):
            raise ValueError("stages: trade_from_ns must rise from stage to stage")
        return self


class Scheduled(Strategy):
    """Wakes every stage that listens, so its averages are warm, and passes on the orders of the one that trades.

    At a take-over it trades from the old stage's position to the new one's opening weights, in the market and at its costs.
    """

    Params = ScheduledParams
    params: ScheduledParams

    def __init__(self, params: StrategyParams) -> None:
        super().__init__(params)
        self._stages = [build(stage.strategy) for stage in self.params.stages]
        self._starts = [stage.trade_from_ns for stage in self.params.stages]
        self._active = -1

    def on_wake(self, market: MarketView) -> Iterable[Order | Cancel] | npt.NDArray[np.void] | None:
        """Wake the stages that listen; return the orders of the active one."""
        now = market.time_ns
        active = bisect_right(self._starts, now) - 1
        orders: Iterable[Order | Cancel] | npt.NDArray[np.void] | None = None
        for number, (stage, strategy) in enumerate(zip(self.params.stages, self._stages, strict=True)):
            if number >= active and stage.listen_from_ns <= now:
                answer = strategy.on_wake(market)
                orders = answer if number == active else orders
        if active == self._active:
            return orders
        self._active = active
        return self._take_over(market, as_orders(orders, market))

    def on_fill(self, fill: Fill, market: MarketView) -> None:
        """Tell the stage that trades."""
        if self._active >= 0:
            self._stages[self._active].on_fill(fill, market)

    def _take_over(self, market: MarketView, own: list[Order | Cancel]) -> list[Order | Cancel]:
        """Withdraw the old stage's resting orders and trade to the opening weights, except where the new stage already says more."""
        withdrawn = [Cancel(order_id) for order_id, order in market.open_orders.items() if order.kind not in MARKET_KINDS]
        opening = self.params.stages[self._active].opening_weights
        decided = {order.symbol for order in own if isinstance(order, Order)}
        weights = np.array([np.nan if symbol in decided else opening.get(symbol, 0.0) for symbol in market.symbols])
        target = np.where(weights == 0.0, 0.0, market.weights_to_qty(weights))
        return [*withdrawn, *as_orders(market.orders_to(target), market), *own]


def as_orders(orders: Iterable[Order | Cancel] | npt.NDArray[np.void] | None, market: MarketView) -> list[Order | Cancel]:
    """Return what a strategy answered as a list of records, whichever of the allowed forms it used."""
    if orders is None:
        return []
    if not isinstance(orders, np.ndarray):
        return list(orders)
    return [
        Order(
            symbol=market.symbols[int(row["symbol"])],
            side=Side(int(row["side"])),
            qty=float(row["qty"]),
            kind=Kind(int(row["kind"])),
            limit_price=float(row["limit_price"]),
            stop_price=float(row["stop_price"]),
            tif=Tif(int(row["tif"])),
        )
        for row in orders
    ]
