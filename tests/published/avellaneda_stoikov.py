"""Avellaneda and Stoikov, "High-frequency trading in a limit order book", Quantitative Finance 8(3), 2008, tables 1 and 2."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np

from marketsim.agents.market_makers.avellaneda_stoikov import AvellanedaStoikovParams, avellaneda_stoikov
from tests.published.fill_world import HORIZON, SIGMA, STEPS, TICK, K, Outcome, outcome
from tests.published.section import Section


@dataclass(frozen=True)
class Published:
    """A line of the tables; ``profit``, ``profit_sd`` and ``inventory_sd`` as (published, recomputed from the paper's formulas)."""

    gamma: float
    strategy: str
    spread: float
    profit: tuple[float, float]
    profit_sd: tuple[float, float]
    inventory_sd: tuple[float, float]


# The recomputed numbers come from an independent vectorised simulation of the paper's own scheme with 1,000 paths.
TABLE = (
    Published(0.1, "inventory", 1.49, (65.0, 64.94), (6.6, 6.54), (2.9, 2.93)),
    Published(0.1, "symmetric", 1.49, (68.4, 68.05), (12.7, 13.3), (8.4, 8.46)),
    Published(0.01, "inventory", 1.35, (68.6, 68.44), (8.7, 8.98), (5.1, 5.24)),
    Published(0.01, "symmetric", 1.35, (68.8, 68.68), (12.8, 13.7), (8.7, 8.76)),
)
PUBLISHED_PATHS = 1000


def simulate(gamma: float, strategy: str, n_paths: int, seed: int) -> Outcome:
    """Run the agent through the paper's world."""
    params = AvellanedaStoikovParams(
        qty_lot=1,
        requote_s=1.0,
        reference="fundamental",
        strategy=cast(Literal["inventory", "symmetric"], strategy),
        risk_aversion_per_tick=gamma * TICK,
        volatility_tick=SIGMA * math.sqrt(HORIZON / STEPS) / TICK,
        decay_per_tick=K * TICK,
        horizon_s=float(STEPS),
    )
    return outcome(avellaneda_stoikov, params, n_paths, seed)


def deviations(line: Published, ours: Outcome) -> dict[str, float]:
    """Return how far our estimates are from the recomputed ones, in standard errors of the difference of two estimates."""
    n = len(ours.profit)
    errors = {
        "profit": line.profit_sd[1] * math.sqrt(1 / n + 1 / PUBLISHED_PATHS),
        "profit_sd": line.profit_sd[1] * math.sqrt(0.5 / n + 0.5 / PUBLISHED_PATHS),
        "inventory": line.inventory_sd[1] / math.sqrt(n),
        "inventory_sd": line.inventory_sd[1] * math.sqrt(0.5 / n + 0.5 / PUBLISHED_PATHS),
    }
    found = {
        "profit": ours.profit.mean() - line.profit[1],
        "profit_sd": ours.profit.std() - line.profit_sd[1],
        "inventory": ours.inventory.mean(),  # 0 by symmetry
        "inventory_sd": ours.inventory.std() - line.inventory_sd[1],
    }
    return {name: float(found[name] / errors[name]) for name in errors}


def report(full: bool) -> list[Section]:
    """Return the tables with ours beside them."""
    n = 1000 if full else 200
    rows: list[tuple[Any, ...]] = []
    for line in TABLE:
        ours = simulate(line.gamma, line.strategy, n, seed=1)
        worst = max(abs(value) for value in deviations(line, ours).values())
        rows.append((
            line.gamma, line.strategy, line.profit[0], line.profit[1], round(float(ours.profit.mean()), 2), line.profit_sd[0],
            line.profit_sd[1], round(float(ours.profit.std()), 2), line.inventory_sd[0], line.inventory_sd[1],
            round(float(ours.inventory.std()), 2), round(float(ours.inventory.mean()), 2), round(worst, 1),
        ))  # fmt: skip
    columns = (
        "gamma", "strategy", "profit, published", "recomputed", "ours", "sd, published", "recomputed", "ours",
        "sd of inventory, published", "recomputed", "ours", "mean inventory", "largest deviation, standard errors",
    )  # fmt: skip
    text = f"Final wealth and inventory of the agent over {n} paths of the paper's world, run inside the simulated market."
    bins = np.arange(0.0, 130.0, 4.0)
    values = [
        {"strategy": strategy, "profit": float(low), "paths": int(count)}
        for strategy in ("inventory", "symmetric")
        for low, count in zip(bins, np.histogram(simulate(0.1, strategy, n, seed=1).profit, [*bins, 130.0])[0], strict=True)
    ]
    chart = {
        "data": {"values": values},
        "mark": {"type": "bar", "opacity": 0.6},
        "encoding": {
            "x": {"field": "profit", "type": "quantitative", "title": "final wealth, gamma 0.1"},
            "y": {"field": "paths", "type": "quantitative", "stack": None},
            "color": {"field": "strategy", "type": "nominal"},
        },
    }
    return [Section("Avellaneda and Stoikov 2008, tables 1 and 2", text, columns, rows, chart)]
