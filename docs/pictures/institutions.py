"""How each institution gets from what it has to what it wants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from docs.pictures.small_markets import BLUE, GREY, ORANGE, START_TICK, deep_maker, lines, rows_of, wandering, watch
from marketsim.agents.background.poisson_noise import PoissonNoiseParams, poisson_noise
from marketsim.agents.compiled import AgentParams, CompiledAgent
from marketsim.agents.institutions.almgren_chriss import AlmgrenChrissParams, almgren_chriss
from marketsim.agents.institutions.holdings_fund import HoldingsFundParams, holdings_fund
from marketsim.agents.institutions.pov import PovParams, pov
from marketsim.agents.institutions.rebalancer import RebalancerParams, rebalancer
from marketsim.agents.institutions.twap import TwapParams, twap
from marketsim.agents.institutions.vwap import VwapParams, vwap
from marketsim.markets.simulated.setting import Member

SECONDS, DAY_S = 3_600, 86_400
QTY = 10_000
PARENT: dict[str, Any] = {"qty_lot": QTY, "horizon_s": float(SECONDS), "style": "aggressive"}


def pictures() -> dict[str, Callable[[], dict[str, Any]]]:
    """Return what makes each chart, by name."""
    return {
        "twap": lambda: _progress({
            f"{n_slices} slices": (twap, TwapParams(n_slices=n_slices, **PARENT)) for n_slices in (12, 120)
        }),
        "vwap": lambda: _progress({
            "U-shaped volume": (vwap, VwapParams(n_slices=60, **PARENT)),
            "even volume": (vwap, VwapParams(n_slices=60, volume_profile=(1.0,), **PARENT)),
        }),
        "pov": _participation,
        "almgren_chriss": lambda: _progress({
            f"risk aversion {aversion:g}": (almgren_chriss, AlmgrenChrissParams(n_slices=60, risk_aversion_per_tick_lot=aversion, **PARENT))
            for aversion in (0.0, 1e-7, 1e-6)
        }),
        "rebalancer": _rebalancing,
        "holdings_fund": _following,
    }  # fmt: skip


def _progress(parents: dict[str, tuple[CompiledAgent, AgentParams]]) -> dict[str, Any]:
    """Return the lots done by several parents, each alone with a deep maker."""
    path = wandering(SECONDS, seed=2)[None, None, :]
    rows = []
    for name, (agent, params) in parents.items():
        rows += rows_of(name, *watch([Member("parent", agent, params), deep_maker()], path).position(1))
    colours = dict(zip(parents, (BLUE, ORANGE, GREY), strict=False))
    return lines(rows, colours, "Done of a parent of 10,000 lots", ("minutes", "lots"), size=(420, 180))


def _participation() -> dict[str, Any]:
    """Return own and others' volume of a parent that takes 20 % of it; the crowd comes and goes."""
    noise = PoissonNoiseParams(rate_per_s=0.05, market_share=1.0, order_lot=40, order_log_sd=1.0)
    crowd = [Member(f"noise {k}", poisson_noise, noise) for k in range(10)]
    params = PovParams(participation=0.2, qty_lot=10**6, horizon_s=float(SECONDS), patience_s=30.0)
    path = wandering(SECONDS, seed=2)[None, None, :]
    seen = watch([Member("parent", pov, params), deep_maker(), *crowd], path, sample_s=1.0)
    minutes, own = seen.position(1)
    volume = np.searchsorted(seen.trades["time_ns"], minutes * 60e9)
    total = np.concatenate([[0.0], np.cumsum(seen.trades["qty_lot"])])[volume]
    shown = minutes <= 10
    rows = rows_of("a fifth of all", minutes[shown], 0.2 * total[shown]) + rows_of("its own", minutes[shown], own[shown])
    colours = {"a fifth of all": GREY, "its own": BLUE}
    return lines(rows, colours, "Volume in the first ten minutes", ("minutes", "lots"), size=(420, 180))


def _days(n: int) -> list[tuple[int, int]]:
    return [(k * DAY_S, k * DAY_S + SECONDS) for k in range(n)]


def _session_hours(minutes: Any) -> Any:
    """Return hours of session time, the nights left out."""
    return (minutes * 60 // DAY_S * SECONDS + np.minimum(minutes * 60 % DAY_S, SECONDS)) / 3600


def _rebalancing() -> dict[str, Any]:
    """Return weights of a fund in two symbols that is brought back to half and half before every close."""
    walks = np.stack([wandering(4 * (SECONDS + 1), seed, 8.0)[: 4 * (SECONDS + 1)].reshape(4, SECONDS + 1) for seed in (5, 7)])
    params = RebalancerParams(weights=(0.5, 0.5), before_close_s=900.0, done_before_close_s=0.0, n_slices=15)
    fund = Member("fund", rebalancer, params, position_lot=(50_000, 50_000))
    seen = watch([fund, deep_maker(0), deep_maker(1)], walks, _days(4), sample_s=60.0)
    minutes = seen.position(1)[0]
    inside = minutes * 60 % DAY_S <= SECONDS
    day, second = (minutes[inside] * 60 // DAY_S).astype(int), (minutes[inside] * 60 % DAY_S).astype(int)
    worth = [seen.position(1, symbol)[1][inside] * walks[symbol, day, second] for symbol in (0, 1)]
    cash = seen.accounts[(seen.accounts["agent"] == 1) & (seen.accounts["symbol"] == 0)]["cash_tick_lot"][inside]
    weight = 100 * worth[0] / (worth[0] + worth[1] + cash)
    rows = rows_of("weight", _session_hours(minutes[inside]), weight)
    return lines(
        rows, {"weight": BLUE}, "Weight of the first of two symbols; target 50 %", ("hours of four sessions", "%"), size=(480, 160)
    )


def _following() -> dict[str, Any]:
    """Return holdings of a fund and what its file says."""
    wanted = (40_000, 55_000, 52_000, 30_000, 30_000)
    path = np.full((1, 5, SECONDS + 1), float(START_TICK))
    params = HoldingsFundParams(n_symbols=1, target_lot=wanted, before_close_s=1800.0, done_before_close_s=0.0, n_slices=10)
    seen = watch([Member("fund", holdings_fund, params, position_lot=(40_000,)), deep_maker()], path, _days(5), sample_s=60.0)
    minutes, held = seen.position(1)
    inside = minutes * 60 % DAY_S <= SECONDS
    file = np.array(wanted, float)[(minutes[inside] * 60 // DAY_S).astype(int)]
    hours = _session_hours(minutes[inside])
    rows = rows_of("in the file", hours, file) + rows_of("held", hours, held[inside])
    return lines(rows, {"in the file": GREY, "held": BLUE}, "Holdings", ("hours of five sessions", "lots"), size=(440, 160))
