"""What each market maker quotes while takers fill and empty its inventory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from docs.pictures.small_markets import (
    BLUE,
    GREY,
    NS,
    ORANGE,
    START_TICK,
    Seen,
    TakersParams,
    deep_maker,
    lines,
    rows_of,
    takers,
    wandering,
    watch,
)
from marketsim.agents.compiled import AgentParams, CompiledAgent
from marketsim.agents.market_makers.avellaneda_stoikov import AvellanedaStoikovParams, avellaneda_stoikov
from marketsim.agents.market_makers.dealer import DealerParams, dealer
from marketsim.agents.market_makers.gueant_lehalle_tapia import GueantLehalleTapiaParams, gueant_lehalle_tapia
from marketsim.agents.market_makers.ladder import LadderParams, ladder
from marketsim.markets.simulated.setting import Member
from marketsim.records import Kind

SECONDS = 1_200


def pictures() -> dict[str, Callable[[], dict[str, Any]]]:
    """Return what makes each chart, by name."""
    return {
        "ladder": lambda: _quotes_and_inventory(
            ladder, LadderParams(n_levels=1, half_spread_tick=3.0, skew_tick=1.0, reference="fundamental")
        ),
        "avellaneda_stoikov": lambda: _quotes_and_inventory(
            avellaneda_stoikov,
            AvellanedaStoikovParams(
                risk_aversion_per_tick=0.01, volatility_tick=0.5, decay_per_tick=0.3, horizon_s=SECONDS, reference="fundamental"
            ),
        ),
        "gueant_lehalle_tapia": lambda: _quotes_and_inventory(
            gueant_lehalle_tapia, GueantLehalleTapiaParams(volatility_tick=0.5, fills_per_s=0.2, reference="fundamental")
        ),
        "dealer": _hedging,
    }


def _quotes(seen: Seen, number: int) -> list[dict[str, Any]]:
    """Return the maker's latest bid and ask."""
    mine = seen.orders[(seen.orders["owner_id"] == number) & (seen.orders["kind"] == Kind.LIMIT)]
    rows = []
    for side, name in ((1, "bid"), (-1, "ask")):
        quotes = mine[mine["side"] == side]
        rows += rows_of(name, quotes["time_ns"] * NS / 60, quotes["price_tick"].astype(float))
    return rows


def _quotes_and_inventory(agent: CompiledAgent, params: AgentParams) -> dict[str, Any]:
    path = wandering(SECONDS, seed=3)
    seen = watch([Member("maker", agent, params), Member("takers", takers, TakersParams())], path[None, None, :], seed=5)
    mid = rows_of("mid", np.arange(0, SECONDS + 1, 2) / 60, path[::2])
    quotes = lines(
        _quotes(seen, 1) + mid, {"bid": BLUE, "ask": ORANGE, "mid": GREY}, "Quotes around the value", ("minutes", "ticks"), size=(560, 200)
    )
    inventory = lines(rows_of("inventory", *seen.position(1)), {"inventory": BLUE}, "Inventory", ("minutes", "lots"), size=(560, 90))
    return {"vconcat": [quotes, inventory], "resolve": {"scale": {"color": "independent"}}}


def _hedging() -> dict[str, Any]:
    """Return the position of dealers who have sold and bought calls, as the price goes through the strike."""
    path = START_TICK + 60.0 * np.sin(np.arange(SECONDS + 1) / 150.0)
    rows = []
    for name, option_lot in (("has sold calls", -10_000), ("has bought calls", 10_000)):
        params = DealerParams(
            option_lot=option_lot, strike_tick=START_TICK, expiry_s=SECONDS * 5.0, hedge_band_lot=200, n_levels=1, half_spread_tick=50.0,
            implied_volatility=0.2, reference="fundamental",
        )  # fmt: skip
        # It begins hedged: half of the options' delta.
        seen = watch([Member("dealer", dealer, params, position_lot=(-option_lot // 2,)), deep_maker()], path[None, None, :])
        rows += rows_of(name, *seen.position(1))
    minutes = np.arange(0, SECONDS + 1, 5) / 60
    price = lines(
        rows_of("price", minutes, path[::5]), {"price": GREY}, "Price; the strike is 10,000", ("minutes", "ticks"), size=(560, 110)
    )
    colours = {"has sold calls": ORANGE, "has bought calls": BLUE}
    hedge = lines(rows, colours, "Shares a dealer holds as the hedge of", ("minutes", "lots"))
    return {"vconcat": [price, hedge], "resolve": {"scale": {"color": "independent"}}}
