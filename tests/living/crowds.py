"""Small simulated markets for the tests: a crowd that keeps the book filled around its fundamental, and strategies by script."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from pydantic import Field

from marketsim.agents.compiled import AgentParams, compiled_agent
from marketsim.agents.strategy import Strategy, StrategyParams
from marketsim.kernel.simulation.actions import cancel_all, limit, wake_in
from marketsim.kernel.simulation.sight import fundamental_tick
from marketsim.kernel.simulation.streams import exponential, integer, random_side
from marketsim.markets.panel import Panel
from marketsim.markets.simulated.scale import Scale
from marketsim.markets.simulated.sessions import PlainMarket, SimulatedBars, play_sessions, session_seed
from marketsim.markets.simulated.setting import Handed, Latency, Member, Setting
from marketsim.markets.simulated.trader import Trader
from marketsim.markets.simulated.watchdog import Watchdog
from marketsim.markets.simulated.world import World
from marketsim.records import COSTS, Cancel, Fill, Order, Turn
from marketsim.venue_rules import VenueRules

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
OPEN = 14 * 3600 * SECOND
START = Turn.START.value


class CrowdParams(AgentParams):
    kind: Literal["crowd"] = "crowd"
    mean_wait_ns: float = Field(1e9, gt=0)
    reach_tick: int = Field(20, ge=1)
    largest_lot: int = Field(100, ge=1)


@compiled_agent(CrowdParams, np.dtype([("nothing", np.int64)]))
def crowd(market: Any, me: Any, p: Any, state: Any) -> None:
    """Keep one limit order near the fundamental value."""
    if me.turn != START:
        cancel_all(market, me)
        side = random_side(me)
        # One in five wants to trade at once.
        price = int(fundamental_tick(market, me.symbol)) - side * integer(me, -p.reach_tick // 4, p.reach_tick)
        limit(market, me, side, price, integer(me, 1, p.largest_lot))
    wake_in(market, me, exponential(me, p.mean_wait_ns))


def people(n: int = 60, n_symbols: int = 1, **params: Any) -> list[Member]:
    return [
        Member(f"crowd.{symbol}.{k}", crowd, CrowdParams(**params), symbol=symbol, latency=Latency(1000, 1000))
        for symbol in range(n_symbols)
        for k in range(n)
    ]


def empty_panel(symbols: Sequence[str], n_sessions: int, bars_a_session: int, session_s: int, **changes: Any) -> Panel:
    """Times of some sessions on consecutive days, without prices."""
    n = n_sessions * bars_a_session
    day = np.datetime64("2024-01-02") + np.arange(n) // bars_a_session
    length = session_s // bars_a_session * SECOND
    open_ns = day.astype("datetime64[ns]").astype(np.int64) + OPEN + length * (np.arange(n) % bars_a_session)
    shape = (n, len(symbols))
    prices = {name: np.full(shape, np.nan) for name in ("open", "high", "low", "close")}
    values = {**prices, "volume": np.zeros(shape), "split": np.ones(shape), "dividend": np.zeros(shape), **changes}
    return Panel(tuple(symbols), open_ns, open_ns + length, day, **values)


def account_costs(**changes: float) -> Any:
    row = np.zeros(1, COSTS)
    row["max_leverage"], row["lot_size"], row["allow_short"], row["participation_cap"] = 1.0, 1.0, 1, np.inf
    for name, value in changes.items():
        row[name] = value
    return row


class Scripted(Strategy):
    """Sends what the script says after each bar, counted from 0, and remembers what it saw and heard."""

    def __init__(self, script: Mapping[int, Iterable[Order | Cancel]] | None = None) -> None:
        super().__init__(StrategyParams())
        self.script = script or {}
        self.seen: list[dict[str, Any]] = []
        self.heard: list[Fill] = []
        self.live: list[dict[str, Any]] = []

    def look(self, market: Any) -> dict[str, Any]:
        return {
            "time_ns": market.time_ns, "n_bars": market.n_bars, "bid": market.bid, "ask": market.ask, "price": market.price,
            "position": market.position, "cash": market.cash, "equity": market.equity, "open_orders": market.open_orders,
            "close": market.window("close", 1000).copy(),
        }  # fmt: skip

    def on_wake(self, market: Any) -> Iterable[Order | Cancel]:
        self.seen.append(self.look(market))
        return self.script.get(len(self.seen) - 1, ())

    def on_fill(self, fill: Fill, market: Any) -> None:
        self.heard.append(fill)

    def on_data(self, market: Any) -> None:
        self.live.append(self.look(market))


def flat_market(
    panel: Panel,
    value_tick: float = 10_000.0,
    members: Callable[[], list[Member]] = people,
    seed: int = 1,
    hand_over: Callable[[Handed], None] = lambda _: None,
    **setting: Any,
) -> Callable[[int, Sequence[Member]], PlainMarket]:
    """Return the market of every session: a constant fundamental and a crowd."""

    def market_of(row: int, guests: Sequence[Member]) -> PlainMarket:
        rows = np.flatnonzero(panel.session == panel.session[row])
        start, end = int(panel.open_ns[rows[0]]), int(panel.close_ns[rows[-1]]) + 1
        values = np.full((len(panel.symbols), 1, (end - start) // SECOND + 2), value_tick)
        scene = Setting(((start, end),), values, rules=(VenueRules.plain(self_trade="cancel_newest"),), **setting)
        return PlainMarket(World(scene, [*members(), *guests], session_seed(seed, start)), hand_over=hand_over)

    return market_of


def trade(
    strategies: Mapping[str, Strategy] | Strategy,
    panel: Panel,
    *,
    market_of: Any = None,
    first_bar: int = 0,
    cash: float = 1e6,
    costs: Any = None,
    watchdog: Watchdog | None = None,
    after: Callable[[int, Any], None] = lambda *_: None,
    latency: Latency | None = None,
) -> Any:
    """Let strategies trade; return the account of the only one, or of all by name."""
    named = strategies if isinstance(strategies, Mapping) else {"strategy": strategies}
    costs = account_costs() if costs is None else costs
    traders = [Trader(name, one, cash, costs, latency or Latency(2000, 3000)) for name, one in named.items()]
    bars = SimulatedBars.by_session(panel, first_bar, Scale(0.01, 1.0))
    runs = play_sessions(bars, market_of or flat_market(panel), traders, watchdog, after)
    return dict(zip(named, runs, strict=True)) if isinstance(strategies, Mapping) else runs[0]


def one_session(script: Any = None, bars: int = 3, **changes: Any) -> tuple[Any, Scripted]:
    """Let one strategy trade in one session of 15-minute bars."""
    strategy = script if isinstance(script, Scripted) else Scripted(script)
    return trade(strategy, empty_panel(["A"], 1, bars, 900), **changes), strategy
