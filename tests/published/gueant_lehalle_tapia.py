"""Guéant, Lehalle and Tapia, "Dealing with the inventory risk", Mathematics and Financial Economics 7, 2013: their reference parameters.

The optimal distances far from the horizon follow exactly from an eigenvector (Proposition 3); the closed form the agent uses approximates
it. Both are compared with what the agent quotes in the simulated market.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from marketsim.agents.market_makers.gueant_lehalle_tapia import GueantLehalleTapiaParams, gueant_lehalle_tapia
from marketsim.markets.simulated.setting import Member
from marketsim.records import Kind
from tests.living.small_worlds import play
from tests.published.section import Section

SIGMA, A, K, GAMMA = 0.3, 0.9, 0.3, 0.01  # ticks a square-root second, 1/s, 1/tick, 1/tick
FINE = 1000  # the simulated market's ticks a tick of the paper
MOST = 30  # inventory limit, clips


def eigenvector_distances() -> npt.NDArray[np.float64]:
    """Return (2 MOST + 1, 2) exact bid and ask distances, ticks, for inventories from -MOST to MOST; infinite at the limits."""
    q = np.arange(-MOST, MOST + 1)
    eta = A * (1 + GAMMA / K) ** (-(1 + K / GAMMA))
    matrix = np.diag(0.5 * K * GAMMA * SIGMA**2 * q.astype(float) ** 2)
    matrix -= eta * (np.eye(len(q), k=1) + np.eye(len(q), k=-1))
    lowest = np.abs(np.linalg.eigh(matrix)[1][:, 0])
    base = math.log1p(GAMMA / K) / GAMMA
    padded = np.concatenate([[0.0], lowest, [0.0]])
    with np.errstate(divide="ignore"):
        bid = base + np.log(lowest / padded[2:]) / K
        ask = base + np.log(lowest / padded[:-2]) / K
    return np.stack([bid, ask], axis=1)


def closed_form_distances(q: float) -> tuple[float, float]:
    """Return the bid and ask distance of the paper's approximation as printed, ticks."""
    root = math.sqrt(SIGMA**2 * GAMMA / (2 * K * A) * (1 + GAMMA / K) ** (1 + K / GAMMA))
    base = math.log(1 + GAMMA / K) / GAMMA
    return base + (2 * q + 1) / 2 * root, base - (2 * q - 1) / 2 * root


def quoted_distances(inventories: list[int]) -> npt.NDArray[np.float64]:
    """Return (n, 2) distances that agents with these inventories quote, ticks; one symbol each."""
    params = GueantLehalleTapiaParams(
        qty_lot=10, reference="fundamental", risk_aversion_per_tick=GAMMA / FINE, volatility_tick=SIGMA * FINE, decay_per_tick=K / FINE,
        fills_per_s=A,
    )  # fmt: skip
    n = len(inventories)
    members = [
        Member(f"maker {k}", gueant_lehalle_tapia, params, symbol=k, position_lot=tuple(10 * q if j == k else 0 for j in range(n)))
        for k, q in enumerate(inventories)
    ]
    done = play(members, seconds=0.5, n_symbols=n, fundamental=100_000.0)
    found = []
    for k in range(n):
        prices = {int(m["side"]): int(m["price_tick"]) for m in done.sent(k + 1, Kind.LIMIT)}
        found.append([(100_000 - prices[1]) / FINE, (prices[-1] - 100_000) / FINE])
    return np.array(found)


def report(full: bool) -> list[Section]:
    """Return the distances for a range of inventories; they are exact and so the same in full."""
    del full
    inventories = list(range(-20, 21, 5))
    exact, quoted = eigenvector_distances(), quoted_distances(inventories)
    rows: list[tuple[Any, ...]] = []
    values = []
    for k, q in enumerate(inventories):
        form = closed_form_distances(q)
        rows.append((q, round(float(exact[q + MOST, 0]), 3), round(form[0], 3), round(float(quoted[k, 0]), 3),
                     round(float(exact[q + MOST, 1]), 3), round(form[1], 3), round(float(quoted[k, 1]), 3)))  # fmt: skip
        named = (("exact", float(exact[q + MOST, 0])), ("closed form", form[0]), ("quoted", float(quoted[k, 0])))
        values += [{"inventory": q, "bid distance": distance, "what": what} for what, distance in named]
    columns = ("inventory", "bid distance, exact", "closed form", "quoted", "ask distance, exact", "closed form", "quoted")
    chart = {
        "data": {"values": values},
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": {"field": "inventory", "type": "quantitative", "title": "inventory, clips"},
            "y": {"field": "bid distance", "type": "quantitative", "title": "bid distance, ticks"},
            "color": {"field": "what", "type": "nominal"},
        },
    }
    text = "Distances of the quotes from the mid by inventory: the eigenvector's, the closed form's, and the agent's in the market."
    return [Section("Guéant, Lehalle and Tapia 2013, asymptotic quotes", text, columns, rows, chart)]
